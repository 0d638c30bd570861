"""Searches a long text piece by piece, so that no single search blocks the interpreter for long.

Rules run in a thread beside the screen, and a regular expression releases the interpreter only after a match or at its
end: on a draft of 262,144 characters after up to 50 ms.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Self

from mm_tui.review.risk.phrase_patterns import EASTERN, MARK, as_pattern, branched, in_order, mark_of, variants_of

PIECE = 16_384
"""Characters searched at once."""
LONGEST_MATCH = 1_000
"""Characters after a piece that a match may extend into."""


def find_all(sought: re.Pattern[str], text: str, begin: int = 0, end: int = sys.maxsize) -> Iterator[re.Match[str]]:
    """The matches of `sought.finditer`, for matches of up to `LONGEST_MATCH` characters.

    Args:
        sought: a pattern that never matches empty text.
        text: what to search.
        begin: where to begin.
        end: where to end, as if the text ended there.
    """
    end = min(end, len(text))
    while end - begin > PIECE + LONGEST_MATCH:
        stop = begin + PIECE
        for match in sought.finditer(text, begin, stop + LONGEST_MATCH):
            if match.start() >= stop:
                break
            yield match
            begin = match.end()
        begin = max(begin, stop)
    yield from sought.finditer(text, begin, end)


_DIGITS = re.compile(r"\d+")
_FARTHEST_BEFORE, _FARTHEST_AFTER = 24, 48


def find_near_digits(sought: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """All matches of a pattern whose matches have a digit, and end at most 48 characters after it and begin at most 24
    before."""
    begin = end = 0
    for digits in _DIGITS.finditer(text):
        if digits.start() - _FARTHEST_BEFORE > end:
            yield from find_all(sought, text, begin, end)
            begin = digits.start() - _FARTHEST_BEFORE
        end = digits.end() + _FARTHEST_AFTER
    if end:
        yield from find_all(sought, text, begin, end)


LONGEST_PATTERN = 12_000
"""Characters of one regular expression: compiling one of 80,000 needs 9 MB, which the system does not get back."""
_WORD_STARTS = re.compile(r"(?<!\w)\w")
_BLANK = re.compile(r"\s")


@lru_cache(maxsize=16)
def _marks(text: str) -> tuple[dict[str, list[int]], bool]:
    """Where words begin in `text`, by their first characters, up to `MARK`, and whether it has `EASTERN` ones."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    flat = _BLANK.sub(" ", text)
    for match in _WORD_STARTS.finditer(flat):
        at = match.start()
        for end in range(at + 1, at + MARK + 1):
            places[flat[at:end]].append(at)
    return dict(places), EASTERN.search(text) is not None


def _as_one(phrases: Iterable[str]) -> bytes:
    """Phrases in one text, a quarter of the memory."""
    return "\0".join(phrases).encode()


def _apart(phrases: bytes) -> list[str]:
    return phrases.decode().split("\0")


def _words_pattern(phrases: Iterable[str], letter: str) -> str:
    """The regular expression for phrases that begin with `letter`, where a word begins."""
    return rf"{letter}(?<!\w{letter})(?:{branched(phrases)})"


