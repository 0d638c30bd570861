"""Calls that wait a moment: once for all that ask until then, or once nobody has asked for a while."""

from __future__ import annotations

from collections.abc import Callable

from mm_tui.widgets.background import Later


class Timers:
    """Stands in for a screen; a test lets its timers go off."""

    def __init__(self) -> None:
        self.running: list[Timer] = []

    def set_timer(self, delay: float, callback: Callable[[], object]) -> Timer:
        timer = Timer(self, delay, callback)
        self.running.append(timer)
        return timer


class Timer:
    def __init__(self, timers: Timers, delay: float, callback: Callable[[], object]) -> None:
        self._timers, self.delay, self._callback = timers, delay, callback

    def stop(self) -> None:
        self._timers.running.remove(self)

    def go_off(self) -> None:
        self.stop()
        self._callback()


def test_a_text_that_is_typed_without_a_pause_is_saved() -> None:
    timers, saved = Timers(), list[str]()
    saving = Later(timers, 0.5, lambda: saved.append("text"))  # type: ignore[arg-type]
    saving.soon()
    (first,) = timers.running
    saving.soon()
    assert timers.running == [first], "the second key does not put it off"
    first.go_off()
    assert saved == ["text"]
    saving.soon()
    assert timers.running and timers.running[0].delay == 0.5


def test_a_search_waits_for_a_pause() -> None:
    timers, found = Timers(), list[str]()
    searching = Later(timers, 0.2, lambda: found.append("found"))  # type: ignore[arg-type]
    searching.after_pause()
    (first,) = timers.running
    searching.after_pause()
    (second,) = timers.running
    assert second is not first
    searching.stop()
    assert not timers.running and not found
