"""Approving, rejecting and editing waiting mail: every act that leads to a decision, and what must be true before it.

What is approved is what was on the screen (R2): an act names the digest of the content whose end was seen. The
decision itself, its hold and its undoing are the business of `services.decisions`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input

from mm_tui.decision.state import Choice as Answer
from mm_tui.decision.state import Question
from mm_tui.models import EditedDraft
from mm_tui.screens.dialogs.choice import Choice, ChoiceScreen
from mm_tui.screens.dialogs.reasons import ReasonScreen
from mm_tui.screens.pending.diff_pages import change_name
from mm_tui.screens.pending.head import findings_page
from mm_tui.services.decisions.approval_gate import UNSEEN, ApprovalGate
from mm_tui.services.decisions.reasons import offered, remember
from mm_tui.services.decisions.view import AS_WANTED, Phase
from mm_tui.services.edits import NotSaved
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.text import OneLine
from mm_tui.widgets.words import count, with_keys

if TYPE_CHECKING:
    from mm_tui.messages import Services
    from mm_tui.screens.pending.pane import ItemPane
    from mm_tui.screens.pending.queue_list import PendingList
    from mm_tui.services.decisions.service import Decisions
    from mm_tui.services.decisions.view import DecisionView


class Begun(Message):
    """Decisions began, or were refused: then `refused` says why, and nothing happened."""

    def __init__(self, email_ids: list[str], refused: OneLine) -> None:
        super().__init__()
        self.email_ids = email_ids
        self.refused = refused


class Deciding(Screen[None]):
    """Mixed into the pending screen."""

    if TYPE_CHECKING:

        @property
        def services(self) -> Services: ...
        @property
        def current(self) -> QueueEntry | None: ...

        waiting: list[QueueEntry]
        _entries: dict[str, QueueEntry]

        @property
        def pane(self) -> ItemPane: ...
        @property
        def queue_list(self) -> PendingList: ...
        def decision_of(self, email_id: str) -> DecisionView | None: ...
        def read_item(self) -> None: ...
        def reload(self) -> None: ...
        def say(self, text: str, severity: str = "information") -> None: ...
        def unsay(self, text: str) -> None: ...

    def __init__(self) -> None:
        super().__init__()
        self._gate: ApprovalGate | None = None
        self._refusal = ""
        """Why the last key did nothing, as it was said."""
        self.marked: dict[str, str] = {}
        """Mail id: what of it was seen when it was marked."""
        self._was_marked: dict[str, str] = {}
        """The same of mails that are being decided."""
        self.reasons_given: dict[str, str] = {}
        """Mail id: why it is being rejected."""
        self.editing: QueueEntry | None = None
        """The mail whose draft is in the editor."""

    # What may be done

    @property
    def gate(self) -> ApprovalGate:
        """Says whether a mail may be decided on now."""
        if self._gate is None:
            self._gate = ApprovalGate(self.services.clock, self.services.settings.review.own_replies)
        return self._gate

    def why_not(self, asked: Callable[[QueueEntry, DecisionView | None], str], entry: QueueEntry) -> str:
        """What one of the gate's questions answers about this mail as its decision stands now."""
        return asked(entry, self.decision_of(entry.item.id))

    def note_unasked(self, before: QueueEntry | None) -> None:
        """Remembers when something else than `before` came under the cursor without the reader having moved it."""
        now = self.current
        if now is not None and before is not None and (before.item.id, before.digest) != (now.item.id, now.digest):
            self.gate.came()

    def forget_marks(self, entries: Mapping[str, QueueEntry]) -> None:
        """Drops the marks of mails that are gone or are no longer what was seen."""
        self.marked = {
            email_id: name
            for email_id, name in self.marked.items()
            if (entry := entries.get(email_id)) is not None and entry.version == name
        }

    def _decisions(self) -> Decisions | None:
        if self.services.decisions is None:
            self.say(self.services.trouble or "still starting: decisions need the gateway", "warning")
        return self.services.decisions

    def keep_reason(self, view: DecisionView | None) -> None:
        """Remembers why mail was rejected, once it is: an undone rejection changes nothing that is offered."""
        if view is not None and view.ended:
            reason = self.reasons_given.pop(view.email_id, "")
            if reason and view.phase in AS_WANTED:
                remember(self.services.database, reason, self.services.settings.review.reasons)

    def _reasons(self) -> list[str]:
        return offered(self.services.database, self.services.settings.review.reasons)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hides what cannot apply to the mail under the cursor."""
        entry = self.current
        if action == "next_view" and isinstance(self.focused, Input):
            return False
        if action == "filter_step":
            return not self.has_class("-reading")
        if action in ("approve_marked", "reject_marked"):
            return bool(self.marked)
        if action == "answer":
            view = self.decision_of(entry.item.id) if entry is not None else None
            return view is not None and view.question is not None
        if action in ("send_back", "discard"):
            return entry is not None and entry.edit is not None
        if action == "edit":
            return entry is not None and not entry.is_inbound
        if action in ("approve", "reject", "skip", "mark", "next_view", "findings", "thread"):
            return entry is not None
        return True

    # Acts

    def action_approve(self) -> None:
        entry, decisions = self.current, self._decisions()
        if entry is None or decisions is None:
            return
        if (why := self.why_not(self.gate.why_not_approve, entry)) and why != UNSEEN:
            self.refuse(why)
        elif why:
            self._read_on(entry)
        elif entry.assessment.asks_again:
            self.app.push_screen(
                ChoiceScreen(
                    "Approve in spite of high risk?",
                    findings_page(entry),
                    [Choice("Y", "approve all the same", True)],
                    stay="back, nothing is decided",
                ),
                lambda sure: self._approve(entry) if sure else None,
            )
        else:
            self._approve(entry)

    def _read_on(self, entry: QueueEntry) -> None:
        """Shows what would leave; says how much of it is left to read once that is known, which is when it is drawn."""
        self.read_item()
        self.pane.show_what_leaves()
        self.pane.main.once_painted(lambda: self._say_unread(entry))

    def _say_unread(self, entry: QueueEntry) -> None:
        if self.current != entry or self.gate.has_seen(entry):
            return
        unread = self.pane.main.lines_unread
        more = f"{count(unread, 'line', 'lines')} not on the screen yet: {{paper.page_down}} reads on"
        self.refuse(more if unread else "here is all that would leave: look, then approve")

    def refuse(self, why: str) -> None:
        """Says why a key does nothing, until an act makes that answer an old one."""
        self._refusal = why
        self.say(why, "warning")

    def forget_refusal(self) -> None:
        """The reader has read, moved or decided: what was said before is no longer the answer."""
        if self._refusal:
            self.unsay(self._refusal)
            self._refusal = ""

    def _approve(self, entry: QueueEntry) -> None:
        decisions = self._decisions()
        if decisions is None or not self.gate.has_seen(entry):
            return
        found = entry.assessment.findings
        if entry.edit is None:
            self._decide([entry], decisions.approve(entry.item, entry.digest, found=found))
        elif self.services.settings.profile.send_key is None:
            self.say("without a send key an edit cannot be submitted: it can be sent back to the agent", "warning")
            self._ask_why_back(entry, entry.edit.text)
        else:
            self._decide([entry], decisions.release_edit(entry.item, entry.digest, entry.edit.text, found=found))

    def _decide(self, entries: Sequence[QueueEntry], beginning: Coroutine[Any, Any, object]) -> None:
        # Not exclusive: a second decision must never cancel the journal entry of the first.
        self.gate.begin(entry.item.id for entry in entries)
        self.run_worker(self._begin(entries, beginning), group="decide", exclusive=False, exit_on_error=False)

    async def _begin(self, entries: Sequence[QueueEntry], beginning: Coroutine[Any, Any, object]) -> None:
        from mm_tui.services.decisions.service import Refused

        # Whatever else goes wrong is told by the app; here it must not look as if the decision had begun.
        words = OneLine("it did not begin: nothing was decided")
        try:
            await beginning
            words = OneLine("")
        except Refused as refused:
            words = OneLine(str(refused))
        finally:
            self.post_message(Begun([entry.item.id for entry in entries], words))

    def on_begun(self, message: Begun) -> None:
        self.gate.begun(message.email_ids)
        if message.refused:
            self.say(message.refused, "warning")
            return
        self.forget_refusal()
        for email_id in message.email_ids:
            if (version := self.marked.pop(email_id, None)) is not None:
                self._was_marked[email_id] = version
            self.give_mark_back(email_id)
        before = self.current
        if before is not None and before.item.id in message.email_ids:
            self._go_to_next_undecided()
            self.note_unasked(before)
        self.reload()

    def give_mark_back(self, email_id: str) -> None:
        """Marks a mail again whose decision ended without effect, such as by undo, if it was marked for it."""
        view = self.decision_of(email_id)
        if view is None or not view.ended:
            return
        version = self._was_marked.pop(email_id, None)
        if version is not None and view.phase is Phase.UNDECIDED:
            self.marked[email_id] = version

    def _go_to_next_undecided(self) -> None:
        keys, at = self.queue_list.keys, self.queue_list.cursor
        for index in [*range(at + 1, len(keys)), *range(at)]:
            view = self.decision_of(keys[index])
            ended = self._entries[keys[index]].ended
            if not ended and (view is None or view.ended):
                self.queue_list.move_to(index)
                return

    def action_reject(self) -> None:
        entry = self.current
        if entry is None or self._decisions() is None:
            return
        if why := self.why_not(self.gate.why_not_decide, entry):
            self.refuse(why)
            return
        self.app.push_screen(
            ReasonScreen("Reject, and why", entry.item.subject, self._reasons()),
            lambda reason: self._reject(entry, reason) if reason else None,
        )

    def _reject(self, entry: QueueEntry, reason: str) -> None:
        if (decisions := self._decisions()) is not None:
            self.reasons_given[entry.item.id] = reason
            self._decide([entry], decisions.reject(entry.item, entry.digest, reason))

    def action_send_back(self) -> None:
        """Rejects with the edited text in the reason, so that the agent can send it anew; the text is kept here."""
        entry = self.current
        if entry is None or self._decisions() is None:
            return
        if entry.edit is None:
            self.say("there is no edit to send back: {pending.edit} edits, {pending.reject} rejects")
        elif why := self.why_not(self.gate.why_not_decide, entry):
            self.refuse(why)
        else:
            self._ask_why_back(entry, entry.edit.text)

    def _ask_why_back(self, entry: QueueEntry, edit: EditedDraft) -> None:
        self.app.push_screen(
            ReasonScreen("Send back with your text, and a note", entry.item.subject, self._reasons()),
            lambda reason: self._send_back(entry, edit, reason) if reason else None,
        )

    def _send_back(self, entry: QueueEntry, edit: EditedDraft, reason: str) -> None:
        if (decisions := self._decisions()) is not None:
            self._decide([entry], decisions.send_back(entry.item, entry.digest, reason, edit))

    def action_edit(self) -> None:
        entry = self.current
        if entry is None:
            return
        if why := self.why_not(self.gate.why_busy, entry):
            self.refuse(why)
        elif entry.is_inbound:
            self.say("inbound mail is approved or rejected as it came")
        elif unread := entry.unread_words:
            self.say(unread, "warning")
        else:
            from mm_tui.screens.pending.editor import EditScreen

            self.editing = entry
            self.tell_what_is_open()
            self.app.push_screen(EditScreen(entry), lambda _: self._edited())

    def _edited(self) -> None:
        self.editing = None
        self.tell_what_is_open()
        self.reload()

    def tell_what_is_open(self) -> None:
        """Has other reviewers see which mail is read or edited here, and theirs be seen; none once it is left."""
        claims, watch = self.services.claims, self.services.claim_watch
        if claims is None or watch is None:
            return
        under = self.editing or self.current
        if under is None or under.ended or self not in self.app.screen_stack:
            watch.stop()
        else:
            watch.watch(under.item.mailbox_id, under.item.id)
        entry = self.editing or (self.current if self.has_class("-reading") else None)
        view = self.decision_of(entry.item.id) if entry is not None else None
        if entry is None or entry.ended or self not in self.app.screen_stack or (view is not None and not view.ended):
            claims.close()
        else:
            claims.open(entry.item.mailbox_id, entry.item.id)

    def on_screen_suspend(self) -> None:
        # Once the app has changed to what comes: a dialog leaves the mail open, another main screen does not.
        self.call_later(self.tell_what_is_open)
        self.call_later(self._name_other_keys)

    def on_screen_resume(self) -> None:
        self._name_other_keys()

    def _name_other_keys(self) -> None:
        if self.current is not None:
            self.pane.tick(self.decision_of(self.current.item.id))

    def action_discard(self) -> None:
        entry = self.current
        if entry is None or entry.edit is None:
            return
        if why := self.why_not(self.gate.why_not_decide, entry):
            self.refuse(why)
            return
        self.app.push_screen(
            ChoiceScreen(
                "Throw your edit away?",
                Content("The agent's draft stays as it is; your text cannot be brought back."),
                [Choice("D", "throw it away", True)],
                stay="keep it",
            ),
            lambda sure: self._discard(entry) if sure else None,
        )

    def _discard(self, entry: QueueEntry) -> None:
        assert entry.edit is not None
        try:
            if not self.services.edits.discard(entry.item.id, still=entry.edit.text):
                self.say("your text is another one since: another window writes too. Look at it again", "warning")
        except NotSaved as error:
            self.say(f"not thrown away: {error}", "error")
        self.reload()

    def action_skip(self) -> None:
        self._go_to_next_undecided()

    def action_findings(self) -> None:
        if (entry := self.current) is not None:
            no_choices: list[Choice[bool]] = []
            self.app.push_screen(ChoiceScreen("What was found", findings_page(entry, self.pane.mailbox), no_choices))

    def action_answer(self) -> None:
        """Answers what only a human may answer about a decision on its way."""
        entry = self.current
        view = self.decision_of(entry.item.id) if entry is not None else None
        if view is None or view.question is None:
            self.say("nothing is asked here")
            return
        asked, words = view.question, Content(view.question.words)
        offered = list(asked.choices)
        if not self.has_read_change(view):
            # What is accepted is what was on the screen (R2).
            offered = [(answer, said) for answer, said in offered if answer is not Answer.ACCEPT]
            view_key = with_keys("{pending.view}", self.services.settings.keys)
            words += (
                f"\n\nIt can be accepted once what differs has been read to its end: go back, then {view_key} to Diff."
            )
        choices = [Choice(str(at), str(said), answer) for at, (answer, said) in enumerate(offered, start=1)]
        self.app.push_screen(
            ChoiceScreen("What now?", words, choices, stay="decide later"),
            lambda answer: self._answer(view.email_id, answer, asked.question) if answer is not None else None,
        )

    def has_read_change(self, view: DecisionView | None) -> bool:
        """What would be accepted has been on the screen; also when nothing is there to accept."""
        asks = (
            view is not None
            and view.question is not None
            and any(answer is Answer.ACCEPT for answer, _ in view.question.choices)
        )
        return not asks or self.gate.has_read(change_name(view))

    def _answer(self, email_id: str, answer: Answer, question: Question) -> None:
        if (decisions := self._decisions()) is not None:
            answering = decisions.answer(email_id, answer, to=question)
            self.run_worker(answering, group="answer", exclusive=False, exit_on_error=False)
