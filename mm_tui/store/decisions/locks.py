"""Locks: of the processes that share a store, only one at a time decides about an email and its edits.

A lock is taken in a transaction before anything else. The lock of a process that no longer runs can be taken over. A
process in the same place (machine, boot and process namespace) is looked up in the process table. For a process
elsewhere, such as in another container or on another machine that shares the home directory, the lease decides: it
renews its locks every `RENEW_SECONDS`. Such a lock has expired if it was not renewed for `LEASE_SECONDS` by this
process's own monotonic clock, or if its recorded time is older than any difference between clocks could explain.
"""

from __future__ import annotations

import functools
import os
import platform
import secrets
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from mm_tui.store.database import Database
from mm_tui.store.seal import StoreError
from mm_tui.store.sort_keys import stored_time
from mm_tui.text import OneLine


class Process(msgspec.Struct, frozen=True):
    """One run of a program, distinguished from a later one with the same pid."""

    pid: int
    token: str
    """Boot id and start time, or empty if the system does not provide them."""

    @classmethod
    def this(cls) -> Process:
        return cls(os.getpid(), token_of(os.getpid()))

    def is_alive(self) -> bool:
        """Whether that run is still going. If this cannot be determined, it counts as alive."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return token_of(self.pid) == self.token


def token_of(pid: int) -> str:
    """Boot id and start time of a process on Linux; empty elsewhere, or if it has ended, even as a zombie."""
    with suppress(OSError, IndexError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        # The command's name may contain spaces and brackets, so fields are counted from its closing bracket.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else f"{boot}:{fields[19]}"
    return ""


def place() -> str:
    """Identifies the process table that this process sees: machine, boot and process namespace. If the system does not
    say, the value is unique, so that only leases count."""
    return _place_of(os.getpid())


@functools.cache
def _place_of(pid: int) -> str:
    if sys.platform != "linux":
        return f"{sys.platform}:{platform.node()}"
    proc = Path("/proc/self")
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        # If /proc belongs to another namespace, our pid is missing there or is another process.
        if str(proc.readlink()) == str(pid):
            return f"{platform.node()}:{boot}:{(proc / 'ns' / 'pid').readlink()}"
    return f"unseen:{secrets.token_hex(8)}"


LEASE_SECONDS = 90.0
"""How long a lock lasts without being renewed."""
RENEW_SECONDS = 15.0
"""How often locks are renewed."""
CLOCKS_DIFFER = timedelta(minutes=10)
"""The greatest difference allowed between two machines' clocks."""


class DecisionTakenOver(StoreError):
    """Another process took over a decision because this one did not renew its lock in time."""


class DecisionLock(msgspec.Struct, frozen=True):
    """The process that is deciding about an email."""

    subject: str
    decision_id: str
    owner: Process
    reviewer: OneLine
    locked_at: datetime
    place: str = ""
    """The owner's `place()`; empty for a lock taken by an older version."""
    beat: int = 0
    """How many times it was renewed."""
    renewed_at: datetime | None = None
    """The time of the last renewal, by its owner's clock."""


class LockStore:
    """The locks of all processes that share this store. `owner`: the locking process; by default this one. `where`: its
    `place()`. `monotonic`: a clock in seconds, for watching other leases."""

    def __init__(
        self,
        database: Database,
        owner: Process | None = None,
        where: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._owner = owner or Process.this()
        self._place = place() if where is None else where
        self._monotonic = monotonic
        self._watched: dict[str, tuple[tuple[str, int, int], float]] = {}
        """By subject: the lock as last seen, and since when it has not changed."""

    def take(
        self, connection: sqlite3.Connection, subject: str, decision_id: str, reviewer: str, at: datetime
    ) -> DecisionLock | None:
        """Locks `subject`, the id of the original email, which also covers all its edits, inside the caller's write
        transaction. Returns None if this process now holds the lock; otherwise the lock that prevents it."""
        row = connection.execute("SELECT * FROM claims WHERE subject = ?", (subject,)).fetchone()
        if row is not None:
            lock = _lock(row)
            ours = self._is_ours(lock)
            if (ours and lock.decision_id != decision_id) or (not ours and self._may_live(lock, at)):
                return lock
        moment = at.astimezone(UTC).isoformat()
        connection.execute(
            "INSERT OR REPLACE INTO claims (subject, release_id, pid, process, reviewer, claimed_at, place, beat,"
            " renewed_at) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
            (subject, decision_id, self._owner.pid, self._owner.token, reviewer, moment, self._place, moment),
        )
        return None

    def elsewhere(self, at: datetime) -> dict[str, OneLine]:
        """The emails that other processes are deciding about, with the reviewers' names."""
        rows = self._database.reader().execute("SELECT * FROM claims").fetchall()
        others = [lock for lock in map(_lock, rows) if not self._is_ours(lock)]
        return {lock.subject: lock.reviewer for lock in others if self._may_live(lock, at)}

    def renew(self, at: datetime) -> int:
        """Renews all locks of this process; returns how many it holds."""
        with self._database.write() as connection:
            return connection.execute(
                "UPDATE claims SET beat = beat + 1, renewed_at = ? WHERE pid = ? AND process = ? AND place = ?",
                (at.astimezone(UTC).isoformat(), self._owner.pid, self._owner.token, self._place),
            ).rowcount

    def confirm(self, connection: sqlite3.Connection, decision_id: str, at: datetime) -> None:
        """Checks, inside the caller's write transaction, that this process still holds the lock of a decision, and
        renews it. Raises TakenOver if another process has taken the decision over."""
        kept = connection.execute(
            "UPDATE claims SET beat = beat + 1, renewed_at = ?"
            " WHERE release_id = ? AND pid = ? AND process = ? AND place = ?",
            (at.astimezone(UTC).isoformat(), decision_id, self._owner.pid, self._owner.token, self._place),
        )
        if not kept.rowcount:
            raise DecisionTakenOver(
                "another program that shares this store has taken this decision over: see to it there"
            )

    def _is_ours(self, lock: DecisionLock) -> bool:
        return lock.owner == self._owner and lock.place == self._place

    def _may_live(self, lock: DecisionLock, at: datetime) -> bool:
        """Whether the owner may still be running. If in doubt, it may."""
        if lock.place == self._place:
            return lock.owner.is_alive()
        written = lock.renewed_at or lock.locked_at
        if at - written > CLOCKS_DIFFER + timedelta(seconds=LEASE_SECONDS):
            return False
        now, shown = self._monotonic(), (lock.decision_id, lock.owner.pid, lock.beat)
        seen = self._watched.get(lock.subject)
        if seen is None or seen[0] != shown:
            self._watched[lock.subject] = (shown, now)
            return True
        return now - seen[1] <= LEASE_SECONDS

    def release(self, connection: sqlite3.Connection, decision_id: str) -> None:
        """Releases this process's lock for a decision, inside the caller's write transaction."""
        connection.execute(
            "DELETE FROM claims WHERE release_id = ? AND pid = ? AND process = ? AND place = ?",
            (decision_id, self._owner.pid, self._owner.token, self._place),
        )


def _lock(row: sqlite3.Row) -> DecisionLock:
    return DecisionLock(
        subject=row["subject"],
        decision_id=row["release_id"],
        owner=Process(int(row["pid"]), row["process"]),
        reviewer=OneLine(row["reviewer"]),
        locked_at=stored_time(row["claimed_at"]),
        place=row["place"],
        beat=int(row["beat"]),
        renewed_at=stored_time(row["renewed_at"]) if row["renewed_at"] else None,
    )
