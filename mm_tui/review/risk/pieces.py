"""Searches a long text piece by piece, so that no single search blocks the interpreter for long.

Rules run in a thread beside the screen, and a regular expression releases the interpreter only after a match or at its
end: on a draft of 262,144 characters after up to 50 ms.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache

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
MARK = 3
"""The most characters at the beginning of a word by which phrases are looked up."""
_WORD_STARTS = re.compile(r"(?<!\w)\w")
_BLANK = re.compile(r"\s")
NO_SPACES = "\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef\u3000-\u303f"
"""Characters of scripts without spaces between words, for use inside a set."""
EASTERN = re.compile(f"[{NO_SPACES}]")


@lru_cache(maxsize=64)
def _marks(text: str) -> tuple[frozenset[str], dict[str, list[int]], bool]:
    """Where words begin in `text`, by their first one, two and three characters, and whether it has `EASTERN` ones."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    flat = _BLANK.sub(" ", text)
    for match in _WORD_STARTS.finditer(flat):
        at = match.start()
        for end in range(at + 1, at + MARK + 1):
            places[flat[at:end]].append(at)
    return frozenset(places), dict(places), EASTERN.search(text) is not None


class Phrases:
    """A pattern for text of any length: any of some regular expressions, the first of those that match at one place.

    Args:
        sought: regular expressions that are searched for.
        eastern: others that are searched for, whose matches begin with a character in `NO_SPACES`.
        words: others, whose matches begin where a word begins, by its first character. They come before the former.
            Each is compiled when a word begins so: most never are, and all would need many megabytes.
        marks: the first characters, at most `MARK`, of the words that their matches begin with. Only words that begin
            so are compared with them, which is several times as fast as a search.
    """

    def __init__(
        self,
        *sought: re.Pattern[str],
        words: Mapping[str, str] | None = None,
        marks: frozenset[str] = frozenset(),
        eastern: Iterable[re.Pattern[str]] = (),
    ) -> None:
        self._western = sought
        self._sought = (*sought, *eastern)
        self._words = words or {}
        self._marks = marks
        self._compiled: dict[str, re.Pattern[str]] = {}

    @cached_property
    def whole(self) -> tuple[re.Pattern[str], ...]:
        """All that is searched for in long texts."""
        return (*(re.compile("|".join(some)) for some in _shared_out(self._words.values())), *self._sought)

    def finditer(self, text: str, begin: int = 0, end: int = sys.maxsize) -> Iterator[re.Match[str]]:
        """All matches; see `find_all`."""
        if self._marks and len(text) <= PIECE:
            return self._marked(text, begin, min(end, len(text)))
        if len(self.whole) == 1:
            return find_all(self.whole[0], text, begin, end)
        return self._merged(text, begin, end)

    def _marked(self, text: str, begin: int, end: int) -> Iterator[re.Match[str]]:
        marks, places, is_eastern = _marks(text)
        starts = {at for mark in self._marks & marks for at in places[mark] if begin <= at < end}
        found = {
            match.start()
            for one in (self._sought if is_eastern else self._western)
            for match in one.finditer(text, begin, end)
        }
        for start in sorted(starts | found):
            if start >= begin:
                match = self._match(text, start, end) if start in found else self._word(text, start, end)
                if match:
                    yield match
                    begin = match.end()

    def _match(self, text: str, start: int, end: int) -> re.Match[str] | None:
        word = self._word(text, start, end)
        return word or next(filter(None, (one.match(text, start, end) for one in self._sought)), None)

    def _word(self, text: str, start: int, end: int) -> re.Match[str] | None:
        letter = text[start : start + 1]
        sought = self._compiled.get(letter)
        if sought is None:
            if letter not in self._words:
                return None
            sought = self._compiled[letter] = re.compile(self._words[letter])
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
        return self._match(text, 0, len(text))

    def sub(self, by: str, text: str) -> str:
        """`text` with every match replaced by `by`."""
        kept, at = [], 0
        for match in self.finditer(text):
            kept.append(text[at : match.start()])
            at = match.end()
        return by.join([*kept, text[at:]])


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
