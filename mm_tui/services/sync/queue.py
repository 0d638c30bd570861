"""Copies the gateway's list of what waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mm_tui.store.mail.pending import PendingChanges, PendingStore

if TYPE_CHECKING:
    from mm_tui.clock import Clock
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.gateway.shapes import Listing
    from mm_tui.models import PendingItem
    from mm_tui.store.database import Database


class QueueSync:
    """Copies the queue. One reading at a time, on one event loop."""

    def __init__(self, database: Database, gateway: GatewayClient, clock: Clock) -> None:
        self._database = database
        self._gateway = gateway
        self._clock = clock
        self._pending = PendingStore(database)
        self._compared: tuple[Listing[PendingItem] | None, int] = (None, 0)
        """What was listed last, and the store's stamp before it was compared with it."""

    async def read(self) -> tuple[Listing[PendingItem], PendingChanges]:
        """Reads the list and stores what changed.

        Raises:
            GatewayError: it could not be read.
        """
        listed = await self._gateway.pending()
        # Before they are compared: with what is written meanwhile, the next list is compared.
        stamp = self._database.stamp()
        if listed is self._compared[0] and stamp == self._compared[1]:
            return listed, PendingChanges()
        changes = await asyncio.to_thread(self._pending.replace, listed, self._clock.now())
        self._compared = (listed, stamp)
        return listed, changes
