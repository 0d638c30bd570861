"""Marks: styles for ranges of a text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
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


class MarkIndex:
    """Finds the marks, in any order, at a position of a text. Where they overlap, later ones win."""

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        # Sorted by start, each with its rank: the higher one wins.
        self._marks = sorted(enumerate(marks), key=lambda ranked: ranked[1].start)
        self._starts = [mark.start for _, mark in self._marks]
        self._longest = max((mark.end - mark.start for _, mark in self._marks), default=0)

    def pieces(self, start: int, end: int, plain: str) -> Sequence[tuple[int, int, str]]:
        """The ranges of one line with their styles; `plain` for unmarked text."""
        first, last = bisect_left(self._starts, start - self._longest), bisect_right(self._starts, end)
        ranked = [(rank, mark) for rank, mark in self._marks[first:last] if mark.end > start and mark.start < end]
        here = [mark for _, mark in sorted(ranked)]
        if not here:
            return [(start, end, plain)]
        edges = sorted({start, end, *(edge for mark in here for edge in mark[:2] if start < edge < end)})
        pieces: list[tuple[int, int, str]] = []
        for a, b in pairwise(edges):
            styles = [mark.style for mark in here if mark.start <= a and mark.end >= b]
            pieces.append((a, b, styles[-1] if styles else plain))
        return pieces
