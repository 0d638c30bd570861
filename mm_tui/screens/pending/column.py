"""The left side of the pending screen: the heading, the search line, and the list of waiting emails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import getters
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from mm_tui.messages import session_of
from mm_tui.screens.pending.queue_list import PendingList, PendingRow
from mm_tui.screens.pending.words import empty_words, heading
from mm_tui.widgets.cached_static import CachedStatic
from mm_tui.widgets.line_input import SearchInput
from mm_tui.widgets.status import knows_queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from mm_tui.services.decisions.listing import QueueListing
    from mm_tui.services.decisions.marks import Marks
    from mm_tui.store.audit.made import MadeDecision

READING = ("", "loading the queue …")
SEARCH_HELP = "words, from: to: subject: in: is: risk: flag: before: after: has:"


class QueueColumn(Vertical):
    queue_list = getters.query_one(PendingList)
    """The list of waiting emails."""
    search = getters.query_one("#search", Input)
    """The search line."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.kept: int | None = None
        """How many unsent texts are saved; None before the queue was read."""
        self.made: Sequence[MadeDecision] = ()
        """Today's decisions, where nothing waits."""

        self.progress = ""
        """The progress of rejecting a filter."""

    def compose(self) -> ComposeResult:
        yield CachedStatic(id="heading")
        with Horizontal(id="search-line"):
            yield Static(Content("/"))
            yield SearchInput(id="search", placeholder=SEARCH_HELP)
        waiting = PendingList(session_of(self).clock, id="queue")
        waiting.empty_words = READING
        yield waiting

    def clear_search(self) -> None:
        """Empties the search line without an event."""
        with self.search.prevent(Input.Changed):
            self.search.value = ""

    def show(self, listing: QueueListing, marks: Marks) -> None:
        """Draws the list, with the state of the decision about each email."""
        session, shown = session_of(self), self.queue_list
        is_read = self.kept is not None and (listing.waiting or listing.expected is None)
        words = empty_words(session, listing, self.kept or 0, self.made) if is_read else READING
        if words != shown.empty_words:
            shown.empty_words = words
            shown.refresh()
        listed = listing.listed

        def row(key: str) -> PendingRow:
            view = session.decisions.overview.state(key) if session.decisions is not None else None
            noted = view is not None and view.looked_at
            return PendingRow.of(listed[key], view, marked=key in marks, noted=noted)

        shown.show(list(listed), row)
        known = knows_queue(session)
        keys = session.settings.keys
        words_above = heading(listing, marks, self.kept or 0, keys, self.progress, known=known)
        above = self.query_one("#heading", CachedStatic)
        # What is wrong with a query is worth a second line where the list is narrow.
        above.set_class(bool(listing.complaint), "-complains")
        above.put(words_above)
