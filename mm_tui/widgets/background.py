"""Work beside the event loop: its result comes back on the message loop of the screen or widget that asked for it. And
delayed calls, so that one call serves several requests."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from textual.dom import DOMNode
from textual.timer import Timer
from textual.worker import get_current_worker

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

T = TypeVar("T")


def in_thread(node: DOMNode, read: Callable[[], T], then: Callable[[T], object], group: str) -> None:
    """Calls `read` in a thread, and `then` with what it returns. Newer work of a group replaces older, whose result is
    dropped: it may be older than what is shown."""

    def work() -> None:
        worker = get_current_worker()
        result = read()
        if not worker.is_cancelled:
            node.call_later(then, result)

    node.run_worker(work, thread=True, exclusive=True, group=group, exit_on_error=False)


def awaited(
    node: DOMNode, coroutine: Coroutine[Any, Any, T], then: Callable[[T], object], group: str, *, exclusive: bool = True
) -> None:
    """Awaits something, and calls `then` with its result. `exclusive`: newer work of the group replaces older."""

    async def work() -> None:
        node.call_later(then, await coroutine)

    node.run_worker(work(), exclusive=exclusive, group=group, exit_on_error=False)


class Later:
    def __init__(self, node: MessagePump, seconds: float, call: Callable[[], object]) -> None:
        self._node, self._seconds, self._call = node, seconds, call
        self._timer: Timer | None = None

    def soon(self) -> None:
        """Calls it once for all that ask for it until then."""
        if self._timer is None:
            self._timer = self._node.set_timer(self._seconds, self._due)

    def after_pause(self) -> None:
        """Calls it once nobody has asked for it for as long as the delay."""
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
