"""The pending screen as its parts know it: the widgets, the queue, and the email under the cursor."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from mm_tui.screens.base import BaseScreen, has_room
from mm_tui.screens.pending.column import PendingList, QueueColumn
from mm_tui.screens.pending.pane import ItemPane
from mm_tui.services.decisions.approval_gate import UNSEEN, ApprovalGate
from mm_tui.services.decisions.listing import QueueListing
from mm_tui.services.decisions.marks import Marks
from mm_tui.services.decisions.view import DecisionView
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.widgets.words import count

COLUMNS = {"-split": 100, "-three": 180}
"""The number of columns from which the draft is beside the list, and its thread beside both."""


ALL_OF_IT = "this is everything that would be sent: read it, then approve"


class QueueHost(BaseScreen):
    """What the parts of the pending screen share, and what they may ask of it.

    The screen imports its parts, so they cannot import it: they know this instead. It is no protocol, because they hand
    it to Textual as a screen."""

    def __init__(self) -> None:
        super().__init__()
        self.marks = Marks()
        self.refusal = Refusal(self)

    # Looked for once: whether a key works is asked hundreds of times while the screen opens.

    @cached_property
    def column(self) -> QueueColumn:
        """The list and the lines above it."""
        return self.query_one("#left", QueueColumn)

    @cached_property
    def pane(self) -> ItemPane:
        """The pane with the open email."""
        return self.query_one("#item", ItemPane)

    @cached_property
    def queue_list(self) -> PendingList:
        return self.column.queue_list

    @cached_property
    def gate(self) -> ApprovalGate:
        """The approval gate, which says whether an email may be decided now."""
        return ApprovalGate(self.session.clock, self.session.settings.review.own_replies, self._has_room)

    @cached_property
    def listing(self) -> QueueListing:
        """The listed part of the queue."""
        session = self.session
        return QueueListing(
            session.clock, session.settings.filters.queue, session.queue.filter_context, self.decision_of
        )

    @property
    def is_open(self) -> bool:
        """Whether the screen is in front, or only behind dialogs."""
        return self in self.app.screen_stack

    @property
    def current(self) -> QueueEntry | None:
        """The email under the cursor."""
        key = self.queue_list.current_key if self.is_mounted else None
        return self.listing.listed.get(key) if key is not None else None

    def is_under_cursor(self, email_id: str) -> bool:
        return self.current is not None and self.current.item.id == email_id

    @property
    def near(self) -> list[QueueEntry]:
        """The email under the cursor and the next one."""
        shown, listed = self.queue_list, self.listing.listed
        return [listed[key] for key in shown.keys[shown.cursor : shown.cursor + 2] if key in listed]

    def decision_of(self, email_id: str) -> DecisionView | None:
        decisions = self.session.decisions
        return decisions.overview.state(email_id) if decisions is not None else None

    def why_not(self, asked: Callable[[QueueEntry, DecisionView | None], str], entry: QueueEntry) -> str:
        """The gate's answer to one of its questions about this email, in the current state of its decision."""
        return asked(entry, self.decision_of(entry.item.id))

    def refuses(self, asked: Callable[[QueueEntry, DecisionView | None], str], entry: QueueEntry) -> bool:
        """Whether the gate says no to one of its questions about this email. Says why."""
        why = self.why_not(asked, entry)
        if why:
            self.refusal.say(why)
        return bool(why)

    # The style classes, which decide what is on the screen

    @property
    def is_reading(self) -> bool:
        """Whether an email uses the full width."""
        return self.has_class("-reading")

    @property
    def is_searching(self) -> bool:
        """Whether the search line is shown."""
        return self.has_class("-searching")

    @property
    def shows_email(self) -> bool:
        """Whether the email under the cursor is on the screen, not only its row."""
        return self.is_reading or self.has_class("-split")

    def _has_room(self) -> bool:
        """Whether recipients and some text are on the screen: of the open email, or in the list its row."""
        return has_room(self.app.size) and (not self.shows_email or self.pane.shows_whom_and_text)

    def size_classes(self, width: int, height: int) -> tuple[str, ...]:
        return (*super().size_classes(width, height), *(name for name, least in COLUMNS.items() if width >= least))

    def lay_out(self, width: int) -> bool:
        """Lays the screen out for this number of columns. Returns whether the email came on the screen."""
        was_shown = self.shows_email
        for name, least in COLUMNS.items():
            self.set_class(width >= least, name)
        self._place_thread()
        return self.shows_email and not was_shown

    def set_reading(self, reading: bool) -> None:
        """Gives the email the full width, with its thread beside it if there is room; or takes it back."""
        self.set_class(reading, "-reading")
        self._place_thread()

    def _place_thread(self) -> None:
        """Shows the thread beside the draft if there is room for both, and for the list if it is shown too."""
        self.pane.set_beside(self.has_class("-wide" if self.is_reading else "-three"))
        self.refresh_bindings()

    def action_search(self) -> None:
        if self.is_reading:
            self.set_reading(False)
        self.add_class("-searching")
        self.column.search.focus()
        self.refresh_bindings()

    def end_search(self) -> None:
        """Goes back to the list; the search line stays while it holds a query."""
        self.queue_list.focus()
        self.set_class(bool(self.column.search.value.strip()), "-searching")
        self.refresh_bindings()

    # What several parts do together

    def read_item(self) -> None:
        """Focuses the item and gives it the full width, with its thread beside it if there is room."""
        raise NotImplementedError

    def update_list(self, *, stay: bool = True) -> None:
        """Updates the list after a change of filter; `stay` is as for `QueueListing.list_again`."""
        raise NotImplementedError

    def show_rows(self) -> None:
        """Draws the list and its heading."""
        raise NotImplementedError

    def show_all(self) -> None:
        """Ends filter and search."""
        raise NotImplementedError


