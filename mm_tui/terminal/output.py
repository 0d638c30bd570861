"""Reduces the bytes that are written to the terminal, for slow connections.

Textual writes whole lines and pages when one word changed, and each piece of text with its full style before and a
reset after it. Here the cells are compared with those that the terminal already shows, and only the differences are
written.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len

_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|\x1b\[(?P<style>[0-9;]*)m"
    r"|\x1b\[(?P<place>[0-9;]*)H"
    r"|(?P<line>\r?\n)"
    r"|(?P<start>\r)"
    # Modes, requests, the window's title and the bell: they change no cell and do not move the cursor.
    r"|(?P<still>\x1b\[\?(?:7|25|100[0-6]|101[56]|2004|2026|2048)[hl]|\x1b\[\?[0-9]+\$p|\x1b\[[0-9;]*[cnt]"
    r"|\x1b\[[<=>][0-9;]*u|\x1b\](?!8;)[^\x00-\x1f]*(?:\x07|\x1b\\)|\x07)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_SURE = " ~¡¬®ʯͰ҂Ҋԯ‐‧‰⁞⁰₿←↓⇐⇿∀⋿─▩▬▵▷▿◁◺✓✓✗✗⠀⣿、〩ぁゖァヿ㐀䶿一鿿가힣！｠"
"""The first and the last of each range of characters that take the same number of cells on every terminal, unlike emoji
and combining marks. As a pattern it would be compiled for a hundredth of the time to the first frame."""
_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "6": "25", "7": "27", "8": "28", "9": "29"}
"""The code that ends each attribute."""
_COLOUR_PARAMETERS = {"2": 5, "5": 3}
"""The number of parameters of a colour that begins with 38 or 48, by the second one."""
_SEEN_ON_BLANKS = frozenset("4579")
"""Attributes that are visible on a space."""

STYLES = 4096
"""The number of style changes to cache."""
SHORT_GAP = 4
"""Up to this many unchanged cells are written again instead of skipped."""
LONG_BLANK = 12
"""From this many on, spaces at the end of a line are erased instead of written."""


class _Style(NamedTuple):
    attributes: frozenset[str] = frozenset()
    foreground: str = ""
    background: str = ""


_PLAIN = _Style()
_Texts = list[tuple[str, _Style]]


@lru_cache(STYLES)
def _is_sure(char: str) -> bool:
    return bisect_right(_SURE, char) % 2 == 1 or char in _SURE


@lru_cache(STYLES)
def _after(style: _Style, parameters: str) -> _Style:
    """The style after a sequence."""
    attributes, foreground, background = set(style.attributes), style.foreground, style.background
    codes = parameters.split(";")
    while codes:
        code = codes[0]
        length = _COLOUR_PARAMETERS.get(codes[1], 1) if code in ("38", "48") and len(codes) > 1 else 1
        whole, codes = ";".join(codes[:length]), codes[length:]
        if code in ("", "0"):
            attributes, foreground, background = set(), "", ""
        elif code in ("39", "49"):
            foreground, background = ("", background) if code == "39" else (foreground, "")
        elif code == "38" or (len(code) == 2 and code[0] in "39"):
            foreground = whole
        elif code == "48" or code[:-1] in ("4", "10"):
            background = whole
        elif code in _OFF.values():
            attributes = {one for one in attributes if _OFF.get(one) != code}
        else:
            attributes.add(code)
    return _Style(frozenset(attributes), foreground, background)


@lru_cache(STYLES)
def _change(before: _Style, after: _Style) -> str:
    """The shorter sequence from one style to another: the differences, or a reset and the whole style."""
    if before == after:
        return ""
    if after == _PLAIN:
        return "\x1b[m"
    off = {_OFF.get(one, "0") for one in before.attributes - after.attributes}
    on = {one for one in after.attributes if one not in before.attributes or _OFF.get(one) in off}
    codes = [*sorted(off), *sorted(on)]
    if after.foreground != before.foreground:
        codes.append(after.foreground or "39")
    if after.background != before.background:
        codes.append(after.background or "49")
    whole = ["0", *sorted(after.attributes), *filter(None, after[1:])]
    if "0" in off or len(";".join(whole)) < len(";".join(codes)):
        codes = whole
    return f"\x1b[{';'.join(codes)}m"


@lru_cache(STYLES)
def _on_blanks(style: _Style) -> _Style:
    """The part of a style that is visible on a space."""
    attributes = style.attributes & _SEEN_ON_BLANKS
    return _Style(attributes, style.foreground if attributes else "", style.background)


class _Line:
    """A line's cells with their text and style. The right half of a wide character is empty."""

    __slots__ = ("styles", "texts", "verbatim")

    def __init__(self, texts: list[str], styles: list[_Style | None], verbatim: dict[int, tuple[int, _Texts]]) -> None:
        self.texts = texts
        self.styles = styles
        """None for a cell with unknown content."""
        self.verbatim = verbatim
        """Texts of uncertain width, by their first cell, with the cell after them. The content of their cells is
        unknown."""

    def copy(self) -> _Line:
        return _Line(self.texts.copy(), self.styles.copy(), self.verbatim.copy())

    def put(self, x: int, chop: _Texts) -> None:
        """Writes texts from a cell on; text beyond the edge is cut off."""
        if not all(text.isascii() or all(map(_is_sure, set(text))) for text, _ in chop):
            self._put_verbatim(x, chop)
            return
        begin, edge = x, len(self.texts)
        for text, style in chop:
            blank = _on_blanks(style)
            if text.isascii():
                cells = list(text[: max(0, edge - x)])
            else:
                cells = [cell for char in text for cell in ((char,) if cell_len(char) == 1 else (char, ""))]
                del cells[max(0, edge - x) :]
            end = x + len(cells)
            self.texts[x:end] = cells
            if blank == style:
                self.styles[x:end] = [style] * len(cells)
            else:
                self.styles[x:end] = [blank if cell == " " else style for cell in cells]
            x = end
        self._clean_edges(begin, x)

    def _put_verbatim(self, x: int, chop: _Texts) -> None:
        # If a terminal gives a character another width, everything after it moves.
        self.styles[x:] = [None] * (len(self.styles) - x)
        self._clean_edges(x, len(self.styles))
        self.verbatim[x] = x + cell_len("".join(text for text, _ in chop)), chop

    def _clean_edges(self, begin: int, end: int) -> None:
        """A wide character disappears if one half of it is overwritten."""
        if 0 < begin < len(self.texts) and cell_len(self.texts[begin - 1][:1]) == 2:
            self.styles[begin - 1] = None
        if end < len(self.texts) and not self.texts[end]:
            self.styles[end] = None
            self.texts[end] = " "
        if end == len(self.texts) and end and cell_len(self.texts[end - 1][:1]) == 2:
            # Its right half would be beyond the edge.
            self.styles[end - 1] = None
        for start in [start for start, (behind, _) in self.verbatim.items() if start < end and begin < behind]:
            del self.verbatim[start]


