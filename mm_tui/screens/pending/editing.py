"""Editing the mail under the cursor, and telling colleagues which mail is open here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from mm_tui.screens.dialogs.choice import Choice, ChoiceScreen
from mm_tui.services.edits import NotSaved

if TYPE_CHECKING:
    from mm_tui.screens.pending.deciding import Deciding
    from mm_tui.screens.pending.host import QueueHost
    from mm_tui.services.queue.entry import QueueEntry


class Editing:
    """Opens the editor for the pending screen and throws edits away."""

    def __init__(self, screen: QueueHost, deciding: Deciding) -> None:
        self._screen = screen
        self._deciding = deciding
        self._editing: QueueEntry | None = None
        """The mail whose draft is in the editor."""

    def edit(self) -> None:
        """Opens the draft under the cursor in the editor."""
        entry = self._screen.current
        if entry is None:
            return
        if why := self._deciding.why_not(self._screen.gate.why_busy, entry):
            self._deciding.refuse(why)
        elif entry.is_inbound:
            self._screen.say("inbound mail can only be approved or rejected as it is")
        elif unread := entry.unread_words:
            self._screen.say(unread, "warning")
        else:
            from mm_tui.screens.pending.editor import EditScreen

            self._editing = entry
            self.tell_what_is_open()
            self._screen.app.push_screen(EditScreen(entry), lambda _: self._edited())

    def _edited(self) -> None:
        self._editing = None
        self.tell_what_is_open()
        self._screen.reload()

    def discard(self) -> None:
        """Throws the edit of the mail under the cursor away, after a question."""
        entry = self._screen.current
        if entry is None or entry.edit is None:
            return
        if why := self._deciding.why_not(self._screen.gate.why_not_decide, entry):
            self._deciding.refuse(why)
            return
        self._screen.app.push_screen(
            ChoiceScreen(
                "Discard your edit?",
                Content("The agent's draft stays as it is; your text cannot be recovered."),
                [Choice("D", "discard it", True)],
                stay="keep it",
            ),
            lambda sure: self._discard(entry) if sure else None,
        )

    def _discard(self, entry: QueueEntry) -> None:
        assert entry.edit is not None
        try:
            gone = self._screen.services.edits.discard(entry.item.id, still=entry.edit.text)
        except NotSaved as error:
            self._screen.say(f"not discarded: {error}", "error")
        else:
            if not gone:
                self._screen.say(
                    "your text has changed since: another window is editing it too. Look at it again", "warning"
                )
        self._screen.reload()

    def tell_what_is_open(self) -> None:
        """Has other reviewers see which mail is read or edited here, and theirs be seen; none once it is left."""
        screen = self._screen
        claims, watch = screen.services.claims, screen.services.claim_watch
        if claims is None or watch is None:
            return
        under = self._editing or screen.current
        if under is None or under.ended or not screen.is_open:
            watch.stop()
        else:
            watch.watch(under.item.mailbox_id, under.item.id)
        entry = self._editing or (screen.current if screen.is_reading else None)
        view = screen.decision_of(entry.item.id) if entry is not None else None
        if entry is None or entry.ended or not screen.is_open or (view is not None and not view.ended):
            claims.close()
        else:
            claims.open(entry.item.mailbox_id, entry.item.id)
