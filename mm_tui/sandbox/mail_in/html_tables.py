"""Tables of HTML mail: most are only layout and become paragraphs; data tables stay tables."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup, Tag

from mm_tui.sandbox.mail_in.html_prepare import BLOCKS, holds

_LONGEST_CELL = 160
"""The longest cell of a data table, in characters."""
_NO_DATA = BLOCKS - {"p", "div", "span", "center", "td", "th", "tr", "tbody", "thead", "tfoot"}
_INLINE_ROW = 60
"""The longest cell that can share a line with its neighbours."""
_POINT = re.compile(r"\d{1,3}[.)]?|[•·*–—»>✓✔-]")


def lay_out(soup: BeautifulSoup) -> None:
    """Unwraps layout tables, innermost first, so that nested content is already text."""
    for table in reversed(soup("table")):
        if not holds_data(table):
            _open(soup, table)


def rows_of(table: Tag) -> list[list[tuple[int, Tag]]]:
    """The rows of a table, each with its cells and their columns; rows without cells left out. A cell with rowspan
    takes its columns in the rows below too."""
    rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
    made: list[list[tuple[int, Tag]]] = []
    taken: dict[int, int] = {}
    """For each column, the number of following rows covered by a cell from above."""
    for row in rows:
        at = 0
        placed: list[tuple[int, Tag]] = []
        reaching: dict[int, int] = {}
        for cell in row.find_all(("td", "th"), recursive=False):
            while at in taken:
                at += 1
            placed.append((at, cell))
            span = span_of(cell)
            if (down := span_of(cell, "rowspan")) > 1:
                reaching |= dict.fromkeys(range(at, at + span), down - 1)
            at += span
        taken = {column: left - 1 for column, left in taken.items() if left > 1} | reaching
        if placed:
            made.append(placed)
    return made


def text_of(cell: Tag) -> str:
    """The visible text of a cell on one line."""
    return " ".join(cell.get_text(" ").split())


def holds_data(table: Tag) -> bool:
    """Whether it looks like a data table: several rows of several short cells, equally many in each row."""
    if table.get("role") in ("presentation", "none") or table.find("table") is not None:
        return False
    placed = [row for row in rows_of(table) if any(text_of(cell) for _, cell in row)]
    rows = [[cell for _, cell in row] for row in placed]
    cells = [cell for row in rows for cell in row]
    if not cells or any(holds(cell, _NO_DATA) or len(text_of(cell)) > _LONGEST_CELL for cell in cells):
        return False
    if any(cell.find("img") is not None and not text_of(cell) for cell in cells):
        return False
    said = [cell for cell in cells if text_of(cell)]
    if sum(_is_link(cell) for cell in said) * 2 > len(said) or _is_numbered(rows):
        return False
    widths = [row[-1][0] + span_of(row[-1][1]) for row in placed]
    common = max(set(widths), key=widths.count)
    used = {at for row in placed for at, cell in row if text_of(cell)}
    heads = table.find("th") is not None
    bordered = str(table.get("border") or "0") not in ("0", "") or "border-collapse" in str(table.get("style") or "")
    full = sum(len([cell for cell in row if text_of(cell)]) > 1 for row in rows)
    enough = 2 if heads or bordered or len(used) > 2 else 3
    # An occasional title, total or merged cell does not make it page layout.
    regular = widths.count(common) * 3 >= len(widths) * 2 and len(said) * 10 >= len(rows) * len(used) * 6
    return len(used) > 1 and full >= enough and regular


def span_of(cell: Tag, name: str = "colspan") -> int:
    """How many columns a cell spans; with `rowspan`, how many rows."""
    span = str(cell.get(name) or "1")
    return min(max(int(span), 1), 50) if span.isascii() and span.isdigit() else 1


def _is_link(cell: Tag) -> bool:
    link = cell.find("a", href=True)
    return link is not None and text_of(link) == text_of(cell)


def _is_numbered(rows: list[list[Tag]]) -> bool:
    """Whether each row is a point of a list: a number or a bullet, then its text."""
    firsts = [next(text_of(cell) for cell in row if text_of(cell)) for row in rows]
    points = sum(_POINT.fullmatch(first) is not None for first in firsts)
    return points * 3 >= len(rows) * 2 and max(len([cell for cell in row if text_of(cell)]) for row in rows) < 3


def _open(soup: BeautifulSoup, table: Tag) -> None:
    """Turns a table into blocks: one per cell, or one line per row if its cells are short."""
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
    return not holds(cell, BLOCKS | {"br"}) and len(text_of(cell)) <= _INLINE_ROW


def as_table(rows: list[dict[int, str]], *, headed: bool) -> str:
    """A table in Markdown, from the cells' Markdown by their columns, on one line each. Columns without text are left
    out. `headed`: the first row names the columns."""
    used = sorted({at for row in rows for at, text in row.items() if text})
    lines = ["| " + " | ".join(row.get(at, "") for at in used) + " |" for row in rows]
    rule = "|" + " --- |" * len(used)
    if headed or len(lines) > 1:
        return "\n".join([lines[0], rule, *lines[1:]])
    return "\n".join(lines)
