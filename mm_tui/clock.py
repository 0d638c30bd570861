"""A clock that can be injected, so that tests control the time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, date, datetime
from typing import Protocol, TypeVar

T = TypeVar("T")

TICK_SECONDS = 0.5
"""Seconds between two checks whether the machine slept."""
SLEPT_SECONDS = 1.0
"""If a wait takes this many seconds longer than it should, the machine slept."""
DWELL_SECONDS = 0.4
"""Seconds for which an email must have been under the cursor, and a text on the screen, before keys decide about it: a
key pressed before it came was meant for another."""


class Clock(Protocol):
    """What the program needs of a clock, so that tests can set the time."""

    def now(self) -> datetime:
        """The wall clock, in UTC, with its time zone set."""

    def monotonic(self) -> float:
        """Seconds since a fixed time; never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Waits for some seconds; 0 yields once."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def moment_in(text: object) -> datetime | None:
    """A time in ISO 8601 with its zone; None for anything else."""
    try:
        moment = datetime.fromisoformat(str(text or ""))
    except ValueError:
        return None
    # A date at either end of the calendar cannot be shown in another time zone.
    return moment if moment.tzinfo is not None and 1 < moment.year < 9999 else None


def uptime() -> float:
    """Seconds since a fixed time, including time in which the machine was suspended."""
    # Linux's monotonic clock stops during suspend; that of macOS does not.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


async def noticing_sleep(work: Awaitable[T]) -> tuple[T, bool]:
    """Does the work, and says whether the program or the machine was stopped meanwhile."""
    seen_at, slept = uptime(), False

    def look() -> None:
        nonlocal seen_at, slept
        now = uptime()
        slept, seen_at = slept or now - seen_at > TICK_SECONDS + SLEPT_SECONDS, now

    async def watch() -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            look()

    watching = asyncio.create_task(watch())
    try:
        # Awaited here and not in a task of its own, which would go on for a moment after this one was cancelled.
        done = await work
        look()
        return done, slept
    finally:
        watching.cancel()


def short_time(moment: datetime, today: date | None) -> str:
    """`15:17`, or `28 Nov 15:17` if that was not today, in the reader's time zone; no day if `today` is not known."""
    day = _day(moment, today)
    return f"{day} {moment.astimezone():%H:%M}" if day else f"{moment.astimezone():%H:%M}"


def at_time(moment: datetime, today: date | None) -> str:
    """The same in a sentence: `at 15:17`, or `on 28 Nov at 15:17`."""
    day = _day(moment, today)
    return f"on {day} at {moment.astimezone():%H:%M}" if day else f"at {moment.astimezone():%H:%M}"


def _day(moment: datetime, today: date | None) -> str:
    local = moment.astimezone()
    if today is None or local.date() == today:
        return ""
    return f"{local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"


async def sleep_or_wake(clock: Clock, seconds: float | None, wake: asyncio.Event) -> None:
    """Waits until `wake` is set, at most for `seconds`; None means without limit."""
    waits: list[asyncio.Future[object]] = [asyncio.ensure_future(wake.wait())]
    if seconds is not None:
        waits.append(asyncio.ensure_future(clock.sleep(seconds)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
