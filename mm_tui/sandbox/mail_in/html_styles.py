"""Reads the styles of HTML mail, and says which elements they hide from its reader."""

from __future__ import annotations

import re

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


_Colour = tuple[int, int, int]
_Look = tuple[_Colour | None, _Colour | None, bool]
"""Colour and background of an element's text (None if unknown), and whether the email sets the background."""
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
    """Removes text in the colour of its background. Returns whether there was any. If a style sheet sets backgrounds,
    or there is a background image, text is kept because it may be visible."""
    sheets = " ".join(sheet.get_text() for sheet in soup("style")).lower()
    found = False
    known: dict[int, _Look] = {}
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


def _shown(tag: Tag, known: dict[int, _Look]) -> _Look:
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
