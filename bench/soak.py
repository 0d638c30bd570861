"""Memory and time of many polls of a real gateway with nothing new: `python -m bench.soak POLLS`, prints JSON.

Beside it the time of the same calls made bare: by httpx, with the answers parsed into JSON values.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from mm_tui.gateway.calls import Call
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.http import HttpAnswer
from mm_tui.gateway.keys import Keys
from mm_tui.services.events import ServiceEvent, SyncChanged
from mm_tui.services.sync.service import Sync
from mm_tui.settings import file as config_file
from mm_tui.settings import paths
from mm_tui.settings.secret import Secret
from mm_tui.store.database import Database

WARM_UP = 200
NOTED = 400
"""How many calls are made again bare."""
Asked: TypeAlias = tuple[str, dict[str, str], Secret]
"""The path and the query of a call, and the key for it."""


class Hurried:
    """A clock on which every wait is over at once."""

    def __init__(self) -> None:
        self._begun = datetime.now(UTC)
        self._elapsed = 0.0
        self.waits = 0

    def now(self) -> datetime:
        return self._begun + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        self.waits += 1
        if seconds > 60:
            await asyncio.sleep(3600)
        self._elapsed += seconds / 2
        await asyncio.sleep(0)


class Notes:
    """Notes the last calls of a client, and how many there were."""

    def __init__(self, client: GatewayClient) -> None:
        self.asked: deque[Asked] = deque(maxlen=NOTED)
        self.number = 0
        self._keys, self._call = client.keys, client.caller.call
        client.caller.call = self.call  # type: ignore[method-assign]

    async def call(self, call: Call, **given: Any) -> HttpAnswer:
        path = call.path.format(**(given.get("at") or {}))
        self.number += 1
        self.asked.append((path, dict(given.get("params") or {}), self._keys.for_scope(call.scope or "read")))
        return await self._call(call, **given)


async def bare(url: str, asked: Sequence[Asked]) -> float:
    """The processor time of one of these calls, in seconds."""
    import httpx

    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        for warm_up in (True, False):
            begun = time.process_time()
            for path, params, key in asked[: 50 if warm_up else None]:
                headers = {"Authorization": f"Bearer {key.get_secret_value()}"}
                (await client.get(path, params=params, headers=headers)).raise_for_status().json()
    return (time.process_time() - begun) / len(asked)


def memory() -> float:
    """Resident memory in MB."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


async def soak(polls: int) -> dict[str, float]:
    """Polls so often and says what memory was after the warm-up and at the end."""
    settings = config_file.load()
    reported: list[int] = []

    def count(notice: ServiceEvent) -> None:
        if isinstance(notice, SyncChanged):
            reported.append(1)
            del reported[:]

    with Database.open(paths.store_path(settings.profile.name)) as database:
        async with GatewayClient(settings.profile.url, Keys.of(settings.profile)) as gateway:
            notes = Notes(gateway)
            clock = Hurried()
            sync = Sync(database, gateway, settings.sync, clock, count)
            await sync.run_once()
            task = asyncio.create_task(sync.run())
            while clock.waits < 2 * WARM_UP:
                await asyncio.sleep(0.01)
            gc.collect()
            early, begun, waits, number = memory(), time.process_time(), clock.waits, notes.number
            # Queue and mail wait once each a poll.
            while clock.waits < waits + 2 * polls:
                await asyncio.sleep(0.01)
            gc.collect()
            cpu = time.process_time() - begun
            late, calls = memory(), (notes.number - number) / polls
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    floor = await bare(settings.profile.url, list(notes.asked))
    return {
        "early_mb": early,
        "late_mb": late,
        "cpu_ms_a_poll": cpu * 1000 / polls,
        "bare_cpu_ms_a_poll": floor * calls * 1000,
        "calls_a_poll": calls,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(soak(int(sys.argv[1])))))
