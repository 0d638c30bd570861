"""Keeps calls within the service's rate limits.

AI21 documents 10 requests a second and 200 a minute for each model. A sliding window keeps exactly to that; a leaky
bucket would let twice as many through in the first second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mm_tui.assist.errors import LONGEST_WAIT, RateLimited
from mm_tui.clock import Clock


@dataclass(frozen=True)
class Limits:
    """The rate limits of one model."""

    per_second: int = 10
    per_minute: int = 200
    concurrent: int = 4
    longest_wait: float = 20.0
    """The longest Retry-After in seconds that a caller waits for; a longer one is raised at once."""


class Limiter:
    """Admission to one model. One event loop only."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._starts: deque[float] = deque()
        self._places = asyncio.Semaphore(limits.concurrent)
        self._turn = asyncio.Lock()
        self._closed_until = 0.0

    def pause(self, seconds: float) -> None:
        """Blocks all calls for `seconds`, at most `LONGEST_WAIT`, as requested by the service."""
        self._closed_until = max(self._closed_until, self._clock.monotonic() + min(seconds, LONGEST_WAIT))

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Waits for a turn, and occupies a slot while the call runs.

        Raises:
            RateLimited: the service asked for a wait longer than `longest_wait`.
        """
        async with self._places:
            async with self._turn:
                while (wait := self._wait()) > 0:
                    await self._clock.sleep(wait)
                self._starts.append(self._clock.monotonic())
            yield

    def _wait(self) -> float:
        now = self._clock.monotonic()
        closed = self._closed_until - now
        if closed > self._limits.longest_wait:
            raise RateLimited(retry_after=closed)
        while self._starts and self._starts[0] <= now - 60:
            self._starts.popleft()
        wait = closed
        for span, most in ((60.0, self._limits.per_minute), (1.0, self._limits.per_second)):
            if len(self._starts) >= most:
                wait = max(wait, self._starts[-most] + span - now)
        return wait
