"""Reads the tags of the email under the cursor with every poll, so that another's claim is told, and its end too.

Details are read once; claims come and go after that. One call for each poll is what this may cost, so the other emails
of the list show what was seen of them last, and when.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from mm_tui.gateway.errors import GatewayError
from mm_tui.services.events import PendingChanged
from mm_tui.store.mail.mails import MailStore

if TYPE_CHECKING:
    from datetime import datetime

    from mm_tui.clock import Clock
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.services.events import Notify
    from mm_tui.store.database import Database

log = logging.getLogger("mm_tui.claims")


class ClaimWatch:
    """Watches one email at a time.

    Args:
        database: keeps the tags with the email's details.
        gateway: asked for them; any key may.
        clock: dates what was seen.
        notify: told when they changed.
    """

    def __init__(self, database: Database, gateway: GatewayClient, clock: Clock, notify: Notify) -> None:
        self._mail = MailStore(database)
        self._gateway = gateway
        self._clock = clock
        self._notify = notify
        self._watched: tuple[str, str] | None = None
        self._seen_at: dict[str, datetime] = {}

    def watch(self, mailbox_id: str, email_id: str) -> None:
        """This email is under the cursor, and no other."""
        self._watched = mailbox_id, email_id

    def stop(self) -> None:
        """No list of waiting emails is looked at."""
        self._watched = None

    def seen_at(self, email_id: str) -> datetime | None:
        """When the tags of an email were read last, apart from its details."""
        return self._seen_at.get(email_id)

    async def refresh(self) -> None:
        """Reads the tags of the watched mail. What fails is tried with the next poll; meanwhile what was seen ages."""
        if self._watched is None:
            return
        mailbox_id, email_id = self._watched
        try:
            tags = await self._gateway.tags(mailbox_id, email_id)
        except GatewayError as error:
            log.info("the tags of %s could not be read: %s", email_id, type(error).__name__)
            return
        self._seen_at = {**self._seen_at, email_id: self._clock.now()}
        held = {str(name): str(value) for name, value in tags.items()}
        if await asyncio.to_thread(self._mail.save_tags, email_id, held):
            self._notify(PendingChanged())
