"""Fewer bytes to the terminal for the same picture, for slow links.

Textual writes every stretch of text with its whole style before it and a reset behind it. On a screen of 80 by 24 that
is more than half of all bytes. Here only what changes from one stretch to the next is written.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from textual.driver import Driver

_TOKEN = re.compile(r"\x1b\[([0-9;]*)m|((?:\x1b\[[0-9;]*H|\x1b\[\?[0-9]+[hl]|[\r\n])+)")
"""A style (ECMA-48, SGR), or what neither shows a style nor changes it: moving the cursor, switching a mode."""
_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "6": "25", "7": "27", "8": "28", "9": "29"}
"""The code that ends each attribute."""
_COLOUR_PARAMETERS = {"2": 5, "5": 3}
"""Parameters of a colour beginning with 38 or 48, by the second of them."""

STYLES = 4096
"""Changes of style that are kept."""


class _Style(NamedTuple):
    attributes: frozenset[str] = frozenset()
    foreground: str = ""
    background: str = ""


_PLAIN = _Style()


def compact(data: str) -> str:
    """The same picture with each change of style written once.

    Args:
        data: what is written to the terminal at once. It begins in the plain style, as Textual writes it.
    """
    if "\x1b[" not in data:
        return data
    out: list[str] = []
    shown = wanted = _PLAIN
    at = 0
    for token in _TOKEN.finditer(data):
        if token.start() > at:
            out += (_change(shown, wanted), data[at : token.start()])
            shown = wanted
        at = token.end()
        if token[2] is not None:
            out.append(token[2])
        else:
            wanted = _after(wanted, token[1])
    if at < len(data):
        out += (_change(shown, wanted), data[at:])
        shown = wanted
    out.append(_change(shown, wanted))
    return "".join(out)


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
    """The sequence from one style to another: what is new, or after a reset all, where something ends."""
    if before == after:
        return ""
    colours = list(zip(before[1:], after[1:], strict=True))
    if after.attributes >= before.attributes and all(new or not old for old, new in colours):
        codes = [*sorted(after.attributes - before.attributes), *(new for old, new in colours if new != old)]
    else:
        codes = ["0", *sorted(after.attributes), *filter(None, after[1:])]
    return f"\x1b[{';'.join(codes)}m"


@cache
def compacting(driver_class: type[Driver]) -> type[Driver]:
    """The same driver, writing compact."""

    class CompactDriver(driver_class):  # type: ignore[valid-type, misc]  # the class depends on the system
        def write(self, data: str) -> None:
            super().write(compact(data))

    return CompactDriver
