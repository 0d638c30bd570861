"""Text cut and padded to the cells of a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

_UNCOUNTABLE = re.compile(
    "\u200d[\xa9\xae\u203c-\u3299\U0001f000-\U0001faff]?|[\ufe0f\u20e3\U0001f3fb-\U0001f3ff]|[\U0001f1e6-\U0001f1ff]"
)
LEAST_LOCAL = 3
"""Cells that are left of an address before its domain."""
SEPARATOR = " · "
_FLAG_LETTER_A = 0x1F1E6


def countable(text: str) -> str:
    """`text` for a column, without characters whose width differs between terminals: a joined emoji becomes its first
    part, a flag its letters, and joiners, skin tones and variation selectors are removed."""
    return text if text.isascii() else _UNCOUNTABLE.sub(_counted, text)


def _counted(found: re.Match[str]) -> str:
    at = ord(found[0][0]) - _FLAG_LETTER_A
    return chr(ord("A") + at) if 0 <= at < 26 else ""


def fit_cells(text: str, width: int, *, right: bool = False) -> str:
    """Clean one-line text in exactly `width` cells, empty for less than one: padded, or cut with an ellipsis; `right`
    aligns it right. Wide characters are never split."""
    if width < 1:
        return ""
    text = countable(text)
    cells = len(text) if text.isascii() else cell_len(text)
    if cells > width:
        return (text[: width - 1] if text.isascii() else set_cell_size(text, width - 1)) + "…"
    blank = " " * (width - cells)
    return blank + text if right else text + blank


def at_most(text: str, width: int) -> str:
    """`text` in at most `width` cells; if it is too long, it ends with an ellipsis."""
    text = countable(text)
    return fit_cells(text, min(width, cell_len(text)))


def fit_address(text: str, width: int) -> str:
    """An address in exactly `width` cells, empty for less than one; the clean text may have more, such as `→
    anna@customer.example +1`. Its domain is cut last, because it says whose mail it is, and then from the left."""
    text = countable(text)
    local, at, domain = text.rpartition("@")
    if cell_len(text) <= width or not at:
        return fit_cells(text, width)
    room = width - cell_len(at + domain)
    if room >= LEAST_LOCAL:
        return fit_cells(local, room) + at + domain
    return fit_cells("…" + _end(domain, width - 1), width)


def _end(text: str, width: int) -> str:
    """The end of a text in at most `width` cells."""
    if width < 1:
        return ""
    # No address is too long for this, whoever wrote it: what is left has at most a character for each cell.
    text = text[-width:]
    while cell_len(text) > width:
        text = text[1:]
    return text


def fit_words(text: str, width: int) -> str:
    """`text` in exactly `width` cells; if it is too long, it ends after a whole word with an ellipsis."""
    text = countable(text)
    if cell_len(text) <= width:
        return fit_cells(text, width)
    cut = fit_cells(text, width)[:-1]
    words = cut if text[len(cut) : len(cut) + 1] == " " else cut.rpartition(" ")[0]
    return fit_cells(f"{words.rstrip(' ·,:')}…" if words.strip() else f"{cut}…", width)


def fit_list(words: Sequence[str], width: int) -> str:
    """As many words of a list as fit in `width` cells, from the first, and an ellipsis for the others."""
    for number in range(len(words), 0, -1):
        text = SEPARATOR.join(words[:number]) + (f"{SEPARATOR}…" if number < len(words) else "")
        if cell_len(text) <= width:
            return text
    return at_most(words[0], width) if words else ""
