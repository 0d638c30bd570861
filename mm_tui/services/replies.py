"""Replies being written: kept like edits, from the first keys on until they are submitted or emptied (R4)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from mm_tui.models import RawContent
from mm_tui.services.edits import save_beside
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.store.state import StateStore

if TYPE_CHECKING:
    from mm_tui.store.database import Database
    from mm_tui.store.mail.mails import MailRow

_REPLY = "reply:"
"""Begins the name under which a reply is kept, before the id of the mail that it answers; no gateway id begins so."""


class Replies:
    """The texts of replies that are not submitted yet, by the mail that they answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._edits = EditStore(database)
        self._facts = StateStore(database)

    def get(self, email_id: str) -> str:
        """What was written; empty for nothing."""
        kept = self._edits.get(f"{_REPLY}{email_id}")
        # Earlier versions kept it among the small facts.
        return kept.body if kept is not None else self._facts.get(f"{_REPLY}{email_id}") or ""

    def keep(self, mail: MailRow, text: str, at: datetime, *, durable: bool = False) -> None:
        """Keeps the text in place of what was kept before; an empty one is forgotten. Arguments as `EditStore.save`."""
        if not text.strip():
            self.forget(mail.email_id)
            return
        new = _edit(mail, text, at)
        self._edits.save(
            new.item_id, new.mailbox_id, new.base_digest, new.base,
            to=new.to, subject=new.subject, body=new.body, at=at, durable=durable,
        )  # fmt: skip

    def keep_beside(self, mail: MailRow, text: str, at: datetime) -> None:
        """Keeps a text that another is about to replace."""
        save_beside(self._database, _edit(mail, text, at), at)

    def forget(self, email_id: str) -> None:
        """It was submitted, or emptied."""
        self._edits.discard(f"{_REPLY}{email_id}")
        self._facts.set(f"{_REPLY}{email_id}", None)


def _edit(mail: MailRow, text: str, at: datetime) -> SavedEdit:
    sender, subject = str(mail.sender), str(mail.subject)
    # There is no draft that it changes.
    base = RawContent(sender="", to=(sender,), subject=subject)
    return SavedEdit(f"{_REPLY}{mail.email_id}", mail.mailbox_id, "", base, (sender,), f"Re: {subject}", text, 1, at)
