"""Whom we know, seen from one email: those that mail was exchanged with before it, its own thread aside."""

from __future__ import annotations

import struct
import threading
from datetime import datetime, timedelta
from itertools import chain

from mm_tui.clock import Clock
from mm_tui.review.known import ESTABLISHED, NEVER, NOBODY, Acquaintances, Book, Moments
from mm_tui.store.database import Database
from mm_tui.store.mail.contacts import NO_THREAD, ContactStore
from mm_tui.store.sort_keys import to_ms

CONTACTS_AGE = timedelta(minutes=2)
"""How long the list of correspondents is cached."""
TRIED_MS = int(timedelta(days=7).total_seconds() * 1000)
"""Milliseconds. Somebody who only wrote to us counts as known after this time, so that a second email cannot vouch for
the first. The same applies to the address book: the agent's key can add entries, which must not vouch for the agent's
next recipient."""


_PACKED = struct.Struct("<qq?")
"""An exchange: its time or `_UNDATED`, its thread, and whether they wrote. Objects would take five times the memory."""
_UNDATED = -(2**63)


class Contacts:
    """The correspondents of a profile. One object serves all of a process, in any thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._store = ContactStore(database)
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._exchanges: dict[str, bytes] = {}
        """Those of each address, packed one after the other."""
        self._book = NOBODY.book
        self.version = 0
        """A number that changes with the correspondents."""

    def refresh(self, *, at_once: bool = False) -> None:
        """Reads them again if the cache is old, or `at_once`. Slow with many emails: call it in a thread."""
        # Who comes second waits, for nobody may take correspondents that have not been read yet for strangers.
        with self._lock:
            now = self._clock.now()
            if not at_once and self._read_at is not None and now - self._read_at <= CONTACTS_AGE:
                return
            fresh: dict[str, bytes] = {}
            for one in chain(self._store.exchanges(), self._store.address_book()):
                at = _UNDATED if one.at is None else one.at
                fresh[one.address] = fresh.get(one.address, b"") + _PACKED.pack(at, one.thread, one.wrote)
            if fresh != self._exchanges:
                self._exchanges = fresh
                self._book = Book(fresh.keys(), lambda address: _moments(fresh[address]))
                self.version += 1
            self._read_at = now

    def known_to(
        self, email_id: str, mailbox_id: str, thread_id: str | None, received_at: datetime | None
    ) -> Acquaintances:
        """Whom an email knows, according to the last `refresh`. Established are those we wrote to before, and those who
        wrote or were in the gateway's address book long ago, outside the email's thread. `thread_id`: its thread; None
        if unknown. `received_at`: when it arrived or was written; None means after all others."""
        return self.seen_from(self._store.thread_of(email_id, mailbox_id, thread_id), received_at)

    def seen_from(self, thread: int | None, received_at: datetime | None) -> Acquaintances:
        """As `known_to`, by the store's number of the thread."""
        before, exchanges = to_ms(received_at), self._exchanges
        now = before if before is not None else to_ms(self._clock.now()) or 0

        def since(address: str) -> int | None:
            first: int | None = None
            for at, number, wrote in _PACKED.iter_unpack(exchanges.get(address, b"")):
                if at == _UNDATED or (before is not None and at >= before):
                    continue
                if number == NO_THREAD and at > now - TRIED_MS:
                    continue
                if number != thread and (not wrote or before is None or at <= before - TRIED_MS):
                    return ESTABLISHED
                first = at if first is None else min(first, at)
            return first

        return Acquaintances(self._book, since, NEVER if before is None else before)


def _moments(exchanges: bytes) -> Moments:
    dated = [(at, at + TRIED_MS if wrote else at) for at, _, wrote in _PACKED.iter_unpack(exchanges) if at != _UNDATED]
    return Moments(min((at for at, _ in dated), default=NEVER), min((tried for _, tried in dated), default=NEVER))
