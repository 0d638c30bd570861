"""The writer for rendered mail: text, styles, and the source position of each character."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mm_tui.review.links import host_of
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from markdown_it.token import Token

LONGEST_TARGET = 80
NO_TEXT = "(link without text)"


class Styled(NamedTuple):
    """A range of the text, and "strong", "emphasis", "struck", "code", "dim", "link" or "hidden"."""

    start: int
    end: int
    style: str


class Replaced(NamedTuple):
    """A range of the source that is shown as other text, such as a target shown as its host."""

    source_start: int
    source_end: int
    start: int
    end: int


class Writer:
    """Text with styles and the source position of each character."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.source: list[int] = []
        self.styles: list[Styled] = []
        self.replaced: list[Replaced] = []
        self.active: list[str] = []
        """The styles of the text being written."""

    @property
    def length(self) -> int:
        return len(self.source)

    def put(self, text: str, at: Sequence[int] = (), style: str = "") -> None:
        """Appends text. `at`: the source index of each character; None for text of our own."""
        start = self.length
        self.pieces.append(text)
        self.source.extend(at or [-1] * len(text))
        end = self.length
        if end > start:
            self.styles.extend(Styled(start, end, one) for one in dict.fromkeys([*self.active, style]) if one)

    def add(self, other: Writer) -> None:
        """Appends the content of another writer."""
        start = self.length
        self.pieces += other.pieces
        self.source += other.source
        self.styles += [Styled(start + one.start, start + one.end, one.style) for one in other.styles]
        self.replaced += [one._replace(start=start + one.start, end=start + one.end) for one in other.replaced]


def end_link(out: Writer, start: int, piece: int, opened: Token) -> None:
    target, text = str(opened.attrs.get("href", "")), "".join(out.pieces[piece:])
    if start < out.length:
        out.styles.append(Styled(start, out.length, "link"))
    if not text.strip():
        out.put(NO_TEXT, style="hidden")
    if opened.markup != "autolink":
        out.put(f" ‹{target_words(target)}›", style="link")
    put_title(out, opened)


def put_title(out: Writer, token: Token) -> None:
    """The title is visible only under a mouse pointer."""
    if title := OneLine(str(token.attrs.get("title", ""))).strip():
        out.put(f" “{title}”", style="hidden")


def target_words(target: str) -> str:
    """The host that a target leads to, or the target itself."""
    clean = OneLine(target)
    if clean.lower().startswith("mailto:"):
        return OneLine(clean[len("mailto:") :].partition("?")[0][:LONGEST_TARGET])
    return host_of(clean) or OneLine(clean[:LONGEST_TARGET]) or "nowhere"


def cells(cell: Writer) -> int:
    """The width of a cell's text on a terminal."""
    text = "".join(cell.pieces)
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in text)
