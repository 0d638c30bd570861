"""The screen in front: how it got there, and since when it and its email are visible on the terminal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.screen import Screen

if TYPE_CHECKING:
    from mm_tui.terminal.arrival import Arrival


class Front:
    """Follows what is in front. `arrival` reports when painted output has arrived at the terminal; `drawn` is called
    when a new screen has been drawn."""

    def __init__(self, app: App[Any], arrival: Arrival, drawn: Callable[[], Awaitable[None]]) -> None:
        self._app, self._arrival, self._drawn = app, arrival, drawn
        self.screen: Screen[Any] | None = None
        self._mode = ""
        """The main screen in front, or below the dialog in front."""
        self.painted_at: float | None = 0.0
        """When the current screen was drawn; None until it is."""
        self.arrived_at: float | None = 0.0
        """When the email that a key would decide arrived at the terminal; None until then."""
        self._awaited: object = None
        """Identifies the painting whose arrival counts."""
        self.was_closed = False
        """Whether the current screen came to the front because a dialog or field was closed."""

    def screen_changed(self, screen: Screen[Any]) -> None:
        if screen is not self.screen:
            left_open = self._mode != self._app.current_mode or self.screen in self._app.screen_stack
            self.becomes(screen, closed=self.screen is not None and not left_open)

    def becomes(self, screen: Screen[Any], *, closed: bool) -> None:
        """Records what is in front now; `closed`: because a dialog or field was closed."""
        self.screen, self._mode = screen, self._app.current_mode
        self.was_closed, self.painted_at = closed, None
        screen.call_after_refresh(self._painted, screen)

    def subject_changed(self) -> None:
        """Records that from the next paint on a key would decide about another email."""
        if self.screen is not None:
            self.arrived_at = None
            self.screen.call_after_refresh(self._await_arrival)

    def hidden(self) -> None:
        """Records that the terminal shows something else, until `subject_changed`. A signal handler may call it."""
        self.arrived_at = self._awaited = None

    def _painted(self, screen: Screen[Any]) -> None:
        if screen is self.screen and self.painted_at is None:
            self.painted_at = self.arrived_at = monotonic()
            if answer_keys(screen) or getattr(screen, "DECIDES", False):
                self._await_arrival()
            self._app.call_later(self._drawn)

    def _await_arrival(self) -> None:
        """A decision needs more than a paint: the picture must have been visible on the terminal."""
        self.arrived_at = None
        self._awaited = awaited = object()
        self._arrival.once_arrived(partial(self._arrived, awaited))

    def _arrived(self, awaited: object, at: float) -> None:
        if awaited is self._awaited:
            self.arrived_at = at

    def item(self) -> tuple[object, object]:
        """The main screen in front and the email that would be decided."""
        main = next((one for one in reversed(self._app.screen_stack) if hasattr(one, "undo_target")), None)
        return main, main.undo_target() if main is not None else None


def answer_keys(screen: Screen[Any]) -> frozenset[str]:
    """The keys that answer the question in front; none if it decides nothing."""
    keys: frozenset[str] = getattr(screen, "answer_keys", frozenset())
    return keys
