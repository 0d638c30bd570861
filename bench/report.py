"""The tables of figures, on the terminal and in a page. Both are Markdown, and a page keeps what was not measured now.

Figures that grow with the number of mails have a table with a column for each number, and the most important of them a
small one that begins with fewer mails; the others have one of their own.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import textual

from bench.stage import USUAL, Figure

GROWING = ("<!-- figures by number of emails -->", "<!-- end of figures by number of emails -->")
GROWTH = ("<!-- growth -->", "<!-- end of growth -->")
GROWTH_ROWS = (
    "launch to list on screen, median",
    "cursor move within the view, median",
    "key to the last byte: last",
    "key to the last byte: first",
    "key to the last byte: threads folded",
    "search as you type, 95th percentile to first results",
    "memory, list on screen and polling",
    "idle, polling every 15 s",
    "poll with nothing new, processor time",
    "store on disk, bytes a mail without its body",
)
"""The figures of the small table."""
OTHERS = ("<!-- other figures -->", "<!-- end of other figures -->")
NAME, BOUND, WHEN = "figure", "bound", "measured"
Table = dict[str, dict[str, str]]
"""Cells by row and column."""


def _measured(figure: Figure) -> str:
    return figure.measured + {True: "", False: " **over**", None: ""}[figure.ok]


def _column(mails: int) -> str:
    return f"{mails:,} emails"


def _table(figures: Iterable[Figure], column: str) -> Table:
    return {
        figure.name.replace("mails", "emails"): {column: _measured(figure), BOUND: figure.bound} for figure in figures
    }


def _read(text: str) -> Table:
    """A table of a page."""
    lines = [line for line in text.split("\n") if line.startswith("|")]
    rows = [[cell.strip().replace("\\|", "|") for cell in line[1:-1].split(" | ")] for line in lines]
    return {row[0]: dict(zip(rows[0][1:], row[1:], strict=True)) for row in rows[2:]}


def _columns(table: Table) -> list[str]:
    names = {name for row in table.values() for name in row} - {BOUND}
    return [*sorted(names, key=lambda name: int(name.split()[0].replace(",", "")) if name[0].isdigit() else 0), BOUND]


def _written(table: Table) -> list[str]:
    """A table as Markdown, aligned."""
    columns = _columns(table)
    cells = [[NAME, *columns], *([name, *(row.get(column, "") for column in columns)] for name, row in table.items())]
    rows = [[cell.replace("|", "\\|") for cell in row] for row in cells]
    widths = [max(3, *(len(row[at]) for row in rows)) for at in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def _merged(old: Table, new: Mapping[str, Mapping[str, str]]) -> Table:
    """Cells measured now, in the order of what is measured now; rows and columns of before stay."""
    names = [*new, *(name for name in old if name not in new)]
    return {name: {**old.get(name, {}), **new.get(name, {})} for name in names}


def print_tables(growing: Sequence[Figure], others: Sequence[Figure], mails: int) -> None:
    """Prints what was measured now, and on what."""
    for table in (_table(growing, _column(mails)), _table(others, WHEN)):
        if table:
            print("\n".join([*_written(table), ""]))
    print(f"Measured {time.strftime('%Y-%m-%d')} on {machine()}.")


def machine() -> str:
    """What it was measured on."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else platform.machine()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    versions = f"Python {platform.python_version()}, Textual {textual.__version__}, SQLite {sqlite3.sqlite_version}"
    system = f"{platform.system()} {platform.release()}"
    return f"{model}, {os.cpu_count()} cores, {system}, {versions}; load while measuring {load}"


def write_page(page: Path, growing: Sequence[Figure], others: Sequence[Figure], mails: int) -> None:
    """Puts what was measured now between the page's marks, and when and on what below each table."""
    text = page.read_text("utf-8")
    if mails >= USUAL:
        text = _put(text, GROWING, _table(growing, _column(mails)), _column(mails))
    few = [figure for figure in growing if figure.name in GROWTH_ROWS]
    text = _put(text, GROWTH, _table(few, _column(mails)), _column(mails))
    page.write_text(_put(text, OTHERS, _table(others, WHEN), "The other figures"), "utf-8")


def _put(text: str, marks: tuple[str, str], new: Table, what: str) -> str:
    if not new:
        return text
    start, end = marks
    before, _, rest = text.partition(start)
    old, _, after = rest.partition(end)
    notes = [line for line in old.split("\n") if line.startswith("- ") and not line.startswith(f"- {what}:")]
    notes.append(f"- {what}: measured {time.strftime('%Y-%m-%d')} on {machine()}.")
    return before + "\n".join([start, *_written(_merged(_read(old), new)), "", *sorted(notes), end]) + after
