"""Noticing that the program or the machine was stopped."""

from __future__ import annotations

import asyncio

import pytest

from mm_tui import clock
from mm_tui.clock import SLEPT_SECONDS, TICK_SECONDS, noticing_sleep


async def test_work_that_is_cancelled_does_not_go_on() -> None:
    slots, reached = asyncio.Semaphore(0), asyncio.Event()

    async def work() -> None:
        await slots.acquire()
        reached.set()

    watched = asyncio.create_task(noticing_sleep(work()))
    while not slots._waiters:
        await asyncio.sleep(0)
    slots.release()
    watched.cancel()
    await asyncio.gather(watched, return_exceptions=True)
    assert not reached.is_set()
    assert not slots.locked(), "what it waited for is free for others"


@pytest.mark.parametrize(("seconds", "slept"), [(TICK_SECONDS, False), (TICK_SECONDS + SLEPT_SECONDS + 0.1, True)])
async def test_a_machine_that_slept_is_noticed_when_the_work_ends(
    seconds: float, slept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(clock, "uptime", lambda: now)

    async def work() -> str:
        nonlocal now
        now += seconds
        return "done"

    assert await noticing_sleep(work()) == ("done", slept)
