"""The sentences around words that a rule looks for: whether they commit us, and whether they say no."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mm_tui.review.findings import Span
from mm_tui.review.risk.phrases import pattern
from mm_tui.review.risk.pieces import Phrases
from mm_tui.review.risk.rule import Reading

# In scripts without a list of committing words, every match counts as a commitment.
_OTHER = re.compile("[\u0400-\u06ff\uac00-\ud7af]")


def commits_us(sentence: str) -> bool:
    return pattern("commits").search(sentence) is not None or _OTHER.search(sentence) is not None


YOU_MAY = re.compile(
    r"\b(?:u kunt|kunt u|vous (?:pouvez|pourrez)|(?:sie|du) (?:können|kannst)|können sie|you (?:can|may|could)"
    r"|(?:usted )?puede|pode|può|(?:pan|pani|państwo)? ?(?:może|mogą))\b"
)
"""What the reader may do is no promise of ours."""


def says_no(sentence: str) -> bool:
    return pattern("denies").search(sentence) is not None


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
