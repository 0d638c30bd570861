"""Answers that come from a test instead of the network."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mm_tui.gateway.connections import Connections, Request, Response


@dataclass
class Told:
    """An answer of a test."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in lower case."""

    @classmethod
    def of(cls, value: object, status: int = 200, **headers: str) -> Told:
        """An answer in JSON."""
        named = {"content-type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
        return cls(status, json.dumps(value).encode(), named)

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.body

    async def aclose(self) -> None: ...


class Answering(Connections):
    """No network: `answer` says what comes back."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        super().__init__(5)
        self._answer = answer

    async def send(self, request: Request) -> Response:
        return self._answer(request)


def path_of(request: Request) -> str:
    """The path that a request asks for, as it is sent."""
    return urlsplit(request.url).path
