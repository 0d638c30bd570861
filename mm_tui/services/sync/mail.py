"""Copies one mailbox's list: the initial sync, new mail, and changed statuses of old mail. It reads only lists, because
reading a detail marks mail as read and hides it from an agent that polls for unread mail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from mm_tui.gateway.errors import BadRequest, NotFound
from mm_tui.gateway.shapes import EmailFilter, EmailPage, Pages, pages_of
from mm_tui.models import EmailSummary
from mm_tui.services.sync.pause import InputPause
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.rows import Changes
from mm_tui.store.sort_keys import to_ms
from mm_tui.store.state import StateStore

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient

PAGE = 100
"""Emails requested at a time: the gateway's maximum."""
AHEAD = 16
"""The most pages of the initial sync that wait while others are written."""
GATHER_SECONDS = 0.5
"""The least time between the starts of two writes of the initial sync, unless `AHEAD` pages wait: one write of many
pages takes less time, and less room on the disk, than many."""
WINDOW_PAGES = 3
"""The most pages of outbound mail read again in one go; the next call continues from there."""


class SyncPlace(msgspec.Struct, frozen=True):
    """The progress of a mailbox's initial sync. It is stored with each page, so a kill loses nothing."""

    cursor: str | None = None
    done: bool = False
    mails: int = 0

    def dumped(self) -> str:
        return json.dumps([self.cursor, self.done, self.mails])

    @classmethod
    def of(cls, mailbox_id: str, state: StateStore) -> SyncPlace:
        return state.read(_place_name(mailbox_id), lambda text: msgspec.convert(cls(*json.loads(text)), cls), cls())


def synced(state: StateStore, mailbox_ids: Iterable[str]) -> frozenset[str]:
    """Those of these mailboxes whose initial sync has ended."""
    return frozenset(one for one in mailbox_ids if SyncPlace.of(one, state).done)


def _place_name(mailbox_id: str) -> str:
    return f"fill:{mailbox_id}"


