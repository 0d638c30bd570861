"""Limits the listener's connections: slow ones are closed, so that none blocks others."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 64
"""The most open connections. If there is one more, the oldest with an incomplete request is closed."""
REQUEST_SECONDS = 10.0
"""Seconds that a connection may take to send a whole request, and that it may stay idle."""


class Connections:
    """Limits the number and duration of one server's connections."""

    def __init__(self, most: int = MOST, seconds: float = REQUEST_SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        # In the order in which they started waiting.
        self._unfinished: dict[H11Protocol, asyncio.TimerHandle] = {}
        self._open: set[H11Protocol] = set()

    def protocol(self) -> type[H11Protocol]:
        """A protocol class for uvicorn with these limits."""
        bounds = self

        class Bounded(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                bounds._opened(self)

            def data_received(self, data: bytes) -> None:
                super().data_received(data)
                bounds._heard(self)

            def on_response_complete(self) -> None:
                super().on_response_complete()
                bounds._heard(self)

            def connection_lost(self, exc: Exception | None) -> None:
                bounds._closed(self)
                super().connection_lost(exc)

        return Bounded

    def _opened(self, connection: H11Protocol) -> None:
        self._open.add(connection)
        self._wait_for(connection)
        if len(self._open) > self._most:
            oldest = next(iter(self._unfinished))
            self._closed(oldest)
            oldest.transport.abort()

    def _heard(self, connection: H11Protocol) -> None:
        """Stops the timer when the whole request has arrived, and restarts it for the next one."""
        answering = connection.cycle is not None and not connection.cycle.response_complete
        if answering and not connection.cycle.more_body:
            self._done_waiting(connection)
        elif connection in self._open and connection not in self._unfinished:
            self._wait_for(connection)

    def _wait_for(self, connection: H11Protocol) -> None:
        loop = asyncio.get_running_loop()
        self._unfinished[connection] = loop.call_later(self._seconds, connection.transport.abort)

    def _done_waiting(self, connection: H11Protocol) -> None:
        if timer := self._unfinished.pop(connection, None):
            timer.cancel()

    def _closed(self, connection: H11Protocol) -> None:
        self._open.discard(connection)
        self._done_waiting(connection)
