"""Marks: styles for ranges of a text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from itertools import pairwise
from typing import NamedTuple


class Mark(NamedTuple):
    """A range of the text to draw in another style, one of `Pager.COMPONENT_CLASSES`."""

    start: int
    end: int
    style: str
    about: str = ""
    """The sentence about these words, for instance that of a finding; empty if there is none."""


def with_sentences(text: str, marks: Iterable[Mark]) -> list[Mark]:
    """The marks that have a sentence, in the order of the text. Parts of the same words are one mark."""
    found: list[Mark] = []
    last: dict[str, int] = {}
    for mark in sorted(mark for mark in marks if mark.about):
        at = last.get(mark.about)
        if at is not None and not text[found[at].end : mark.start].strip():
            found[at] = found[at]._replace(end=max(found[at].end, mark.end))
        else:
            last[mark.about] = len(found)
            found.append(mark)
    return found


LONG = 1000
"""Characters. Longer marks are kept apart, since they may begin far before a line. There are few of them."""


def _start(ranked: tuple[int, Mark]) -> int:
    return ranked[1].start


class MarkIndex:
    """Finds the marks, in any order, at a position of a text. Where they overlap, later ones win."""

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        # Sorted by start, each with its rank: the higher one wins.
        every = sorted(enumerate(marks), key=_start)
        self._marks = [ranked for ranked in every if ranked[1].end - ranked[1].start <= LONG]
        self._long = [ranked for ranked in every if ranked[1].end - ranked[1].start > LONG]
        self._starts = [mark.start for _, mark in self._marks]

    def pieces(self, start: int, end: int, plain: str) -> Sequence[tuple[int, int, str]]:
        """The ranges of one line with their styles; `plain` for unmarked text."""
        first, last = bisect_left(self._starts, start - LONG), bisect_right(self._starts, end)
        near = [*self._long, *self._marks[first:last]]
        ranked = [(rank, mark) for rank, mark in near if mark.end > start and mark.start < end]
        ranked.sort(key=_start)
        if not ranked:
            return [(start, end, plain)]
        edges = sorted({start, end, *(edge for _, mark in ranked for edge in mark[:2] if start < edge < end)})
        pieces: list[tuple[int, int, str]] = []
        # The marks that have begun, the one that wins first. Those that have ended go once they would win.
        begun: list[tuple[int, Mark]] = []
        coming = 0
        for a, b in pairwise(edges):
            while coming < len(ranked) and ranked[coming][1].start <= a:
                rank, mark = ranked[coming]
                heappush(begun, (-rank, mark))
                coming += 1
            while begun and begun[0][1].end <= a:
                heappop(begun)
            pieces.append((a, b, begun[0][1].style if begun else plain))
        return pieces
