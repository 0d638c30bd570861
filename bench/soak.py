"""Memory and time of many polls of a real gateway with nothing new: `python -m bench.soak POLLS`, prints JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.keys import Keys
from mm_tui.services.events import ServiceEvent, SyncChanged
from mm_tui.services.sync.service import Sync
from mm_tui.settings import file as config_file
from mm_tui.settings import paths
from mm_tui.store.database import Database

WARM_UP = 200


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


def memory() -> float:
    """Resident memory in MB."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


async def soak(polls: int) -> dict[str, float]:
    """Polls so often and says what memory was after the warm-up and at the end."""
    settings = config_file.load()
    told: list[int] = []

    def count(notice: ServiceEvent) -> None:
        if isinstance(notice, SyncChanged):
            told.append(1)
            del told[:]

    with Database.open(paths.store_path(settings.profile.name)) as database:
        async with GatewayClient(settings.profile.url, Keys.of(settings.profile)) as gateway:
            clock = Hurried()
            sync = Sync(database, gateway, settings.sync, clock, count)
            await sync.run_once()
            task = asyncio.create_task(sync.run())
            while clock.waits < 2 * WARM_UP:
                await asyncio.sleep(0.01)
            gc.collect()
            early, begun, waits = memory(), time.process_time(), clock.waits
            # Queue and mail wait once each a poll.
            while clock.waits < waits + 2 * polls:
                await asyncio.sleep(0.01)
            gc.collect()
            late, cpu = memory(), time.process_time() - begun
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    return {"early_mb": early, "late_mb": late, "cpu_ms_a_poll": cpu * 1000 / polls}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(soak(int(sys.argv[1])))))
