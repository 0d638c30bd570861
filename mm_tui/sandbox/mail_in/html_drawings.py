"""Keeps the words of drawings (`<svg>`) in HTML mail, and nothing else of them."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup, Tag

from mm_tui.sandbox.mail_in.charsets import Odd

_WORDS = ("text", "foreignobject")
"""The elements whose content is drawn as text; html.parser lowers their names."""
_NO_WORDS = ("title", "desc", "metadata", "style", "script")
_STORES = ("defs", "symbol", "clippath", "mask", "pattern", "marker")
"""Elements that are drawn only where another one uses them."""
_INVISIBLE = {"display": "none", "visibility": "hidden", "fill": "none", "opacity": "0", "fill-opacity": "0"}
_KEPT = ("class", "id", "style", "hidden")
"""The attributes by which styles may hide it."""
_ZERO = re.compile(r"\s*0(?:\.0*)?(?:px|%)?\s*")


def draw_words(soup: BeautifulSoup, odd: Odd, *, keep_hidden: bool) -> None:
    """Replaces each drawing by its text, each on a line of its own. `odd` is called if hidden text was left out;
    `keep_hidden` keeps it."""
    drawings = soup("svg")
    if not drawings:
        return
    uses = any(drawing("use") for drawing in drawings)
    hidden = False
    for drawing in drawings:
        if drawing.decomposed:
            continue
        for tag in drawing(_NO_WORDS if uses else (*_NO_WORDS, *_STORES)):
            tag.decompose()
        for tag in [drawing, *drawing(True)]:
            if not keep_hidden and not tag.decomposed and _is_invisible(tag):
                hidden = hidden or bool(tag.get_text().strip())
                tag.decompose()
        if not drawing.decomposed:
            _keep_words(drawing)
    if hidden:
        odd("hidden text left out")


def _is_invisible(tag: Tag) -> bool:
    if tag.name == "svg" and any(_ZERO.fullmatch(str(tag.get(side, ""))) for side in ("width", "height")):
        return True
    is_drawn = tag.name in ("svg", "g", "a", "switch", "tspan", *_WORDS)
    return is_drawn and any(str(tag.get(name, "")).strip().lower() == value for name, value in _INVISIBLE.items())


def _keep_words(drawing: Tag) -> None:
    """Unwraps everything but words and links. What stands outside of words is not drawn."""
    for string in drawing.find_all(string=True):
        if not any(parent.name in _WORDS for parent in string.parents):
            string.extract()
    for tag in drawing(True):
        if tag.name == "a" and tag.get("xlink:href") and not tag.get("href"):
            tag["href"] = tag["xlink:href"]
        if tag.name in _WORDS:
            tag.name = "div"
        elif tag.name == "tspan" or (tag.name != "a" and not tag.find_parent("div")):
            tag.unwrap()
    drawing.name = "div"
    drawing.attrs = {name: value for name, value in drawing.attrs.items() if name in _KEPT}
