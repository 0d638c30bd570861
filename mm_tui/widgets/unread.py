"""What is left to read of a text: all that has not been on the screen for a moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import monotonic
from typing import NamedTuple

from mm_tui.clock import DWELL_SECONDS


def without(stretches: Sequence[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """The ranges without the range from `start` up to, but not including, `end`."""
    parts = [part for first, last in stretches for part in ((first, min(last, start)), (max(first, end), last))]
    return [(first, last) for first, last in parts if first < last]


def within(stretches: Sequence[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """What of the ranges is in the range from `start` up to, but not including, `end`."""
    parts = [(max(first, start), min(last, end)) for first, last in stretches]
    return [(first, last) for first, last in parts if first < last]


def merged(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges in order, with those that touch as one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(stretches):
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found


class _Fresh(NamedTuple):
    """A range of the text that is on the screen, and was not yet there for the dwell time."""

    start: int
    end: int
    painted: object
    """What it was painted with."""
    since: float | None = None
    """When that arrived at the terminal, by the monotonic clock; None if it has not yet."""


class Unread:
    """The ranges of one text that are left to read. What leaves the screen before its time is left again."""

    def __init__(self) -> None:
        self.left: list[tuple[int, int]] = []
        """Ranges that are not on the screen and were not there for the dwell time, in order: start, and end
        (exclusive)."""
        self._fresh: list[_Fresh] = []
        self._painted: object = None

    def begin(self, length: int) -> None:
        """Begins another text, of which all is left to read up to this position."""
        self.left, self._fresh = [(0, length)], []

    @property
    def is_waiting(self) -> bool:
        """Whether something on the screen was not yet there for the dwell time."""
        return bool(self._fresh)

    def shows(self, start: int, end: int, painted: object) -> None:
        """The screen now shows the text from `start` to `end`. What stays on it while the reader scrolls goes on being
        seen; what is `painted` once more may have been covered meanwhile."""
        if painted == self._painted:
            self.hides()
        now, left, stays = monotonic(), self.left, list[_Fresh]()
        for one in self._fresh:
            if one.since is None or now - one.since < DWELL_SECONDS:
                left = [*left, *without([one[:2]], start, end)]
                stays += [one._replace(start=first, end=last) for first, last in within([one[:2]], start, end)]
        came = [_Fresh(first, last, painted) for first, last in within(left, start, end)]
        self.left, self._fresh, self._painted = merged(without(left, start, end)), [*stays, *came], painted

    def arrived(self, painted: object, at: float) -> None:
        """What was painted then is on the terminal since that moment."""
        self._fresh = [
            one._replace(since=at) if one.painted is painted and one.since is None else one for one in self._fresh
        ]

    def hides(self) -> None:
        """The screen shows nothing of it, or may not have shown all that was painted."""
        self.left, self._fresh = merged([*self.left, *(one[:2] for one in self._fresh)]), []

    def dwelt(self) -> None:
        """All that is on the screen has been there for the dwell time."""
        self._fresh = []
