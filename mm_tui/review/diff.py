"""Compares two texts word by word. Pure, with bounded time.

Lines are compared first, then the words within lines that changed, with Myers' greedy algorithm ("An O(ND) Difference
Algorithm", 1986). Its work grows with the differences, so a budget of steps limits it: if the budget runs out, whole
lines count as changed, and `exact` is False.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

BUDGET = 1_500_000
"""The most steps for one comparison, roughly half a second."""
_DEEPEST = 1_200

# A word is a run between spaces and ASCII signs, so that marks stay with their letters; each Chinese or Japanese
# character is a word.
_TOKEN = re.compile(r"\n|[^\S\n]+|[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s!-/:-@\[-`{-~\u3040-\u9fff]+|[\s\S]")


class Kind(StrEnum):
    """How a piece of text changed."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


_SIGNS = {Kind.SAME: ("", ""), Kind.ADDED: ("{+", "+}"), Kind.REMOVED: ("[-", "-]")}
"""The usual signs of word diffs: not every terminal can strike out, and not every reader sees colours."""


class Segment(NamedTuple):
    """A piece of text and how it changed."""

    kind: Kind
    text: str


class Diff(msgspec.Struct, frozen=True):
    """The difference between two texts, word by word."""

    segments: tuple[Segment, ...]
    """In order, removed before added. SAME and REMOVED joined are the old text, SAME and ADDED the new one."""
    exact: bool
    """False if it was too much to compare word by word, so that some whole lines count as changed."""
    words_before: int
    words_after: int
    words_kept: int

    @property
    def changed(self) -> bool:
        """Whether the texts differ at all."""
        return any(segment.kind is not Kind.SAME for segment in self.segments)

    @property
    def words(self) -> str:
        """The size of the change in words, such as `3 words removed, 5 added`."""
        if not self.changed:
            return "no change"
        removed, added = self.words_before - self.words_kept, self.words_after - self.words_kept
        text = f"{removed} word{'' if removed == 1 else 's'} removed, {added} added"
        if not removed and not added:
            text = "only spaces or punctuation changed"
        return text if self.exact else f"{text}; too long to compare word by word, so whole lines are marked"


