"""Correspondents and the time of the first mail with each, for checks of look-alikes and first contacts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from mm_tui.models import ARRIVED, LEFT, NOT_SENT, Status
from mm_tui.store.mail.search import phrase
from mm_tui.store.sort_keys import from_ms, to_ms
from mm_tui.store.state import StateStore

if TYPE_CHECKING:
    from mm_tui.store.database import Database

ADDRESS_BOOK = "address_book"
NO_THREAD = -1
"""A number that no thread has."""
MOST = 5000
"""The most addresses considered: those of the newest mail."""
SLICE = 20_000
"""Emails read at a time: SQLite sorts them in memory, and a million would take a hundred megabytes."""
_NEWEST = 2**63 - 1
_OLDEST = -(2**63)


def _listed(statuses: frozenset[str]) -> str:
    return ", ".join(f"'{status}'" for status in sorted(map(str, statuses)))


# Must agree with `EmailSummary.is_exchanged`; a test compares them.
_ARRIVED = f"mail.direction = 'inbound' AND mail.status IN ({_listed(ARRIVED)})"
_LEFT = f"""mail.direction <> 'inbound' AND (
    mail.status IN ({_listed(LEFT)})
    OR mail.status NOT IN ({_listed(NOT_SENT)}) AND (
        json_extract(mail.rest, '$.delivered_at') IS NOT NULL
        OR json_extract(mail.rest, '$.bounced_at') IS NOT NULL
        OR mail.status <> '{Status.DELETED}' AND EXISTS (
            SELECT 1 FROM details
            WHERE details.key = mail.key AND json_extract(details.model, '$.approved_at') IS NOT NULL)))"""

_EXCHANGES_SQL = f"""
SELECT mail.sender AS address, mail.thread, 1 AS wrote, min(mail.received_at) AS at, max(mail.key) AS newest FROM mail
WHERE mail.key > :above AND mail.key <= :upto AND {_ARRIVED} GROUP BY mail.sender, mail.thread
UNION ALL
SELECT json_extract(each.value, '$[0]') AS address, mail.thread, 0, min(mail.received_at), max(mail.key)
FROM mail, json_each(mail.recipients) AS each
WHERE mail.key > :above AND mail.key <= :upto AND {_LEFT} GROUP BY address, mail.thread
ORDER BY newest DESC
"""
_SLICE_SQL = "SELECT key FROM mail INDEXED BY mail_list WHERE key <= ? ORDER BY key DESC LIMIT 1 OFFSET ?"


class Exchange(NamedTuple):
    """The first mail from or to an address in one thread."""

    address: str
    """Lower case."""
    thread: int
    """The store's number of the thread."""
    wrote: bool
    """True: they wrote to us. False: we wrote to them."""
    at: int | None
    """Milliseconds since 1970, UTC; None when the gateway gave no time."""


class ContactStore:
    """The correspondents of one profile. Only mail that arrived or left counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def exchanges(self) -> list[Exchange]:
        """The first emails exchanged with each of the `MOST` latest addresses: of each address the earliest threads in
        which it wrote and in which it was written to, two of each, so that there is one besides any thread. Takes up
        to 0.5 s with 100,000 emails: not for the UI thread."""
        cursor = self._database.reader().cursor()
        cursor.row_factory = None
        found: dict[str, tuple[dict[int, int], dict[int, int]]] = {}
        upto = _NEWEST
        while upto > _OLDEST:
            after = cursor.execute(_SLICE_SQL, (upto, SLICE)).fetchone()
            above = after[0] if after else _OLDEST
            for raw, thread, wrote, at, _ in cursor.execute(_EXCHANGES_SQL, {"above": above, "upto": upto}):
                address = str(raw).lower()
                if (threads := found.get(address)) is None:
                    if len(found) >= MOST:
                        continue
                    threads = found[address] = {}, {}
                if at is not None:
                    _keep_earliest(threads[wrote], thread, at)
            upto = above
        return [exchange for address, threads in found.items() for exchange in _exchanges_of(address, threads)]

    def address_book(self) -> list[Exchange]:
        """The stored copy of the gateway's address book, as if each entry had written when it was added."""
        kept = StateStore(self._database).get(ADDRESS_BOOK)
        return [Exchange(address, NO_THREAD, True, at) for address, at in json.loads(kept)] if kept else []

    def keep_address_book(self, entries: Iterable[tuple[str, datetime | None]]) -> None:
        """Stores the `MOST` oldest of the gateway's contacts. One without a time is left out: it may be new.

        Args:
            entries: address and when it was added.
        """
        dated = sorted((to_ms(at) or 0, address.strip().lower()) for address, at in entries if at is not None)
        kept = {address: at for at, address in reversed(dated) if "@" in address}
        oldest = sorted(kept.items(), key=lambda item: item[1])[:MOST]
        StateStore(self._database).set(ADDRESS_BOOK, json.dumps(oldest))

    def thread_of(self, email_id: str, mailbox_id: str, thread_id: str | None) -> int | None:
        """The store's number of an email's thread; None if neither is stored."""
        row = (
            self._database.reader()
            .execute(
                "SELECT thread FROM threads WHERE mailbox_id = ? AND thread_id = ?"
                " UNION ALL SELECT thread FROM mail WHERE email_id = ?",
                (mailbox_id, thread_id, email_id),
            )
            .fetchone()
        )
        return row[0] if row else None

    def first_seen(self, address: str, *, before: datetime | None = None) -> datetime | None:
        """When mail was first exchanged between this address and any of our mailboxes.

        Args:
            address: the correspondent's address.
            before: only mail older than this.

        Returns:
            The time; None if never.
        """
        if not any(map(str.isalnum, address)):
            return None
        rows = self._database.reader().execute(
            "SELECT mail.sender, mail.recipients, mail.direction, mail.received_at"
            " FROM mail_words CROSS JOIN mail ON mail.key = mail_words.rowid"
            f" WHERE mail_words MATCH ? AND ({_ARRIVED} OR {_LEFT}) ORDER BY mail_words.rowid",
            (f"{{sender recipients}} : {phrase(address)}",),
        )
        wanted = address.casefold()
        for sender, recipients, direction, received_at in rows:
            inbound = direction == "inbound"
            named = [sender] if inbound else [to[0] for to in json.loads(recipients)]
            at = from_ms(received_at or 0)
            if any(one.casefold() == wanted for one in named):
                return None if before is not None and at is not None and at >= before else at
        return None


def _keep_earliest(first: dict[int, int], thread: int, at: int) -> None:
    """Adds a thread with the time of its first email, and leaves the two earliest."""
    first[thread] = min(at, first.get(thread, at))
    if len(first) > 2:
        del first[max(first, key=first.__getitem__)]


def _exchanges_of(address: str, threads: tuple[dict[int, int], dict[int, int]]) -> list[Exchange]:
    dated = [Exchange(address, thread, bool(wrote), at) for wrote in (0, 1) for thread, at in threads[wrote].items()]
    return dated or [Exchange(address, NO_THREAD, True, None)]
