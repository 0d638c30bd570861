"""Repairs the HTML tree as browsers do: unclosed elements end where the next one begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

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


def close_elements(soup: BeautifulSoup) -> None:
    """Moves elements out of an unclosed element that they end; turns elements that browsers show as blocks into
    divisions."""
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