class _Budget:
    """The steps left for one comparison."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.exact = True


# A piece of both sequences: (same, start and end in the first, start and end in the second).
_Stretch = tuple[bool, int, int, int, int]


def _compare(first: Sequence[Hashable], second: Sequence[Hashable], budget: _Budget) -> list[_Stretch]:
    """The equal and the different pieces, in order, covering both sequences."""
    start, end_first, end_second = 0, len(first), len(second)
    while start < end_first and start < end_second and first[start] == second[start]:
        start += 1
    while end_first > start and end_second > start and first[end_first - 1] == second[end_second - 1]:
        end_first -= 1
        end_second -= 1
    pairs = _matches(first[start:end_first], second[start:end_second], budget)
    stretches: list[_Stretch] = [(True, 0, start, 0, start)] if start else []
    at_first = at_second = start
    for left, right, length in pairs:
        left, right = left + start, right + start
        if left > at_first or right > at_second:
            stretches.append((False, at_first, left, at_second, right))
        stretches.append((True, left, left + length, right, right + length))
        at_first, at_second = left + length, right + length
    if end_first > at_first or end_second > at_second:
        stretches.append((False, at_first, end_first, at_second, end_second))
    if end_first < len(first):
        stretches.append((True, end_first, len(first), end_second, len(second)))
    return stretches


def _matches(first: Sequence[Hashable], second: Sequence[Hashable], budget: _Budget) -> list[tuple[int, int, int]]:
    """Equal runs, as (index in first, index in second, length); none if the budget runs out."""
    if not first or not second:
        return []
    reach = {1: 0}
    trace: list[dict[int, int]] = []
    goal = len(first) - len(second)
    for depth in range(min(len(first) + len(second), _DEEPEST) + 1):
        trace.append(dict(reach))
        for diagonal in range(-depth, depth + 1, 2):
            down = diagonal == -depth or (diagonal != depth and reach[diagonal - 1] < reach[diagonal + 1])
            x = reach[diagonal + 1] if down else reach[diagonal - 1] + 1
            y = x - diagonal
            begun = x
            while x < len(first) and y < len(second) and first[x] == second[y]:
                x += 1
                y += 1
            reach[diagonal] = x
            budget.steps -= 2 + x - begun
            if diagonal == goal and x >= len(first) and y >= len(second):
                return _walk_back(trace, len(first), len(second))
        # The trace of each depth is a copy, which costs steps too.
        budget.steps -= depth
        if budget.steps <= 0:
            break
    budget.exact = False
    return []


def _walk_back(trace: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int, int]]:
    runs: list[tuple[int, int, int]] = []
    for depth in range(len(trace) - 1, -1, -1):
        reach = trace[depth]
        diagonal = x - y
        down = diagonal == -depth or (diagonal != depth and reach[diagonal - 1] < reach[diagonal + 1])
        before = diagonal + 1 if down else diagonal - 1
        before_x = reach[before] if depth else 0
        before_y = before_x - before if depth else 0
        begun = (before_x if down else before_x + 1) if depth else 0
        if x > begun:
            runs.append((begun, begun - diagonal, x - begun))
        x, y = before_x, before_y
    runs.reverse()
    return runs


def _lines(text: str) -> list[str]:
    """Lines with their line feeds; joining them gives the text."""
    return [part for part in re.split(r"(?<=\n)", text) if part]


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


def _is_word(token: str) -> bool:
    return any(char.isalnum() for char in token)


def _segments(old: str, new: str, budget: _Budget) -> Iterator[Segment]:
    """The changed words within changed lines."""
    before, after = _tokens(old), _tokens(new)
    stretches = _compare(before, after, budget)
    removed = added = ""
    for at, (same, left, left_end, right, right_end) in enumerate(stretches):
        if same:
            text = "".join(before[left:left_end])
            inside = 0 < at < len(stretches) - 1
            # A single space or sign between two changes is noise: show it as part of both.
            if inside and (removed or added) and text != "\n" and not any(map(_is_word, before[left:left_end])):
                removed += text
                added += text
                continue
            yield from _flushed(removed, added)
            removed = added = ""
            yield Segment(Kind.SAME, text)
        else:
            removed += "".join(before[left:left_end])
            added += "".join(after[right:right_end])
    yield from _flushed(removed, added)


def _flushed(removed: str, added: str) -> Iterator[Segment]:
    if removed:
        yield Segment(Kind.REMOVED, removed)
    if added:
        yield Segment(Kind.ADDED, added)


def marked(kind: Kind, text: str) -> tuple[str, str, str]:
    """A piece of a difference between its signs, with surrounding spaces outside of the signs."""
    core = text.strip()
    start = text.index(core) if core else 0
    opens, closes = _SIGNS[kind]
    return text[:start], f"{opens}{core}{closes}" if core else "", text[start + len(core) :]


def compare(before: str, after: str, *, budget: int = BUDGET) -> Diff:
    """The difference between two cleaned texts, for a view in one column. `budget`: how many steps to spend."""
    steps = _Budget(budget)
    old, new = _lines(before), _lines(after)
    found: list[Segment] = []
    for same, left, left_end, right, right_end in _compare(old, new, steps):
        if same:
            found.append(Segment(Kind.SAME, "".join(old[left:left_end])))
        else:
            found += _segments("".join(old[left:left_end]), "".join(new[right:right_end]), steps)
    merged: list[Segment] = []
    for segment in found:
        if merged and merged[-1].kind is segment.kind:
            merged[-1] = Segment(segment.kind, merged[-1].text + segment.text)
        else:
            merged.append(segment)
    counts = dict.fromkeys(Kind, 0)
    for segment in merged:
        counts[segment.kind] += sum(map(_is_word, _tokens(segment.text)))
    kept = counts[Kind.SAME]
    return Diff(tuple(merged), steps.exact, kept + counts[Kind.REMOVED], kept + counts[Kind.ADDED], kept)
