"""The second barrier against control characters, after the types of `text.py`: filters terminal output."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from mm_tui.text import OneLine


class ControlFilter(LineFilter):
    """Removes control characters from all output, in case some text was not cleaned."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Returns the segments cleaned; each keeps its width in cells."""
        return [self._clean(segment) for segment in segments]

    def _clean(self, segment: Segment) -> Segment:
        text, style, control = segment
        if control or (text.isascii() and text.isprintable()):
            return segment
        clean = str(OneLine(text))
        if clean == text:
            return segment
        return Segment(clean + " " * max(0, cell_len(text) - cell_len(clean)), style)
