"""The gateway's audit log, as far as it has been read."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from mm_tui import typed_json
from mm_tui.store.audit.actions import Meaning, deciding_actions, meaning
from mm_tui.store.damaged import READ_AGAIN, UNREADABLE, DamagedRecords, field_of
from mm_tui.store.database import Database
from mm_tui.store.sort_keys import known_time, to_ms

if TYPE_CHECKING:
    from mm_tui.models import AuditEntry


_COMPOSING = re.compile(r"submit|compos|draft|repl(y|ied)|send|sent|creat", re.IGNORECASE)
"""Actions that submit an outbound email to the gateway."""
_PIECE = 1000
"""Entries that are read at a time."""
RETIRED = re.compile(r"\s*superseded by\b", re.IGNORECASE)
"""The reason that mm-tui gives when it rejects the original of an edit."""


class LoggedDecision(NamedTuple):
    """A decision found in the gateway's log."""

    email_id: str
    mailbox_id: str
    key_id: str
    """The id of the key that made it; empty if the log does not say."""
    approved: bool
    direction: str
    at: datetime | None = None
    retired: bool = False
    """It was rejected because an edit replaced it."""


def _is_whole(row: sqlite3.Row) -> bool:
    from mm_tui.models import AuditEntry

    try:
        entry = typed_json.read(AuditEntry, row["model"])
    except UNREADABLE:
        return False
    return (entry.id, str(entry.resource_id)) == (row["entry_id"], row["resource_id"])


def note_damage(damaged: DamagedRecords) -> None:
    damaged.in_audit_log = True
    damaged.found("an entry of the gateway's audit log", READ_AGAIN)


class AuditStore:
    """The audit log of one profile."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, entries: Iterable[AuditEntry]) -> int:
        """Adds entries whose ids are not known yet. Returns how many there were."""
        rows = [
            (entry.id, to_ms(entry.created_at) or 0, str(entry.resource_id), json.dumps(typed_json.values_of(entry)))
            for entry in entries
        ]
        with self._database.write() as connection:
            before = connection.total_changes
            connection.executemany(
                "INSERT OR IGNORE INTO audit (entry_id, created_at, resource_id, model) VALUES (?, ?, ?, ?)", rows
            )
            return connection.total_changes - before

    def of(self, resource_id: str) -> list[AuditEntry]:
        """The entries about one email (or other resource), oldest first."""
        from mm_tui.models import AuditEntry

        rows = self._database.rows(
            "SELECT model FROM audit WHERE resource_id = ? ORDER BY created_at, entry_id", (resource_id,)
        )
        found: list[AuditEntry] = []
        for row in rows:
            try:
                found.append(typed_json.read(AuditEntry, row[0]))
            except UNREADABLE:
                note_damage(self._database.damaged)
        return found

    def damaged(self) -> list[int]:
        """The keys of damaged entries, if any were found since this was asked last."""
        # Those without a time are in no list, where they would be found. They sort beside the numbers.
        without = ("created_at >= ''", "created_at IS NULL")
        keys = [row[0] for one in without for row in self._database.rows(f"SELECT key FROM audit WHERE {one}")]
        if self._database.damaged.in_audit_log:
            self._database.damaged.in_audit_log = False
            last = -1
            sql = "SELECT key, entry_id, resource_id, model FROM audit WHERE key > ? ORDER BY key LIMIT ?"
            while rows := self._database.rows(sql, (last, _PIECE)):
                last = rows[-1]["key"]
                keys += [row["key"] for row in rows if not _is_whole(row)]
        return keys

    def drop(self, keys: Iterable[int]) -> None:
        """Deletes the entries with these keys."""
        with self._database.write() as connection:
            connection.executemany("DELETE FROM audit WHERE key = ?", [(key,) for key in keys])

    def composer(self, resource_id: str) -> str:
        """The key that submitted an email, taken from the first entry about it; empty if the log does not say."""
        return self.composers([resource_id]).get(resource_id, "")

    def composers(self, resource_ids: Iterable[str]) -> dict[str, str]:
        """The keys that submitted these emails, each taken from the first entry that names one."""
        found: dict[str, str] = {}
        rows = self._database.rows(
            f"SELECT resource_id, {field_of('model', 'actor_key_id')}, coalesce({field_of('model', 'action')}, '')"
            " FROM audit WHERE resource_id IN (SELECT value FROM json_each(?)) ORDER BY created_at, entry_id",
            (json.dumps([*dict.fromkeys(resource_ids)]),),
        )
        for resource_id, key, action in rows:
            if key:
                found.setdefault(resource_id, str(key) if _COMPOSING.search(action) else "")
        return {resource_id: key for resource_id, key in found.items() if key}

    def decided(self, since: datetime) -> list[LoggedDecision]:
        """The last decision about each email in the log, oldest first."""
        reader = self._database.reader()
        rows = self._database.rows(
            "SELECT audit.resource_id, mail.mailbox_id, audit.model, mail.direction, audit.created_at FROM audit"
            " JOIN mail ON mail.email_id = audit.resource_id WHERE audit.created_at >= ?"
            f" AND coalesce({field_of('audit.model', 'action')}, '') IN (SELECT value FROM json_each(?))"
            " ORDER BY audit.created_at, audit.entry_id",
            (to_ms(since) or 0, json.dumps(deciding_actions(reader))),
        )
        found: dict[str, LoggedDecision] = {}
        for email_id, mailbox_id, model, direction, created_at in rows:
            try:
                entry = json.loads(model)
                details = dict(entry.get("metadata") or {})
                what = meaning(entry.get("action") or "", details)
            except UNREADABLE:
                continue
            if what in (Meaning.APPROVED, Meaning.REJECTED):
                key_id = str(entry.get("actor_key_id") or "")
                approved = what is Meaning.APPROVED
                at = known_time(created_at)
                retired = any(RETIRED.match(str(value)) for value in details.values())
                found[email_id] = LoggedDecision(
                    email_id, mailbox_id, key_id, approved, str(direction), at, not approved and retired
                )
        return list(found.values())

    def count(self) -> int:
        """How many entries there are."""
        return int(self._database.one("SELECT count(*) FROM audit")[0])
