"""Reads waiting emails with their threads from the store, many at once. An unchanged email is the same object as in the
last reading. So reading a long queue again is cheap, and so is comparing two readings."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from mm_tui.models import PendingItem
from mm_tui.review.digest import digest_of
from mm_tui.services.queue.entry import ThreadMail
from mm_tui.store.damaged import DamagedRecords
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.store.mail.columns import readable_detail, readable_summary
from mm_tui.store.mail.pending import PendingStore, thread_rows


class StoredEmail(NamedTuple):
    """A waiting email in the store."""

    item: PendingItem
    digest: str
    seen_at: datetime | None
    """When this machine first saw it waiting."""
    edit: SavedEdit | None
    thread: tuple[ThreadMail, ...]
    """The other emails of its thread, oldest first."""


class StoredQueue:
    """Reads the queue of one profile. Call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pending = PendingStore(database)
        self._edits = EditStore(database)
        self._items: dict[str, tuple[int, PendingItem, str]] = {}
        """By id: a hash of the stored text, the email, and its digest."""
        self._threads: dict[str, tuple[int, tuple[ThreadMail, ...]]] = {}
        """By id: a hash of the stored rows, and the emails in them."""

    def ids(self, mailbox_id: str | None = None) -> list[str]:
        """The ids of waiting emails, oldest first, in all mailboxes or one; forgets emails that no longer wait."""
        waiting = self._pending.ids()
        for cache in (self._items, self._threads):
            for gone in cache.keys() - set(waiting):
                cache.pop(gone, None)
        return waiting if mailbox_id is None else self._pending.ids(mailbox_id)

    def read(self, ids: Sequence[str]) -> list[StoredEmail]:
        """Those of these emails that still wait, in this order."""
        texts, edits = self._pending.texts(ids), self._edits.of(ids)
        items = {key: (*self._item(key, texts[key].text), texts[key].seen_at) for key in ids if key in texts}
        threads = self._threads_of([item for item, _, _ in items.values()])
        return [
            StoredEmail(item, digest, seen_at, edits.get(key), threads[key])
            for key, (item, digest, seen_at) in items.items()
        ]

    def of(self, item: PendingItem) -> StoredEmail:
        """An email as it was seen, with the stored emails of its thread."""
        digest = digest_of(item.id, item.mailbox_id, item.direction, item.raw)
        thread = self._threads_of([item])[item.id]
        return StoredEmail(item, digest, self._pending.seen_at(item.id), self._edits.get(item.id), thread)

    def _item(self, key: str, text: str) -> tuple[PendingItem, str]:
        known, stored = self._items.get(key), hash(text)
        if known is None or known[0] != stored:
            item = self._pending.item_in(key, text)
            known = stored, item, digest_of(item.id, item.mailbox_id, item.direction, item.raw)
            self._items[key] = known
        return known[1:]

    def _threads_of(self, items: Iterable[PendingItem]) -> dict[str, tuple[ThreadMail, ...]]:
        found: dict[str, tuple[ThreadMail, ...]] = {}
        for item, rows in thread_rows(self._database, list(items)):
            known, stored = self._threads.get(item.id), hash(tuple(tuple(row) for row in rows))
            if known is None or known[0] != stored:
                known = stored, tuple(_mail(row, self._database.damaged) for row in rows)
                self._threads[item.id] = known
            found[item.id] = known[1]
        return found


def _mail(row: sqlite3.Row, damaged: DamagedRecords) -> ThreadMail:
    detail = readable_detail(row, damaged) if row["model"] is not None else None
    return ThreadMail(readable_summary(row, damaged), detail)
