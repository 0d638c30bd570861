"""The saved filters on one line, with their counts and the current one highlighted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from mm_tui.services.queue.filter import FilterCount, SavedFilter
from mm_tui.widgets.status import UNKNOWN
from mm_tui.widgets.words import joined

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
