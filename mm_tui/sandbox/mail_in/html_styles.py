"""Reads the styles of HTML mail, and says which elements they hide from its reader."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_AT_BLOCK = re.compile(r"@[^{}]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SELECTOR = re.compile(r"[a-z][a-z0-9]*(?:[.#][\w-]+)*|(?:[.#][\w-]+)+")
_PART = re.compile(r"^[a-z][a-z0-9]*|[.#][\w-]+")
_LONGEST_SHEET = 200_000
_MOST_RULES = 1_000_000
"""How often rules are applied to elements; those after that have only their own style."""
_AWAY = re.compile(r"-(?:[5-9]\d\d|\d{4,})")
_NOTHING = re.compile(r"0+(?:\.0+)?(?:px|pt|em|rem|%)?")
_NO_FONT = re.compile(r"(?:[01](?:\.\d+)?|\.\d+)(?:px|pt)?|(?:0+(?:\.0\d*)?|\.0\d*)r?em|\d(?:\.\d+)?%")
_SHORT_NO_FONT = re.compile(r"0(?:px|pt)?/")
_CELLS = ("td", "th", "tr")
"""Elements that are as large as their content, whatever their style says."""
_FONT = re.compile(r"[2-9]|1\d|(?:1|0?\.[1-9])[\d.]*rem|(?:x{1,3}-)?(?:small|large)(?!r)|medium")
_SHORT_FONT = re.compile(r"(?<![\d./])(?:[2-9]|[1-9]\d)(?:\.\d+)?(?:px|pt)")
"""Sizes that show text also in an element that has none."""
_UNSEEN_COLOUR = re.compile(r"transparent|(?:rgb|hsl)a?\([^)]*[,/]0*\.?0*%?\)|#(?:[\da-f]{3}0|[\da-f]{6}00)")
_THREE_PARTS = re.compile(r"(?:rgb|hsl)a?\([^,/)]*,[^,/)]*,[^,/)]*\)")
_CLIPPED = re.compile(r"rect\([01](?:px)?(?:,?[01](?:px)?){3}\)|rect\(0+\)")
_CLIPPED_PATH = re.compile(r"inset\((?:[5-9]\d|100)%|circle\(0")


class Styles:
    """The styles of an email: of its style sheets, as far as these name single elements, and of its elements."""

    def __init__(self, soup: BeautifulSoup) -> None:
        self._rules: dict[str, list[tuple[int, frozenset[str], str]]] = {}
        number = 0
        for sheet in soup("style"):
            # Rules for certain screens (narrow, dark, printed) do not count.
            text = _AT_BLOCK.sub(" ", re.sub(r"<!--|-->", " ", _COMMENT.sub(" ", sheet.get_text())))
            for selectors, declared in _RULE.findall(text[:_LONGEST_SHEET]):
                for selector in filter(_SELECTOR.fullmatch, map(str.strip, selectors.split(","))):
                    parts = _PART.findall(selector)
                    number += 1
                    self._rules.setdefault(parts[-1], []).append((number, frozenset(parts), declared))
        self._known: dict[tuple[frozenset[str], str], dict[str, str]] = {}
        self._left = _MOST_RULES

    def hides(self, tag: Tag) -> bool:
        """Whether no reader of the email sees the element."""
        if tag.has_attr("hidden") or (tag.name == "input" and tag.get("type") == "hidden"):
            return True
        style = self._of(tag)
        if not style:
            return False
        if _hides(style) or (tag.name not in _CELLS and _has_no_size(style)):
            return True
        size, font = style.get("font-size", ""), style.get("font", "")
        is_tiny = _NO_FONT.fullmatch(size) if size else _SHORT_NO_FONT.match(font)
        # A container may have no size although its content has.
        return is_tiny is not None and not any(_has_font(self._of(inner)) for inner in tag.find_all(True))

    def _of(self, tag: Tag) -> dict[str, str]:
        classes = (f".{name}" for name in tag.get_attribute_list("class"))
        key = names, own = frozenset((tag.name, f"#{tag.get('id')}", *classes)), str(tag.get("style") or "")
        if key not in self._known:
            rules = sorted(rule for name in names for rule in self._rules.get(name, ()) if rule[1] <= names)
            self._left -= len(rules)
            sheets = [declared for _number, _parts, declared in rules] if self._left > 0 else []
            self._known[key] = _declared([*sheets, own])
        return self._known[key]


def _declared(styles: list[str]) -> dict[str, str]:
    """The values of the properties, of which the last and the important ones count."""
    made: dict[str, str] = {}
    important: set[str] = set()
    for style in filter(None, styles):
        for piece in re.sub(r"\s+", "", _COMMENT.sub("", style.lower())).split(";"):
            name, _, value = piece.partition(":")
            if value.endswith("!important"):
                important.add(name)
            elif name in important:
                continue
            made[name] = value.removesuffix("!important")
    return made


def _has_font(style: dict[str, str]) -> bool:
    size = style.get("font-size", "")
    return (_FONT.match(size) if size else _SHORT_FONT.search(style.get("font", ""))) is not None


def _has_no_size(style: dict[str, str]) -> bool:
    return style.get("overflow") == "hidden" and any(
        _NOTHING.fullmatch(style.get(f"{most}{side}", "")) and not style.get(f"min-{side}")
        for side in ("height", "width")
        for most in ("", "max-")
    )


def _hides(style: dict[str, str]) -> bool:
    colour = style.get("color", "")
    return (
        style.get("display") == "none"
        or style.get("visibility") in ("hidden", "collapse")
        or style.get("content-visibility") == "hidden"
        or style.get("mso-hide") == "all"
        or (_UNSEEN_COLOUR.fullmatch(colour) is not None and _THREE_PARTS.fullmatch(colour) is None)
        or re.fullmatch(r"0+(?:\.0\d*)?%?|\.0\d*", style.get("opacity", "")) is not None
        or any(_AWAY.match(style.get(name, "")) for name in ("left", "top", "text-indent", "margin-left"))
        or _CLIPPED.fullmatch(style.get("clip", "")) is not None
        or _CLIPPED_PATH.match(style.get("clip-path", "")) is not None
        or re.search(r"scale\(0[,)]", style.get("transform", "")) is not None
    )
