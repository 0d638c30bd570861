"""Chooses which part of the queue is listed: saved filters with their counts, search as you type, the order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from mm_tui.screens.dialogs.choice import CHOICE_KEYS, ChoiceScreen, DialogChoice
from mm_tui.screens.dialogs.dialog import ask
from mm_tui.screens.status import UNKNOWN, knows_queue
from mm_tui.services.queue.entry import Order
from mm_tui.services.queue.filter import ALL, FilterCount, SavedFilter
from mm_tui.widgets.words import count, joined, with_keys

if TYPE_CHECKING:
    from mm_tui.screens.pending.host import QueueHost
    from mm_tui.services.decisions.listing import QueueListing


GAP = "  "
DIGITS = 2
"""Room for a count, so that one digit more or less does not push the other filters about."""


class FilterStrip(Widget):
    """One line. Filters that select nothing are left out, except the current one."""

    DEFAULT_CSS = "FilterStrip { height: 1; padding: 0 1; color: $mm-dim; }"

    @dataclass(eq=False, repr=False)
    class Chosen(Message):
        """The user clicked on a filter."""

        chosen: SavedFilter

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: tuple[tuple[FilterCount, ...], SavedFilter | None, bool] = ((), None, True)
        self._spans: list[tuple[int, int, SavedFilter]] = []

    def show(self, filters: Sequence[FilterCount], current: SavedFilter, *, known: bool = True) -> None:
        """Shows these filters; repaints only if something changed. Counts that are not `known` are question marks."""
        kept = tuple(one for one in filters if one.number or one.filter == current)
        if (kept, current, known) != self._shown:
            self._shown = kept, current, known
            self.refresh()

    def render(self) -> Content:
        filters, current, known = self._shown
        at = next((at for at, one in enumerate(filters) if one.filter == current), 0)
        first, last = window([_cells(one) for one in filters], at, max(1, self.size.width - 2))
        self._spans, start = [], 1
        pieces: list[Content] = []
        if first > 0:
            pieces.append(Content("‹"))
            start += 1 + len(GAP)
        for one in filters[first:last]:
            here = one.filter == current
            style = "bold $mm-accent" if here else "$foreground"
            number = f" {one.number if known else UNKNOWN:<{DIGITS}}"
            pieces.append(Content.assemble((one.filter.name, style), (number, style if here else "$mm-dim")))
            self._spans.append((start, start + _cells(one), one.filter))
            start += _cells(one) + len(GAP)
        if last < len(filters):
            pieces.append(Content("›"))
        line = joined(pieces, GAP)
        return line.truncate(max(1, self.size.width - 2), ellipsis=True)

    def on_click(self, event: events.Click) -> None:
        for start, end, chosen in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(chosen))


def _cells(one: FilterCount) -> int:
    return Content(one.filter.name).cell_length + 1 + max(DIGITS, len(str(one.number)))


def window(widths: Sequence[int], at: int, room: int) -> tuple[int, int]:
    """Which items of these widths to show in `room` cells, including the one at `at`: the first index, and the one
    after the last. Room is left for a sign at each end that hides something."""
    gap, sign = len(GAP), 1 + len(GAP)

    def needs(first: int, last: int) -> int:
        signs = sign * ((first > 0) + (last < len(widths)))
        return sum(widths[first:last]) + gap * max(0, last - first - 1) + signs

    first, last = min(at, len(widths)), min(at + 1, len(widths))
    while True:
        if first > 0 and needs(first - 1, last) <= room:
            first -= 1
        elif last < len(widths) and needs(first, last + 1) <= room:
            last += 1
        else:
            return first, last


class FilterActions:
    """Changes the filter, the search or the order of the queue."""

    def __init__(self, screen: QueueHost) -> None:
        self._screen = screen

    @property
    def _listing(self) -> QueueListing:
        return self._screen.listing

    def filter(self, chosen: SavedFilter) -> None:
        self._listing.filter = chosen
        self._screen.update_list(stay=False)

    def step(self, step: int) -> None:
        """Applies the next filter that selects something; with -1 the previous one."""
        self._listing.next_filter(step)
        self._screen.update_list(stay=False)

    def search(self, typed: str) -> None:
        """Lists only the waiting emails that match the query."""
        self._listing.typed = typed
        self._screen.update_list(stay=False)

    def all(self) -> None:
        """Clears filter and query, so that the whole queue is listed."""
        self._listing.filter, self._listing.typed = ALL, ""
        self._screen.update_list(stay=False)

    def switch_order(self) -> None:
        """Switches the order between oldest first and riskiest first. In the list, a cursor on the first email goes to
        the new first one."""
        queue_list = self._screen.queue_list
        was_first = queue_list.cursor == 0 and queue_list.has_focus
        self._listing.order = Order.RISKIEST if self._listing.order is Order.OLDEST else Order.OLDEST
        self._screen.update_list()
        if was_first:
            queue_list.move_to(0)

    def choose(self) -> None:
        """Asks for a saved filter, showing their counts once the queue has been read."""
        known = self._is_known and bool(self._listing.filters)
        filters = self._listing.filters or self._listing.count([])
        width = max(len(one.filter.name) for one in filters)
        choices = [
            DialogChoice(
                key, f"{one.filter.name:<{width}}  {(one.number or '–') if known else UNKNOWN!s:>4}", one.filter
            )
            for key, one in zip(CHOICE_KEYS, filters, strict=False)
        ]
        searches = with_keys("Press {pending.search} to search", self._screen.session.settings.keys)
        ask(
            self._screen.app,
            ChoiceScreen(
                "Filter the queue",
                # On one row: at 80x24 all filters of three mailboxes fit below it.
                Content(f"{searches}; your own filters: [filters] in config.toml."),
                choices,
                stay="keep the filter",
                at_once=True,
            ),
            self.filter,
        )

    def commands(self) -> list[tuple[str, str, Callable[[], None]]]:
        known = self._is_known
        return [(*_words(one, known=known), partial(self.filter, one.filter)) for one in self._listing.filters]

    @property
    def _is_known(self) -> bool:
        """Whether what waits has been read."""
        return bool(self._listing.waiting) or knows_queue(self._screen.session)


def _words(found: FilterCount, *, known: bool) -> tuple[str, str]:
    """A filter's name and help in the palette; `known`: the queue has been read."""
    emails = count(found.number, "email", "emails") if known else "not loaded yet"
    if found.filter == ALL:
        return f"Show all waiting emails: {emails}", "Clear the filter of the queue."
    if found.filter.mailbox_id is not None:
        return f"Show only mailbox {found.filter.name}: {emails}", "Filter the queue by this mailbox."
    return f"Show only {found.filter.name}: {emails}", f"Filter the queue by {found.filter.query}"
