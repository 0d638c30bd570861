"""Edited drafts, safe from the first keystroke until they are released or thrown away (R4)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mm_tui.store.loose_texts import LooseTexts
from mm_tui.store.seal import StoreError, StoreMoved
from mm_tui.text import OneLine, encodable

if TYPE_CHECKING:
    # The models are imported when an edit is read.
    from mm_tui.models import RawContent
    from mm_tui.store.database import Database


@dataclass(frozen=True, slots=True)
class SavedEdit:
    """An edited draft as it was last saved."""

    item_id: str
    mailbox_id: str
    base_digest: str
    """Of the draft that the human began to edit."""
    base: RawContent
    """That draft itself, for the three-way view."""
    to: tuple[str, ...]
    subject: str
    body: str
    revision: int
    """How often this edit was saved, from 1."""
    saved_at: datetime

    def __repr__(self) -> str:
        return f"<SavedEdit of {self.item_id}, {len(self.body)} characters>"


class EditStore:
    """One edit per waiting mail. Survives a kill of the program at once, and a power cut from the next pause on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self,
        item_id: str,
        mailbox_id: str,
        base_digest: str,
        base: RawContent,
        *,
        to: Sequence[str],
        subject: str,
        body: str,
        at: datetime,
        durable: bool = False,
    ) -> int:
        """Saves the edit over its last state, and returns its revision. Saving what is there already changes nothing.

        The text is kept as typed, not as shown; only lone surrogates, which no file can hold, become escapes.

        Args:
            base: what the human began with; kept from the first save on as long as `base_digest` is the same.
            at: with its time zone.
            durable: it also survives a power cut; for pauses and exits rather than every keystroke.

        Raises:
            StoreMoved: the store is not there any more. The text is in a file, which the message names.
        """
        subject, body = encodable(subject), encodable(body)
        try:
            with self._database.write(durable=durable) as connection:
                old = _row(connection, item_id)
                new = (mailbox_id, base_digest, json.dumps(list(to)), subject, body)
                if old is not None:
                    same = (
                        old["mailbox_id"],
                        old["base_digest"],
                        old["recipients"],
                        old["subject"],
                        old["body"],
                    ) == new
                    if same:
                        return int(old["saves"])
                revision = int(old["saves"]) + 1 if old is not None else 1
                connection.execute(
                    "INSERT OR REPLACE INTO edits (item_id, mailbox_id, base_digest, base, recipients, subject, body,"
                    " saves, saved_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        item_id,
                        mailbox_id,
                        base_digest,
                        base.model_dump_json(),
                        json.dumps(list(to)),
                        subject,
                        body,
                        revision,
                        at.astimezone(UTC).isoformat(),
                    ),
                )
                return revision
        except StoreMoved as error:
            edit = SavedEdit(item_id, mailbox_id, base_digest, base, tuple(to), subject, body, 0, at)
            raise StoreMoved(f"{error}. {self.rescued(edit)}") from error

    def rescued(self, *fresh: SavedEdit) -> OneLine:
        """Writes into files what humans wrote, after the store has moved, and says where; empty when there is nothing.

        Args:
            fresh: what could not be saved.

        Raises:
            OSError: it can be written nowhere.
        """
        loose, edits = self._database.loose, list(fresh)
        if loose is None and self._database.path is not None:
            loose = self._database.loose = LooseTexts(self._database.path)
            with suppress(sqlite3.Error, StoreError):
                edits = [*self.all(), *fresh]
        if loose is None or not edits:
            return OneLine("")
        return OneLine(f"Texts that you wrote are in {loose.keep(edits)}")

    def get(self, item_id: str) -> SavedEdit | None:
        """The edit of this mail, if there is one."""
        row = _row(self._database.reader(), item_id)
        return _edit(row) if row is not None else None

    def all(self) -> list[SavedEdit]:
        """All edits, the last saved first."""
        rows = self._database.reader().execute("SELECT * FROM edits ORDER BY saved_at DESC, item_id")
        return [_edit(row) for row in rows]

    def discard(self, item_id: str) -> bool:
        """Throws the edit away: the human said so, or it was released. Returns whether there was one."""
        with self._database.write(durable=True) as connection:
            return connection.execute("DELETE FROM edits WHERE item_id = ?", (item_id,)).rowcount > 0


def _row(connection: sqlite3.Connection, item_id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute("SELECT * FROM edits WHERE item_id = ?", (item_id,)).fetchone()
    return row


def _edit(row: sqlite3.Row) -> SavedEdit:
    from mm_tui.models import RawContent

    return SavedEdit(
        item_id=row["item_id"],
        mailbox_id=row["mailbox_id"],
        base_digest=row["base_digest"],
        base=RawContent.model_validate_json(row["base"]),
        to=tuple(json.loads(row["recipients"])),
        subject=row["subject"],
        body=row["body"],
        revision=int(row["saves"]),
        saved_at=datetime.fromisoformat(row["saved_at"]),
    )