class Phrases:
    """A pattern for text of any length: any of some regular expressions, the first of those that match at one place.

    Args:
        sought: regular expressions that are searched for.
        words: phrases whose matches begin where a word begins: under each `mark_of` one, all those that begin with its
            first character, in the order in which they are tried, in one text (`_as_one`). They come before the former.
            Only words that begin with a mark are compared with the phrases that have it, which is several times as fast
            as a search. They are compiled when such a word comes: most never do, and all would need many megabytes.
        eastern: regular expressions that are searched for, whose matches begin with a character in `NO_SPACES`.
    """

    def __init__(
        self, *sought: re.Pattern[str], words: Mapping[str, bytes] | None = None, eastern: Sequence[str] = ()
    ) -> None:
        self._western = sought
        self._words = words or {}
        self._eastern = eastern
        self._compiled: dict[str, re.Pattern[str]] = {}
        """By the longest mark with which a word begins: the phrases with it or with one of its beginnings."""

    @classmethod
    def of(cls, phrases: Iterable[str]) -> Self:
        """Any of these phrases, over text in lower case. The longest match wins."""
        every = {variant for phrase in phrases for variant in variants_of(phrase)}
        buckets: dict[str, list[str]] = {}
        # Of two variants of the same length always the same one is tried first.
        for variant in sorted(every, key=lambda variant: (-len(variant), variant)):
            inside, word = variant.startswith("~"), variant.removeprefix("~")
            plain = word[0].isalnum() and word[1:2] != "?"
            buckets.setdefault(("~" if inside else "") + word[0] if plain else "", []).append(word)
        words: dict[str, bytes] = {}
        elsewhere: list[str] = []
        eastern: list[str] = []
        for bucket, variants in buckets.items():
            if not bucket:
                elsewhere += map(as_pattern, variants)
            elif len(bucket) > 1 or EASTERN.match(bucket):
                (elsewhere if len(bucket) > 1 else eastern).append(f"{bucket[-1]}(?:{branched(variants)})")
            else:
                ordered = list(in_order(variants))
                together = _as_one(ordered)
                words |= {sys.intern(mark_of(phrase)): together for phrase in ordered}
        return cls(*([re.compile("|".join(elsewhere))] if elsewhere else []), words=words, eastern=eastern)

    @cached_property
    def _sought(self) -> tuple[re.Pattern[str], ...]:
        """The patterns for all phrases except plain words."""
        return (*self._western, re.compile("|".join(self._eastern))) if self._eastern else self._western

    @cached_property
    def whole(self) -> tuple[re.Pattern[str], ...]:
        """All that is searched for in long texts."""
        by_letter = map(_apart, dict.fromkeys(self._words.values()))
        words = (_words_pattern(phrases, phrases[0][0]) for phrases in by_letter)
        return (*(re.compile("|".join(some)) for some in _shared_out(words)), *self._sought)

    def finditer(self, text: str, begin: int = 0, end: int = sys.maxsize) -> Iterator[re.Match[str]]:
        """All matches; see `find_all`."""
        if self._words and len(text) <= PIECE:
            return self._marked(text, begin, min(end, len(text)))
        if len(self.whole) == 1:
            return find_all(self.whole[0], text, begin, end)
        return self._merged(text, begin, end)

    def _marked(self, text: str, begin: int, end: int) -> Iterator[re.Match[str]]:
        places, is_eastern = _marks(text)
        begun: dict[int, str] = {}
        # The longest mark last.
        for mark in sorted(self._words.keys() & places.keys(), key=len):
            for at in places[mark]:
                if begin <= at < end:
                    begun[at] = mark
        others = self._sought if is_eastern else self._western
        found = {match.start() for one in others for match in one.finditer(text, begin, end)}
        for start in sorted(begun.keys() | found):
            if start >= begin:
                match = self._word(begun[start], text, start, end) if start in begun else None
                if match is None and start in found:
                    match = _first_match(others, text, start, end)
                if match is not None:
                    yield match
                    begin = match.end()

    def _word(self, mark: str, text: str, start: int, end: int) -> re.Match[str] | None:
        """The match of a phrase with this mark or one of its beginnings."""
        sought = self._compiled.get(mark)
        if sought is None:
            phrases = (phrase for phrase in _apart(self._words[mark]) if mark.startswith(mark_of(phrase)))
            sought = self._compiled[mark] = re.compile(_words_pattern(phrases, mark[0]))
        return sought.match(text, start, end)

    def _merged(self, text: str, begin: int, end: int) -> Iterator[re.Match[str]]:
        nearest = [next(find_all(one, text, begin, end), None) for one in self.whole]
        while first := min(filter(None, nearest), key=re.Match.start, default=None):
            yield first
            for place, match in enumerate(nearest):
                if match is not None and match.start() < first.end():
                    nearest[place] = next(find_all(self.whole[place], text, first.end(), end), None)

    def search(self, text: str, begin: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """The first match, or None."""
        return next(self.finditer(text, begin, end), None)

    def match(self, text: str) -> re.Match[str] | None:
        """The match at the beginning of `text`."""
        begins = _BLANK.sub(" ", text[:MARK])
        mark = next((mark for length in range(MARK, 0, -1) if (mark := begins[:length]) in self._words), "")
        word = self._word(mark, text, 0, len(text)) if mark else None
        return word or _first_match(self._sought, text, 0, len(text))

    def sub(self, by: str, text: str) -> str:
        """`text` with every match replaced by `by`."""
        kept, at = [], 0
        for match in self.finditer(text):
            kept.append(text[at : match.start()])
            at = match.end()
        return by.join([*kept, text[at:]])


def _first_match(sought: Iterable[re.Pattern[str]], text: str, start: int, end: int) -> re.Match[str] | None:
    return next(filter(None, (one.match(text, start, end) for one in sought)), None)


def _shared_out(parts: Iterable[str]) -> list[list[str]]:
    """`parts` in lists of about `LONGEST_PATTERN` characters together, in their order."""
    lists: list[list[str]] = []
    size = LONGEST_PATTERN
    for part in parts:
        if size + len(part) > LONGEST_PATTERN:
            lists.append([])
            size = 0
        lists[-1].append(part)
        size += len(part)
    return lists
