"""Decisions in progress, stored so that they can be resumed from the last journaled step after a crash."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import msgspec

from mm_tui.store.database import Database
from mm_tui.store.sort_keys import stored_time


class SavedDecision(msgspec.Struct, frozen=True):
    """One decision as last journaled. `state`, `meta` and `content` are JSON of the decision service.
    The encoded names are those of the table's columns."""

    decision_id: str = msgspec.field(name="release_id")
    item_id: str
    replacement_id: str | None
    state: str
    meta: str = msgspec.field(name="facts")
    content: str | None
    """The edited content as submitted; removed once it is released."""
    ended: bool
    doubts: str
    """The ids that a call of ours with an unknown outcome may still release; empty if there are none."""
    updated_at: datetime

    def __repr__(self) -> str:
        return f"<SavedDecision {self.decision_id} of {self.item_id}>"


_COLUMNS = ", ".join(SavedDecision.__struct_encode_fields__)


class DecisionStore:
    """All decisions made with this profile."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, connection: sqlite3.Connection, decision: SavedDecision) -> None:
        """Saves inside the caller's write transaction, which also appends the journal entry."""
        *values, updated_at = msgspec.structs.astuple(decision)
        connection.execute(
            f"INSERT OR REPLACE INTO releases ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, updated_at.astimezone(UTC).isoformat()),
        )

    def get(self, decision_id: str) -> SavedDecision | None:
        rows = self._select("WHERE release_id = ?", decision_id)
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
            for decision in self._select("WHERE item_id = ? OR replacement_id = ?", one, one):
                found[decision.decision_id] = decision
                for other in (decision.item_id, decision.replacement_id):
                    if other and other not in known:
                        known.add(other)
                        fresh.append(other)
        return sorted(found.values(), key=lambda decision: decision.decision_id)

    def doubtful(self) -> list[SavedDecision]:
        """Ended decisions with a call that may still take effect, oldest first."""
        return self._select("WHERE doubts <> '' AND ended = 1")

    def with_text(self) -> list[SavedDecision]:
        """Ended decisions whose text is still kept, oldest first."""
        return self._select("WHERE ended = 1 AND content IS NOT NULL")

    def _select(self, where: str, *values: str) -> list[SavedDecision]:
        # Sorted here because with ORDER BY SQLite would scan the whole table instead of the small index.
        found = self._database.reader().execute(f"SELECT {_COLUMNS} FROM releases {where}", values).fetchall()
        return [_decision(row) for row in sorted(found, key=lambda row: str(row["release_id"]))]


def _decision(row: sqlite3.Row) -> SavedDecision:
    return SavedDecision(
        decision_id=row["release_id"],
        item_id=row["item_id"],
        replacement_id=row["replacement_id"],
        state=row["state"],
        meta=row["facts"],
        content=row["content"],
        ended=bool(row["ended"]),
        doubts=row["doubts"],
        updated_at=stored_time(row["updated_at"]),
    )
