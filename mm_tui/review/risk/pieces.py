"""Searches a long text piece by piece, so that no single search blocks the interpreter for long.

Rules run in a thread beside the screen, and a regular expression releases the interpreter only after a match or at its
end: on a draft of 262,144 characters after up to 50 ms.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

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


class Phrases:
    """A pattern for text of any length: any of some regular expressions, the first of those that match at one place."""

    def __init__(self, *sought: re.Pattern[str]) -> None:
        self._sought = sought

    def finditer(self, text: str, begin: int = 0, end: int = sys.maxsize) -> Iterator[re.Match[str]]:
        """All matches; see `find_all`."""
        if len(self._sought) == 1:
            return find_all(self._sought[0], text, begin, end)
        return self._merged(text, begin, end)

    def _merged(self, text: str, begin: int, end: int) -> Iterator[re.Match[str]]:
        nearest = [next(find_all(one, text, begin, end), None) for one in self._sought]
        while first := min(filter(None, nearest), key=re.Match.start, default=None):
            yield first
            for place, match in enumerate(nearest):
                if match is not None and match.start() < first.end():
                    nearest[place] = next(find_all(self._sought[place], text, first.end(), end), None)

    def search(self, text: str, begin: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """The first match, or None."""
        return next(self.finditer(text, begin, end), None)

    def match(self, text: str) -> re.Match[str] | None:
        """The match at the beginning of `text`."""
        return next(filter(None, (one.match(text) for one in self._sought)), None)

    def sub(self, by: str, text: str) -> str:
        """`text` with every match replaced by `by`."""
        kept, at = [], 0
        for match in self.finditer(text):
            kept.append(text[at : match.start()])
            at = match.end()
        return by.join([*kept, text[at:]])
