"""Known correspondents from the point of view of one email: those with earlier mail outside its thread."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from mm_tui.store.mail.contacts import NO_THREAD, ContactStore, Exchange
from mm_tui.store.sort_keys import to_ms

if TYPE_CHECKING:
    from mm_tui.clock import Clock
    from mm_tui.store.database import Database

CONTACTS_AGE = timedelta(minutes=2)
"""How long the list of correspondents is cached."""
TRIED = timedelta(days=7)
"""Somebody who only wrote to us counts as known after this time, so that a second email cannot vouch for the first. The
same applies to the address book: the agent's key can add entries, which must not vouch for the agent's next
recipient."""


class Acquaintance(NamedTuple):
    """The known correspondents from the point of view of one email."""

    established: frozenset[str]
    """We wrote to them before, or they wrote or were in the gateway's address book long ago, outside the email's
    thread."""
    recent: tuple[str, ...]
    """All other correspondents of earlier mail, in order of their first email."""


class Contacts:
    """The correspondents of a profile."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._store = ContactStore(database)
        self._clock = clock
        self._read_at: datetime | None = None
        self._exchanges: dict[str, list[Exchange]] = {}
        self._single: list[tuple[str, int, int, bool]] = []
        """Address, time, thread and direction, for addresses with one exchange."""
        self._several: list[tuple[str, list[Exchange]]] = []
        self.version = 0
        """A number that changes with the correspondents."""

    def refresh(self) -> None:
        """Reads them again if the cache is old. It is slow with many emails: call it in a thread."""
        now = self._clock.now()
        if self._read_at is not None and now - self._read_at <= CONTACTS_AGE:
            return
        self._read_at = now
        fresh = _by_address([*self._store.exchanges(), *self._store.address_book()])
        if fresh != self._exchanges:
            self._exchanges = fresh
            self._single, self._several = [], []
            for address, exchanges in fresh.items():
                first = exchanges[0]
                if len(exchanges) > 1 or first.thread == NO_THREAD:
                    self._several.append((address, exchanges))
                elif first.at is not None:
                    self._single.append((address, first.at, first.thread, first.wrote))
            self.version += 1

    def known_to(
        self, email_id: str, mailbox_id: str, thread_id: str | None, received_at: datetime | None
    ) -> Acquaintance:
        """Whom an email knows, according to the last `refresh`. Takes a few milliseconds.

        Args:
            email_id: the email.
            mailbox_id: its mailbox.
            thread_id: its thread; None if unknown.
            received_at: when it arrived or was written; None means after all others.
        """
        thread = self._store.thread_of(email_id, mailbox_id, thread_id)
        before = to_ms(received_at)
        tried = int(TRIED.total_seconds() * 1000)
        now = before if before is not None else to_ms(self._clock.now()) or 0
        latest = before if before is not None else sys.maxsize
        # Most addresses occur in only one thread: these are checked together.
        established = {
            address
            for address, at, other, wrote in self._single
            if at < latest and other != thread and (not wrote or before is None or at <= latest - tried)
        }
        recent = [(at, address) for address, at, _, _ in self._single if at < latest and address not in established]
        for address, exchanges in self._several:
            first: int | None = None
            for one in exchanges:
                if one.at is None or (before is not None and one.at >= before):
                    continue
                if one.thread == NO_THREAD and one.at > now - tried:
                    continue
                first = one.at if first is None else min(first, one.at)
                if one.thread != thread and (not one.wrote or before is None or one.at <= before - tried):
                    established.add(address)
                    break
            else:
                if first is not None:
                    recent.append((first, address))
        return Acquaintance(frozenset(established), tuple(address for _, address in sorted(recent)))


def _by_address(exchanges: Iterable[Exchange]) -> dict[str, list[Exchange]]:
    found: dict[str, list[Exchange]] = {}
    for one in exchanges:
        found.setdefault(one.address, []).append(one)
    return found
