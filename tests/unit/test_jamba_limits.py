"""How often the models are asked: retries, waits that they ask for, and limits."""

from __future__ import annotations

import asyncio

import pytest

from mm_tui.assist import errors
from mm_tui.assist.jamba import Jamba
from mm_tui.assist.limiter import Limits
from mm_tui.settings.secret import Secret
from tests.support.jamba import ask
from tests.support.models import MODEL_KEY, Answer, completion, plain, raw_server


class FastClock:
    """A clock whose sleeps pass at once, and are noted."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def now(self) -> None:  # type: ignore[override, unused-ignore]  # not asked here
        raise AssertionError

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def turns(*answers: Answer) -> Answer:
    left = list(answers)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await left.pop(0)(reader, writer)

    return answer


async def test_retry_after_is_waited_for() -> None:
    clock = FastClock()
    busy = plain(429, headers="Retry-After: 7\r\n")
    async with (
        raw_server(turns(busy, plain(200, completion("Yes.")))) as server,
        Jamba(Secret(MODEL_KEY), server.host, clock=clock) as jamba,  # type: ignore[arg-type]
    ):
        assert await ask(jamba) == "Yes."
    assert clock.slept == [7.0]
    assert len(server.requests) == 2


async def test_a_long_retry_after_is_shown_and_respected() -> None:
    clock = FastClock()
    async with (
        raw_server(plain(429, headers="Retry-After: 120\r\n")) as server,
        Jamba(Secret(MODEL_KEY), server.host, clock=clock) as jamba,  # type: ignore[arg-type]
    ):
        for _ in range(3):
            with pytest.raises(errors.AssistRateLimited) as caught:
                await ask(jamba)
            assert caught.value.retry_after == pytest.approx(120)
            assert "120 s" in str(caught.value)
    assert len(server.requests) == 1
    assert clock.slept == []


async def test_a_fault_is_repeated_once() -> None:
    clock = FastClock()
    async with (
        raw_server(turns(plain(503), plain(200, completion("Yes.")))) as server,
        Jamba(Secret(MODEL_KEY), server.host, clock=clock) as jamba,  # type: ignore[arg-type]
    ):
        assert await ask(jamba) == "Yes."
    async with (
        raw_server(plain(503)) as server,
        Jamba(Secret(MODEL_KEY), server.host, clock=clock) as jamba,  # type: ignore[arg-type]
    ):
        with pytest.raises(errors.AssistServerFault):
            await ask(jamba)
        assert len(server.requests) == 2


async def test_the_limits_hold_in_every_window() -> None:
    clock = FastClock()
    starts: list[float] = []

    async def note(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        starts.append(clock.monotonic())
        await plain(200, completion("Yes."))(_reader, writer)

    limits = Limits(per_second=3, per_minute=10, concurrent=1)
    async with (
        raw_server(note) as server,
        Jamba(Secret(MODEL_KEY), server.host, clock=clock, limits=limits) as jamba,  # type: ignore[arg-type]
    ):
        for _ in range(25):
            await ask(jamba)
    for at in starts:
        assert sum(at <= other < at + 1 for other in starts) <= 3
        assert sum(at <= other < at + 60 for other in starts) <= 10
    assert starts[-1] - starts[0] < 125


async def test_concurrency_is_bounded() -> None:
    running = 0
    most = 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        await plain(200, completion("Yes."))(reader, writer)

    async with (
        raw_server(slow) as server,
        Jamba(Secret(MODEL_KEY), server.host, limits=Limits(100, 1000, 3)) as jamba,
    ):
        await asyncio.gather(*(ask(jamba) for _ in range(12)))
    assert most == 3
