"""Decisions in progress, stored so that they can be resumed from the last journaled step after a crash."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import msgspec

from mm_tui.store.database import Database
from mm_tui.store.sort_keys import stored_time


class SavedDecision(msgspec.Struct, frozen=True):
    """One decision as last journaled. `state`, `facts` and `content` are JSON of the decision service."""

    release_id: str
    item_id: str
    replacement_id: str | None
    state: str
    facts: str
    content: str | None
    """The edited content as submitted; removed once it is released."""
    ended: bool
    doubts: str
    """The ids that a call of ours with an unknown outcome may still release; empty if there are none."""
    updated_at: datetime

    def __repr__(self) -> str:
        return f"<SavedDecision {self.release_id} of {self.item_id}>"


class DecisionStore:
    """All decisions made with this profile."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, connection: sqlite3.Connection, release: SavedDecision) -> None:
        """Saves inside the caller's write transaction, which also appends the journal entry."""
        *values, updated_at = msgspec.structs.astuple(release)
        connection.execute(
            f"INSERT OR REPLACE INTO releases ({', '.join(SavedDecision.__struct_fields__)})"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, updated_at.astimezone(UTC).isoformat()),
        )

    def get(self, release_id: str) -> SavedDecision | None:
        rows = self._select("WHERE release_id = ?", release_id)
        return rows[0] if rows else None

    def open(self) -> list[SavedDecision]:
        """Decisions that have not ended, oldest first."""
        return self._select("WHERE ended = 0")

    def family(self, email_id: str) -> list[SavedDecision]:
        """All decisions about an email and about its originals and edits, oldest first."""
        known, found = {email_id}, dict[str, SavedDecision]()
        fresh = [email_id]
        while fresh:
            one = fresh.pop()
            for release in self._select("WHERE item_id = ? OR replacement_id = ?", one, one):
                found[release.release_id] = release
                for other in (release.item_id, release.replacement_id):
                    if other and other not in known:
                        known.add(other)
                        fresh.append(other)
        return sorted(found.values(), key=lambda release: release.release_id)

    def doubtful(self) -> list[SavedDecision]:
        """Ended decisions with a call that may still take effect, oldest first."""
        return self._select("WHERE doubts <> '' AND ended = 1")

    def with_text(self) -> list[SavedDecision]:
        """Ended decisions whose text is still kept, oldest first."""
        return self._select("WHERE ended = 1 AND content IS NOT NULL")

    def _select(self, where: str, *values: str) -> list[SavedDecision]:
        # Sorted here because with ORDER BY SQLite would scan the whole table instead of the small index.
        found = self._database.reader().execute(f"SELECT * FROM releases {where}", values).fetchall()
        rows = sorted(found, key=lambda row: str(row["release_id"]))
        return [
            SavedDecision(**{**row, "ended": bool(row["ended"]), "updated_at": stored_time(row["updated_at"])})
            for row in map(dict, rows)
        ]
