"""Two kinds of words in one sentence, in any order: a cost and "on us", "your complaint" and "ridiculous".

One phrase with a gap knows one order of words; German, Dutch and Japanese need several.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache

from mm_tui.review.findings import Span
from mm_tui.review.risk.phrases import any_of, any_of_pairs, pairs_of
from mm_tui.review.risk.pieces import Phrases
from mm_tui.review.risk.rule import Reading

_FARTHEST = 90
"""The most characters between the two."""


@cache
def _sides(key: str) -> tuple[Phrases, ...]:
    """The first and the second side of each pair, one after the other."""
    return tuple(any_of(side) for pair in pairs_of(key) for side in pair)


@lru_cache(maxsize=4096)
def _which(key: str, words: str) -> tuple[int, ...]:
    """The sides that have `words`."""
    return tuple(number for number, side in enumerate(_sides(key)) if side.match(words))


def together(reading: Reading, key: str) -> Iterator[Span]:
    """Where a sentence of the draft has words of both sides of a pair under `key`, at most once per sentence."""
    low, sides, done = reading.low, _sides(key), -1
    for hit in any_of_pairs(key).finditer(low, 0, reading.written):
        if hit.start() < done:
            continue
        first, last = reading.sentence(hit.start())
        begin, end = max(first, hit.start() - _FARTHEST), min(max(last, hit.end()), hit.end() + _FARTHEST)
        for number in _which(key, hit[0]):
            found = next(
                (
                    match.span()
                    for match in sides[number ^ 1].finditer(low, begin, end)
                    if match.end() <= hit.start() or match.start() >= hit.end()
                ),
                None,
            )
            if found:
                start = min(found[0], hit.start())
                while start > first and low[start - 1].isalpha() and low[start].isascii():
                    start -= 1
                done = max(last, hit.end())
                yield Span(start, max(found[1], hit.end()))
                break
