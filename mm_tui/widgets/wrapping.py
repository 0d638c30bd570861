"""Breaks text into drawn lines."""

from __future__ import annotations

import re

from rich.cells import cell_len

TAB = 4
"""Cells between tab stops."""
_IDEOGRAPH = "[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff]"
"""Compiled when a text has a character that may be one: that takes a hundredth of the time to the first frame."""
_FIRST_IDEOGRAPH = "\u3000"
_NOT_FIRST = frozenset(
    "、。，．・：；？！）］｝」』】〉》〕ー…々,.:;?!)]}'\"%\u302a\u302b\u302c\u302d\u3099\u309a"
) | frozenset("っゃゅょぁぃぅぇぉッャュョァィゥェォ")
_NOT_LAST = frozenset("（［｛「『【〈《〔([{'\"$")
"""What begins no line, and what ends none."""
MOST_BACK = 24
"""The most characters that a line gets shorter to be broken beside an ideograph."""
_QUOTE = re.compile(r"(?:> ?)+")


def wrapped(text: str, width: int) -> list[tuple[int, int]]:
    """The start and end in `text` of each drawn line, broken at spaces to at most `width` cells (at least 2, so that a
    wide character fits). Room is left for the quote signs (`quote_before`) in the further lines of a quoted one."""
    lines: list[tuple[int, int]] = []
    start = 0
    ascii_only = text.isascii() and "\t" not in text
    has_ideographs = max(text, default="") >= _FIRST_IDEOGRAPH and re.search(_IDEOGRAPH, text) is not None
    while True:
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if end - start <= width and (ascii_only or _cells(text[start:end]) <= width):
            lines.append((start, end))
        else:
            _break_line(text, start, end, width, ascii_only, has_ideographs, lines)
        if end == len(text):
            return lines
        start = end + 1


def _break_line(
    text: str, start: int, end: int, width: int, ascii_only: bool, has_ideographs: bool, lines: list[tuple[int, int]]
) -> None:
    at, further = start, width - len(_quote_signs(text, start, end, width))
    while at < end:
        if at > start:
            width = further
        stop = min(end, at + width)
        if not ascii_only:
            stop = _fitting(text, at, stop if stop - at < width else min(end, at + 2 * width), width)
        if stop < end:
            space = text.rfind(" ", at + 1, stop + 1)
            if has_ideographs and (place := _beside_ideograph(text, max(at, space), stop)):
                lines.append((at, place))
                at = place
                continue
            if space > at:
                lines.append((at, space))
                at = space + 1
                continue
        lines.append((at, stop))
        at = stop


def _beside_ideograph(text: str, start: int, stop: int) -> int:
    """The last place after `start`, up to `stop`, where Chinese or Japanese text may be broken, since it has no spaces;
    0 if there is none."""
    for at in range(stop, max(start + 1, stop - MOST_BACK), -1):
        before, after = text[at - 1], text[at]
        if after in _NOT_FIRST or before in _NOT_LAST or " " in (before, after):
            continue
        is_before, is_after = re.match(_IDEOGRAPH, before), re.match(_IDEOGRAPH, after)
        if (is_before and (is_after or after.isascii())) or (is_after and before.isascii()):
            return at
    return 0


def quote_before(text: str, at: int, width: int) -> str:
    """The quote signs to draw before a line that continues a quoted one; empty for all others. `at`: where the drawn
    line begins in the text. `width`: cells of a drawn line."""
    if at == 0 or text[at - 1] == "\n":
        return ""
    return _quote_signs(text, text.rfind("\n", 0, at) + 1, at, width)


def _quote_signs(text: str, start: int, end: int, width: int) -> str:
    found = _QUOTE.match(text, start, end)
    return found[0] if found is not None and len(found[0]) <= width // 2 else ""


def _fitting(text: str, start: int, stop: int, width: int) -> int:
    """The furthest index up to `stop` for which the text from `start` fits `width` cells; at least one further."""
    # Most lines have mostly narrow characters: one guess, then a few steps.
    near = min(stop, start + width)
    cells = _cells(text[start:near])
    while cells > width and near > start + 1:
        near -= 1
        cells -= _cells(text[near])
    while near < stop and cells + (more := _cells(text[near])) <= width:
        cells += more
        near += 1
    if _cells(text[start:near]) == cells:
        return near
    # The widths of a cluster's parts may not add up to its own.
    low, high = start + 1, stop
    while low < high:
        middle = (low + high + 1) // 2
        if _cells(text[start:middle]) <= width:
            low = middle
        else:
            high = middle - 1
    return low


def _cells(text: str) -> int:
    return len(text) + text.count("\t") * (TAB - 1) if text.isascii() else cell_len(text.replace("\t", " " * TAB))
