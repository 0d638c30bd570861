"""The only place where details are read. This marks an unread email as read at the gateway."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mm_tui.clock import Clock
from mm_tui.models import EmailDetail, PendingItem, RawContent
from mm_tui.review.draft import with_listed
from mm_tui.services.events import MailChanged, Notify, PendingChanged
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient


class DetailReader:
    """Reads and stores details, with one request per email however many callers want it."""

    def __init__(self, database: Database, gateway: GatewayClient, clock: Clock, notify: Notify) -> None:
        self._database = database
        self._gateway = gateway
        self._clock = clock
        self._notify = notify
        self._mail = MailStore(database)
        self._pending = PendingStore(database)
        self._tasks: dict[str, asyncio.Task[EmailDetail]] = {}
        self._announced: set[str] = set()
        """Emails being read whose change is announced as soon as it is stored."""

    async def read(self, mailbox_id: str, email_id: str, *, announce: bool = True) -> EmailDetail:
        """See `Sync.fetch_detail`. `announce`: send an event; a caller that reads many emails sends one for all."""
        if announce:
            self._announced.add(email_id)
        task = self._tasks.get(email_id)
        if task is None:
            task = asyncio.create_task(self._read(mailbox_id, email_id))
            self._tasks[email_id] = task
            task.add_done_callback(lambda done: self._done(email_id, done))
        return await asyncio.shield(task)

    def cancel(self) -> None:
        """Cancels all requests that are still running."""
        for task in self._tasks.values():
            task.cancel()

    def _done(self, email_id: str, task: asyncio.Task[EmailDetail]) -> None:
        self._tasks.pop(email_id, None)
        self._announced.discard(email_id)
        if not task.cancelled():
            # Retrieve the error, so that asyncio does not report it as unhandled after its caller is gone.
            task.exception()

    async def _read(self, mailbox_id: str, email_id: str) -> EmailDetail:
        detail = await self._gateway.email(mailbox_id, email_id)
        now = self._clock.now()

        def store() -> bool:
            with self._database.write():
                self._mail.save_detail(detail, at=now)
                waiting, listed = self._pending.get(email_id), self._pending.listed(email_id)
                # One whose stored list entry is damaged is listed again first.
                if waiting is None or listed is None:
                    return False
                return self._pending.save_detail(completed(waiting, detail, listed))

        waits = await asyncio.to_thread(store)
        if email_id in self._announced:
            if waits:
                self._notify(PendingChanged())
            self._notify(MailChanged(frozenset({email_id})))
        return detail


def completed(waiting: PendingItem, detail: EmailDetail, listed: RawContent | None = None) -> PendingItem:
    """The waiting email with its details. `listed`: its content as listed; None if `waiting` has it."""
    read = ("sender", "cc", "subject", "body", "status", "attachments", "in_reply_to")
    return waiting.replaced(
        **{
            **{name: getattr(detail, name) for name in read},
            "raw": with_listed(detail.raw, listed or waiting.raw),
            "to": detail.to or waiting.to,
            "received_at": detail.received_at or waiting.received_at,
            "thread_id": detail.thread_id or waiting.thread_id,
            "complete": True,
        }
    )
