"""Model endpoints on loopback: the sandbox's stand-in, and a raw server that misbehaves on request."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import uvicorn
from fastapi import FastAPI, Request, Response

from mm_tui.sandbox.model.api import create_router

MODEL_KEY = "made-up-ai21-key-5f3a"


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # pytest's own stay


@asynccontextmanager
async def stand_in(*, refuses: float = 0.0) -> AsyncIterator[str]:
    """The sandbox's AI21-compatible endpoint on this event loop. Gives its host, as AI21_API_HOST would name it.

    `refuses`: the share of requests that are answered with 429, and no time to wait.
    """
    app = FastAPI()
    chance = Random(7)

    @app.middleware("http")
    async def refuse(request: Request, ask: Callable[[Request], Awaitable[Response]]) -> Response:
        return (
            Response(status_code=429, headers={"Retry-After": "0"}) if chance.random() < refuses else await ask(request)
        )

    app.include_router(create_router(MODEL_KEY))
    server = _Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="none"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/studio/v1"
    finally:
        server.should_exit = True
        await serving


@dataclass
class RawServer:
    """Counts requests and open connections."""

    host: str = ""
    requests: list[bytes] = field(default_factory=list)
    open: int = 0

    async def all_closed(self) -> None:
        """Waits until no connection is open."""
        async with asyncio.timeout(5):
            while self.open:
                await asyncio.sleep(0.005)


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(answer: Answer) -> AsyncIterator[RawServer]:
    """A TCP server that reads one HTTP request after the other and lets `answer` write whatever it likes."""
    state = RawServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.open += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line.split(b":")[1]) for line in head.lower().splitlines() if b"content-length" in line), 0
                )
                state.requests.append(head + await reader.readexactly(length))
                await answer(reader, writer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client or the answer closed the connection, which is what is tested
        finally:
            state.open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    state.host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/studio/v1"
    try:
        yield state
    finally:
        server.close()


def plain(status: int, body: bytes = b'{"detail":"no"}', headers: str = "") -> Answer:
    """A complete answer with this status."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (
            f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        )
        writer.write(head.encode() + body)

    return answer


def stream(*events: bytes, hang: bool = False, pause: float = 0.0) -> Answer:
    """A stream of server-sent events, then a clean end, or silence."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for event in events:
            writer.write(event)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
        if hang:
            await reader.read()  # until the client hangs up
        raise ConnectionResetError

    return answer


def event(text: str, finish: str | None = None, **more: object) -> bytes:
    """A chunk in AI21's format."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return f"data: {json.dumps({'id': 'c', 'model': 'jamba-x', 'choices': [choice], **more})}\n\n".encode()


def completion(text: str, **more: object) -> bytes:
    """A complete answer in AI21's format."""
    message = {"role": "assistant", "content": text}
    return json.dumps(
        {
            "id": "c",
            "model": "jamba-x",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
            **more,
        }
    ).encode()
