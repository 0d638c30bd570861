"""Two kinds of words in one sentence, in any order: a cost and "on us", "your complaint" and "ridiculous".

One phrase with a gap knows one order of words; German, Dutch and Japanese need several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from mm_tui.review.findings import Span
from mm_tui.review.risk.phrase_patterns import variants_of
from mm_tui.review.risk.phrases import pairs_of
from mm_tui.review.risk.pieces import Phrases
from mm_tui.review.risk.rule import Reading

_FARTHEST = 90
"""The most characters between the two."""


@cache
def _sides(key: str) -> tuple[tuple[Phrases, Phrases], ...]:
    """For each pair the side that is rarer in texts, and the other. Short words such as "we" are everywhere."""
    pairs = (sorted(pair, key=_shortest, reverse=True) for pair in pairs_of(key))
    return tuple((Phrases.of(rarer), Phrases.of(other)) for rarer, other in pairs)


def _shortest(side: tuple[str, ...]) -> int:
    return min(len(re.sub(r"\W", "", variant)) for phrase in side for variant in variants_of(phrase))


@cache
def _rarer(key: str) -> Phrases:
    """The rarer side of any pair."""
    return Phrases.of(phrase for pair in pairs_of(key) for phrase in max(pair, key=_shortest))


@lru_cache(maxsize=4096)
def _which(key: str, words: str) -> tuple[Phrases, ...]:
    """What must stand beside `words`."""
    return tuple(other for rarer, other in _sides(key) if rarer.search(words))


def together(reading: Reading, key: str) -> Iterator[Span]:
    """Where a sentence of the draft has words of both sides of a pair under `key`, at most once per sentence."""
    low, done = reading.low, -1
    for hit in _rarer(key).finditer(low, 0, reading.written):
        if hit.start() < done:
            continue
        first, last = reading.sentence(hit.start())
        begin, end = max(first, hit.start() - _FARTHEST), min(max(last, hit.end()), hit.end() + _FARTHEST)
        for other in _which(key, hit[0]):
            found = next(
                (
                    match.span()
                    for match in other.finditer(low, begin, end)
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
