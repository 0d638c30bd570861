"""The table of figures, on the terminal and as a page."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import textual

from bench.figures import Figure

START, END = "<!-- figures -->", "<!-- end of figures -->"


def _rows(figures: Sequence[Figure]) -> list[tuple[str, str, str, str]]:
    words = {True: "ok", False: "OVER", None: ""}
    return [(figure.name, figure.measured, figure.bound, words[figure.ok]) for figure in figures]


def print_table(figures: Sequence[Figure]) -> None:
    """Aligned columns on standard output."""
    rows = [("figure", "measured", "bound", ""), *_rows(figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


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


def write_page(page: Path, figures: Sequence[Figure], mails: int) -> None:
    """Puts the table between the page's marks."""
    text = page.read_text("utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    lines = [
        START,
        f"Measured {time.strftime('%Y-%m-%d')} with {mails:,} mails on a terminal of 120 by 40: {machine()}.",
        "",
        "| figure | measured | bound | |",
        "|---|---|---|---|",
        *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in _rows(figures)),
        END,
    ]
    page.write_text(before + "\n".join(lines) + after, "utf-8")
