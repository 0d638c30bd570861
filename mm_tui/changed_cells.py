"""Compares two renderings of a line, so that only changes are written to the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from rich.style import Style
    from textual.strip import Strip


def changed_cells(before: Strip, after: Strip) -> tuple[int, int] | None:
    """The range of cells that differ, as start and end (exclusive); None if the lines are equal."""
    old, new = _cells(before), _cells(after)
    if old == new:
        return None
    if len(old) != len(new):
        return 0, max(len(old), len(new))
    differs = [at for at, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
    end = differs[-1] + 1
    while end < len(new) and not (new[end][0] and old[end][0]):
        # The right half of a wide character.
        end += 1
    return differs[0], end


def _cells(strip: Strip) -> list[tuple[str, Style | None]]:
    """A line's cells with their styles; the right half of a wide character is empty."""
    cells: list[tuple[str, Style | None]] = []
    for text, style, _ in strip:
        for char in text:
            width = cell_len(char)
            if width == 0 and cells:
                cells[-1] = (cells[-1][0] + char, cells[-1][1])
            cells += [(char, style), ("", style)][:width]
    return cells
