"""Decisions that begin here, which are journaled first and then held; and those that go on from somewhere else: left by
a process that is gone, or overtaken by a change of the queue."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mm_tui.decision.events import MayHaveMoved, Quit, Restarted
from mm_tui.decision.state import Step
from mm_tui.review.digest import digest_of
from mm_tui.services.decisions.request import DecisionRequest, Refused, fit
from mm_tui.store.seal import StoreError

if TYPE_CHECKING:
    from mm_tui.clock import Clock
    from mm_tui.services.decisions.active import ActiveDecisions
    from mm_tui.services.decisions.driver import Driver
    from mm_tui.services.decisions.log import DecisionLog
    from mm_tui.services.decisions.record import ActiveDecision
    from mm_tui.text import OneLine

REMEMBERED = 500
"""How many ended decisions of this run are kept for `Decisions.states`."""


class Beginning:
    """Begins decisions and takes them up. All belongs to one event loop.

    Args:
        store: journals them.
        driver: holds them.
        lives: what has begun.
        clock: dates them.
        hold_seconds: the setting.
    """

    def __init__(
        self, store: DecisionLog, driver: Driver, lives: ActiveDecisions, clock: Clock, hold_seconds: float
    ) -> None:
        self._store = store
        self._driver = driver
        self._lives = lives
        self._clock = clock
        self._hold_seconds = hold_seconds
        self._writing = 0
        """How many calls are now writing new decisions to the journal."""

    @property
    def is_under_way(self) -> bool:
        """Whether decisions are being begun: they must not be taken up as left by another process."""
        return self._writing > 0

    async def begin_all(self, requests: Sequence[DecisionRequest], hold: float | None) -> list[ActiveDecision]:
        """Begins all or none under one hold, in seconds; None takes the setting. Raises `Refused`."""
        for request in requests:
            request.refuse_unfit()
        with self._journaling():
            lives = await asyncio.to_thread(self._store.begin_all, requests, self._clock.now())
        await self._hold(lives, hold)
        return lives

    async def begin_each(
        self, requests: Sequence[DecisionRequest], hold: float | None
    ) -> tuple[list[ActiveDecision], Mapping[str, OneLine]]:
        """Begins those that can be, under one hold; and by the ids of the other emails why they could not.

        Raises:
            Refused: the journal cannot be written.
        """
        with self._journaling():
            found, unfit = await asyncio.to_thread(fit, requests)
            lives, refused = await asyncio.to_thread(self._store.begin_each, found, self._clock.now())
        await self._hold(lives, hold)
        return lives, unfit | refused

    @contextmanager
    def _journaling(self) -> Iterator[None]:
        """Turns what the store raises into `Refused`."""
        self._writing += 1
        try:
            yield
        except (sqlite3.Error, StoreError, OSError) as error:
            raise Refused(f"the journal cannot be written: {error}", "Fix that first; nothing was decided.") from error
        finally:
            self._writing -= 1

    async def _hold(self, lives: Sequence[ActiveDecision], hold: float | None) -> None:
        self._forget_old()
        self._lives.add(lives)
        seconds = self._hold_seconds if hold is None else hold
        self._driver.hold([live for live in lives if not live.state.ended], seconds)
        for live in lives:
            self._driver.tell(live)
        if self._driver.closing:
            # The program received SIGTERM while the journal was written.
            await self._driver.feed_all(lives, Quit())

    def _forget_old(self) -> None:
        ended = [live.release_id for live in self._lives.values() if live.state.ended]
        self._lives.forget(ended[:-REMEMBERED])

    # Decisions from elsewhere

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
