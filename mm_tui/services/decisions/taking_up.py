"""Decisions that go on from somewhere else: left by a process that is gone, or overtaken by a change of the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mm_tui.decision.events import MayHaveMoved, Restarted
from mm_tui.decision.state import Step
from mm_tui.review.digest import digest_of

if TYPE_CHECKING:
    from mm_tui.clock import Clock
    from mm_tui.services.decisions.active import ActiveDecisions
    from mm_tui.services.decisions.driver import Driver
    from mm_tui.services.decisions.log import DecisionLog
    from mm_tui.services.decisions.record import ActiveDecision


class TakingUp:
    """Feeds such decisions to the driver. All belongs to one event loop."""

    def __init__(self, store: DecisionLog, driver: Driver, lives: ActiveDecisions, clock: Clock) -> None:
        self._store = store
        self._driver = driver
        self._lives = lives
        self._clock = clock

    async def take_up(self) -> None:
        """Continues the decisions of processes that have ended: reads the gateway, then asks a human."""
        for live in await asyncio.to_thread(self._store.incidents.all):
            if live.release_id not in self._lives:
                # It comes before the decisions of this run, because it is older.
                self._lives.add_oldest(live)
                self._driver.tell(live)
        await asyncio.to_thread(self._store.drop_seconded)
        for live in await asyncio.to_thread(self._left):
            self._lives.add([live])
            await self._driver.feed(live, Restarted())

    def _left(self) -> list[ActiveDecision]:
        taken = []
        for row in self._store.rows.open():
            if row.release_id in self._lives:
                continue
            if (live := self._store.take_up(row, self._clock.now())) is not None:
                taken.append(live)
        return taken

    async def queue_moved(self) -> None:
        """Reports held decisions about emails that changed in the new list at once, not after the hold (R8)."""
        for live in list(self._lives.values()):
            if live.state.step is Step.HOLD and self._may_have_moved(live):
                await self._driver.feed(live, MayHaveMoved())

    def _may_have_moved(self, live: ActiveDecision) -> bool:
        case = live.state.case
        item = self._store.pending.get(case.item)
        if item is None or not item.complete:
            return True
        return digest_of(item.id, item.mailbox_id, item.direction, item.raw) != case.digest

    async def leave(self, release_ids: Iterable[str]) -> None:
        """Gives decisions that are still open to the next process that looks for some."""
        await asyncio.to_thread(self._give_back, list(release_ids))

    def _give_back(self, release_ids: Iterable[str]) -> None:
        with self._store.database.write() as connection:
            for release_id in release_ids:
                self._store.locks.release(connection, release_id)
