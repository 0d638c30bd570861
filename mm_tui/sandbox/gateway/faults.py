"""Faults on request: what goes wrong between a client and a gateway, made to happen at a chosen call.

docs/sandbox.md describes the rules and each kind of fault.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections.abc import Iterable
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from mm_tui.sandbox.gateway.access import secret_of
from mm_tui.sandbox.gateway.state import QUOTA_USED_UP, RATE_LIMITED, ApiError, SandboxState, SeenRequest, warming_up

Kind = Literal[
    "close",
    "reset",
    "reset_mid_body",
    "status",
    "rate_limit",
    "quota",
    "warmup",
    "truncated",
    "malformed",
    "drip",
    "delay",
    "hang",
]
_PIECES = 20
MOST_BYTES = 48 * 1024 * 1024
"""The largest request body: 25 MB of attachments in base64, and the text. Anything beyond is not read."""
MOST_BYTES_UNKNOWN = 64 * 1024
"""The same for a caller without a valid key."""
LAST_BYTES_SECONDS = 0.5
"""Seconds that a connection stays open after a body was refused, so that the answer can be read."""
_HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"


class Fault(BaseModel):
    """A rule, as docs/sandbox.md describes it."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    method: str = "*"
    path: str = ""
    key: str | None = None
    nth: int = Field(default=1, ge=1)
    count: int = Field(default=1, ge=0)
    when: Literal["before", "after"] = "before"
    status: int = Field(default=500, ge=400, le=599)
    retry_after: int | None = Field(default=None, ge=0)
    seconds: float = Field(default=1.0, ge=0, le=3600)
    body: str | None = None
    id: int = 0
    seen: int = 0
    hits: int = 0

    @field_validator("path")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return value


class OpenConnections:
    """The server's open connections, which can be cut."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[H11Protocol]:
        """A protocol for uvicorn that keeps this list."""
        opened = self._open

        class Listed(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                self.listed_as = transport.get_extra_info("peername")[:2]
                opened[self.listed_as] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                opened.pop(self.listed_as, None)
                super().connection_lost(exc)

        return Listed

    def cut(self, client: tuple[str, int] | None, *, reset: bool) -> None:
        """Closes one connection, with or without a TCP reset."""
        transport = self._open.get((client[0], client[1])) if client else None
        if transport is None:
            return
        if reset:
            found = transport.get_extra_info("socket")
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def stop_reading(self, client: tuple[str, int] | None) -> None:
        transport = self._open.get((client[0], client[1])) if client else None
        if isinstance(transport, asyncio.ReadTransport) and transport.is_reading():
            transport.pause_reading()

    def cut_all(self) -> None:
        """Resets every connection."""
        for client in list(self._open):
            self.cut(client, reset=True)


class Faults:
    """The outermost layer of the sandbox: applies the rules and keeps the list of calls."""

    def __init__(self, app: ASGIApp, state: SandboxState, connections: OpenConnections) -> None:
        self.app = app
        self.state = state
        self.connections = connections
        self.rules: list[Fault] = []
        self._made = 0

    def add(self, rules: Iterable[Fault]) -> list[Fault]:
        """Adds rules; their counts start at 0."""
        added = []
        for rule in rules:
            self._made += 1
            added.append(rule.model_copy(update={"id": self._made, "seen": 0, "hits": 0}))
        self.rules += added
        return added

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/sandbox/"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        caller = self.state.caller(secret_of(headers))
        name = caller.name if caller else ""
        rule = self._match(scope["method"], scope["path"], name)
        query = scope["query_string"].decode("latin-1")
        call = SeenRequest(scope["method"], scope["path"], query, name, None, rule.kind if rule else None)
        self.state.calls.append(call)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
            await send(message)

        most = MOST_BYTES if caller is not None or scope["path"].startswith("/studio/") else MOST_BYTES_UNKNOWN
        body = _Bounded(receive, most, known=caller is not None)
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > most:
            await body.refusal.give(noting)
            self._cut_soon(scope)
            return
        try:
            if rule is None:
                await self.app(scope, body.receive, noting)
            else:
                await self._apply(rule, scope, body.receive, noting)
        finally:
            if body.is_passed:
                self._cut_soon(scope)

    def _cut_soon(self, scope: Scope) -> None:
        """Closes a connection with an unread body."""
        self.connections.stop_reading(scope["client"])
        loop = asyncio.get_running_loop()
        loop.call_later(LAST_BYTES_SECONDS, partial(self.connections.cut, scope["client"], reset=False))

    def _match(self, method: str, path: str, key: str) -> Fault | None:
        hit: Fault | None = None
        for rule in self.rules:
            if rule.method not in ("*", method) or rule.key not in (None, key) or not re.search(rule.path, path):
                continue
            rule.seen += 1
            due = rule.seen >= rule.nth and (rule.count == 0 or rule.hits < rule.count)
            if due and hit is None:
                rule.hits += 1
                hit = rule
        return hit

    async def _apply(self, rule: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Recorded()
        after = rule.when == "after" or rule.kind in ("reset_mid_body", "truncated", "drip")
        if rule.kind == "delay" and not after:
            await asyncio.sleep(rule.seconds)
        if after or rule.kind == "delay":
            await self.app(scope, receive, answer.take)
        else:
            await _whole(receive)
        if rule.kind in ("close", "reset"):
            await self._cut(scope, receive, reset=rule.kind == "reset")
        elif rule.kind == "hang":
            await _gone(receive)
        elif rule.kind == "delay":
            if after:
                await asyncio.sleep(rule.seconds)
            await answer.give(send)
        elif rule.kind == "reset_mid_body":
            await answer.start(send)
            await send(answer.piece(answer.body[: len(answer.body) // 2], more=True))
            # One turn of the loop, so that the half is sent before the reset.
            await asyncio.sleep(0.05)
            await self._cut(scope, receive, reset=True)
        elif rule.kind == "truncated":
            answer.body = answer.body[: len(answer.body) // 2]
            await answer.give(send)
        elif rule.kind == "drip":
            await answer.start(send)
            step = max(1, -(-len(answer.body) // _PIECES))
            for at in range(0, len(answer.body), step):
                await send(answer.piece(answer.body[at : at + step], more=True))
                await asyncio.sleep(rule.seconds / _PIECES)
            await send(answer.piece(b"", more=False))
        else:
            await _made_up(rule).give(send)

    async def _cut(self, scope: Scope, receive: Receive, *, reset: bool) -> None:
        self.connections.cut(scope["client"], reset=reset)
        await _gone(receive)


class Recorded:
    """A recorded answer, to be sent in full, in part, or not at all."""

    def __init__(self, status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.body = body
        self.headers = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]

    async def take(self, message: Message) -> None:
        """Records a message from the application."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [item for item in message["headers"] if item[0].lower() != b"content-length"]
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    async def start(self, send: Send) -> None:
        """Sends the headers, with the length of the whole body."""
        length = (b"content-length", str(len(self.body)).encode())
        await send({"type": "http.response.start", "status": self.status, "headers": [*self.headers, length]})

    def piece(self, body: bytes, *, more: bool) -> dict[str, Any]:
        """A message with a part of the body."""
        return {"type": "http.response.body", "body": body, "more_body": more}

    async def give(self, send: Send) -> None:
        """Sends the whole answer."""
        await self.start(send)
        await send(self.piece(self.body, more=False))


