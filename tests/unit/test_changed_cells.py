"""Only the cells that changed are written again."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mm_tui.changed_cells import changed_cells

BOLD = Style(bold=True)


@pytest.mark.parametrize(
    ("before", "after", "span"),
    [
        ([Segment("  5m anna")], [Segment("  5m anna")], None),
        ([Segment("  5m anna")], [Segment("  6m anna")], (2, 3)),
        ([Segment("  9m anna")], [Segment(" 10m anna")], (1, 3)),
        ([Segment(" 59m "), Segment("anna")], [Segment("  1h anna")], (1, 4)),
        ([Segment("anna")], [Segment("an"), Segment("na", BOLD)], (2, 4)),
        ([Segment("a漢b")], [Segment("a字b")], (1, 3)),
        ([Segment("a漢b")], [Segment("axyb")], (1, 3)),
        ([Segment("e\u0301x")], [Segment("ex")], (0, 1)),
        ([Segment("ab")], [Segment("abc")], (0, 3)),
    ],
)
def test_the_span_that_differs(before: list[Segment], after: list[Segment], span: tuple[int, int] | None) -> None:
    assert changed_cells(Strip(before), Strip(after)) == span
