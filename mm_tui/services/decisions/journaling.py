"""Writes decisions to the journal on the disk. What cannot be written is tried again until it can."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mm_tui.clock import Clock
from mm_tui.decision.effects import WriteEntry
from mm_tui.decision.state import State
from mm_tui.services.decisions.log import DecisionLog
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.store.decisions.locks import DecisionTakenOver
from mm_tui.store.seal import STORE_FAULTS, fault_of_journal, is_busy

LONGEST_WAIT = 60.0
"""The longest time in seconds between two tries."""

log = logging.getLogger("mm_tui.decisions")


class JournalWrite(NamedTuple):
    """What is to be on the disk about one decision: its entries, and the state that they lead to."""

    decision: ActiveDecision
    state: State
    entries: Sequence[WriteEntry]
    drop_text: bool = False
    """Whether the saved text of the edit is deleted."""


class JournalWriter:
    """Writes in a thread. While a decision cannot be written, its `trouble` says why. `report`: called with each
    decision whose `trouble` changed."""

    def __init__(self, store: DecisionLog, clock: Clock, report: Callable[[ActiveDecision], None]) -> None:
        self._store = store
        self._clock = clock
        self._report = report
        self._tasks: set[asyncio.Task[bool]] = set()
        self._fails = asyncio.Event()
        """Set while the last try failed, and not because another process was writing."""

    async def write(self, write: JournalWrite, *, once: bool) -> bool:
        """Writes one decision; with `once` gives up after a failure. Returns whether it is on the disk. It never is if
        another process has taken the decision over."""
        return await self._write([write], once=once) and not write.decision.is_lost

    async def write_soon(self, writes: Sequence[JournalWrite]) -> None:
        """Writes in the background, in one transaction; returns after the first try."""
        tried = asyncio.Event()
        task = asyncio.create_task(self._write(writes, tried=tried))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await tried.wait()

    async def written(self) -> None:
        """Waits until everything is written; not for a store that takes nothing."""
        fails = asyncio.create_task(self._fails.wait())
        try:
            while self._tasks and not fails.done():
                await asyncio.wait({*self._tasks, fails}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            fails.cancel()

    def stop(self) -> Sequence[asyncio.Task[bool]]:
        """Gives up what is not written yet; returns the tasks that end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        return tasks

    async def _write(
        self, writes: Sequence[JournalWrite], *, once: bool = False, tried: asyncio.Event | None = None
    ) -> bool:
        wait = 1.0
        while True:
            trouble, fails = "", False
            try:
                await asyncio.to_thread(self._put, writes)
            except STORE_FAULTS as error:
                fails = not is_busy(error)
                log.error("the journal cannot be written: %s", type(error).__name__)
                trouble = fault_of_journal(error)
            finally:
                if tried is not None:
                    tried.set()
            if fails:
                self._fails.set()
            else:
                self._fails.clear()
            for decision in (write.decision for write in writes):
                if decision.trouble != trouble and not decision.is_lost:
                    decision.trouble = trouble
                    self._report(decision)
            if once or not trouble:
                return not trouble
            await self._clock.sleep(wait)
            wait = min(LONGEST_WAIT, wait * 2)

    def _put(self, writes: Sequence[JournalWrite]) -> None:
        with self._store.database.write(durable=True) as connection:
            for decision, state, entries, drop_text in writes:
                try:
                    self._store.write(connection, decision, state, entries, self._clock.now())
                except DecisionTakenOver as error:
                    # Nothing was written for this one; the others of the batch continue.
                    decision.trouble, decision.is_lost = str(error), True
                    continue
                if drop_text:
                    self._store.drop_text(decision)
