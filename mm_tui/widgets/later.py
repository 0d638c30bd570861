"""Calls that wait a moment, so that one answers for several reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.message_pump import MessagePump
    from textual.timer import Timer


class Later:
    def __init__(self, node: MessagePump, seconds: float, call: Callable[[], object]) -> None:
        self._node, self._seconds, self._call = node, seconds, call
        self._timer: Timer | None = None

    def soon(self) -> None:
        """Calls it once for all that ask for it until then."""
        if self._timer is None:
            self._timer = self._node.set_timer(self._seconds, self._due)

    def after_pause(self) -> None:
        """Calls it once nobody has asked for it for so long."""
        self.stop()
        self.soon()

    def stop(self) -> None:
        """Forgets that it was asked for."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        self._call()
