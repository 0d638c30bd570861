"""Texts that a human wrote and that were not released: nothing of them is lost, and here they are found again (R4)."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from mm_tui.store.decisions.editor_files import left_behind
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from pathlib import Path

    from mm_tui.store.database import Database

_COPY = "~"
"""Marks a copy of an edit that another window wrote over; no gateway id holds it at that place."""


def saved_edits(database: Database) -> list[SavedEdit]:
    """Edits of mail that no longer waits, and texts that were kept beside an edit; the newest first."""
    waiting = {item.email_id for item in PendingStore(database).waiting()}
    return [edit for edit in EditStore(database).all() if edit.item_id not in waiting]


def take_up(database: Database, folder: Path, at: datetime) -> OneLine:
    """Takes up the texts that an editor had when the program ended, and says what became of them; empty: none.

    A text whose edit is still as the editor was given it becomes that edit, as it would have on the editor's end; any
    other is kept beside it.

    Args:
        folder: the profile's, see `store.editor_files`.
    """
    edits, taken, more = EditStore(database), 0, []
    for left in left_behind(folder):
        stored = edits.get(left.text.item_id)
        if left.text.body != left.given.body:
            taken += 1
            if stored is None or _text(stored) == _text(left.given):
                new = left.text
                edits.save(
                    new.item_id, new.mailbox_id, new.base_digest, new.base,
                    to=new.to, subject=new.subject, body=new.body, at=at, durable=True,
                )  # fmt: skip
            else:
                save_beside(database, left.text, at)
        if left.has_more:
            more.append(str(left.folder))
        left.remove()
    words = []
    if taken:
        words.append("your editor's text of a draft was taken up after the last run ended" if taken == 1 else
                     f"your editor's texts of {taken} drafts were taken up after the last run ended")  # fmt: skip
    if more:
        words.append(f"the editor left files of its own in {', '.join(more)}")
    return OneLine("; ".join(words))


def _text(edit: SavedEdit) -> tuple[tuple[str, ...], str, str]:
    return edit.to, edit.subject, edit.body


def save_beside(database: Database, other: SavedEdit, at: datetime) -> None:
    """Keeps a text beside the edit of the same mail: another window's, an editor's, or what a model is to replace."""
    # Named by its text: revisions begin anew after an edit was thrown away, and no copy may take another's place.
    text = sha256(json.dumps([other.to, other.subject, other.body]).encode()).hexdigest()
    EditStore(database).save(
        f"{other.item_id}{_COPY}{text[:16]}",
        other.mailbox_id,
        other.base_digest,
        other.base,
        to=other.to,
        subject=other.subject,
        body=other.body,
        at=at,
        durable=True,
    )
