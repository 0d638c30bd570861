"""A clock controlled by a test."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

from mm_tui.clock import SystemClock


class FakeClock:
    """A clock that stands still until the test moves it; sleepers are woken in order."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._numbers), future))
        await future

    @property
    def sleeping(self) -> int:
        """The number of sleepers."""
        return sum(not future.done() for _, _, future in self._sleepers)

    def next_due(self) -> float:
        """Seconds until the next sleeper is due."""
        return min(due for due, _, future in self._sleepers if not future.done()) - self._elapsed

    async def settled(self, sleepers: int) -> None:
        """Waits, in real time, until this many sleep, so that all other work is done."""
        async with asyncio.timeout(20):
            while self.sleeping < sleepers:
                await asyncio.sleep(0.0005)

    def advance(self, seconds: float) -> None:
        """Moves the time forward at once, and wakes all due sleepers."""
        self._elapsed += seconds
        while self._sleepers and self._sleepers[0][0] <= self._elapsed + 1e-9:
            future = heapq.heappop(self._sleepers)[2]
            if not future.done():
                future.set_result(None)

    async def pass_time(self, seconds: float, sleepers: int) -> None:
        """Moves the time forward step by step, letting each woken task finish its work first."""
        end = self._elapsed + seconds
        while True:
            await self.settled(sleepers)
            step = self.next_due()
            if self._elapsed + step > end + 1e-9:
                break
            self.advance(step)
            await asyncio.sleep(0)
        self.advance(end - self._elapsed)


class MovedClock(SystemClock):
    """A wall clock that can be moved."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead
