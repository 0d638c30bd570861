"""When what was written has arrived at the terminal: on a slow link that is seconds after it was painted here.

What the program writes waits in buffers on its way, and a key pressed meanwhile was pressed on the old picture. A
terminal takes what it is sent in order and answers where its cursor is in that order: the answer proves that all
before it has arrived. Keys come back the same way. The time between answer and key is how long the picture stood.

A terminal that answers nothing cannot be asked. Then what is painted counts as arrived.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from mm_tui.textual_private import write_to_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App
    from textual.dom import DOMNode
    from textual.timer import Timer

    Call = Callable[[float], object]
    """Called with the moment of arrival, by the monotonic clock."""

QUESTION = "\x1b[6n"
FIRST_SECONDS = 2.0
"""A terminal that is silent for so long after the first question of a run never answers."""
AGAIN_SECONDS = 3.0
"""An answer may get lost: then it is asked again, after ever longer waits."""
MOST_SECONDS = 60.0
"""A terminal that has answered and is silent for so long answers no more."""
LAST_SECONDS = 0.5
"""Leaving waits so long for an answer under way, which would else be typed at the shell."""


class Arrival:
    """Asks the terminal of an app. Its pump calls `answered`."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._answers: bool | None = False
        """None until the first question is answered, or has been for too long."""
        self._owed = 0
        """Questions whose answers have not come."""
        self._asked: list[Call] = []
        """What the question under way will prove."""
        self._next: list[Call] = []
        """What needs another question."""
        self._since = 0.0
        self._wait = AGAIN_SECONDS
        self._timer: Timer | None = None

    def start(self) -> None:
        """Finds out whether the terminal answers. Called before the first paint, so that little is in its way."""
        if not self._app.is_headless:
            self._answers = None
            self.once_arrived(lambda _: None)

    @property
    def is_told(self) -> bool:
        """The terminal tells, or may yet tell, when something has arrived."""
        return self._answers is not False

    @property
    def is_under_way(self) -> bool:
        """An answer is still to come."""
        return self.is_told and self._owed > 0

    def once_arrived(self, call: Call) -> None:
        """Calls it when all that has been painted so far has arrived."""
        if not self.is_told:
            call(monotonic())
            return
        self._next.append(call)
        self._go_on()

    def answered(self, at: float) -> None:
        """The terminal has answered a question."""
        self._owed = max(0, self._owed - 1)
        if not self.is_told:
            # Later than it was waited for. Answers that are still owed would prove what they do not know.
            self._answers = self._owed == 0
            return
        self._answers = True
        self._wait = AGAIN_SECONDS
        self._prove(at)
        self._stop_timer()
        if self._owed:
            self._set_timer(AGAIN_SECONDS)
        self._go_on()

    def _prove(self, at: float) -> None:
        calls, self._asked = self._asked, []
        for call in calls:
            call(at)

    def _go_on(self) -> None:
        if self._next and not self._asked and not self._owed:
            self._asked, self._next = self._next, []
            self._since = monotonic()
            self._ask()

    def _ask(self) -> None:
        self._owed += 1
        write_to_terminal(self._app, QUESTION)
        self._set_timer(FIRST_SECONDS if self._answers is None else self._wait)

    def _silent(self) -> None:
        self._timer = None
        if not self._asked:
            # The answers to repeated questions have not come.
            self._owed = 0
            self._go_on()
        elif self._answers and monotonic() - self._since < MOST_SECONDS:
            self._wait *= 2
            self._ask()
        else:
            self._answers = False
            self._asked += self._next
            self._next = []
            self._prove(monotonic())

    def _set_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self._app.set_timer(seconds, self._silent)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None


def arrival_of(node: DOMNode) -> Arrival | None:
    """What knows of arrivals at this node's terminal; None in an app that does not ask."""
    found = getattr(node.app, "arrival", None)
    return found if isinstance(found, Arrival) else None


def once_arrived(node: DOMNode, call: Call) -> None:
    """Calls it when all that has been painted so far has arrived at the terminal."""
    arrival = arrival_of(node)
    if arrival is None:
        call(monotonic())
    else:
        arrival.once_arrived(call)
