"""The source of a text, line by line: where each character of its parsed blocks is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

PREFIX = re.compile(r"[\s>]*")
"""The markers of quotes before a line."""


class NotFollowedError(Exception):
    """A character of the text was not found at its position in the source."""


class SourceLines:
    """The lines of a source, and the index at which each begins. Its methods raise NotFollowedError."""

    def __init__(self, source: str) -> None:
        self.lines = source.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)

    def blank_before(self, line: int) -> int:
        """How many empty lines are before a line."""
        blank = 0
        while line - blank > 0 and not PREFIX.sub("", self.lines[line - blank - 1], count=1):
            blank += 1
        return blank

    def placed(self, token: Token) -> list[int]:
        """The source index of each character of an inline token's content."""
        first, _ = token.map or [0, 0]
        placed: list[int] = []
        for number, line in enumerate(token.content.split("\n")):
            if number:
                placed.append(self.starts[first + number] - 1)
            placed += self.at_end(first + number, line)
        return placed

    def at_end(self, number: int, line: str) -> Sequence[int]:
        """The position of a block's line in a source line: at its end, after the block markers."""
        whole = self.lines[number] if number < len(self.lines) else ""
        if whole.endswith(line):
            at = len(whole) - len(line)
        else:
            stripped = whole.rstrip().rstrip("#").rstrip() if whole.lstrip(" >").startswith("#") else whole.rstrip()
            bare = line.rstrip()
            at = len(stripped) - len(bare) if stripped.endswith(bare) else whole.rfind(line)
            if at < 0 or not whole.startswith(line, at):
                raise NotFollowedError
        start = self.starts[number] + at
        return range(start, start + len(line))

    def within(self, number: int, text: str, cursor: int) -> Sequence[int]:
        """The position of a text in a line, from the column `cursor` on."""
        at = self.lines[number].find(text, cursor)
        if at < 0:
            raise NotFollowedError
        start = self.starts[number] + at
        return range(start, start + len(text))

    def cell(self, number: int, content: str, cursor: int) -> Sequence[int]:
        """The position of a table cell's text; a bar in it is escaped by a backslash in the source."""
        if "|" not in content:
            return self.within(number, content, cursor)
        written = self.within(number, content.replace("|", "\\|"), cursor)
        bars = 0
        placed = []
        for place, char in enumerate(content):
            bars += char == "|"
            placed.append(written[place + bars])
        return placed
