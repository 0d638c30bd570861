"""Approves and rejects waiting emails, and answers questions about decisions in progress.

What is approved is what was on the screen (R2): an action names the digest of the content that was read to the end.
`services.decisions` handles the decision itself, its hold and its undo.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from textual.content import Content

from mm_tui.decision.state import Act, Choice
from mm_tui.models import EditedDraft
from mm_tui.screens.dialogs.choice import ChoiceScreen, DialogChoice
from mm_tui.screens.dialogs.dialog import ask
from mm_tui.screens.dialogs.offers import ReasonScreen
from mm_tui.screens.pending.diff_pages import change_name
from mm_tui.screens.pending.words import ONLY_SENT_BACK, about_line, question_page, question_words
from mm_tui.services.decisions.approval_gate import UNSEEN, WAITS_FOR_SECOND
from mm_tui.services.decisions.reasons import offered, remember
from mm_tui.services.decisions.view import AS_WANTED, DecisionView
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.text import ManyLine, OneLine
from mm_tui.widgets.words import count, with_keys

if TYPE_CHECKING:
    from mm_tui.screens.pending.host import QueueHost
    from mm_tui.services.decisions.service import Decisions

BUSY_SECONDS = 1.0
"""Seconds to wait for the journal without a word."""
BUSY = "not held yet: the store on this machine is busy"


class Deciding:
    """Starts decisions for the pending screen, after asking the approval gate, and says why if it refuses."""

    def __init__(self, screen: QueueHost, ask_take_back: Callable[[QueueEntry, Callable[[], str]], None]) -> None:
        """Takes the screen, and what offers to take a first approval back."""
        self._screen = screen
        self._ask_take_back = ask_take_back
        self._reasons_given: dict[str, str] = {}
        """The reason of each rejection in progress, by email id."""
        self._unused: dict[str, str] = {}
        """The reasons that were typed and have rejected nothing yet, by email id: they are offered again."""

    # Permission

    def note_unasked(self, before: QueueEntry | None) -> None:
        """Remembers when something other than `before` came under the cursor without the reader moving it."""
        now = self._screen.current
        if now is None or before is None:
            return
        if (before.item.id, before.digest, before.approvals) != (now.item.id, now.digest, now.approvals):
            self._screen.gate.came()
        if before.version != now.version:
            self._screen.refusal.forget()

    def why_over(self, asked: QueueEntry) -> str:
        """Why a question about this email, as it was when it was asked, need not be answered any more."""
        now = self._screen.listing.find(asked.item.id)
        if now is None:
            return "this email no longer waits"
        if asked.item.complete and now.version != asked.version:
            return "the email changed while you were asked about it: look first"
        return self._screen.why_not(self._screen.gate.why_busy, now)

    def why_outdated(self, asked: QueueEntry) -> str:
        """Why a question whether to approve this email need not be answered any more: also if more was found."""
        if why := self._screen.gate.why_no_room or self.why_over(asked):
            return why
        now = self._screen.listing.find(asked.item.id)
        is_known = now is None or now.found <= asked.found
        return "" if is_known else "something else was found about it while you were asked: look first"

    def why_all_over(self, asked: Sequence[QueueEntry], why_over: Callable[[QueueEntry], str]) -> str:
        """Why a question about these emails as they were need not be answered any more."""
        gone = [entry for entry in asked if why_over(entry)]
        if not gone:
            return ""
        return (
            f"{len(gone)} of the {len(asked)} emails changed or {'was' if len(gone) == 1 else 'were'} decided meanwhile"
        )

    def service(self) -> Decisions | None:
        """The decision service; None, with a message on the status line, while the gateway cannot be used."""
        session = self._screen.session
        if session.decisions is None:
            self._screen.refusal.say(session.trouble or "still starting: decisions need the gateway")
        return session.decisions

    # Start and end

    def begin(
        self,
        entries: Sequence[QueueEntry],
        decide: Callable[[Decisions], Coroutine[Any, Any, object]],
        reason: str = "",
    ) -> None:
        """Starts decisions in a worker, unless the gateway cannot be used. `reason`: why they are rejected; offered
        again once they are."""
        if (decisions := self.service()) is None:
            return
        beginning = decide(decisions)
        self._reasons_given |= {entry.item.id: reason for entry in entries if reason}
        # Not exclusive: a second decision must not cancel the journal entry of the first.
        self._screen.gate.begin(entry.item.id for entry in entries)
        self._screen.run_worker(self._begin(entries, beginning), group="decide", exclusive=False, exit_on_error=False)

    async def _begin(self, entries: Sequence[QueueEntry], beginning: Coroutine[Any, Any, object]) -> None:
        from mm_tui.services.decisions.service import Refused

        # The app reports any other error; here it must not look as if the decision had started.
        refused = OneLine("the decision could not be started: nothing was decided")
        waiting = self._screen.set_timer(BUSY_SECONDS, lambda: self._screen.say(BUSY, "warning"))
        try:
            await beginning
            refused = OneLine("")
        except Refused as error:
            refused = OneLine(str(error))
        finally:
            waiting.stop()
            self._screen.unsay(BUSY)
            self._screen.call_later(self._begun, [entry.item.id for entry in entries], refused)

    def _begun(self, email_ids: Sequence[str], refused: OneLine) -> None:
        """Handles decisions that started; the cursor moves on from a decided email. If they were `refused`, that says
        why, and nothing happened."""
        self._screen.gate.begun(email_ids)
        if refused:
            self._screen.refusal.say(refused)
            # What was shown may have been outdated.
            self._screen.reload()
            return
        self._screen.refusal.forget()
        if (decisions := self._screen.session.decisions) is not None:
            # Their rows keep a sign.
            noting = decisions.note_not_done()
            self._screen.run_worker(noting, group="note", exclusive=False, exit_on_error=False)
        for email_id in email_ids:
            self._screen.marks.begun(email_id)
            self._screen.marks.decided(email_id, self._screen.decision_of(email_id))
        before = self._screen.current
        if before is not None and before.item.id in email_ids:
            self.go_to_next_undecided()
            self.note_unasked(before)
        self._screen.reload()

    def moved(self, email_id: str) -> None:
        """Handles a change in a decision. A reason is remembered only once it was used: an undone rejection changes
        nothing."""
        view = self._screen.decision_of(email_id)
        self._screen.marks.decided(email_id, view)
        if self._screen.is_under_cursor(email_id):
            self._screen.refusal.forget()
        if view is not None and view.ended:
            reason = self._reasons_given.pop(email_id, "")
            if view.phase in AS_WANTED:
                self._unused.pop(email_id, None)
                if reason:
                    session = self._screen.session
                    remember(session.database, reason, session.settings.review.reasons)

    def go_to_next_undecided(self) -> None:
        """Moves the cursor to the next email without a decision, continuing at the top of the list."""
        shown, listed = self._screen.queue_list, self._screen.listing.listed
        keys, at = shown.keys, shown.cursor
        for index in [*range(at + 1, len(keys)), *range(at)]:
            view = self._screen.decision_of(keys[index])
            if not listed[keys[index]].ended and (view is None or view.ended):
                shown.move_to(index)
                return

    def undone(self, email_ids: Collection[str]) -> None:
        """Moves the cursor back to the first of these emails; none is decided before it was looked at again (R14)."""
        shown, ids = self._screen.queue_list, frozenset(email_ids)
        at = next((at for at, key in enumerate(shown.keys) if key in ids), shown.cursor)
        if at != shown.cursor:
            self._screen.gate.came()
            shown.move_to(at)

    # Approving

    def approve(self) -> None:
        """Approves the email under the cursor; if it was not seen, shows it instead. It asks once before approving a
        high risk, an email that a colleague has open, or one whose thread continued with an email that was not on the
        screen."""
        entry = self._screen.current
        if entry is None or self.service() is None:
            return
        why = self._screen.why_not(self._screen.gate.why_not_approve, entry)
        if why == WAITS_FOR_SECOND:
            self._ask_take_back(entry, lambda: self.why_over(entry))
        elif why and why != UNSEEN:
            self._screen.refusal.say(why)
        elif why:
            self._screen.refusal.read_on(entry)
        elif (newer := self.unseen_newer(entry)) or entry.assessment.asks_again or entry.colleague_words:
            title, anyway = question_words(entry)
            question = self._question(entry, title, question_page(entry, newer), anyway)
            ask(self._screen.app, question, lambda _: self._approve_knowing(entry))
        else:
            self._approve_knowing(entry)

    def _question(self, entry: QueueEntry, title: str, page: Content, yes: str) -> ChoiceScreen[bool]:
        """Asks once more before an email is approved."""
        choice, stay = DialogChoice("Y", yes, True), "go back without deciding"
        return ChoiceScreen(title, page, [choice], stay=stay, over=lambda: self.why_outdated(entry))

    def unseen_newer(self, entry: QueueEntry) -> str:
        """What came in its thread after it was written and was not on the screen, and the key that shows it; empty if
        nothing did."""
        if self._screen.gate.has_seen_newer(entry):
            return ""
        came = count(len(entry.newer), "newer email", "newer emails")
        words = f"{came} in its thread not seen yet: {{pending.thread}} shows the thread"
        return with_keys(words, self._screen.session.settings.keys)

    def _approve_knowing(self, entry: QueueEntry) -> None:
        """Asks before an edit to a recipient on the allowlist: it would be sent as soon as it is submitted."""
        session = self._screen.session
        box = session.mail.mailbox(entry.item.mailbox_id)
        to = (*entry.edit.text.to, *entry.item.raw.cc, *entry.item.raw.bcc) if entry.edit is not None else ()
        through = box.let_through(to) if box is not None else ()
        if not through or session.settings.profile.send_key is None:
            self._approve(entry)
            return
        words = f"{', '.join(through)}: on the mailbox's allowlist. Your edit is sent as soon as it is submitted, "
        words += "before the original is retired; only the hold can be undone."
        page = Content.assemble((about_line(entry), "bold"), "\n\n", OneLine(words))
        question = self._question(entry, "Send an edit that needs no approval?", page, "send it anyway")
        ask(self._screen.app, question, lambda _: self._approve(entry))

    def _approve(self, entry: QueueEntry) -> None:
        if self.service() is None or not self._screen.gate.has_seen(entry):
            return
        item, digest, edit, found = entry.item, entry.digest, entry.edit, entry.assessment.findings
        if edit is None:
            self.begin([entry], lambda service: service.approve(item, digest, found=found, shown=entry.approvals))
        elif self._screen.session.settings.profile.send_key is None:
            self._screen.refusal.say(ONLY_SENT_BACK)
            self._ask_why_back(entry, edit.text)
        else:
            self.begin([entry], lambda service: service.release_edit(item, digest, edit.text, found=found))

    # Rejecting

    def ask_reason(
        self,
        entries: Sequence[QueueEntry],
        title: str,
        about: OneLine | ManyLine,
        then: Callable[[str, bool | None], None],
        *,
        over: Callable[[], str],
        may_ask_redraft: bool = False,
    ) -> None:
        """Asks for a reason for rejecting these emails, and continues if one is given. `then` gets the reason, and
        whether another draft is asked for; None leaves that to the reason. `over`: why there is nothing to reject any
        more. `may_ask_redraft`: another draft may be asked for. Some reasons do, and the dialog says which."""
        session = self._screen.session
        review = session.settings.review
        reasons = offered(session.database, review.reasons)
        asking = review.redraft_reasons if may_ask_redraft and session.can("send") else None
        ids = [entry.item.id for entry in entries]
        typed = next(filter(None, map(self._unused.get, ids)), "")
        dialog = ReasonScreen(title, about, reasons, asking, over=over, typed=typed)

        def given(reason: str) -> None:
            self._unused |= dict.fromkeys(ids, dialog.typed)
            then(reason, dialog.asks_redraft)

        ask(self._screen.app, dialog, given)

    def reject(self) -> None:
        entry = self._screen.current
        if entry is None or self.service() is None or self._screen.refuses(self._screen.gate.why_not_decide, entry):
            return
        self.ask_reason(
            [entry],
            "Reject: give a reason",
            about_line(entry),
            lambda reason, asks: self.begin(
                [entry], lambda service: service.reject(entry.item, entry.digest, reason, asks_redraft=asks), reason
            ),
            over=lambda: self.why_over(entry),
            may_ask_redraft=not entry.is_inbound and entry.author is None,
        )

    def send_back(self) -> None:
        """Rejects with the edited text in the reason, so that the agent can submit it; the text is also kept here."""
        entry = self._screen.current
        if entry is None or self.service() is None:
            return
        if entry.edit is None:
            self._screen.refusal.say("there is no edit to send back: {pending.edit} edits, {pending.reject} rejects")
        elif not self._screen.refuses(self._screen.gate.why_not_decide, entry):
            self._ask_why_back(entry, entry.edit.text)

    def _ask_why_back(self, entry: QueueEntry, edit: EditedDraft) -> None:
        about: OneLine | ManyLine = about_line(entry)
        if not self._screen.session.can("send"):
            about = ManyLine(f"{about}\nWithout a send key, another draft cannot be asked for.")
        self.ask_reason(
            [entry],
            "Send your text back to the agent: give a reason",
            about,
            lambda reason, _: self.begin(
                [entry], lambda service: service.send_back(entry.item, entry.digest, reason, edit)
            ),
            over=lambda: self.why_over(entry),
        )

    # Answering

    def answer(self) -> None:
        """Answers a question about a decision in progress that only a human may answer."""
        entry = self._screen.current
        view = self._screen.decision_of(entry.item.id) if entry is not None else None
        if entry is None or view is None or view.question is None:
            self._screen.refusal.say("there is no question to answer here")
            return

        def why_no_room() -> str:
            # No answer to a question about a rejection releases anything.
            return "" if view.act is Act.REJECT else self._screen.gate.why_no_room

        if why := why_no_room():
            self._screen.refusal.say(why)
            return
        email_id, asked, choices = view.email_id, view.question, list(view.question.choices)
        words = Content.assemble((about_line(entry), "bold"), "\n\n", asked.words)
        if not self._has_read_change(view):
            # Only what was on the screen can be accepted (R2).
            choices = [(answer, said) for answer, said in choices if answer is not Choice.ACCEPT]
            view_key = with_keys("{pending.view}", self._screen.session.settings.keys)
            words += f"\n\nRead the differences to the end before you accept: go back, then press {view_key} for Diff."

        def answered(answer: Choice) -> None:
            if (decisions := self.service()) is not None:
                answering = decisions.answer(email_id, answer, to=asked.question, digest=asked.digest)
                self._screen.run_worker(answering, group="answer", exclusive=False, exit_on_error=False)

        def over() -> str:
            if why := why_no_room():
                return why
            now = self._screen.decision_of(email_id)
            return "" if now is not None and now.question == asked else "this question has been answered meanwhile"

        numbered = [DialogChoice(str(at), str(said), answer) for at, (answer, said) in enumerate(choices, start=1)]
        ask(self._screen.app, ChoiceScreen("What now?", words, numbered, stay="decide later", over=over), answered)

    def _has_read_change(self, view: DecisionView) -> bool:
        """Whether the content to accept has been on the screen, or there is none."""
        asks = view.question is not None and any(answer is Choice.ACCEPT for answer, _ in view.question.choices)
        return not asks or self._screen.gate.has_read(change_name(view))
