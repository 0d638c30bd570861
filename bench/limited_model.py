"""The stand-in model behind a limit of requests a minute, as slow as a real model, in a process of its own.

`python -m bench.limited_model PER_MINUTE` prints its port, answers until its standard input is closed, and tells at
`/counts` when it answered and how often it refused.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

import httpx
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mm_tui.sandbox.model.api import create_router

KEY = "bench"
FIRST_WORD_SECONDS = 1.0
BYTES_A_SECOND = 200
"""A label then takes 2 to 3 seconds and a draft 5 to 7."""


class Counts(NamedTuple):
    """What the stand-in was asked."""

    answered: tuple[float, ...]
    """When each request that was answered came, in seconds since the first."""
    refused: int

    def used(self, per_minute: int) -> float:
        """The share of the limit that was used in the whole minutes of the run."""
        minutes = int(self.answered[-1] // 60) if self.answered else 0
        if not minutes:
            return 0.0
        return sum(at < 60 * minutes for at in self.answered) / (per_minute * minutes)

    @property
    def longest_gap(self) -> float:
        """The longest time between two answered requests, in seconds."""
        return max((later - at for at, later in pairwise(self.answered)), default=0.0)


class _SlowAndCounted:
    """Holds each answer back as long as a model takes to write it, and refuses what is over the limit."""

    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        self._app = app
        self._per_minute = per_minute
        self._accepted: list[float] = []
        self.answered: list[float] = []
        self.refused = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == "/counts":
            await self._app(scope, receive, send)
            return
        came, head = time.monotonic(), dict[str, object]()
        lately = [at for at in self._accepted if at > came - 60]
        if len(lately) >= self._per_minute:
            self.refused += 1
            wait = int(lately[0] + 60 - came) + 1 if lately else 1
            headers = [(b"retry-after", str(wait).encode())]
            await send({"type": "http.response.start", "status": 429, "headers": headers})
            await send({"type": "http.response.body", "body": b"{}"})
            return
        self._accepted = [*lately, came]

        async def slowly(message: Message) -> None:
            if message["type"] == "http.response.start":
                head.update(message)
                if message["status"] == 200:
                    self.answered.append(came)
            elif head["status"] == 200:
                await asyncio.sleep(FIRST_WORD_SECONDS + len(message.get("body", b"")) / BYTES_A_SECOND)
            await send(message)

        await self._app(scope, receive, slowly)


@contextmanager
def limited_model(per_minute: int) -> Iterator[str]:
    """Runs one; gives its address as `AI21_API_HOST` takes it."""
    command = [sys.executable, "-m", "bench.limited_model", str(per_minute)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/studio/v1"
        process.communicate()


def counts(host: str) -> Counts:
    """What the stand-in at this address was asked so far."""
    found = httpx.get(f"{host.removesuffix('/studio/v1')}/counts", trust_env=False).json()
    return Counts(tuple(found["answered"]), found["refused"])


async def _serve(per_minute: int) -> None:
    app = FastAPI()
    app.include_router(create_router(KEY))
    counted = _SlowAndCounted(app, per_minute)

    @app.get("/counts")
    async def reported() -> dict[str, object]:
        first = min(counted.answered, default=0.0)
        return {"answered": sorted(at - first for at in counted.answered), "refused": counted.refused}

    server = uvicorn.Server(uvicorn.Config(counted, port=0, log_level="critical", lifespan="off", ws="none"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(os.read, 0, 1)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
