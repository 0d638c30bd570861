"""Work beside the event loop. Its result comes back on the message loop of the screen or widget that asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from textual.worker import get_current_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from textual.dom import DOMNode

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
