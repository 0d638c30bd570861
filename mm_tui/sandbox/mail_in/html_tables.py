"""Tables of HTML mail: most only lay out the page and become paragraphs; those that hold data stay tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mm_tui.sandbox.mail_in.html_prepare import BLOCKS

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_LONGEST_CELL = 160
"""Characters of a cell in a table of data."""
_NO_DATA = tuple(BLOCKS - {"p", "div", "span", "center", "td", "th", "tr", "tbody", "thead", "tfoot"})
_INLINE_ROW = 60
"""Characters of a cell that can share a line with its neighbours."""
_POINT = re.compile(r"\d{1,3}[.)]?|[•·*–—»>✓✔-]")


def lay_out(soup: BeautifulSoup) -> None:
    """Opens the tables that only lay out; innermost first, so that what was in them is already text."""
    for table in reversed(soup("table")):
        if not holds_data(table):
            _open(soup, table)


def rows_of(table: Tag) -> list[list[Tag]]:
    """The rows of a table, each with its cells; rows without cells left out."""
    rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
    cells = [list(row.find_all(("td", "th"), recursive=False)) for row in rows]
    return [row for row in cells if row]


def text_of(cell: Tag) -> str:
    """The visible text of a cell on one line."""
    return " ".join(cell.get_text(" ").split())


def holds_data(table: Tag) -> bool:
    """Whether a table looks like one: several rows of several short cells, the same in each row."""
    if table.get("role") in ("presentation", "none") or table.find("table") is not None:
        return False
    rows = [row for row in rows_of(table) if any(map(text_of, row))]
    cells = [cell for row in rows for cell in row]
    if not cells or any(cell.find(_NO_DATA) is not None or len(text_of(cell)) > _LONGEST_CELL for cell in cells):
        return False
    if any(cell.find("img") is not None and not text_of(cell) for cell in cells):
        return False
    said = [cell for cell in cells if text_of(cell)]
    if sum(_is_link(cell) for cell in said) * 2 > len(said) or _is_numbered(rows):
        return False
    widths = [sum(span_of(cell) for cell in row) for row in rows]
    common = max(set(widths), key=widths.count)
    used = {at for row in rows for at, cell in _placed(row) if text_of(cell)}
    heads = table.find("th") is not None
    bordered = str(table.get("border") or "0") not in ("0", "") or "border-collapse" in str(table.get("style") or "")
    full = sum(len([cell for cell in row if text_of(cell)]) > 1 for row in rows)
    enough = 2 if heads or bordered or len(used) > 2 else 3
    # A title, a total or a merged cell here and there does not make it a page layout.
    regular = widths.count(common) * 3 >= len(widths) * 2 and len(said) * 10 >= len(rows) * len(used) * 6
    return len(used) > 1 and full >= enough and regular


def span_of(cell: Tag) -> int:
    """How many columns a cell takes."""
    span = str(cell.get("colspan") or "1")
    return min(max(int(span), 1), 50) if span.isascii() and span.isdigit() else 1


def _placed(row: list[Tag]) -> list[tuple[int, Tag]]:
    """The cells with their columns."""
    made, at = [], 0
    for cell in row:
        made.append((at, cell))
        at += span_of(cell)
    return made


def _is_link(cell: Tag) -> bool:
    link = cell.find("a", href=True)
    return link is not None and text_of(link) == text_of(cell)


def _is_numbered(rows: list[list[Tag]]) -> bool:
    """Whether each row is a point of a list: a number or a bullet, then its text."""
    firsts = [next(text_of(cell) for cell in row if text_of(cell)) for row in rows]
    points = sum(_POINT.fullmatch(first) is not None for first in firsts)
    return points * 3 >= len(rows) * 2 and max(len([cell for cell in row if text_of(cell)]) for row in rows) < 3


def _open(soup: BeautifulSoup, table: Tag) -> None:
    """Turns a table into blocks: a cell into one, or a row into a line where its cells are short."""
    for row in (row for row in table.find_all("tr") if row.find_parent("table") is table):
        cells = row.find_all(("td", "th"), recursive=False)
        row.name = "p" if len(cells) > 1 and all(map(_is_short, cells)) else "div"
        for cell in cells:
            if row.name == "p":
                cell.insert_after(" ")
                cell.unwrap()
            else:
                cell.name = "div"
                cell.attrs = {}
    for part in table.find_all(("tbody", "thead", "tfoot", "caption", "td", "th")):
        if part.find_parent("table") is table:
            part.name = "div"
    for part in table.find_all(("colgroup", "col")):
        part.decompose()
    table.name = "div"
    table.attrs = {}


def _is_short(cell: Tag) -> bool:
    return cell.find(tuple(BLOCKS)) is None and cell.find("br") is None and len(text_of(cell)) <= _INLINE_ROW


def as_table(rows: list[list[str]], *, headed: bool) -> str:
    """A table in Markdown, from the cells' Markdown on one line each.

    Args:
        rows: of any lengths.
        headed: the first row names the columns.
    """
    width = max(map(len, rows))
    filled = [[*row, *[""] * (width - len(row))] for row in rows]
    used = [at for at in range(width) if any(row[at] for row in filled)]
    lines = ["| " + " | ".join(row[at] for at in used) + " |" for row in filled]
    rule = "|" + " --- |" * len(used)
    if headed or len(lines) > 1:
        return "\n".join([lines[0], rule, *lines[1:]])
    return "\n".join(lines)
