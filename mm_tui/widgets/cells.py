"""Text cut and padded to the cells of a terminal."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

_UNCOUNTABLE = re.compile(
    "\u200d[\xa9\xae\u203c-\u3299\U0001f000-\U0001faff]?|[\ufe0f\u20e3\U0001f3fb-\U0001f3ff]|[\U0001f1e6-\U0001f1ff]"
)
_FLAG_LETTER_A = 0x1F1E6


def countable(text: str) -> str:
    """`text` for a column, without characters whose width differs between terminals: a joined emoji becomes its first
    part, a flag its letters, and joiners, skin tones and variation selectors are removed."""
    return text if text.isascii() else _UNCOUNTABLE.sub(_counted, text)


def _counted(found: re.Match[str]) -> str:
    at = ord(found[0][0]) - _FLAG_LETTER_A
    return chr(ord("A") + at) if 0 <= at < 26 else ""


def fit_cells(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells: padded, or cut with an ellipsis. Wide characters are never split.

    Args:
        text: clean one-line text.
        width: cells; less than one returns "".
        right: align right.
    """
    if width < 1:
        return ""
    text = countable(text)
    cells = len(text) if text.isascii() else cell_len(text)
    if cells > width:
        return (text[: width - 1] if text.isascii() else set_cell_size(text, width - 1)) + "…"
    blank = " " * (width - cells)
    return blank + text if right else text + blank
