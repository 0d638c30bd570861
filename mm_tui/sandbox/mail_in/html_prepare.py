"""Prepares HTML mail as a browser and its reader would: mends the tree, removes and counts what is invisible, and
unwraps layout."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from string import ascii_lowercase
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PreformattedString

from mm_tui.sandbox.mail_in.charsets import Odd
from mm_tui.sandbox.mail_in.html_drawings import draw_words
from mm_tui.sandbox.mail_in.html_styles import Styles, drop_unseen

_SILENT = ("script", "style", "title", "template", "iframe", "embed", "meta", "link")
_OPENED = ("head", "object", "applet")
"""Elements of which only the content counts: a head that never ends holds the text."""
_CODE = frozenset({"pre", "code", "tt", "samp", "kbd"})
_BLANKS = "".join(map(chr, range(0x21)))
BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "center", "dd", "details", "dialog", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
    "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
})  # fmt: skip
_EMPHASIS = ("b", "strong", "i", "em", "s", "strike", "del", "u", "font", "span", "sup", "sub", "code", "small", "big")
_STRIKE = re.compile(r"text-decoration(?:-line)?:[^;]*line-through")
_PRESERVED = re.compile(r"white-space\s*:\s*(?:pre|break-spaces)", re.I)
_SCRIPTED = ("javascript:", "data:", "vbscript:")
_PIXELS = re.compile(r"^\s*[0-2](?:px)?\s*$|^\s*0*\.\d")
_ALIKE = (("b", "strong"), ("i", "em"), ("s", "strike", "del"))
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv")
_PADDING = re.compile(r"(?:[\u034f\u200b-\u200d\u2007\u00ad\ufeff][\s\xa0]*){2,}")
_CELLS = frozenset({"td", "th"})
_GROUPS = frozenset({"tbody", "thead", "tfoot"})
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
# For each element: the elements that it ends, and those that limit the search for them.
_ENDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "li": (frozenset({"li"}), _LISTS | {"table"}),
    "dt": (frozenset({"dt", "dd"}), frozenset({"dl"})),
    "dd": (frozenset({"dt", "dd"}), frozenset({"dl"})),
    "option": (frozenset({"option"}), frozenset({"select"})),
    "td": (_CELLS, frozenset({"table"})),
    "th": (_CELLS, frozenset({"table"})),
    "tr": (frozenset({"tr"}), frozenset({"table"})),
    **{name: (_GROUPS, frozenset({"table"})) for name in _GROUPS},
}
_TO_DIVISIONS = (
    "center", "fieldset", "legend", "details", "summary", "address", "form", "dialog", "aside", "header", "footer",
    "main", "nav", "marquee", "figure", "hgroup",
)  # fmt: skip


def prepare(soup: BeautifulSoup, odd: Odd, *, keep_hidden: bool = False) -> None:
    """Reduces the tree to what a reader of the email would see. `odd` is called with what was left out. `keep_hidden`
    keeps hidden content, for an email that has nothing else."""
    close_elements(soup)
    styles = Styles(soup)
    unseen = not keep_hidden and drop_unseen(soup)
    _drop_comments(soup, odd)
    base = soup.find("base", href=True)
    address = str(base["href"]) if base else ""
    draw_words(soup, odd, keep_hidden=keep_hidden)
    for tag in soup(_SILENT):
        tag.decompose()
    for tag in soup(_OPENED):
        tag.unwrap()
    if not keep_hidden:
        _drop_hidden(soup, styles, odd)
    if unseen:
        odd("hidden text left out")
    for string in soup.find_all(string=_PADDING):
        string.replace_with(NavigableString(_without_padding(str(string))))
    _drop_pixels(soup, styles, odd)
    for struck in soup.find_all(style=True):
        if _STRIKE.search(_style(struck)) and struck.name not in ("s", "del", "strike"):
            struck.name = "s" if struck.name in ("span", "font", "b", "i", "u", "em", "strong") else struck.name
    _keep_lines(soup)
    _mend_links(soup, address, odd)
    _label_points(soup)
    _open_emphasis(soup)
    _join_lines(soup)


def holds(tag: Tag, names: Container[str | None]) -> bool:
    """Whether one of these elements is within an element. Much faster than `Tag.find`."""
    return any(getattr(one, "name", None) in names for one in tag.descendants)


def _style(tag: Tag) -> str:
    return re.sub(r"\s+", "", str(tag.get("style") or "").lower())


def _drop_comments(soup: BeautifulSoup, odd: Odd) -> None:
    for comment in soup.find_all(string=lambda string: isinstance(string, PreformattedString)):
        if "[if" in comment and "endif" in comment:
            odd("text for Outlook alone left out")
        comment.extract()


def _drop_hidden(soup: BeautifulSoup, styles: Styles, odd: Odd) -> None:
    said = False
    for tag in soup.find_all(True):
        if tag.name not in ("html", "body", "br", "img") and not tag.decomposed and styles.hides(tag):
            said = said or bool(_without_padding(tag.get_text()).strip())
            tag.decompose()
    if said:
        odd("hidden text left out")


def _without_padding(text: str) -> str:
    """Removes the runs of invisible characters that newsletters put after their preview text."""
    return _PADDING.sub(" ", text)


def _drop_pixels(soup: BeautifulSoup, styles: Styles, odd: Odd) -> None:
    for image in soup("img"):
        style = _style(image)
        sizes = [str(image.get(side) or "") for side in ("width", "height")]
        tiny = any(_PIXELS.match(size) for size in sizes if size) and all(_PIXELS.match(size) for size in sizes if size)
        if tiny or styles.hides(image) or re.search(r"(?:^|;)(?:height|width):[01]px", style):
            odd("tracking pixel left out")
            image.decompose()


def _keep_lines(soup: BeautifulSoup) -> None:
    """Turns line ends into breaks in text whose style preserves them."""
    for tag in soup.find_all(style=_PRESERVED):
        for string in list(tag.find_all(string=re.compile("\n"))):
            if string.find_parent("pre") is not None or not string.strip():
                continue
            lines = str(string).strip("\n").split("\n")
            for line in lines[:-1]:
                string.insert_before(line, soup.new_tag("br"))
            string.replace_with(lines[-1])


def _mend_links(soup: BeautifulSoup, base: str, odd: Odd) -> None:
    for link in soup("a", href=True):
        href = re.sub(
            r"[\x00-\x20]+", lambda blank: "%20" if blank[0].strip("\t\r\n") else "", str(link["href"]).strip(_BLANKS)
        )
        if href.lower().startswith(_SCRIPTED):
            odd("link that runs a script")
            del link["href"]
            continue
        link["href"] = href = urljoin(base, href) if base and not urlsplit(href).scheme else href
        if link.get_text().strip() != href and any(outer.name in _CODE for outer in link.parents):
            # Code has no links.
            link.append(f" <{href}>")
    for area in soup("area", href=True):
        # A part of an image that can be clicked on.
        area.name = "a"
        area.string = str(area.get("alt") or area.get("title") or "") or "[image]"
        if area.parent is not None and area.parent.name == "map":
            area.insert_before("\n")


def _label_points(soup: BeautifulSoup) -> None:
    """Writes out the labels of lists that Markdown cannot number so: with letters, downwards, or with gaps."""
    for points in soup("ol"):
        items = points.find_all("li", recursive=False)
        kind, is_down = str(points.get("type") or "1"), points.has_attr("reversed")
        if kind == "1" and not is_down and not any(item.get("value") for item in items):
            continue
        number = _whole(points.get("start"), len(items) if is_down else 1)
        for item in items:
            number = _whole(item.get("value"), number)
            first = item.find(True)
            is_begun = first is not None and first.name == "p" and not str(first.previous_sibling or "").strip()
            place = first if first is not None and is_begun else item
            place.insert(0, f"{_label(number, kind)}. ")
            number += -1 if is_down else 1
        points.name = "ul"


def _whole(value: object, otherwise: int) -> int:
    return int(str(value)) if re.fullmatch(r"-?\d{1,9}", str(value), re.ASCII) else otherwise


def _label(number: int, kind: str) -> str:
    labels: dict[str, Sequence[str]] = {"a": ascii_lowercase, "i": _ROMAN}
    known = labels.get(kind.lower(), ())
    label = known[number - 1] if 0 < number <= len(known) else str(number)
    return label.upper() if kind.isupper() else label


def _open_emphasis(soup: BeautifulSoup) -> None:
    """Removes emphasis that Markdown cannot express: around blocks, around nothing, or nested in the same emphasis."""
    for tag in soup(_EMPHASIS):
        alike = next((names for names in _ALIKE if tag.name in names), ())
        within = any(outer.name in alike for outer in tag.parents)
        if within or tag.name in ("font", "span", "u", "small", "big"):
            tag.unwrap()
    for tag in soup(("b", "strong", "i", "em", "s", "strike", "del", "sup", "sub", "code")):
        if holds(tag, BLOCKS) or (
            tag.name != "code" and tag.find("br") is not None and tag.name not in ("s", "strike", "del")
        ):
            _push_down(soup, tag)


def _push_down(soup: BeautifulSoup, tag: Tag) -> None:
    """Moves emphasis around blocks and line breaks to the text inside them."""
    for string in list(tag.find_all(string=True)):
        if isinstance(string, NavigableString) and string.strip() and string.find_parent("pre") is None:
            inner = soup.new_tag(tag.name)
            string.wrap(inner)
    tag.unwrap()


def _join_lines(soup: BeautifulSoup) -> None:
    """Joins single-line blocks made by programs into one paragraph."""
    for first in soup.find_all(_is_line):
        if first.decomposed or first.parent is None or first.name == "br":
            continue
        lines = [first]
        while (following := _next_tag(lines[-1])) is not None and _is_line(following):
            lines.append(following)
        if len(lines) < 2:
            continue
        paragraph = None
        for line in lines:
            if not line.get_text().replace("\xa0", " ").strip() and line.find("img") is None:
                paragraph = None
                line.decompose()
                continue
            line.attrs = {}
            if paragraph is None:
                paragraph = line
                line.name = "p"
                continue
            paragraph.append(soup.new_tag("br"))
            for child in list(line.children):
                paragraph.append(child.extract())
            line.decompose()


def _is_line(tag: Tag) -> bool:
    if tag.name != "div" and not (tag.name == "p" and "MsoNormal" in tag.get_attribute_list("class")):
        return False
    if holds(tag, BLOCKS):
        return False
    breaks = tag.find_all("br")
    return not breaks or (len(breaks) == 1 and not tag.get_text().strip())


def _next_tag(tag: Tag) -> Tag | None:
    following = tag.next_sibling
    while following is not None and not isinstance(following, Tag) and not str(following).strip():
        following = following.next_sibling
    return following if isinstance(following, Tag) else None


def close_elements(soup: BeautifulSoup) -> None:
    """Ends elements where a browser does; turns elements that it shows as blocks into divisions."""
    for tag in soup.find_all(list(_ENDS)):
        outer = _ended_by(tag)
        if outer is None:
            continue
        moved = [tag, *tag.next_siblings]
        at = outer
        for one in moved:
            one.extract()
            at.insert_after(one)
            at = one  # type: ignore[assignment]
    for tag in soup.find_all(_TO_DIVISIONS):
        tag.name = "div"
    for tag in soup.find_all(("tt", "samp")):
        tag.name = "code"


def _ended_by(tag: Tag) -> Tag | None:
    """The enclosing element that ends where this one begins."""
    ends, within = _ENDS[tag.name]
    for outer in tag.parents:
        if outer.name in within:
            return None
        if outer.name in ends:
            return outer
    return None
