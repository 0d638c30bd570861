"""Texts that a human wrote and that were not released: nothing of them is lost, and here they are found again (R4)."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from mm_tui.store.edits import EditStore, SavedEdit
from mm_tui.store.pending import PendingStore

if TYPE_CHECKING:
    from mm_tui.store.database import Database

_COPY = "~"
"""Marks a copy of an edit that another window wrote over; no gateway id holds it at that place."""


def kept_edits(database: Database) -> list[SavedEdit]:
    """Edits of mail that no longer waits, and texts that were kept beside an edit; the newest first."""
    waiting = {item.email_id for item in PendingStore(database).waiting()}
    return [edit for edit in EditStore(database).all() if edit.item_id not in waiting]


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
