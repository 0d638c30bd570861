"""A gateway whose answers are not true: it stands between the real client and the sandbox, and changes answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

Lie = Callable[[str, str, Any], Any]
"""From the method, the path and the parsed answer to the answer given instead, with another status if it is a pair;
None changes nothing."""


class LyingTransport(httpx.AsyncHTTPTransport):
    """Forwards every request, and lets `lie` change the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.lie: Lie = lambda method, path, answer: None
        self.calls: list[tuple[str, str]] = []
        """(method, path) of each request, in order."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode("ascii")
        self.calls.append((request.method, path))
        answer = await super().handle_async_request(request)
        body = await answer.aread()
        reported = self.lie(request.method, path, json.loads(body)) if body else None
        status = answer.status_code
        if isinstance(reported, tuple):
            status, reported = reported
        if reported is not None:
            body = json.dumps(reported).encode()
        return httpx.Response(status, headers={"content-type": "application/json"}, content=body)

    def decisions(self) -> int:
        """How many decide calls were made."""
        return sum(path.endswith("/decide") for _, path in self.calls)

    def submissions(self) -> int:
        """How many replies were submitted."""
        return sum("/reply/" in path for _, path in self.calls)
