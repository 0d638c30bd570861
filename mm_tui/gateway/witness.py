"""The interface for journaling actions before the call, and which actions need no entry of their own. Cheap to
import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mm_tui.gateway.calls import Call
    from mm_tui.gateway.errors import GatewayError


class Witness(Protocol):
    """Journals actions before the call; see `mm_tui.services.audit.change_journal`."""

    async def begins(self, call: Call, at: Mapping[str, str], body: Mapping[str, object]) -> None:
        """Called before the call. Raises a GatewayError if it must not be made."""

    async def failed(self, call: Call, at: Mapping[str, str], error: GatewayError) -> None:
        """Called when the call did not succeed."""


_written: ContextVar[bool] = ContextVar("written", default=False)


@contextmanager
def already_written() -> Iterator[None]:
    """The actions inside this context are covered by an entry in the journal and need none of their own."""
    token = _written.set(True)
    try:
        yield
    finally:
        _written.reset(token)


def is_written() -> bool:
    """Whether the actions of this task are already covered by an entry."""
    return _written.get()
