"""Chooses which part of the queue is listed: saved filters, search as you type, the order."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.content import Content

from mm_tui.messages import session_of
from mm_tui.screens.dialogs.choice import CHOICE_KEYS, Choice, ChoiceScreen
from mm_tui.screens.dialogs.dialog import ask
from mm_tui.services.queue.entry import Order
from mm_tui.services.queue.filter import ALL, FilterCount, SavedFilter
from mm_tui.settings.paths import config_path
from mm_tui.text import OneLine
from mm_tui.widgets.status import knows_queue
from mm_tui.widgets.words import count, with_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App

    from mm_tui.screens.pending.column import QueueColumn
    from mm_tui.services.decisions.listing import QueueListing


class FilterActions:
    """Changes the filter, the search or the order of the queue. `show` updates the list of `column`; its argument is
    the `stay` of `QueueListing.list_anew`."""

    def __init__(
        self, app: App[object], listing: QueueListing, show: Callable[[bool], None], column: QueueColumn
    ) -> None:
        self._app = app
        self._listing = listing
        self._show = show
        self._column = column

    def filter(self, chosen: SavedFilter) -> None:
        self._listing.filter = chosen
        self._show(False)

    def step(self, step: int) -> None:
        """Applies the next filter that selects something; with -1 the previous one."""
        self._listing.next_filter(step)
        self._show(False)

    def search(self, typed: str) -> None:
        """Lists only the waiting emails that match the query."""
        self._listing.typed = typed
        self._show(False)

    def all(self) -> None:
        """Clears filter and query, so that the whole queue is listed."""
        self._listing.filter, self._listing.typed = ALL, ""
        self._show(False)

    def switch_order(self) -> None:
        """Switches the order between oldest first and riskiest first. In the list, a cursor on the first email goes to
        the new first one."""
        queue_list = self._column.queue_list
        was_first = queue_list.cursor == 0 and queue_list.has_focus
        self._listing.order = Order.RISKIEST if self._listing.order is Order.OLDEST else Order.OLDEST
        self._show(True)
        if was_first:
            queue_list.move_to(0)

    def choose(self) -> None:
        """Asks for a saved filter, showing their counts."""
        filters = self._listing.filters
        width = max(len(one.filter.name) for one in filters)
        choices = [
            Choice(key, f"{one.filter.name:<{width}}  {one.number or '–'!s:>4}", one.filter)
            for key, one in zip(CHOICE_KEYS, filters, strict=False)
        ]
        searches = with_keys("Press {pending.search} to search", session_of(self._app.screen).settings.keys)
        file = OneLine(str(config_path()))
        ask(
            self._app,
            ChoiceScreen(
                "Filter the queue",
                Content(f"This only filters the list. {searches}; your own filters go under [filters] in {file}."),
                choices,
                stay="keep the filter",
                at_once=True,
            ),
            self.filter,
        )

    def commands(self) -> list[tuple[str, str, Callable[[], None]]]:
        """The saved filters, for the palette."""
        known = bool(self._listing.waiting) or knows_queue(session_of(self._app.screen))
        return [(*_words(one, known=known), partial(self.filter, one.filter)) for one in self._listing.filters]


def _words(found: FilterCount, *, known: bool) -> tuple[str, str]:
    """A filter's name and help in the palette; `known`: the queue has been read."""
    emails = count(found.number, "email", "emails") if known else "not loaded yet"
    if found.filter == ALL:
        return f"Show all waiting emails: {emails}", "Clear the filter of the queue."
    if found.filter.mailbox_id is not None:
        return f"Show only mailbox {found.filter.name}: {emails}", "Filter the queue by this mailbox."
    return f"Show only {found.filter.name}: {emails}", f"Filter the queue by {found.filter.query}"
