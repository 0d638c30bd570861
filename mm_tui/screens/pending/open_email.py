"""Shows the email under the cursor beside the list, and notes when the result of its decision was seen."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mm_tui.messages import SubjectChanged
from mm_tui.screens.dialogs.choice import show_page
from mm_tui.screens.pending.advice import advice_of, facts_page, newest_inbound
from mm_tui.screens.pending.findings import findings_page
from mm_tui.screens.pending.head import OpenedEmail
from mm_tui.screens.pending.pane import View
from mm_tui.services.decisions.approval_gate import ReadVersions
from mm_tui.services.decisions.view import Phase
from mm_tui.services.events import AssistChanged

if TYPE_CHECKING:
    from mm_tui.screens.pending.editing import Editing
    from mm_tui.screens.pending.host import QueueHost
    from mm_tui.screens.pending.timers import ScreenTimers


class OpenEmail:
    """Keeps the pane of the pending screen on the email under the cursor."""

    def __init__(self, screen: QueueHost, editing: Editing, timers: ScreenTimers) -> None:
        self._screen = screen
        self._editing = editing
        self._timers = timers
        self._version = ""
        """The version of the email that was shown last."""
        self._cursor_id = ""
        self._wanted = ""
        """The email that somebody asked for elsewhere, until the queue lists it."""

    @cached_property
    def versions(self) -> ReadVersions:
        """The versions of each email that were last on the screen."""
        return ReadVersions(self._screen.gate)

    def show(self) -> None:
        screen, entry = self._screen, self._screen.current
        version = entry.version if entry is not None else ""
        if version != self._version:
            self._version = version
            screen.post_message(SubjectChanged())
        self._editing.show_what_is_open()
        screen.update_status()
        if entry is None:
            screen.pane.show(None)
            return
        session = screen.session
        self._timers.draw_place()
        change = self.versions.show(entry, session.clock.now()) if screen.shows_email else None
        box, advice = session.mail.mailbox(entry.item.mailbox_id), advice_of(session, entry)
        screen.pane.show(OpenedEmail(entry, screen.decision_of(entry.item.id), box, change, advice))

    def advice_changed(self, event: AssistChanged) -> None:
        """Redraws the head of the draft if new advice may be about it."""
        entry = self._screen.current
        if entry is not None and {entry.item.id, newest_inbound(entry)} & {event.email_id, event.thread_id}:
            self.show()

    def go_to(self, email_id: str) -> None:
        """Puts the cursor on a waiting email, as soon as the queue lists it."""
        self._wanted = email_id
        if email_id in self._screen.listing.listed:
            self.find_wanted()
        else:
            self._screen.show_all()
            self._screen.reload()

    def find_wanted(self) -> None:
        """Moves to the email that was asked for, or to its edit in progress, or says why neither is listed."""
        screen, wanted = self._screen, self._wanted
        if not wanted:
            return
        view, keys = screen.decision_of(wanted), screen.queue_list.keys
        # Once an original is retired, its edit stands for it.
        ids = (wanted, view.replacement_id if view is not None else None)
        if (found := next((one for one in ids if one in keys), None)) is not None:
            self._wanted = ""
            screen.queue_list.move_to(keys.index(found))
        elif any(entry.item.id in ids for entry in screen.listing.left_out):
            self._wanted = ""
            screen.say("That email is snoozed: {pending.filter} lists it under “snoozed”.")
        elif not any(one and screen.session.pending.get(one) for one in ids):
            self._wanted = ""
            screen.say("That email does not wait for a decision any more.", "warning")

    def note_result(self) -> None:
        """The result of a decision has been seen once the cursor has been on its email and moved away."""
        screen = self._screen
        view = screen.decision_of(self._cursor_id) if self._cursor_id else None
        decisions = screen.session.decisions
        # An incident must have been opened, or shown beside the list: its row alone does not say everything.
        shown = view is not None and (screen.shows_email or view.phase is not Phase.INCIDENT)
        if decisions is not None and view is not None and view.must_be_seen and shown:
            screen.run_worker(decisions.looked_at(view.id), group="note", exit_on_error=False)
            screen.show_rows()
        self._cursor_id = screen.current.item.id if screen.current is not None else ""

    def tick(self) -> None:
        """Draws the state of the decision again."""
        if (entry := self._screen.current) is not None:
            self._screen.pane.tick(self._screen.decision_of(entry.item.id))

    def show_findings(self) -> None:
        if (entry := self._screen.current) is not None:
            pane = self._screen.pane
            page = findings_page(entry, pane.mailbox, pane.advice.reader_lines(), explain=True)
            show_page(self._screen.app, "Findings", page)

    def go_to_finding(self, step: int) -> None:
        """Goes to the next words of the draft that a finding or a remark is about, with -1 to the previous ones, and
        says what it is. What is passed over has not been seen."""
        screen = self._screen
        if screen.current is None:
            return
        if not screen.shows_email:
            screen.read_item()
        if screen.pane.view is not View.DRAFT:
            screen.pane.show_view(View.DRAFT)
        screen.pane.main.once_painted(lambda: self._go_to_words(step))

    def _go_to_words(self, step: int) -> None:
        pane, refusal, entry = self._screen.pane, self._screen.refusal, self._screen.current
        found, here = pane.go_to_words(step), pane.main.words_here
        findings = entry.assessment.findings if entry is not None else ()
        if found is None or here is None:
            why = "{pending.findings} shows what was found" if findings else "nothing was found"
            refusal.say(f"no words of this email are marked: {why}")
        else:
            level = next((f"{one.level.word} risk" for one in findings if one.words == here.about), "second reader")
            refusal.say(f"{found[0]} of {found[1]} · {level} · {here.about}", "information")

    def show_facts(self) -> None:
        if self._screen.current is not None:
            box = self._screen.pane.mailbox
            page = facts_page(self._screen.session.house_facts.of(box.address if box is not None else ""))
            show_page(self._screen.app, "House facts", page)
