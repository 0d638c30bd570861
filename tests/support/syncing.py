"""A sync in a test, with the gateway and the clock that it gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Self

import pytest

from mm_tui.services.events import ServiceEvent, SyncPart
from mm_tui.services.sync.service import Sync
from mm_tui.settings.sections import SyncSettings
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import OneLine
from tests.support.clock import FakeClock
from tests.support.fake_gateway import FakeGateway

PARTS = 5
"""Loops that sleep when all is done (without the audit log)."""


class Bench:
    """A sync with everything around it."""

    def __init__(self, gateway: FakeGateway, database: Database, settings: SyncSettings | None = None) -> None:
        self.gateway = gateway
        self.clock = FakeClock()
        self.events: list[ServiceEvent] = []
        self.mail = MailStore(database)
        self.pending = PendingStore(database)
        self.sync = Sync(
            database, gateway.client, settings or SyncSettings(), self.clock, self.events.append, Random(7)
        )
        self.parts = PARTS + gateway.keys.has("admin")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        task = asyncio.create_task(self.sync.run())
        try:
            await self.rest()
            yield self
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    async def rest(self) -> None:
        await self.clock.settled(self.parts)

    async def pass_time(self, seconds: float) -> None:
        await self.clock.pass_time(seconds, self.parts)

    def part(self, part: SyncPart) -> OneLine | None:
        return next(state.error for state in self.sync.state.parts if state.part is part)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)
