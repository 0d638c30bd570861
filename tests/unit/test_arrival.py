"""A terminal is asked whether what was painted has arrived; answers that are lost, late or never come."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from mm_tui.terminal import arrival
from mm_tui.terminal.arrival import AGAIN_SECONDS, MOST_SECONDS, QUESTION, Arrival


class Terminal:
    """Stands for an app and its terminal, with a clock of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_headless = False
        self.now = 0.0
        self.questions = 0
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._driver = SimpleNamespace(write=self.write, flush=lambda: None)
        monkeypatch.setattr(arrival, "monotonic", lambda: self.now)
        app: Any = self
        self.arrival = Arrival(app)
        self.arrived: list[str] = []

    def write(self, data: str) -> None:
        assert data == QUESTION
        self.questions += 1

    def set_timer(self, seconds: float, call: Callable[[], None]) -> Any:
        timer = (self.now + seconds, call)
        self._timers.append(timer)
        return SimpleNamespace(stop=lambda: self._timers.remove(timer) if timer in self._timers else None)

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while due := sorted((timer for timer in self._timers if timer[0] <= end), key=lambda timer: timer[0]):
            self._timers.remove(due[0])
            self.now = due[0][0]
            due[0][1]()
        self.now = end

    def answer(self) -> None:
        self.arrival.answered(self.now)

    def paint(self, name: str) -> None:
        self.arrival.once_arrived(lambda _: self.arrived.append(name))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(monkeypatch)


def test_without_a_terminal_what_is_painted_is_there(terminal: Terminal) -> None:
    terminal.is_headless = True
    terminal.arrival.start()
    terminal.paint("one")
    assert (terminal.arrived, terminal.questions) == (["one"], 0)


def test_each_picture_waits_for_an_answer_to_a_question_asked_behind_it(terminal: Terminal) -> None:
    terminal.arrival.start()
    terminal.paint("one")
    terminal.answer()
    assert terminal.arrived == [], "that question was asked before"
    terminal.paint("two")
    terminal.paint("three")
    assert terminal.questions == 2, "one question at a time"
    terminal.answer()
    assert terminal.arrived == ["one"]
    terminal.answer()
    assert terminal.arrived == ["one", "two", "three"]
    terminal.wait(600)
    assert terminal.questions == 3, "nobody asks without need"


def test_a_terminal_that_never_answers_keeps_nothing_waiting(terminal: Terminal) -> None:
    terminal.arrival.start()
    terminal.paint("one")
    terminal.wait(1)
    assert terminal.arrived == []
    terminal.wait(2)
    terminal.paint("two")
    assert terminal.arrived == ["one", "two"]
    terminal.answer()
    terminal.paint("three")
    assert terminal.arrived == ["one", "two"], "it answers after all"


def test_a_lost_answer_is_asked_for_again(terminal: Terminal) -> None:
    terminal.arrival.start()
    terminal.answer()
    terminal.paint("one")
    terminal.wait(AGAIN_SECONDS)
    assert terminal.questions == 3
    terminal.answer()
    assert terminal.arrived == ["one"]
    terminal.paint("two")
    assert terminal.questions == 3, "the answer that is owed would be taken for this picture's"
    terminal.wait(AGAIN_SECONDS)
    terminal.answer()
    assert terminal.arrived == ["one", "two"]


def test_a_late_answer_proves_no_later_picture(terminal: Terminal) -> None:
    terminal.arrival.start()
    terminal.answer()
    terminal.paint("one")
    terminal.wait(AGAIN_SECONDS)
    terminal.answer()
    terminal.paint("two")
    terminal.answer()
    assert terminal.arrived == ["one"]
    terminal.answer()
    assert terminal.arrived == ["one", "two"]


def test_a_terminal_that_falls_silent_keeps_nothing_waiting_for_long(terminal: Terminal) -> None:
    terminal.arrival.start()
    terminal.answer()
    terminal.paint("one")
    terminal.paint("two")
    terminal.wait(2 * MOST_SECONDS)
    assert terminal.arrived == ["one", "two"]
    assert terminal.questions < 10