class _Bounded:
    """A request's body, limited to `most` bytes."""

    def __init__(self, receive: Receive, most: int, *, known: bool) -> None:
        self._receive = receive
        self._left = most
        self._status = 413 if known else 401
        self._words = "Request body too large" if known else "Missing or invalid API key"

    @property
    def is_passed(self) -> bool:
        """Whether the body was longer than the limit."""
        return self._left < 0

    @property
    def refusal(self) -> Recorded:
        """The answer to a body that is too large."""
        body = json.dumps({"error": self._words}).encode()
        return Recorded(self._status, body, {"content-type": "application/json"})

    async def receive(self) -> Message:
        """Receives the next part. Raises HTTPException if the body is too large."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self.is_passed:
                raise HTTPException(self._status, self._words)
        return message


def _made_up(rule: Fault) -> Recorded:
    headers = {"content-type": "application/json"}
    if rule.retry_after is not None:
        headers["retry-after"] = str(rule.retry_after)
    if rule.kind == "malformed":
        return Recorded(200, (_HTML if rule.body is None else rule.body).encode("utf-8", "replace"), headers)
    if rule.kind == "rate_limit":
        headers.setdefault("retry-after", "1")
    made = {
        "rate_limit": ApiError(429, RATE_LIMITED),
        "quota": ApiError(429, QUOTA_USED_UP),
        "warmup": warming_up(2, 50, 50),
        "status": ApiError(rule.status, f"Fault on request: {rule.status}"),
    }[rule.kind]
    body = json.dumps(made.body) if rule.body is None else rule.body
    return Recorded(made.status, body.encode("utf-8", "replace"), headers)


async def _whole(receive: Receive) -> None:
    """Reads the whole request: a client that is still sending would see a different error from one that waits."""
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass


async def _gone(receive: Receive) -> None:
    """Waits until the connection is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
