"""Reads the tags of the email under the cursor with every poll, so that another's presence and its end are shown.

Details are read only once, but presence comes and goes. To cost one call per poll, other emails in the list show
their last known presence with its time.
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


class PresenceWatch:
    """Watches one email at a time.

    Args:
        database: keeps the tags with the email's details.
        gateway: asked for them; any key may.
        clock: dates what was seen.
        notify: called when they changed.
    """

    def __init__(self, database: Database, gateway: GatewayClient, clock: Clock, notify: Notify) -> None:
        self._mail = MailStore(database)
        self._gateway = gateway
        self._clock = clock
        self._notify = notify
        self._watched: tuple[str, str] | None = None
        self._seen_at: dict[str, datetime] = {}

    def watch(self, mailbox_id: str, email_id: str) -> None:
        """Watches this email, and no other."""
        self._watched = mailbox_id, email_id

    def stop(self) -> None:
        """Stops watching: no list of waiting emails is shown."""
        self._watched = None

    def seen_at(self, email_id: str) -> datetime | None:
        """When the tags of an email were read last, apart from its details."""
        return self._seen_at.get(email_id)

    async def refresh(self) -> None:
        """Reads the tags of the watched email. After a failure the next poll tries again, and the last known tags
        age."""
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