class MailboxSync:
    """Copies the mail of one mailbox. Each method makes one request at a time."""

    def __init__(
        self, database: Database, gateway: GatewayClient, mailbox_id: str, pause: InputPause | None = None
    ) -> None:
        self._pause = pause or InputPause()
        self.mailbox_id = mailbox_id
        self._database = database
        self._gateway = gateway
        self._mail = MailStore(database)
        self._state = StateStore(database)
        self.place = SyncPlace.of(mailbox_id, self._state)
        self._since_name = f"since:{mailbox_id}"
        self._window_cursor: str | None = None

    # Initial sync

    async def sync_page(self, oldest: datetime | None) -> None:
        """Reads one page of the initial sync. If the gateway rejects the cursor, the sync starts again. `oldest`: older
        mail is not stored, so the initial sync ends there."""
        asked = self.place.cursor
        try:
            page = await self._gateway.emails(self.mailbox_id, limit=PAGE, cursor=asked)
        except (BadRequest, NotFound):
            if asked is None:
                raise
            asked = None
            page = await self._gateway.emails(self.mailbox_id, limit=PAGE)
        await self._keep([page], done=Pages(asked).is_last(page) or _is_too_old(page, oldest))

    async def sync_rest(self, oldest: datetime | None) -> AsyncGenerator[SyncPlace, None]:
        """Reads the rest of the initial sync; yields its progress whenever pages are handed over for writing. Reading
        does not wait for writing: pages that arrive meanwhile are written next, in one transaction."""
        if self.place.done:
            return
        read = Pages(self.place.cursor)
        writing: asyncio.Task[None] | None = None
        waiting: list[EmailPage] = []
        clock = asyncio.get_running_loop().time
        due = clock()
        # One thread, so that its connection keeps its statements and pages from one write to the next.
        writer = ThreadPoolExecutor(1, "mm-tui-sync")
        try:
            following = self._gateway.email_pages(
                self.mailbox_id, limit=PAGE, cursor=self.place.cursor, pause=self._pause.wait
            )
            async with aclosing(following) as pages:
                async for page in pages:
                    waiting.append(page)
                    done = read.is_last(page) or _is_too_old(page, oldest)
                    idle = writing is None or writing.done()
                    if done or len(waiting) == AHEAD or (idle and clock() >= due):
                        await _ended(writing)
                        await self._pause.wait()
                        due = clock() + GATHER_SECONDS
                        writing = asyncio.create_task(self._keep(waiting, done=done, writer=writer))
                        waiting = []
                        yield self.place
                    if done:
                        break
        finally:
            try:
                await _ended(writing)
                if waiting:
                    # Reading failed or was cut: what has been read need not be read again.
                    await self._keep(waiting, done=False, writer=writer)
            finally:
                writer.shutdown(wait=False)

    async def _keep(self, pages: Sequence[EmailPage], *, done: bool, writer: ThreadPoolExecutor | None = None) -> None:
        """Stores consecutive pages and the progress in one transaction, in the thread of `writer` or in any."""
        emails = [mail for page in pages for mail in page.emails]
        place = SyncPlace(None if done else pages[-1].cursor, done, self.place.mails + len(emails))

        def store() -> None:
            if writer is not None:
                self._database.writes_much()
            with self._database.write():
                self._mail.upsert(emails)
                if self._state.get(self._since_name) is None and (newest := _newest(emails)):
                    self._state.set(self._since_name, newest)
                self._state.set(_place_name(self.mailbox_id), place.dumped())

        await asyncio.get_running_loop().run_in_executor(writer, store)
        self.place = place

    # New mail

    async def fetch_new(self) -> Changes:
        """Reads all mail that arrived since the last call; nothing before the first page of the initial sync."""
        since = self._state.get(self._since_name)
        new: frozenset[str] = frozenset()
        changed: frozenset[str] = frozenset()
        if since is None and not self.place.done:
            return Changes(new, changed)
        wanted, newest = EmailFilter(since_id=since), None
        async for page in pages_of(partial(self._gateway.emails, self.mailbox_id, filter=wanted)):
            if not page.emails:
                break
            newest = newest or _newest(page.emails)
            changes = await asyncio.to_thread(self._mail.upsert, page.emails)
            new |= changes.new
            changed |= changes.changed
        # Stored only now: pages come newest first, and a kill between two must not leave a gap.
        if newest is not None and newest != since:
            await asyncio.to_thread(self._state.set, self._since_name, newest)
        return Changes(new, changed - new)

    # Changing statuses

    async def refresh_window(self, since: datetime) -> Changes:
        """Reads the newest emails again, and outbound mail since `since` while a status may still change. It reads at
        most `WINDOW_PAGES` pages of outbound mail; the next call continues from there."""
        page = await self._gateway.emails(self.mailbox_id, limit=PAGE)
        changes = await asyncio.to_thread(self._mail.upsert, page.emails)
        covered = min((mail.received_at for mail in page.emails if mail.received_at), default=None)
        moving = (await asyncio.to_thread(self._mail.moving, since)).get(self.mailbox_id)
        if moving is None or (covered is not None and moving >= covered) or page.cursor is None:
            self._window_cursor = None
            return changes
        wanted = EmailFilter(direction="outbound", date_after=moving - timedelta(seconds=1))
        for _ in range(WINDOW_PAGES):
            try:
                page = await self._gateway.emails(
                    self.mailbox_id, filter=wanted, limit=PAGE, cursor=self._window_cursor
                )
            except BadRequest:
                if self._window_cursor is None:
                    raise
                self._window_cursor = None
                break
            more = await asyncio.to_thread(self._mail.upsert, page.emails)
            changes = Changes(changes.new | more.new, changes.changed | more.changed)
            self._window_cursor = page.cursor
            if page.cursor is None:
                break
        return changes


async def _ended(writing: asyncio.Task[None] | None) -> None:
    """Waits for a write and raises its error. Cancelling the wait does not cancel the write."""
    if writing is not None:
        await asyncio.wait((writing,))
        writing.result()


def _is_too_old(page: EmailPage, oldest: datetime | None) -> bool:
    """Whether the page has mail that is not kept."""
    return oldest is not None and any(mail.received_at and mail.received_at < oldest for mail in page.emails)


def _newest(emails: Sequence[EmailSummary]) -> str | None:
    """The id for the next `since_id`. Ids of equal length are ULIDs, sorted by creation; otherwise the first listed."""
    if not emails:
        return None
    if len({len(mail.id) for mail in emails}) == 1:
        return max(mail.id for mail in emails)
    return max(emails, key=lambda mail: to_ms(mail.received_at) or 0).id
