"""A gateway whose answers are not true: it stands between the real client and the sandbox, and changes answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mm_tui.gateway.connections import Connections, Request, place_and_target
from tests.support.connections import Told

Lie = Callable[[str, str, Any], Any]
"""From the method, the path and the parsed answer to the answer given instead, with another status if it is a pair;
None changes nothing."""


class LyingConnections(Connections):
    """Forwards every request, and lets `lie` change the answer."""

    def __init__(self) -> None:
        super().__init__(2.0)
        self.lie: Lie = lambda method, path, answer: None
        self.calls: list[tuple[str, str]] = []
        """(method, path) of each request, in order."""

    async def send(self, request: Request) -> Told:
        path = place_and_target(request.url)[1]
        self.calls.append((request.method, path))
        answer = await super().send(request)
        body = b"".join([chunk async for chunk in answer.chunks()])
        await answer.aclose()
        told = self.lie(request.method, path, json.loads(body)) if body else None
        status = answer.status
        if isinstance(told, tuple):
            status, told = told
        if told is not None:
            body = json.dumps(told).encode()
        return Told(status, body, {"content-type": "application/json"})

    def decisions(self) -> int:
        """How many decide calls were made."""
        return sum(path.endswith("/decide") for _, path in self.calls)

    def submissions(self) -> int:
        """How many replies were submitted."""
        return sum("/reply/" in path for _, path in self.calls)
