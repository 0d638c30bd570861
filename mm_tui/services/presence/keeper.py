"""Keeps the presence tag on the email that this program's user has open, and watches the tags of others on it.

Both run in the background: failures are logged and retried, and no decision waits for them. Details are read only once,
but presence comes and goes, so the tags of the open email are read with every poll; other emails in the list show their
last known presence with its time.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import NamedTuple

from mm_tui.clock import Clock, sleep_or_wake
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import GatewayError
from mm_tui.services.events import Notify, PendingChanged
from mm_tui.services.presence.tags import LONGEST, PresenceTags, Seat
from mm_tui.services.sync.service import Sync
from mm_tui.services.tags import TagsDiffer
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore

SETTLE_SECONDS = 0.5
"""Seconds before an open email is marked as open here, so that paging through the queue costs no calls."""
RENEWALS = 3
"""How many times the tags are renewed within its lifetime."""
ANSWER_SECONDS = 2.0
"""How long a poll may take before the presence tags read by the previous one count as old."""
LAST_WORDS = 1.0
"""Seconds to wait on exit for the tags to be removed; if that fails, they expire."""

log = logging.getLogger("mm_tui.presence")


class Open(NamedTuple):
    """The email that is open here."""

    mailbox_id: str
    email_id: str


class PresenceKeeper:
    """This program's presence, on one email at a time. Without a send key, `tags` are only read. `watch` reads those of
    the email under the cursor. `sync` reads the opened email again, which shows the presence of others. `minutes`: how
    long the tags last unless renewed; 0 sets none."""

    def __init__(self, tags: PresenceTags, watch: PresenceWatch, sync: Sync, clock: Clock, *, minutes: int) -> None:
        self.watch = watch
        self._tags = tags
        self._sync = sync
        self._clock = clock
        self._minutes = minutes
        self._wanted: Open | None = None
        self._held: Open | None = None
        self._moved = asyncio.Event()

    @property
    def seat(self) -> Seat:
        """The reviewer at this program, as its tags name them."""
        fresh = self._sync.poll_seconds + ANSWER_SECONDS
        return Seat(self._tags.reviewer, self._tags.token, fresh, self.watch.seen_at, self._tags.ended)

    def open(self, mailbox_id: str, email_id: str) -> None:
        """Records that the user now has this email open, and no other."""
        self._want(Open(mailbox_id, email_id))

    def close(self) -> None:
        """Records that no email is open."""
        self._want(None)

    def _want(self, wanted: Open | None) -> None:
        if wanted != self._wanted:
            self._wanted = wanted
            self._moved.set()

    async def run(self) -> None:
        """Sets, renews and removes the tags until cancelled."""
        while True:
            self._moved.clear()
            wanted = self._wanted
            if self._held is not None and self._held != wanted:
                await self._remove()
            if wanted is None:
                await self._moved.wait()
            elif not await self._moves_within(SETTLE_SECONDS):
                await self._visit(wanted)
                await self._moves_within(min((self._minutes or 10) * 60, LONGEST.total_seconds()) / RENEWALS)

    async def aclose(self) -> None:
        """Removes the tags, unless that takes too long."""
        self._wanted = None
        try:
            async with asyncio.timeout(LAST_WORDS):
                await self._remove()
        except TimeoutError:
            log.info("a presence tag could not be removed in time; it expires on its own")

    async def _visit(self, mail: Open) -> None:
        """Reads the email again, and marks it as open here unless somebody else has it open."""
        try:
            detail = await self._sync.fetch_detail(*mail)
            found = self._tags.current(mail.email_id, detail.tags)
            free = found is None or found.token == self._tags.token
            if free and self._minutes and self._tags.possible:
                self._held = mail
                if await self._tags.mark(*mail) is not None:
                    self._held = None
                    await self._sync.fetch_detail(*mail)
        except (GatewayError, TagsDiffer) as error:
            log.info("%s could not be tagged: %s", mail.email_id, type(error).__name__)

    async def _remove(self) -> None:
        mail, self._held = self._held, None
        if mail is None:
            return
        try:
            await self._tags.unmark(*mail)
        except GatewayError as error:
            log.info("the presence tag of %s could not be removed: %s", mail.email_id, type(error).__name__)

    async def _moves_within(self, seconds: float) -> bool:
        """Waits for at most this long. Returns True as soon as another email, or none, is open."""
        await sleep_or_wake(self._clock, seconds, self._moved)
        return self._moved.is_set()


class PresenceWatch:
    """Watches one email at a time: asks the gateway, with any key, and keeps the tags with the email's details."""

    def __init__(self, database: Database, gateway: GatewayClient, clock: Clock, notify: Notify) -> None:
        self._mail = MailStore(database)
        self._gateway = gateway
        self._clock = clock
        self._notify = notify
        self._watched: tuple[str, str] | None = None
        self._seen_at: dict[str, datetime] = {}

    def watch(self, mailbox_id: str, email_id: str) -> None:
        self._watched = mailbox_id, email_id

    def stop(self) -> None:
        """Stops watching: no list of waiting emails is shown."""
        self._watched = None

    def seen_at(self, email_id: str) -> datetime | None:
        """When the tags of an email were read last, apart from its details."""
        return self._seen_at.get(email_id)

    async def refresh(self) -> None:
        """Reads the tags of the watched email. After a failure the last known tags age until the next poll."""
        if self._watched is None:
            return
        mailbox_id, email_id = self._watched
        try:
            tags = await self._gateway.tags(mailbox_id, email_id)
        except GatewayError as error:
            log.info("the tags of %s could not be read: %s", email_id, type(error).__name__)
            return
        self._seen_at = {**self._seen_at, email_id: self._clock.now()}
        email_tags = {str(name): str(value) for name, value in tags.items()}
        if await asyncio.to_thread(self._mail.save_tags, email_id, email_tags):
            self._notify(PendingChanged())
