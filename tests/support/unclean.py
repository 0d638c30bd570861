"""Starts the program with walls taken down, to show that the tests of these walls can fail.

    python -m tests.support.unclean cleaning,filter [arguments of mm-tui]

`cleaning` stands for the cleaning of text by type, `filter` for the line filter before the terminal.
"""

from __future__ import annotations

import sys
from threading import local

from rich.segment import Segment
from textual.color import Color

from mm_tui import text
from mm_tui.cli import main
from mm_tui.terminal.control_filter import ControlFilter


def take_down(walls: set[str]) -> None:
    """Takes the named walls down for the rest of this process."""
    clean, filtered = text._clean, ControlFilter.apply
    here = local()

    def cleaned(raw: str) -> tuple[str, text.Hidden]:
        return clean(raw) if getattr(here, "filtering", False) else (raw, text.Hidden())

    def apply(self: ControlFilter, segments: list[Segment], background: Color) -> list[Segment]:
        if "filter" in walls:
            return segments
        here.filtering = True
        try:
            return filtered(self, segments, background)
        finally:
            here.filtering = False

    if "cleaning" in walls:
        text._clean = cleaned
    ControlFilter.apply = apply  # type: ignore[method-assign]  # the point of this module


if __name__ == "__main__":
    take_down(set(sys.argv.pop(1).split(",")))
    main()
