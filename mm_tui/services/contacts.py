"""Whom we know, seen from one email: those that mail was exchanged with before it, its own thread aside."""

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
"""How long the correspondents are used before they are read again."""
TRIED = timedelta(days=7)
"""Who only wrote to us is beyond doubt after this time: a second mail must not vouch for the first. So is an entry of
the address book, which the agent's key can add to: it must not vouch for whom the agent is about to write to."""


class Acquaintance(NamedTuple):
    """The correspondents as one email finds them."""

    established: frozenset[str]
    """We wrote to them before, or they wrote or stood in the gateway's address book long ago, apart from the email's
    thread."""
    recent: tuple[str, ...]
    """All others of earlier mail, in the order in which they came."""


class Contacts:
    """The correspondents of a profile."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._store = ContactStore(database)
        self._clock = clock
        self._read_at: datetime | None = None
        self._exchanges: dict[str, list[Exchange]] = {}
        self._single: list[tuple[str, int, int, bool]] = []
        """Address, time, thread and whether they wrote, of those with one exchange."""
        self._several: list[tuple[str, list[Exchange]]] = []
        self.version = 0
        """Another number whenever the correspondents have changed."""

    def refresh(self) -> None:
        """Reads them again when that was not done lately. Takes time at many emails: call it in a thread."""
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
        """Whom an email finds known, as they were read by the last `refresh`. A few milliseconds.

        Args:
            email_id: the email.
            mailbox_id: its mailbox.
            thread_id: its thread; None when it is not known.
            received_at: when it came or was written; None: after all others.
        """
        thread = self._store.thread_of(email_id, mailbox_id, thread_id)
        before = to_ms(received_at)
        tried = int(TRIED.total_seconds() * 1000)
        now = before if before is not None else to_ms(self._clock.now()) or 0
        latest = before if before is not None else sys.maxsize
        # Most addresses wrote or were written to in one thread alone: these are looked at together.
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
