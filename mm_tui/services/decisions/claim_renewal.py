"""Shows processes that cannot see this one that it lives: its claims on emails are renewed while it decides."""

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
    from mm_tui.store.decisions.locks import ClaimStore

log = logging.getLogger("mm_tui.decisions")


class ClaimRenewal:
    """Renews the claims of one process.

    Args:
        claims: the store's.
        clock: dates renewals.
        has_open: whether a decision is in progress here.
    """

    def __init__(self, claims: ClaimStore, clock: Clock, has_open: Callable[[], bool]) -> None:
        self._claims = claims
        self._clock = clock
        self._has_open = has_open
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Renews from now on, until `stop`."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_renewing())

    def stop(self) -> None:
        """Ends it; the claims end by themselves."""
        if self._task is not None:
            self._task.cancel()

    async def _keep_renewing(self) -> None:
        # By the machine's own time: others watch a lease by theirs, whatever the clock of decisions says.
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            if not self._has_open():
                continue
            try:
                await asyncio.to_thread(self._claims.renew, self._clock.now())
            except (sqlite3.Error, StoreError, OSError) as error:
                # Each journal entry makes sure that the claim is still ours.
                log.warning("claims could not be renewed: %s", type(error).__name__)
