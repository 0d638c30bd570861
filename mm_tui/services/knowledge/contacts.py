"""Whom we know, seen from one email: those that mail was exchanged with before it, its own thread aside."""

from __future__ import annotations

import struct
import threading
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import accumulate, chain

from mm_tui.clock import Clock
from mm_tui.review.known import ESTABLISHED, NEVER, NOBODY, Acquaintances, Book, Moments
from mm_tui.store.database import Database
from mm_tui.store.mail.contacts import NO_THREAD, ContactStore, Exchange
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


class _Exchanges:
    """The exchanges with each address, packed one after the other. A dictionary would take twice the memory."""

    def __init__(self, found: Iterable[Exchange]) -> None:
        by_address: dict[str, bytes] = {}
        for one in found:
            at = _UNDATED if one.at is None else one.at
            by_address[one.address] = by_address.get(one.address, b"") + _PACKED.pack(at, one.thread, one.wrote)
        self.addresses = sorted(by_address)
        self._packed = b"".join(map(by_address.__getitem__, self.addresses))
        self._ends = array("L", accumulate(len(by_address[address]) for address in self.addresses))

    def same_as(self, other: _Exchanges) -> bool:
        return self.addresses == other.addresses and self._ends == other._ends and self._packed == other._packed

    def of(self, address: str) -> Iterator[tuple[int, int, bool]]:
        """The time or `_UNDATED`, the thread, and whether they wrote, of each exchange with an address."""
        at = bisect_left(self.addresses, address)
        if at == len(self.addresses) or self.addresses[at] != address:
            return iter(())
        return _PACKED.iter_unpack(self._packed[self._ends[at - 1] if at else 0 : self._ends[at]])


class Contacts:
    """The correspondents of a profile. One object serves all of a process, in any thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._store = ContactStore(database)
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._exchanges = _Exchanges(())
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
            fresh = _Exchanges(chain(self._store.exchanges(), self._store.address_book()))
            if not fresh.same_as(self._exchanges):
                self._exchanges = fresh
                self._book = Book(fresh.addresses, lambda address: _moments(fresh.of(address)))
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
            for at, number, wrote in exchanges.of(address):
                if at == _UNDATED or (before is not None and at >= before):
                    continue
                if number == NO_THREAD and at > now - TRIED_MS:
                    continue
                if number != thread and (not wrote or before is None or at <= before - TRIED_MS):
                    return ESTABLISHED
                first = at if first is None else min(first, at)
            return first

        return Acquaintances(self._book, since, NEVER if before is None else before)


def _moments(exchanges: Iterator[tuple[int, int, bool]]) -> Moments:
    dated = [(at, at + TRIED_MS if wrote else at) for at, _, wrote in exchanges if at != _UNDATED]
    return Moments(min((at for at, _ in dated), default=NEVER), min((tried for _, tried in dated), default=NEVER))
