"""Edited drafts, stored from the first keystroke until they are released or discarded (R4)."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from mm_tui import typed_json
from mm_tui.store.database import Database
from mm_tui.store.loose_texts import LooseTexts
from mm_tui.store.seal import StoreError, StoreMoved
from mm_tui.store.sort_keys import stored_time
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.models import EditedDraft, RawContent


log = logging.getLogger("mm_tui.store")

COPY = "~"
"""Between the id of an email and the digest of a text that is kept beside its edit; no gateway id has it."""


class SavedEdit(msgspec.Struct, frozen=True):
    item_id: str
    mailbox_id: str
    base_digest: str
    """The digest of the draft when editing began."""
    base: RawContent
    """That draft, for the three-way comparison."""
    text: EditedDraft
    saved_at: datetime
    """An aware datetime."""

    def __repr__(self) -> str:
        return f"<SavedEdit of {self.item_id}, {len(self.text.body)} characters>"


class EditStore:
    """One edit per waiting email. A saved text survives a kill at once, and a power cut once it was saved with
    `durable` or the journal was written after it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def changing(self, *fresh: SavedEdit, durable: bool) -> Iterator[sqlite3.Connection]:
        """A write transaction, so that no other program changes an edit between a look at it and what follows. Raises
        StoreMoved if the store no longer exists: the texts, with the `fresh` ones that were to be saved, are in a file
        that the message names."""
        try:
            with self._database.write(durable=durable) as connection:
                yield connection
        except StoreMoved as error:
            raise StoreMoved(f"{error}. {self.rescued(*fresh)}") from error

    def put(self, edit: SavedEdit, *, over: EditedDraft | None, durable: bool, is_edit: bool = True) -> bool:
        """Saves the edit, replacing the one saved for its email. Returns whether that was another text than `over`,
        which the caller expects to replace (None for none): it is kept as a copy. `is_edit`: False if it is the draft's
        own text, so that nothing is saved in its place. Raises StoreMoved as for `changing`."""
        with self.changing(edit, durable=durable) as connection:
            other = self.get(edit.item_id)
            clashes = other is not None and other.text not in (over, edit.text)
            if other is not None and clashes:
                self.put_beside(replace(other, saved_at=edit.saved_at), durable=durable)
            if is_edit:
                self.save(edit, durable=durable)
            else:
                connection.execute("DELETE FROM edits WHERE item_id = ?", (edit.item_id,))
            return clashes

    def put_beside(self, edit: SavedEdit, *, durable: bool = True) -> None:
        """Keeps a text as a copy beside the edit of the same email."""
        # Named by its text, because revisions restart after an edit was deleted, and no copy may replace another.
        self.save(replace(edit, item_id=f"{edit.item_id}{COPY}{edit.text.digest[:16]}"), durable=durable)

    def save(self, edit: SavedEdit, *, durable: bool = False) -> int:
        """Saves the edit, as typed, in place of its previous state. Returns its revision, which an unchanged text
        keeps. `durable` makes it survive a power cut: for leaving the editor, not while typing. Raises StoreMoved as
        for `changing`."""
        recipients, text = json.dumps(list(edit.text.to)), edit.text
        with self.changing(edit, durable=durable) as connection:
            old = _row(connection, edit.item_id)
            # Damage must not keep anybody from saving what they type.
            before = old["saves"] if old is not None and isinstance(old["saves"], int) else 0
            new = (edit.mailbox_id, edit.base_digest, recipients, text.subject, text.body)
            names = ("mailbox_id", "base_digest", "recipients", "subject", "body")
            if old is not None and before and new == tuple(old[name] for name in names):
                return before
            revision = before + 1
            connection.execute(
                "INSERT OR REPLACE INTO edits (item_id, mailbox_id, base_digest, base, recipients, subject, body,"
                " saves, saved_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    edit.item_id,
                    edit.mailbox_id,
                    edit.base_digest,
                    typed_json.dumped(edit.base),
                    recipients,
                    text.subject,
                    text.body,
                    revision,
                    edit.saved_at.astimezone(UTC).isoformat(),
                ),
            )
            return revision

    def rescued(self, *fresh: SavedEdit) -> OneLine:
        """Writes all saved edits, and those that could not be saved to the store, to files after the store has moved.
        Returns a message with the folder, or an empty text if there are none. Raises OSError if they can be written
        nowhere."""
        loose, edits = self._database.loose, list(fresh)
        if loose is None and self._database.path is not None:
            loose = self._database.loose = LooseTexts(self._database.path)
            with suppress(sqlite3.Error, StoreError):
                edits = [*self.all(), *fresh]
        if loose is None or not edits:
            return OneLine("")
        texts = {edit.item_id: _as_file(edit) for edit in edits}
        return OneLine(f"Texts that you wrote are in {loose.keep(texts)}")

    def get(self, item_id: str) -> SavedEdit | None:
        row = _row(self._database.reader(), item_id)
        return _edit(row) if row is not None else None

    def of(self, item_ids: Sequence[str]) -> dict[str, SavedEdit]:
        """The edits of these emails, by their ids."""
        marks = ",".join("?" * len(item_ids))
        rows = self._database.reader().execute(f"SELECT * FROM edits WHERE item_id IN ({marks})", list(item_ids))
        return {row["item_id"]: _edit(row) for row in rows}

    def all(self) -> list[SavedEdit]:
        """All edits, most recently saved first."""
        rows = self._database.reader().execute("SELECT * FROM edits ORDER BY saved_at DESC, item_id")
        return [_edit(row) for row in rows]

    def discard(self, item_id: str, still: EditedDraft | None = None) -> bool:
        """Deletes the edit, unless its text is another than `still` (None for any). Returns False if it is."""
        with self.changing(durable=True) as connection:
            saved = self.get(item_id)
            if saved is not None and still is not None and saved.text != still:
                return False
            connection.execute("DELETE FROM edits WHERE item_id = ?", (item_id,))
            return True


def _row(connection: sqlite3.Connection, item_id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute("SELECT * FROM edits WHERE item_id = ?", (item_id,)).fetchone()
    return row


def _edit(row: sqlite3.Row) -> SavedEdit:
    """The edit of a row. If it or what is stored with it is damaged, the text is offered as one of a draft that has
    changed since."""
    from mm_tui.models import EditedDraft, RawContent

    stored = [row[name] for name in ("base", "recipients", "subject", "body")]
    is_whole = all(isinstance(one, str) for one in stored)
    draft, recipients, subject, body = map(_as_text, stored)
    digest, base = row["base_digest"], RawContent(sender="")
    to: tuple[str, ...] = (recipients,)
    try:
        to = typed_json.read(tuple[str, ...], recipients)
        base = typed_json.read(RawContent, draft)
    except ValueError:
        is_whole = False
    if not is_whole:
        log.warning("what is stored with the edit of %s is damaged: its text is kept", row["item_id"])
        digest = ""
    return SavedEdit(
        item_id=row["item_id"],
        mailbox_id=row["mailbox_id"],
        base_digest=digest,
        base=base,
        text=EditedDraft(to, subject, body),
        saved_at=stored_time(row["saved_at"]),
    )


def _as_text(value: object) -> str:
    """A stored text, as far as damage has left one."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _as_file(edit: SavedEdit) -> str:
    return f"Mail: {edit.item_id}\nSaved: {edit.saved_at.isoformat(timespec='seconds')}\n{edit.text.as_mail}"
