"""What was on the screen only for an instant is left to read."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_tui.clock import DWELL_SECONDS
from mm_tui.widgets import unread as unread_module
from mm_tui.widgets.unread import Unread, without


class Reader:
    """Someone before a text of 100 characters, with a clock that stands still by itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(unread_module, "monotonic", lambda: self.now)
        self.unread = Unread()
        self.unread.begin(100)
        self._views = count()

    def sees(self, start: int, end: int, seconds: float, *, late: float = 0.0, view: object = None) -> None:
        """Looks at a part for some seconds, after it has taken some to arrive at the terminal."""
        painted = (next(self._views),) if view is None else view
        self.unread.shows(start, end, painted)
        self.now += late
        self.unread.arrived(painted, self.now)
        self.now += seconds


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12))
def test_what_is_left_to_read_is_what_was_on_no_screen(looks: list[tuple[int, int]]) -> None:
    unseen = [(0, 50)]
    for start, end in looks:
        unseen = without(unseen, start, end)
    left = {at for first, last in unseen for at in range(first, last)}
    assert left == {at for at in range(50) if not any(start <= at < end for start, end in looks)}


def test_what_flew_past_is_left_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch)
    for start in range(0, 100, 20):
        reader.sees(start, start + 20, DWELL_SECONDS / 4)
    assert reader.unread.left == [(0, 80)]
    for start in range(80, -1, -20):
        reader.sees(start, start + 20, DWELL_SECONDS * 2)
    assert not reader.unread.left


def test_a_line_counts_while_it_moves_over_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch)
    for start in range(81):
        reader.sees(start, start + 20, DWELL_SECONDS / 9.5)
    assert reader.unread.left == [(0, 9)], "those that soon left the first screen"


def test_the_time_begins_when_the_terminal_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch)
    reader.sees(0, 50, DWELL_SECONDS / 2, late=5)
    reader.sees(50, 100, DWELL_SECONDS * 2, late=5)
    reader.sees(40, 60, 0)
    assert reader.unread.left == [(0, 40)]


def test_what_is_painted_again_may_have_been_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch)
    reader.sees(0, 50, DWELL_SECONDS * 3, view="same")
    reader.sees(0, 50, 0, view="same")
    reader.unread.hides()
    assert reader.unread.left == [(0, 100)]
