"""Removes text in the colour of its background, which no reader of the email sees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_Colour = tuple[int, int, int]
_NAMED: dict[str, _Colour] = {
    "white": (255, 255, 255), "black": (0, 0, 0), "snow": (255, 250, 250), "ivory": (255, 255, 240),
    "whitesmoke": (245, 245, 245), "ghostwhite": (248, 248, 255), "gainsboro": (220, 220, 220), "red": (255, 0, 0),
    "lightgray": (211, 211, 211), "lightgrey": (211, 211, 211), "silver": (192, 192, 192), "gray": (128, 128, 128),
    "grey": (128, 128, 128), "blue": (0, 0, 255), "navy": (0, 0, 128), "green": (0, 128, 0), "yellow": (255, 255, 0),
}  # fmt: skip
_WHITE = _NAMED["white"]
_COLOUR = re.compile(r"(?:^|;)color:([^;!]+)")
_BACKGROUND = re.compile(r"(?:^|;)background(?:-color)?:([^;!]+)")
_IMAGE = re.compile(r"(?:^|;)background(?:-image)?:[^;]*(?:url|gradient)\(")
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})(?![0-9a-f])")
_RGB = re.compile(r"rgba?\((\d{1,3})[, ]+(\d{1,3})[, ]+(\d{1,3})(?:[,/ ]+([\d.]+%?))?\)")
_ALIKE = 24
"""The greatest difference, of 765, between two indistinguishable colours."""


def drop_unseen(soup: BeautifulSoup) -> bool:
    """Removes text in the colour of its background.

    Returns whether there was any. If a style sheet sets backgrounds, or there is a background image, text is kept
    because it may be visible.
    """
    sheets = " ".join(sheet.get_text() for sheet in soup("style")).lower()
    found = False
    known: dict[int, tuple[_Colour | None, _Colour | None, bool]] = {}
    for string in soup.find_all(string=True):
        if string.parent is None or not string.strip() or string.parent.name in ("style", "script", "title"):
            continue
        colour, background, is_set = _shown(string.parent, known)
        if colour is None or (not is_set and "background" in sheets):
            continue
        if background is not None and sum(abs(a - b) for a, b in zip(colour, background, strict=True)) < _ALIKE:
            string.extract()
            found = True
    return found


def _shown(tag: Tag, known: dict[int, tuple[_Colour | None, _Colour | None, bool]]) -> tuple[
    _Colour | None, _Colour | None, bool
]:  # fmt: skip
    """Colour and background of an element's text (None if unknown), and whether the email sets the background."""
    if id(tag) in known:
        return known[id(tag)]
    if tag.parent is None:
        return None, _WHITE, False
    colour, background, is_set = _shown(tag.parent, known)
    if tag.name == "a":
        # A browser gives links a colour of its own.
        colour = None
    style = re.sub(r"\s*([:;,])\s*", r"\1", " ".join(str(tag.get("style") or "").lower().split()))
    if found := _COLOUR.search(style):
        colour = _read(found[1])
    elif tag.get("color"):
        colour = _read(str(tag["color"]))
    if _IMAGE.search(style) or tag.get("background"):
        background, is_set = None, True
    elif found := _BACKGROUND.search(style):
        background, is_set = _behind(found[1], background), True
    elif tag.get("bgcolor"):
        background, is_set = _read(str(tag["bgcolor"])), True
    known[id(tag)] = (colour, background, is_set)
    return known[id(tag)]


def _behind(value: str, below: _Colour | None) -> _Colour | None:
    return below if value.strip() in ("transparent", "none", "inherit", "initial", "0") else _read(value)


def _read(value: str) -> _Colour | None:
    """The colour in a value; None if there is no known one, or it is transparent."""
    text = value.strip().lower()
    if match := _HEX.search(text if "#" in text else f"#{text}"):
        digits = match[1] if len(match[1]) == 6 else "".join(digit * 2 for digit in match[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    if match := _RGB.search(text):
        return (int(match[1]), int(match[2]), int(match[3])) if match[4] in (None, "1", "1.0", "100%") else None
    return next((_NAMED[word] for word in text.split() if word in _NAMED), None)