class Refusal:
    """The message on the status line about the open email: mostly why the last key did nothing."""

    def __init__(self, screen: QueueHost) -> None:
        self._screen = screen
        self.words = ""
        self._counted = ""
        """The email for which the message says how many lines are left to read."""

    def say(self, why: str, severity: str = "warning") -> None:
        """Says why a key does nothing, until the message is outdated."""
        self.words, self._counted = why, ""
        self._screen.say(why, severity)

    def forget(self) -> None:
        """Forgets the refusal after the reader has moved or decided, or the email has changed."""
        if self.words:
            self._screen.unsay(self.words)
            self.words = self._counted = ""

    def read_to_end(self) -> None:
        """Forgets the refusal if it said that not all had been seen."""
        if self._counted or self.words in (UNSEEN, ALL_OF_IT):
            self.forget()

    def lines_seen(self) -> None:
        """Counts the lines that are left to read again, if the last refusal says how many."""
        if self._counted:
            self._say_unread(self._counted)

    def read_on(self, entry: QueueEntry) -> None:
        """Shows what would be sent and, once it is drawn, says how much is left to read."""
        self._screen.read_item()
        self._screen.pane.show_what_leaves()
        self._screen.pane.main.once_painted(lambda: self._say_unread(entry.item.id))

    def _say_unread(self, email_id: str) -> None:
        # A poll may have updated the entry meanwhile, with another's presence or more of its thread.
        entry = self._screen.current
        if entry is None or entry.item.id != email_id or self._screen.gate.has_seen(entry):
            return
        if entry.version not in self._screen.pane.main.page_name.splitlines():
            return
        unread = self._screen.pane.main.lines_unread
        more = f"{count(unread, 'line', 'lines')} not seen yet: {{paper.page_down}} reads on"
        if self._counted == email_id and more == self.words:
            return
        self.say(more if unread else ALL_OF_IT)
        self._counted = email_id if unread else ""
