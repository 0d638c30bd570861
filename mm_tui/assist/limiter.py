"""Keeps calls within the service's rate limits, and uses these limits fully.

AI21 documents 10 requests a second and 200 a minute for each model. A sliding window keeps exactly to that; a leaky
bucket would let twice as many through in the first second. A service that allows less says so by refusing calls:
then no call starts until it may, and for a minute calls start one after the other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec

from mm_tui.assist.errors import LONGEST_WAIT, AssistRateLimited
from mm_tui.clock import Clock

MINUTE = 60.0
LONGEST_SPACING = 0.1
"""The most seconds between two starts in the minute after a refusal, so that few calls are refused together."""
SHORTEST_PAUSE = 2.0
LONGEST_PAUSE = 20.0
"""Seconds without calls after a refusal that names no time; it grows the longer no call succeeds."""


class Limits(msgspec.Struct, frozen=True):
    """The rate limits of one model."""

    per_second: int = 10
    per_minute: int = 200
    concurrent: int = 4
    longest_wait: float = 20.0
    """The longest Retry-After in seconds that a caller waits for; a longer one is raised at once."""
    is_patient: bool = False
    """Whether a refused call is repeated until the service has refused all calls for `LONGEST_WAIT`. For calls that
    nobody waits for."""


class Limiter:
    """Admission to one model. One event loop only."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._starts: deque[float] = deque()
        self._places = asyncio.Semaphore(limits.concurrent)
        self._turn = asyncio.Lock()
        self._closed_until = 0.0
        self._spacing = 0.0
        self._refused_at = float("-inf")
        self._refused_since: float | None = None

    @property
    def refused_for(self) -> float:
        """Seconds for which the service has refused all calls."""
        return 0.0 if self._refused_since is None else self._clock.monotonic() - self._refused_since

    def answered(self) -> None:
        """Records that the service answered a call."""
        self._refused_since = None

    def refused(self, start: float, retry_after: float | None) -> None:
        """Blocks all calls for as long as the service requested, at most `LONGEST_WAIT`. `start`: the time that `place`
        yielded for the refused call. `retry_after`: seconds; None if the service named none."""
        now = self._clock.monotonic()
        if self._refused_since is None:
            self._refused_since = now
        with suppress(ValueError):
            self._starts.remove(start)  # a refused call does not count towards the limit
        if retry_after is None:
            retry_after = min(LONGEST_PAUSE, max(SHORTEST_PAUSE, self.refused_for / 10))
        self._closed_until = max(self._closed_until, now + min(retry_after, LONGEST_WAIT))
        self._refused_at = now
        self._spacing = min(LONGEST_SPACING, MINUTE / 3 / max(1, len(self._starts)))

    @asynccontextmanager
    async def place(self) -> AsyncIterator[float]:
        """Waits for a turn, and occupies a slot while the call runs. Yields the time at which the call starts. Raises
        RateLimited if the service asked for a wait longer than `longest_wait`."""
        async with self._places:
            async with self._turn:
                while (wait := self._wait()) > 0:
                    await self._clock.sleep(wait)
                start = self._clock.monotonic()
                self._starts.append(start)
            yield start

    def _wait(self) -> float:
        now = self._clock.monotonic()
        closed = self._closed_until - now
        if closed > self._limits.longest_wait:
            raise AssistRateLimited(retry_after=closed)
        while self._starts and self._starts[0] <= now - MINUTE:
            self._starts.popleft()
        wait = closed
        for span, most in ((MINUTE, self._limits.per_minute), (1.0, self._limits.per_second)):
            if len(self._starts) >= most:
                wait = max(wait, self._starts[-most] + span - now)
        if self._starts and now - self._refused_at < MINUTE:
            wait = max(wait, self._starts[-1] + self._spacing - now)
        return wait