class ShownCells:
    """What the terminal shows, as far as known, and the shortest output to change it."""

    def __init__(self, *, erases_in_colour: bool) -> None:
        """`erases_in_colour`: whether erased cells get the background colour (terminfo's `bce`)."""
        self._erases_in_colour = erases_in_colour
        self._size = (0, 0)
        self._lines: list[_Line] = []
        self._rest: tuple[int, int] | None = None
        """The cursor's position."""
        self._out: list[str] = []
        self._style = _PLAIN
        self._cursor: tuple[int | None, int] | None = None

    def forget(self) -> None:
        """Forgets what the terminal shows, so that everything painted is written."""
        width, height = self._size
        self._lines = [_Line([" "] * width, [None] * width, {}) for _ in range(height)]
        self._rest = None

    def difference(self, data: str, size: tuple[int, int]) -> str:
        """The bytes that have the same effect on this terminal, of these columns and lines, as one piece of Textual's
        output, which begins and ends in the plain style."""
        if size != self._size:
            self._size = size
            self.forget()
        self._out, self._style, self._cursor = [], _PLAIN, None
        painted: dict[int, _Line] = {}
        chop: _Texts = []
        style, (begin, y) = _PLAIN, self._rest or (0, 0)
        x, is_still = begin, True
        for token in _TOKEN.finditer(data):
            kind, text = token.lastgroup, token[0]
            is_still = is_still and kind in ("still", "style")
            if kind == "text":
                chop.append((text, style))
                x += cell_len(text)
                continue
            if kind == "style":
                style = _after(style, token["style"])
                continue
            if kind == "other":
                # Its effect on the cells is unknown.
                self.forget()
                return data
            self._put(painted, begin, y, chop)
            chop = []
            if kind == "place":
                x, y = _place(token["place"])
            elif kind == "line":
                x, y = 0, y + 1
            elif kind == "start":
                x = 0
            else:
                self._write_lines(painted)
                self._out.append(text)
            begin = x
        self._put(painted, begin, y, chop)
        self._write_lines(painted)
        self._set_style(_PLAIN)
        if is_still:
            # The cursor stays where it is: after the app has left the alternate screen it is the shell's.
            return "".join(self._out)
        rest = (min(x, size[0] - 1), min(y, size[1] - 1))
        if rest != (self._cursor or self._rest):
            self._move(*rest)
        self._rest = rest
        return "".join(self._out)

    def _put(self, painted: dict[int, _Line], x: int, y: int, chop: _Texts) -> None:
        if chop and y < len(self._lines):
            if y not in painted:
                painted[y] = self._lines[y].copy()
            painted[y].put(x, chop)

    def _write_lines(self, painted: dict[int, _Line]) -> None:
        for y in sorted(painted):
            old, new = self._lines[y], painted[y]
            for x in sorted(new.verbatim):
                if old.verbatim.get(x) != new.verbatim[x]:
                    self._write_verbatim(x, y, new.verbatim[x][1])
                    # The content of the cells after it is no longer known.
                    old.styles[x:] = [None] * (len(old.styles) - x)
            if old.texts != new.texts or old.styles != new.styles:
                self._write_line(y, old, new)
            self._lines[y] = new
        painted.clear()

    def _write_verbatim(self, x: int, y: int, chop: _Texts) -> None:
        self._move(x, y)
        for text, style in chop:
            self._set_style(style)
            self._out.append(text)
        self._cursor = (None, y)

    def _write_line(self, y: int, old: _Line, new: _Line) -> None:
        texts, styles, width = new.texts, new.styles, len(new.texts)
        differing = [
            x
            for x, (text, style, old_text, old_style) in enumerate(
                zip(texts, styles, old.texts, old.styles, strict=True)
            )
            if style is not None and (text != old_text or style != old_style)
        ]
        tail = self._erasable_from(new)
        x = 0
        for at in differing:
            if at < x:
                continue
            # A wide character is written whole.
            start = at - (not texts[at] and at > 0)
            if x < start <= x + SHORT_GAP and self._cursor == (x, y) and self._are_cheap(texts[x:at], styles[x:at]):
                start = x
            x = self._write_cells(start, at, y, old, new, tail)
            if x >= width:
                break

    def _erasable_from(self, line: _Line) -> int:
        """The first of the blanks at the end of a line that can be erased together."""
        style, at = line.styles[-1], len(line.texts)
        if style is not None and self._can_erase(style):
            while at and line.texts[at - 1] == " " and line.styles[at - 1] == style:
                at -= 1
        return at if len(line.texts) - at >= SHORT_GAP else len(line.texts)

    def _can_erase(self, style: _Style) -> bool:
        return not style.attributes and (self._erases_in_colour or not style.background)

    def _are_cheap(self, texts: list[str], styles: list[_Style | None]) -> bool:
        """Whether all these cells take one byte each in the current style."""
        return "".join(texts).isascii() and all(
            style is not None and self._suits(text, style) for text, style in zip(texts, styles, strict=True)
        )

    def _suits(self, text: str, style: _Style) -> bool:
        return style == self._style or (text == " " and style == _on_blanks(self._style))

    def _write_cells(self, x: int, at: int, y: int, old: _Line, new: _Line, tail: int) -> int:
        """Writes the cells from `x` to `at`, and further ones that differ. Returns the cell after them."""
        texts, styles, width = new.texts, new.styles, len(new.texts)
        self._move(x, y)
        while x < width and (style := styles[x]) is not None:
            if x >= tail:
                self._set_style(style)
                self._out.append("\x1b[K")
                return width
            if texts[x] == " ":
                blanks = 1
                while x + blanks < width and texts[x + blanks] == " " and styles[x + blanks] == style:
                    blanks += 1
                if blanks >= LONG_BLANK and self._can_erase(style):
                    self._set_style(style)
                    self._out.append(f"\x1b[{blanks}X")
                    return x + blanks
            if not self._suits(texts[x], style):
                self._set_style(style)
            wide = x + 1 < width and not texts[x + 1]
            self._out.append(texts[x])
            x += 1 + wide
            self._cursor = (x if x < width else None, y)
            if at < x < width and texts[x] == old.texts[x] and styles[x] == old.styles[x]:
                break
        return x

    def _set_style(self, style: _Style) -> None:
        if style != self._style:
            self._out.append(_change(self._style, style))
            self._style = style

    def _move(self, x: int, y: int) -> None:
        if self._cursor is None or self._cursor[1] != y or self._cursor[0] is None or self._cursor[0] > x:
            place = f"{y + 1};{x + 1}" if x else f"{y + 1}" if y else ""
            self._out.append(f"\x1b[{place}H")
        elif by := x - self._cursor[0]:
            self._out.append(f"\x1b[{by}C" if by > 1 else "\x1b[C")
        self._cursor = (x, y)


def _place(parameters: str) -> tuple[int, int]:
    """Column and line, counted from 0."""
    line, _, column = parameters.partition(";")
    return max(1, int(column or 1)) - 1, max(1, int(line or 1)) - 1
