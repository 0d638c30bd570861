"""Corrects a label. No model overwrites a human's label."""

from __future__ import annotations

from textual.content import Content

from mm_tui.screens.dialogs.dialog import Line, ListDialog
from mm_tui.text import OneLine


class LabelScreen(ListDialog[str]):
    """Returns the chosen label, or None.

    Args:
        current: the email's current label; "" for none.
    """

    def __init__(self, labels: tuple[str, ...], current: str) -> None:
        lines = [
            Line(Content.assemble(("• " if label == current else "  ", "$accent"), OneLine(label)), label)
            for label in labels
        ]
        super().__init__("Label", lines, choose="label it", at=labels.index(current) if current in labels else None)
