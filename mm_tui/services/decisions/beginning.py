"""Begins decisions, which are journaled first and then held; resumes those of a process that has ended; and
reports held ones whose email has changed in the queue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from mm_tui.clock import Clock
from mm_tui.decision.events import MayHaveMoved, Quit, Restarted
from mm_tui.decision.state import Step
from mm_tui.review.digest import digest_of
from mm_tui.services.decisions.active import ActiveDecisions
from mm_tui.services.decisions.driver import Driver
from mm_tui.services.decisions.log import DecisionLog
from mm_tui.services.decisions.record import ActiveDecision, UnreadableDecision
from mm_tui.services.decisions.request import DecisionRequest, Refused, fit
from mm_tui.store.seal import STORE_FAULTS, fault_of_journal, is_busy
from mm_tui.text import OneLine

log = logging.getLogger("mm_tui.decisions")

REMEMBERED = 500
"""How many ended decisions of this run are kept for `DecisionOverview`."""


class Beginning:
    """Begins decisions, and resumes those that were left. All belongs to one event loop."""

    def __init__(
        self, store: DecisionLog, driver: Driver, decisions: ActiveDecisions, clock: Clock, hold_seconds: float
    ) -> None:
        self._store = store
        self._driver = driver
        self._active = decisions
        self._clock = clock
        self._hold_seconds = hold_seconds
        self._writing = 0
        """How many calls are now writing new decisions to the journal."""

    @property
    def is_under_way(self) -> bool:
        """Whether decisions are being begun: they must not be resumed as left by another process."""
        return self._writing > 0

    async def begin_all(self, requests: Sequence[DecisionRequest], hold: float | None) -> list[ActiveDecision]:
        """Begins all or none under one hold, in seconds; None takes the setting. Raises `Refused`."""
        for request in requests:
            request.refuse_unfit(self._clock.now())
        with self._journaling():
            decisions = await asyncio.to_thread(self._store.begin_all, requests, self._clock.now())
        await self._hold(decisions, hold)
        return decisions

    async def begin_each(
        self, requests: Sequence[DecisionRequest], hold: float | None
    ) -> tuple[list[ActiveDecision], Mapping[str, OneLine]]:
        """Begins those that can be, under one hold; and by the ids of the other emails why they could not. Raises
        Refused if the journal cannot be written."""
        with self._journaling():
            found, unfit = await asyncio.to_thread(fit, requests, self._clock.now())
            decisions, refused = await asyncio.to_thread(self._store.begin_each, found, self._clock.now())
        await self._hold(decisions, hold)
        return decisions, unfit | refused

    @contextmanager
    def _journaling(self) -> Iterator[None]:
        """Turns what the store raises into `Refused`."""
        self._writing += 1
        try:
            yield
        except STORE_FAULTS as error:
            cure = "Try again once it has finished" if is_busy(error) else "Fix that first"
            raise Refused(fault_of_journal(error), f"{cure}; nothing was decided.") from error
        finally:
            self._writing -= 1

    async def _hold(self, decisions: Sequence[ActiveDecision], hold: float | None) -> None:
        self._forget_old()
        self._active.add(decisions)
        seconds = self._hold_seconds if hold is None else hold
        self._driver.hold([decision for decision in decisions if not decision.state.ended], seconds)
        for decision in decisions:
            self._driver.report(decision)
        if self._driver.closing:
            # The program received SIGTERM while the journal was written.
            await self._driver.feed_all(decisions, Quit())

    def _forget_old(self) -> None:
        ended = [decision.decision_id for decision in self._active if decision.state.ended]
        self._active.forget(ended[:-REMEMBERED])

    # Decisions from elsewhere

    async def resume(self) -> None:
        """Continues the decisions of processes that have ended: reads the gateway, then asks a human."""
        await self._show_unseen(listed=False)
        await asyncio.to_thread(self._store.drop_seconded)
        for decision in await asyncio.to_thread(self._left):
            if self.is_under_way or decision.decision_id in self._active:
                # It may be one that began here in the meantime; one that was left is found again the next time.
                continue
            decision.was_left = True
            self._active.add([decision])
            await self._driver.feed(decision, Restarted())

    async def _show_unseen(self, *, listed: bool) -> None:
        for decision in await asyncio.to_thread(self._unseen, listed):
            if decision.decision_id not in self._active:
                # It comes before the decisions of this run, because it is older.
                self._active.add_oldest(decision)
                self._driver.report(decision)

    def _unseen(self, listed: bool) -> list[ActiveDecision]:
        """What ended earlier and nobody has looked at. What fell back matters only while its email waits, which is
        known once the queue was listed: the store of a new start may have none yet."""
        unseen = self._store.incidents.all()
        for decision in self._store.fell_back.all():
            if self._store.pending.get(decision.email_id) is not None:
                decision.was_left = True
                unseen.append(decision)
            elif listed:
                self._store.fell_back.forget(decision.decision_id)
        return unseen

    def _left(self) -> list[ActiveDecision]:
        taken = []
        for row in self._store.rows.open():
            if row.decision_id in self._active:
                continue
            try:
                decision = self._store.resume(row, self._clock.now())
            except UnreadableDecision as error:
                log.error("%s", error)
                continue
            if decision is not None:
                taken.append(decision)
        return taken

    async def queue_moved(self) -> None:
        """Reports held decisions about emails that changed in the new list at once, not after the hold (R8), and what
        fell back earlier about those that still wait."""
        await self._show_unseen(listed=True)
        for decision in list(self._active):
            if decision.state.step is Step.HOLD and self._may_have_moved(decision):
                await self._driver.feed(decision, MayHaveMoved())

    def _may_have_moved(self, decision: ActiveDecision) -> bool:
        case = decision.state.case
        item = self._store.pending.get(case.item)
        if item is None or not item.complete:
            return True
        return digest_of(item.id, item.mailbox_id, item.direction, item.raw) != case.digest

    async def leave_open(self) -> None:
        """Gives decisions that are still open to the next process that looks for some."""
        decision_ids = [decision.decision_id for decision in self._active.open()]
        try:
            if decision_ids:
                await asyncio.to_thread(self._give_back, decision_ids)
        except STORE_FAULTS as error:
            # Locks of a process that has ended can be taken over.
            log.warning("locks could not be given back: %s", type(error).__name__)

    def _give_back(self, decision_ids: Iterable[str]) -> None:
        with self._store.database.write() as connection:
            for decision_id in decision_ids:
                self._store.locks.release(connection, decision_id)
