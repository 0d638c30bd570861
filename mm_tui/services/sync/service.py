"""Keeps the store in step with the gateway: polls, sends events about changes, and survives every failure.

Each part (mailboxes, initial sync, new mail, queue, audit log) has its own loop with one request in flight and its own
back-off, so a missing scope or a failing call stops only that part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from mm_tui.clock import Clock, sleep_or_wake
from mm_tui.gateway.errors import GatewayError
from mm_tui.models import EmailDetail
from mm_tui.services.events import (
    AuditChanged,
    MailboxesChanged,
    MailChanged,
    Notify,
    PendingChanged,
    SyncChanged,
    SyncPart,
    SyncPhase,
    SyncState,
)
from mm_tui.services.sync.boxes import MailSync
from mm_tui.services.sync.details import DetailReader
from mm_tui.services.sync.health import SyncHealth
from mm_tui.services.sync.maintenance import check_daily, drop_old_mail
from mm_tui.services.sync.queue import QueueSync, read_address_book, read_audit_log, with_allow_list
from mm_tui.settings.sections import SyncSettings
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.database import Database
from mm_tui.store.mail.contacts import ContactStore
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.seal import STORE_FAULTS
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient


MAILBOXES_SECONDS = 600.0
"""An oversight mode that was changed elsewhere is shown this late at most."""
ADDRESS_BOOK_SECONDS = 3600.0
AUDIT_SECONDS = 60.0
WINDOW_SECONDS = 60.0
MAINTENANCE_SECONDS = 3600.0
PROGRESS_SECONDS = 0.5
"""During the initial sync, lists receive events at most this often."""

Work = Callable[[], Awaitable[OneLine | None]]
"""One try of a part. A successful try may return an error of a detail."""


class Sync:
    """The sync between the gateway and the store of one profile. It reads lists, the queue and the audit log. It reads
    a detail only on request: `fetch_detail` is for mail that a human opens, because it marks an unread email as read;
    `read_detail_quietly` is for mail that cannot be unread."""

    def __init__(
        self,
        database: Database,
        gateway: GatewayClient,
        settings: SyncSettings,
        clock: Clock,
        notify: Notify,
        rng: Random | None = None,
    ) -> None:
        """Reads the store, without calling the gateway yet. The client is not closed here. `notify` is called with each
        event, in the event loop's thread."""
        self._database = database
        self._gateway = gateway
        self._settings = settings
        self._clock = clock
        self._notify = notify
        self._mail = MailStore(database)
        self._queue = QueueSync(database, gateway, clock)
        self._audit = AuditStore(database)
        self._state = StateStore(database)
        self._contacts = ContactStore(database)
        self._wake = {part: asyncio.Event() for part in SyncPart}
        self._asked = {part: asyncio.Event() for part in SyncPart}
        self._boxes = MailSync(database, gateway)
        self._boxes_known = asyncio.Event()
        self._details = DetailReader(database, gateway, clock, notify)
        self.each_poll: Callable[[], Awaitable[None]] | None = None
        """Called after each reading of the queue, for data that must be as fresh. It may make one call to the
        gateway."""
        self._active = True
        self._in_initial_sync = False
        self._running = False
        self._stamp = 0
        self._window_due = 0.0
        self._address_book_due = 0.0
        self._progress_reported_at = float("-inf")
        self._ok_saved_at = float("-inf")
        last_ok_at = self._state.read("last_ok_at", datetime.fromisoformat, None)
        self._health = SyncHealth(clock, rng or Random(), last_ok_at)  # noqa: S311 - jitter
        self.state = SyncState(SyncPhase.CONNECTING, last_ok_at)
        """The current state; `SyncChanged` announces changes."""
        self._followed(self._boxes.follow_listed())

    # Called by the program

    async def run(self) -> None:
        """Polls the gateway until the task is cancelled."""
        self._running = True
        self._report_state()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._loop(SyncPart.MAILBOXES, self._poll_mailboxes, lambda: MAILBOXES_SECONDS))
                group.create_task(self._loop(SyncPart.PENDING, self._poll_pending, self._interval))
                group.create_task(self._loop(SyncPart.MAIL, self._poll_mail, self._interval, self._boxes_known))
                group.create_task(
                    self._loop(SyncPart.INITIAL, self._initial_sync, lambda: MAILBOXES_SECONDS, self._boxes_known)
                )
                if self._gateway.keys.has("admin"):
                    group.create_task(self._loop(SyncPart.AUDIT, self.refresh_audit, lambda: AUDIT_SECONDS))
                group.create_task(self._loop(SyncPart.STORE, self._maintain, lambda: MAINTENANCE_SECONDS))
        finally:
            self._running = False
            self._details.cancel()
            self._report_state()

    async def run_once(self, progress: Callable[[SyncState], None] | None = None) -> SyncState:
        """Brings everything up to date once, including the initial sync, and returns the state. A failed part is
        reported in the state's `parts`; the others are still tried. `progress` is called with the state during the
        initial sync and after every part."""
        notify = self._notify
        if progress is not None:
            self._notify = lambda event: progress(event.state) if isinstance(event, SyncChanged) else notify(event)
        self._running = True
        try:
            await self._try(SyncPart.MAILBOXES, self._poll_mailboxes)
            await self._try(SyncPart.PENDING, self._poll_pending)
            if self._boxes.places:
                await self._try(SyncPart.INITIAL, self._initial_sync)
                await self._try(SyncPart.MAIL, self._poll_mail)
            if self._gateway.keys.has("admin"):
                await self._try(SyncPart.AUDIT, self.refresh_audit)
            await self._try(SyncPart.STORE, self._maintain)
        finally:
            self._running = False
            self._notify = notify
        return self.state

    def wake(self, *parts: SyncPart, asked: bool = False) -> None:
        """Polls now, by default everything, ending any wait. `asked`: a human asks, which ends even a wait that the
        gateway asked for."""
        if not parts:
            self._window_due = 0.0
        if asked:
            self._boxes.forget_refusals()
        for part in parts or SyncPart:
            self._wake[part].set()
            if asked:
                self._asked[part].set()

    @property
    def poll_seconds(self) -> float:
        """The current seconds between polls."""
        return self._interval()

    def note_input(self) -> None:
        """Call it for each key: the initial sync then pauses for a moment."""
        self._boxes.pause.note_input()

    def set_active(self, active: bool) -> None:
        """Sets whether the user is active: polls are then more frequent. Becoming active polls at once, also what was
        refused before."""
        if active and not self._active:
            if self._boxes.forget_refusals():
                self._wake[SyncPart.INITIAL].set()
            for part in {SyncPart.PENDING, SyncPart.MAIL, *self._health.without_key}:
                self._wake[part].set()
        self._active = active

    async def fetch_detail(self, mailbox_id: str, email_id: str) -> EmailDetail:
        """Opens an email at the gateway, which marks it as read, and stores it. Only for mail that a human opens. Two
        calls for one email make one request. Cancelling a caller leaves the request running, because it has had its
        effect and its answer is worth storing. Raises GatewayError if it could not be read."""
        return await self._details.read(mailbox_id, email_id)

    async def read_detail_quietly(self, mailbox_id: str, email_id: str) -> EmailDetail:
        """Like `fetch_detail`, but sends no event. Only for mail that opening cannot mark as read. Raises GatewayError
        if it could not be read."""
        return await self._details.read(mailbox_id, email_id, announce=False)

    async def refresh_mailboxes(self) -> None:
        """Reads the mailboxes and their oversight modes."""
        listed = [
            await with_allow_list(self._gateway, self._mail, box) for box in await self._gateway.account.mailboxes()
        ]
        changed = await asyncio.to_thread(self._mail.save_mailboxes, listed)
        self._followed(await asyncio.to_thread(self._boxes.follow_listed))
        if changed:
            self._notify(MailboxesChanged())

    # Parts

    def _followed(self, has_new: bool) -> None:
        if has_new:
            self._wake[SyncPart.INITIAL].set()
        if self._boxes.places:
            self._boxes_known.set()

    async def _poll_mailboxes(self) -> OneLine | None:
        if self._boxes.forget_refusals():
            self._wake[SyncPart.INITIAL].set()
        await self.refresh_mailboxes()
        now = self._clock.monotonic()
        if now >= self._address_book_due:
            await read_address_book(self._gateway, self._contacts)
            self._address_book_due = now + ADDRESS_BOOK_SECONDS
        return None

    async def _poll_pending(self) -> OneLine | None:
        listed, changes = await self._queue.read()
        if changes:
            self._notify(PendingChanged())
        if self.each_poll is not None:
            await self.each_poll()
        if changes.gone:
            # Emails that left the queue now have another status in the lists.
            self._window_due = 0.0
            self._wake[SyncPart.MAIL].set()
            # The log says who decided.
            self._wake[SyncPart.AUDIT].set()
        if listed.refused:
            number = len(listed.refused)
            return OneLine(f"{number} waiting email{'s'[: number > 1]} cannot be read: {listed.refused[0]}")
        return None

    async def _poll_mail(self) -> OneLine | None:
        now = self._clock.monotonic()
        window = now >= self._window_due
        # Another program on this store may have stored it already. What is written during this poll counts in the next.
        before, self._stamp = self._stamp, self._database.stamp()
        since = self._clock.now() - timedelta(days=self._settings.window_days)
        seen = await self._boxes.read_new(since if window else None)
        if window:
            self._window_due = self._clock.monotonic() + WINDOW_SECONDS
        if now - self._ok_saved_at >= WINDOW_SECONDS:
            self._ok_saved_at = now
            await asyncio.to_thread(self._save_last_ok)
        if seen:
            self._notify(MailChanged(frozenset(seen)))
        elif before != self._stamp:
            self._notify(MailChanged())
            self._notify(PendingChanged())
        return self._boxes.refusal

    def _save_last_ok(self) -> None:
        with self._database.unnoticed():
            self._state.set("last_ok_at", self._clock.now().isoformat())

    async def _initial_sync(self) -> OneLine | None:
        if waiting := self._boxes.to_sync():
            self._in_initial_sync = True
            self._report_state()
            try:
                async with aclosing(self._boxes.initial_sync(waiting, self._oldest_stored())) as pages:
                    async for _ in pages:
                        self._page_synced()
            finally:
                self._in_initial_sync = False
                self._report_progress()
        return self._boxes.refusal

    def _page_synced(self) -> None:
        self._health.page_synced()
        if self._clock.monotonic() - self._progress_reported_at >= PROGRESS_SECONDS:
            self._report_progress()

    def _report_progress(self) -> None:
        self._progress_reported_at = self._clock.monotonic()
        self._notify(MailChanged())
        self._report_state()

    async def refresh_audit(self) -> OneLine | None:
        """Reads the new entries of the gateway's audit log. Needs a key with the scope admin."""
        if await read_audit_log(self._gateway, self._audit, self._state):
            self._notify(AuditChanged())
        return None

    # Maintenance

    def _oldest_stored(self) -> datetime | None:
        days = self._settings.retention_days
        return None if days is None else self._clock.now() - timedelta(days=days)

    async def _maintain(self) -> OneLine | None:
        """Deletes old mail, and once a day checks the whole file for damage."""
        if await drop_old_mail(self._mail, self._oldest_stored()):
            self._notify(MailChanged())
        return await check_daily(self._database, self._state, self._clock.now())

    # Loops, failures, state

    def _interval(self) -> float:
        return self._settings.active_seconds if self._active else self._settings.idle_seconds

    async def _loop(
        self, part: SyncPart, work: Work, interval: Callable[[], float], after: asyncio.Event | None = None
    ) -> None:
        if after is not None:
            await after.wait()
        while True:
            self._wake[part].clear()
            self._asked[part].clear()
            wait, not_wakeable = await self._try(part, work, interval)
            # Only a human can shorten a wait that the gateway asked for.
            wake = self._asked if not_wakeable else self._wake
            await sleep_or_wake(self._clock, interval() if wait is None else wait, wake[part])

    async def _try(
        self, part: SyncPart, work: Work, interval: Callable[[], float] | None = None
    ) -> tuple[float | None, bool]:
        """Tries a part once. Returns the seconds to wait (None: the usual), and whether the gateway asked for that."""
        wait: float | None = None
        not_wakeable = False
        try:
            aside, without_key = await work(), self._health.without_key
            self._health.well(part, aside)
            if part in without_key:
                # The key may have been given its scopes again.
                for other in {*without_key} - {part}:
                    self._wake[other].set()
        except (GatewayError, *STORE_FAULTS) as error:
            usual = min(interval() if interval else self._interval(), self._settings.idle_seconds)
            wait, not_wakeable = self._health.failed(part, error, interval=usual, again=interval is not None)
        self._report_state()
        return wait, not_wakeable

    def _report_state(self) -> None:
        state = self._health.summed_up(
            running=self._running, in_initial_sync=self._in_initial_sync, places=self._boxes.places
        )
        if state != self.state:
            self.state = state
            self._notify(SyncChanged(state))
