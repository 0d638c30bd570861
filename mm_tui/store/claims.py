"""Claims: of the processes on this machine, one at a time decides about a mail and its edits.

A claim is taken in a transaction before anything else. A claim of a process that no longer runs can be taken over.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.store.database import Database


@dataclass(frozen=True, slots=True)
class Process:
    """One run of a program, told apart from a later one that got the same pid."""

    pid: int
    token: str
    """Boot id and start time where the system gives them, else empty."""

    @classmethod
    def this(cls) -> Process:
        """The process that asks."""
        return cls(os.getpid(), token_of(os.getpid()))

    def is_alive(self) -> bool:
        """Whether that very run still goes on. Where it cannot be told, it counts as alive."""
        if sys.platform == "win32":
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return token_of(self.pid) == self.token


def token_of(pid: int) -> str:
    """Boot id and start time of a process, as Linux tells them; empty elsewhere, or when there is no such process.

    A process that has ended and waits to be collected counts as gone.
    """
    with suppress(OSError, IndexError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        # The command's name may hold spaces and brackets: the fields are counted from its closing one.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else f"{boot}:{fields[19]}"
    return ""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who decides about a mail just now."""

    subject: str
    release_id: str
    owner: Process
    reviewer: OneLine
    claimed_at: datetime


class ClaimStore:
    """The claims of all processes that share this store."""

    def __init__(self, database: Database, owner: Process | None = None) -> None:
        self._database = database
        self._owner = owner or Process.this()

    def take(
        self, connection: sqlite3.Connection, subject: str, release_id: str, reviewer: str, at: datetime
    ) -> Claim | None:
        """Claims `subject` inside the caller's write transaction.

        Args:
            subject: the id of the original mail, which also stands for all its edits.

        Returns:
            None when the claim is ours now; else the claim of another process or decision that stands in the way.
        """
        row = connection.execute("SELECT * FROM claims WHERE subject = ?", (subject,)).fetchone()
        if row is not None:
            claim = _claim(row)
            ours = claim.owner == self._owner
            if (ours and claim.release_id != release_id) or (not ours and claim.owner.is_alive()):
                return claim
        connection.execute(
            "INSERT OR REPLACE INTO claims (subject, release_id, pid, process, reviewer, claimed_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (subject, release_id, self._owner.pid, self._owner.token, reviewer, at.astimezone(UTC).isoformat()),
        )
        return None

    def release(self, connection: sqlite3.Connection, release_id: str) -> None:
        """Gives back what this process claimed for a decision, inside the caller's write transaction."""
        connection.execute(
            "DELETE FROM claims WHERE release_id = ? AND pid = ? AND process = ?",
            (release_id, self._owner.pid, self._owner.token),
        )

    def others(self) -> list[Claim]:
        """The claims of other processes that still run."""
        rows = self._database.reader().execute("SELECT * FROM claims ORDER BY claimed_at")
        return [claim for claim in map(_claim, rows) if claim.owner != self._owner and claim.owner.is_alive()]


def _claim(row: sqlite3.Row) -> Claim:
    return Claim(
        subject=row["subject"],
        release_id=row["release_id"],
        owner=Process(int(row["pid"]), row["process"]),
        reviewer=OneLine(row["reviewer"]),
        claimed_at=datetime.fromisoformat(row["claimed_at"]),
    )
