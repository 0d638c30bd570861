"""Edits the email under the cursor, and shows colleagues which email is open here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.content import Content

from mm_tui.review.findings import Level
from mm_tui.screens.dialogs.choice import ChoiceScreen, DialogChoice
from mm_tui.screens.dialogs.dialog import ask
from mm_tui.screens.pending.pages import place_in_body
from mm_tui.screens.pending.pane import View
from mm_tui.screens.pending.words import about_line
from mm_tui.services.decisions.approval_gate import AS_IT_IS
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.services.saved_texts.edits import NotSaved, written_for
from mm_tui.store.decisions.edits import SavedEdit
from mm_tui.text import ManyLine

if TYPE_CHECKING:
    from mm_tui.screens.pending.host import QueueHost


class Editing:
    """Opens the editor for the pending screen, and discards edits."""

    def __init__(self, screen: QueueHost) -> None:
        self._screen = screen
        self._editing: QueueEntry | None = None
        """The email whose draft is in the editor."""

    def edit(self) -> None:
        if (entry := self._screen.current) is not None and self._may_edit(entry):
            # A text that was saved since the list was read, here or in another window, is not in it yet.
            fresh = replace(entry, edit=self._screen.session.edits.get(entry.item.id))
            self._open(fresh, self._place(entry) if fresh.version == entry.version else 0)

    def _may_edit(self, entry: QueueEntry) -> bool:
        """Whether the draft can be edited now; says why if not."""
        if self._screen.refuses(self._screen.gate.why_busy, entry):
            return False
        why = AS_IT_IS if entry.is_inbound else entry.unread_words
        if why:
            self._screen.refusal.say(why)
        return not why

    def _place(self, entry: QueueEntry) -> int:
        """Where the editor opens: at the marked words that the reader went to, or else at the first words of a high
        risk, or of a medium one, or else at the first line on the screen."""
        pager, findings = self._screen.pane.main, entry.assessment.findings
        is_on_page = self._screen.pane.view is View.DRAFT and pager.page_name == entry.version
        body = str(ManyLine(entry.text.body))
        if is_on_page and pager.words_here is not None:
            return place_in_body(body, pager.page, pager.words_here.start)
        for level in (Level.HIGH, Level.MEDIUM):
            if starts := [span.start for one in findings if one.level is level for span in one.spans]:
                return min(starts)
        return place_in_body(body, pager.page, pager.top) if is_on_page else 0

    def _open(self, entry: QueueEntry, at: int = 0) -> None:
        from mm_tui.screens.pending.editor import EditScreen

        self._editing = entry
        self.show_what_is_open()
        self._screen.app.push_screen(EditScreen(entry, at), lambda _: self._edited())

    def use(self, saved: SavedEdit) -> None:
        """Opens a saved text in the editor of the draft waiting in its thread, or as a new reply there. An existing
        text there, and the saved text itself, stay among the saved texts."""
        session, email_id = self._screen.session, written_for(saved)
        mail = session.mail.summary(email_id)
        waiting = [entry for entry in self._screen.listing.waiting if not entry.is_inbound]
        found = next((entry for entry in waiting if entry.item.id == email_id), None)
        if found is None and mail is not None and mail.thread_id is not None:
            found = next(
                (entry for entry in waiting if self._thread_of(entry) == (mail.mailbox_id, mail.thread_id)), None
            )
        if found is not None:
            self._use_in_draft(found, saved)
        elif mail is not None:
            from mm_tui.screens.thread.screen import ThreadScreen

            body = saved.text.body
            self._screen.app.push_screen(ThreadScreen(mail.mailbox_id, mail.thread_id, mail.id, reply_with=body))
        else:
            self._screen.say("the email that it was written for is not on this machine: copy it instead", "warning")

    def _thread_of(self, entry: QueueEntry) -> tuple[str, str | None]:
        listed = self._screen.session.mail.summary(entry.item.id) if entry.item.thread_id is None else None
        return entry.item.mailbox_id, entry.item.thread_id or (listed.thread_id if listed is not None else None)

    def _use_in_draft(self, entry: QueueEntry, saved: SavedEdit) -> None:
        if not self._may_edit(entry):
            return
        item, session = entry.item, self._screen.session
        # To and subject stay those of the draft: the old text may have been for somebody else.
        text, own = replace(entry.text, body=saved.text.body), replace(entry, edit=None)
        edit = SavedEdit(item.id, item.mailbox_id, entry.digest, item.raw, text, session.clock.now())
        try:
            session.edits.save(edit, durable=True, is_edit=text != own.text)
        except NotSaved as error:
            self._screen.say(f"not saved: {error}", "error")
            return
        shown = self._screen.queue_list
        if item.id in shown.keys:
            shown.move_to(list(shown.keys).index(item.id))
        self._open(replace(entry, edit=edit) if text != own.text else own)
        self._screen.say("the saved text is in the editor; To and subject are the draft's")

    def _edited(self) -> None:
        self._editing = None
        self.show_what_is_open()
        self._screen.reload()

    def discard(self) -> None:
        entry = self._screen.current
        if entry is None:
            return
        if entry.edit is None:
            self._screen.refusal.say("there is no edit to discard: {pending.edit} edits")
            return
        if self._screen.refuses(self._screen.gate.why_not_decide, entry):
            return
        words = "\n\nThe agent's draft stays as it is; your text cannot be recovered."
        page = Content.assemble((about_line(entry, digest=False), "bold"), words)
        question = ChoiceScreen("Discard your edit?", page, [DialogChoice("D", "discard it", True)], stay="keep it")
        ask(self._screen.app, question, lambda _: self._discard(entry))

    def _discard(self, entry: QueueEntry) -> None:
        assert entry.edit is not None
        try:
            gone = self._screen.session.edits.discard(entry.item.id, still=entry.edit.text)
        except NotSaved as error:
            self._screen.say(f"not discarded: {error}", "error")
        else:
            if not gone:
                self._screen.say(
                    "your text has changed since: another window is editing it too. Look at it again", "warning"
                )
        self._screen.reload()

    def show_what_is_open(self) -> None:
        """Shows other reviewers which email is open here, and reads theirs; none once the screen is left."""
        screen = self._screen
        presence = screen.session.presence
        if presence is None:
            return
        under = self._editing or screen.current
        if under is None or under.ended or not screen.is_open:
            presence.watch.stop()
        else:
            presence.watch.watch(under.item.mailbox_id, under.item.id)
        entry = self._editing or (screen.current if screen.is_reading else None)
        view = screen.decision_of(entry.item.id) if entry is not None else None
        if entry is None or entry.ended or not screen.is_open or (view is not None and not view.ended):
            presence.close()
        else:
            presence.open(entry.item.mailbox_id, entry.item.id)
