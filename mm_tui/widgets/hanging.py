"""Lines that begin with a sign or a label, and continue below in their own column; key hints that are not broken."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from mm_tui.widgets.words import joined

EMPTY = Content("")
SIGN = re.compile(r"(?:!!| [!·?≠]|  ) ")
"""What stands before a finding, or the same room before words about it."""


def hanging(text: Content, width: int, start: re.Pattern[str] = SIGN) -> Content:
    """The text in lines of at most `width` cells; a line that matches `start` continues below what it matches."""
    lines: list[Content] = []
    for line in text.split("\n", allow_blank=True):
        found = start.match(line.plain) if line.cell_length > width else None
        indent = found.end() if found is not None else 0
        if not 0 < indent < width:
            lines.append(line)
            continue
        parts = line[indent:].wrap(width - indent)
        lines.append(Content.assemble(line[:indent], *parts[:1]))
        lines += [Content.assemble(" " * indent, part) for part in parts[1:]]
    return joined(lines, "\n")


def with_hints(text: Content, hints: Sequence[str], width: int) -> Content:
    """A text with key hints after it. A hint is never broken: without room for it, it begins a line."""
    for words in filter(None, hints):
        last = text.wrap(width)[-1].rstrip().cell_length
        text = Content.assemble(text, "  " if last + 2 + cell_len(words) <= width else "\n", words)
    return text


def unbroken(hints: Content, width: int, gap: str = "   ") -> Content:
    """Key hints with a gap between them. A hint is never broken: without room for it, it begins a line."""
    lines: list[Content] = []
    for hint in hints.split(gap):
        if lines and lines[-1].cell_length + len(gap) + hint.cell_length <= width:
            lines[-1] = Content.assemble(lines[-1], gap, hint)
        else:
            lines.append(hint)
    return joined(lines, "\n")


class HangingText(Widget):
    """A text whose lines continue below their words, not below the sign or the label before them."""

    DEFAULT_CSS = "HangingText { width: 1fr; height: auto; }"

    def __init__(self, text: Content = EMPTY, *, start: re.Pattern[str] = SIGN, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._text, self._start = text, start

    def put(self, text: Content) -> None:
        self._text = text
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return hanging(self._text, max(1, width), self._start).get_height({}, max(1, width))

    def render(self) -> Content:
        return hanging(self._text, max(1, self.size.width), self._start)
