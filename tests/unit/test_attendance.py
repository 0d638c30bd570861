"""What changes while nobody presses keys."""

from __future__ import annotations

from mm_tui.app import MmTui
from mm_tui.attendance import IDLE_AFTER_SECONDS
from tests.support.clock import FakeClock
from tests.support.seat import NOW, idle_session


def test_after_a_minute_without_a_key_nobody_reads_the_lists() -> None:
    clock = FakeClock(NOW)
    app = MmTui(idle_session(clock=clock))
    assert app.is_attended
    clock.advance(IDLE_AFTER_SECONDS + 1)
    assert not app.is_attended
    app.attendance.note_input()
    assert app.is_attended
