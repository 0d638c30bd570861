"""A limit of requests a minute is used whole, whether the limiter knows it or learns it from refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from mm_tui.assist.limiter import Limiter, Limits
from tests.support.clock import FakeClock

PER_MINUTE = 200
MINUTES = 4
CALLERS = 16
UNKNOWN = Limits(per_second=1000, per_minute=60_000, concurrent=CALLERS, longest_wait=90, is_patient=True)
KNOWN = Limits(concurrent=CALLERS)


@dataclass
class Service:
    """Lets in what it allows. Seconds."""

    names_time: bool = True
    let_in: list[float] = field(default_factory=list)
    refused: int = 0

    def wait(self, now: float) -> float:
        """Until a call would be let in."""
        recent = [at for at in self.let_in if at > now - 60]
        return recent[-PER_MINUTE] + 60 - now if len(recent) >= PER_MINUTE else 0.0

    def ask(self, now: float) -> float | None:
        """None when it answers, else its Retry-After: whole seconds, 0 when it names none."""
        wait = self.wait(now)
        if wait <= 0:
            self.let_in.append(now)
            return None
        self.refused += 1
        return float(int(wait) + 1) if self.names_time else 0.0


class FixedWindow(Service):
    """Starts counting again at each full minute."""

    def wait(self, now: float) -> float:
        begun = now // 60 * 60
        return begun + 60 - now if sum(at >= begun for at in self.let_in) >= PER_MINUTE else 0.0


class Bucket(Service):
    """A few at once, and one more every 0.3 s."""

    ROOM = 10
    held = float(ROOM)
    counted_at = 0.0

    def wait(self, now: float) -> float:
        each = 60 / PER_MINUTE
        self.held = min(self.ROOM, self.held + (now - self.counted_at) / each)
        self.counted_at = now
        if self.held < 1:
            return (1 - self.held) * each
        self.held -= 1
        return 0.0


@pytest.mark.parametrize(
    ("service", "limits"),
    [
        pytest.param(Service(), UNKNOWN, id="sliding"),
        pytest.param(Service(names_time=False), UNKNOWN, id="sliding, no Retry-After"),
        pytest.param(FixedWindow(), UNKNOWN, id="fixed"),
        pytest.param(Bucket(), UNKNOWN, id="bucket"),
        pytest.param(Bucket(names_time=False), UNKNOWN, id="bucket, no Retry-After"),
        pytest.param(Service(), KNOWN, id="known"),
    ],
)
async def test_the_limit_is_used_and_few_are_refused(service: Service, limits: Limits) -> None:
    clock = FakeClock()
    limiter = Limiter(limits, clock)
    begun = clock.monotonic()

    async def caller(seconds: Callable[[], float]) -> None:
        while clock.monotonic() < begun + MINUTES * 60:
            async with limiter.place() as start:
                wait = service.ask(clock.monotonic())
                # A refusal comes at once, an answer takes as long as a model writes.
                await clock.sleep(0.05 if wait is not None else seconds())
            if wait is None:
                limiter.answered()
            else:
                limiter.refused(start, wait or None)

    lasting = iter(range(10**6))
    callers = asyncio.gather(*(caller(lambda: 1.0 + next(lasting) % 5 / 2) for _ in range(CALLERS)))
    while not callers.done():
        for _ in range(10):
            await asyncio.sleep(0)
        if clock.sleeping:
            clock.advance(clock.next_due())
    await callers
    used = sum(at < begun + MINUTES * 60 for at in service.let_in) / (PER_MINUTE * MINUTES)
    assert used >= 0.95
    assert service.refused <= 0.25 * len(service.let_in)
    if limits is KNOWN:
        assert service.refused == 0
