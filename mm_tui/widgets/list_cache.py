"""What a list remembers: the rows that it has read, the lines that it has drawn, and which rows it redraws next."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

from textual.strip import Strip

Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row")

PAGE = 32
"""How many rows are read at once."""
MAX_ROWS = PAGE * 24
MAX_STRIPS = 400
ROWS_IN_TURN = 3
"""Rows redrawn each time, in turn: all that fit a screen within about a minute."""
UNATTENDED_TURNS = 60
"""With nobody at the keys, ages are redrawn all at once, every five minutes: once in this many turns."""


class Rows(OrderedDict[Key, Row]):
    """The rows read last, by key."""

    def at(self, keys: Sequence[Key], index: int, fetch: Callable[[Sequence[Key]], Sequence[Row]]) -> Row:
        """The row of `keys[index]`, read with its page if necessary."""
        key = keys[index]
        if (row := self.get(key)) is not None:
            return row
        start = index // PAGE * PAGE
        wanted = [one for one in keys[start : start + PAGE] if one not in self]
        for one, found in zip(wanted, fetch(wanted), strict=True):
            self[one] = found
        while len(self) > MAX_ROWS:
            self.popitem(last=False)
        return self[key]


class DrawnLines(OrderedDict[tuple[Key, int, bool], Strip]):
    """The lines drawn last: by row, line of the row, and whether the cursor is on it."""

    def add(self, place: tuple[Key, int, bool], strip: Strip) -> None:
        """Remembers a line, in place of the oldest one if there are many."""
        self[place] = strip
        if len(self) > MAX_STRIPS:
            self.popitem(last=False)

    def forget(self, key: Key, lines: int) -> None:
        for line in range(lines):
            for here in (False, True):
                self.pop((key, line, here), None)


class Turns:
    """Which rows are redrawn next when ages change. Ages of many rows change at the same time, and on a slow connection
    a key would have to wait until all are written."""

    def __init__(self) -> None:
        self._last = -1
        self._unattended = 0

    def next(self, seen: int, *, attended: bool = True) -> Iterator[int]:
        """The next few of `seen` visible rows, by their place on the screen; seldom, and then all, if nobody reads."""
        rows = min(ROWS_IN_TURN, seen)
        if not attended:
            self._unattended = (self._unattended + 1) % UNATTENDED_TURNS
            rows = seen if self._unattended == 0 else 0
        for _ in range(rows):
            self._last = (self._last + 1) % seen
            yield self._last
