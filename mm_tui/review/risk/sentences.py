"""The sentences around words that a rule looks for: whether they commit us or say no, and what else is in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

from mm_tui.review.findings import Span
from mm_tui.review.risk.phrase_patterns import variants_of
from mm_tui.review.risk.phrases import has_words, pairs_of
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
    """The other sides of the pairs that have one side in `words`."""
    return tuple(other for rarer, other in _sides(key) if rarer.search(words))


def together(reading: Reading, key: str) -> Iterator[Span]:
    """Where a sentence of the draft has words of both sides of a pair under `key`, in any order, at most once per
    sentence: a cost and "on us", "your complaint" and "ridiculous"."""
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


# In scripts without a list of committing words, every match counts as a commitment.
_OTHER = re.compile("[\u0400-\u06ff\uac00-\ud7af]")


def commits_us(sentence: str) -> bool:
    return has_words(sentence, "commits") or _OTHER.search(sentence) is not None


YOU_MAY = re.compile(
    r"\b(?:u kunt|kunt u|vous (?:pouvez|pourrez)|(?:sie|du) (?:können|kannst)|können sie|you (?:can|may|could)"
    r"|(?:usted )?puede|pode|può|(?:pan|pani|państwo)? ?(?:może|mogą))\b"
)
"""Permission for the reader is not a promise of ours."""


def says_no(sentence: str) -> bool:
    return has_words(sentence, "denies")


_FAR_CONTRAST = 300
_CONTRAST = re.compile(r"(?:[,;:–-]|\s[–-])\s(?:but|aber|doch|sondern|mais|pero|mas|ma|maar|ale|lecz|however)\s")


def _between_contrasts(reading: Reading, start: int, end: int) -> tuple[int, int]:
    """The part of the sentence around `start` to `end` before or after a "but": a no before it is about something else.

    Of the no after a "but" only the part after it is meant, too.
    """
    first, last = reading.sentence(start)
    near = max(first, start - _FAR_CONTRAST), min(last, end + _FAR_CONTRAST)
    for match in _CONTRAST.finditer(reading.low, *near):
        if match.end() <= start:
            first = match.end()
        elif match.start() >= end:
            last = match.start()
            break
    return first, last


def by_sentence(reading: Reading, *patterns: Phrases, pairs: Iterable[Span] = ()) -> Iterator[tuple[Span, str, int]]:
    """The matches of `patterns`, and `pairs`, at most one per sentence, or part of it before or after a "but".

    Yields the words, the sentence and its start.
    """
    done = -1
    hits = sorted([*pairs, *((match.start(), match.end()) for one in patterns for match in one.finditer(reading.low))])
    for start, end in hits:
        first, last = _between_contrasts(reading, start, end)
        if start >= done:
            done = max(last, end)
            yield Span(start, end), reading.low[first : max(last, end)], first


def agrees(reading: Reading, span: Span, *more: str) -> bool:
    """Whether the sentence of `span`, or the text right before it, agrees to something, or has words under `more`."""
    return reading.sentence_has(span.start, "agrees", *more, before=80)


def is_open(reading: Reading, span: Span) -> bool:
    """Whether the sentence of `span` asks, says no, or proposes without agreeing."""
    if reading.is_question(span.start) or reading.sentence_has(span.start, "denies", "calls_off", "conditions"):
        return True
    return reading.sentence_has(span.start, "proposes") and not agrees(reading, span)
