"""Determines when painted output has arrived at the terminal, which on a slow connection takes seconds.

Output waits in buffers, and a key pressed meanwhile refers to the old picture. A terminal processes its input in order,
including a request for the cursor position: the answer proves that everything before it has arrived. Keys come back the
same way, so the time between answer and key is how long the picture was visible.

If a terminal never answers, painted output counts as arrived.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.dom import DOMNode
from textual.timer import Timer

from mm_tui.textual_private import write_to_terminal

if TYPE_CHECKING:
    Call = Callable[[float], object]
    """Called with the moment of arrival, by the monotonic clock."""

QUESTION = "\x1b[6n"
FIRST_SECONDS = 2.0
"""Seconds of silence after the first request in a run that mean that the terminal never answers."""
AGAIN_SECONDS = 3.0
"""Seconds before a request is repeated, because an answer may get lost; the wait grows each time."""
MOST_SECONDS = 60.0
"""Seconds of silence after which a terminal that has answered before counts as not answering."""
LAST_SECONDS = 0.5
"""Seconds that leaving waits for a pending answer, which would otherwise appear at the shell prompt."""


class Arrival:
    """Sends requests to an app's terminal. The app's message pump calls `answered`."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._answers: bool | None = False
        """Whether the terminal answers; None until the first request is answered or has timed out."""
        self._owed = 0
        """The number of unanswered requests."""
        self._asked: list[Call] = []
        """The callbacks that the pending request will prove."""
        self._next: list[Call] = []
        """The callbacks that need another request."""
        self._since = 0.0
        self._wait = AGAIN_SECONDS
        self._timer: Timer | None = None

    def start(self) -> None:
        """Finds out whether the terminal answers. Called before the first paint, so that little is in its way."""
        if not self._app.is_headless:
            self._answers = None
            self.once_arrived(lambda _: None)

    @property
    def asks(self) -> bool:
        """Whether the terminal reports arrival, or still may."""
        return self._answers is not False

    @property
    def is_under_way(self) -> bool:
        """Whether an answer is pending."""
        return self.asks and self._owed > 0

    def once_arrived(self, call: Call) -> None:
        if not self.asks:
            call(monotonic())
            return
        self._next.append(call)
        self._go_on()

    def answered(self, at: float) -> None:
        self._owed = max(0, self._owed - 1)
        if not self.asks:
            # It came after the timeout. Outstanding answers must not be taken for later requests.
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
            # Repeated requests were not answered.
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


def once_arrived(node: DOMNode, call: Call) -> None:
    """Calls the function when everything painted so far has arrived at the terminal."""
    arrival = getattr(node.app, "arrival", None)
    if isinstance(arrival, Arrival):
        arrival.once_arrived(call)
    else:
        call(monotonic())
