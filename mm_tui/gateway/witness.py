"""Who writes acts down before they are made, and the acts that need no entry of their own. Costs nothing to import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mm_tui.gateway.calls import Call
    from mm_tui.gateway.errors import GatewayError


class Witness(Protocol):
    """Who writes acts down before they leave; see `mm_tui.services.audit.act_journal`."""

    async def begins(self, call: Call, at: Mapping[str, str], body: Mapping[str, object]) -> None:
        """Called before the call is made. Raises a GatewayError when it must not be."""

    async def failed(self, call: Call, at: Mapping[str, str], error: GatewayError) -> None:
        """Called when it did not succeed."""


_written: ContextVar[bool] = ContextVar("written", default=False)


@contextmanager
def already_written() -> Iterator[None]:
    """The acts within are covered by an entry that the journal has: they need none of their own."""
    token = _written.set(True)
    try:
        yield
    finally:
        _written.reset(token)


def is_written() -> bool:
    """Whether the acts of this task are covered by an entry already."""
    return _written.get()
