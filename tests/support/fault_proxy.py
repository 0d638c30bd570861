"""A bad network between a program and its gateway: a loopback proxy in a separate process.

It knows only HTTP, and gets the share of failing calls and a seed:

    with fault_proxy(sandbox.url) as proxy:
        proxy.be(seed=7, share=0.3)       # three calls of ten go wrong
        ... GatewayClient(proxy.url) ...
        proxy.calm()                      # no more faults; what is late has arrived
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

KINDS = (
    "cut before", "cut after", "reset in the answer", "late", "slow", "twice", "replayed", "busy", "busy for a day",
    "error before", "error after", "truncated", "wrong type", "page", "drip",
)  # fmt: skip
"""What goes wrong with a call:

| kind | the gateway gets it | the client gets |
|---|---|---|
| cut before | never | a closed connection |
| cut after | once | a closed connection |
| reset in the answer | once | half of the answer, then a reset |
| late | once, when the client has given up and done other things | silence |
| slow | once | the answer after a pause, perhaps when it has given up |
| twice | twice at once | the second answer |
| replayed | once, and once more some time later | the first answer |
| busy, busy for a day | never | 429 with Retry-After: 1 or 86400 |
| error before, error after | never, or once | 500, 502 or 503 |
| truncated | once | half of the body, whole as HTTP |
| wrong type | once | the answer as text/html |
| page | once | 200 with a page of the network's own |
| drip | once | the answer in small pieces |
"""
SHORT, LONG = 0.1, 1.0
"""The range of pauses in seconds."""


class FaultProxy:
    """Forwards calls, each on its own connection, and makes a share of them fail."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = host, port
        self._chance = random.Random(0)
        self._share = 0.0
        self._kinds: Sequence[str] = KINDS
        self._under_way: set[asyncio.Task[None]] = set()
        self.seen: list[tuple[str, str]] = []
        """(call, fault) of each, in order."""

    def be(self, seed: int, share: float, without: Sequence[str]) -> None:
        """From now on this share of the calls fails; earlier records are cleared."""
        self._chance, self._share = random.Random(seed), share
        self._kinds = [kind for kind in KINDS if kind not in without]
        self.seen = []

    async def calm(self) -> None:
        """Stops all faults, and waits for late calls."""
        self._share = 0.0
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                request = await _message(reader)
                task = asyncio.create_task(self._handle(request, writer))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
                # Late calls reach the gateway even after the client has gone.
                await asyncio.shield(task)
        writer.close()

    async def _handle(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        kind = self._chance.choice(self._kinds) if self._chance.random() < self._share else ""
        self.seen.append((request.split(b" HTTP/", 1)[0].decode("ascii", "replace"), kind))
        try:
            await self._play(kind, request, writer)
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()

    async def _play(self, kind: str, request: bytes, writer: asyncio.StreamWriter) -> None:
        if kind == "cut before":
            writer.close()
        elif kind in ("busy", "busy for a day"):
            after = 1 if kind == "busy" else 86400
            await _say(writer, _answer(429, b'{"error": "slow down"}', f"Retry-After: {after}"))
        elif kind == "error before":
            await _say(writer, self._error())
        elif kind == "late":
            await self._pause()
            await self._forward(request)
            writer.close()
        else:
            await self._tell(kind, request, await self._forward(request), writer)

    async def _tell(self, kind: str, request: bytes, answer: bytes, writer: asyncio.StreamWriter) -> None:
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        if kind == "cut after":
            writer.close()
        elif kind == "reset in the answer":
            writer.write(answer[: len(head) + len(body) // 2])
            writer.transport.abort()
        elif kind == "error after":
            await _say(writer, self._error())
        elif kind == "truncated":
            await _say(writer, _answer(status, body[: len(body) // 2]))
        elif kind == "wrong type":
            await _say(writer, _answer(status, body, kind="text/html"))
        elif kind == "page":
            await _say(writer, _answer(200, b"<html><body>Please log in.</body></html>", kind="text/html"))
        elif kind == "drip":
            step = max(1, len(answer) // 8)
            for at in range(0, len(answer), step):
                await _say(writer, answer[at : at + step])
                await asyncio.sleep(SHORT / 2)
        else:
            if kind == "slow":
                await self._pause()
            elif kind == "twice":
                answer = await self._forward(request)
            await _say(writer, answer)
            if kind == "replayed":
                await self._pause()
                await self._forward(request)

    def _error(self) -> bytes:
        return _answer(self._chance.choice((500, 502, 503)), b'{"error": "the gateway is not well"}')

    async def _pause(self) -> None:
        await asyncio.sleep(self._chance.uniform(SHORT, LONG))

    async def _forward(self, request: bytes) -> bytes:
        """The gateway's whole answer, with its length in the head."""
        reader, writer = await asyncio.open_connection(*self._upstream)
        try:
            writer.write(request)
            await writer.drain()
            head, _, body = (await _message(reader)).partition(b"\r\n\r\n")
        finally:
            writer.close()
        return _answer(int(head.split(b" ")[1]), body, kind=_header(head, b"content-type") or "application/json")


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request or answer with a Content-Length."""
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(int(_header(head, b"content-length") or "0"))


def _header(head: bytes, name: bytes) -> str:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip().decode("ascii")
    return ""


def _answer(status: int, body: bytes, *headers: str, kind: str = "application/json") -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", f"Content-Type: {kind}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _say(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _serve(upstream: str) -> None:
    parts = urlsplit(upstream)
    proxy = FaultProxy(str(parts.hostname), int(parts.port or 80))
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    print(json.dumps(server.sockets[0].getsockname()[1]), flush=True)
    async with server:
        while line := await asyncio.to_thread(sys.stdin.readline):
            reported = json.loads(line)
            if "share" in reported:
                proxy.be(**reported)
            else:
                await proxy.calm()
            print(json.dumps(proxy.seen), flush=True)


class Running:
    """A proxy in a separate process, with its controls."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{self._heard()}"

    def be(self, *, seed: int, share: float, without: Sequence[str] = ()) -> None:
        """From now on makes this share of the calls fail, with any fault except those in `without`."""
        self._tell({"seed": seed, "share": share, "without": list(without)})

    def calm(self) -> Sequence[tuple[str, str]]:
        """Stops the faults and waits for late calls; returns (call, fault) for each call since `be`."""
        return [(call, kind) for call, kind in self._tell({})]

    def _tell(self, what: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return self._heard()

    def _heard(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the proxy has ended"
        return json.loads(line)


@contextmanager
def fault_proxy(upstream: str) -> Iterator[Running]:
    """Runs a proxy in front of this address, initially without faults."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.fault_proxy", upstream],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        yield Running(process)
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("upstream", help="address of the gateway")
    asyncio.run(_serve(parser.parse_args().upstream))
