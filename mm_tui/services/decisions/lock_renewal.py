"""Renews this process's locks on emails while it decides, so that processes elsewhere see that it is running."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from mm_tui.store.decisions.locks import RENEW_SECONDS
from mm_tui.store.seal import StoreError

if TYPE_CHECKING:
    from mm_tui.clock import Clock
    from mm_tui.store.decisions.locks import LockStore

log = logging.getLogger("mm_tui.decisions")


class LockRenewal:
    """Renews the locks of one process.

    Args:
        locks: the locks in the store.
        clock: gives the time recorded with a renewal.
        has_open: whether a decision is in progress here.
    """

    def __init__(self, locks: LockStore, clock: Clock, has_open: Callable[[], bool]) -> None:
        self._locks = locks
        self._clock = clock
        self._has_open = has_open
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Renews the locks regularly until `stop`."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_renewing())

    def stop(self) -> None:
        """Stops renewing; the locks then expire."""
        if self._task is not None:
            self._task.cancel()

    async def _keep_renewing(self) -> None:
        # Real time, not the session's clock: other processes watch a lease by their own real time.
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            if not self._has_open():
                continue
            try:
                await asyncio.to_thread(self._locks.renew, self._clock.now())
            except (sqlite3.Error, StoreError, OSError) as error:
                # Each journal entry makes sure that the lock is still ours.
                log.warning("locks could not be renewed: %s", type(error).__name__)
