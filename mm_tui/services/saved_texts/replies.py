"""Unfinished replies, saved like edits from the first key until they are submitted or emptied (R4)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from mm_tui.models import EditedDraft, RawContent
from mm_tui.review.subject import topic
from mm_tui.services.saved_texts.edits import REPLY, Edits, saving
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import SavedEdit
from mm_tui.store.state import StateStore

if TYPE_CHECKING:
    from mm_tui.store.mail.mails import MailRow


class Replies:
    """Replies not submitted yet, by the email that they answer. Raises the same errors as `Edits`."""

    def __init__(self, database: Database, edits: Edits) -> None:
        self._edits = edits
        self._state = StateStore(database)

    def get(self, email_id: str) -> str:
        """The saved text; empty if there is none."""
        saved = self._edits.get(f"{REPLY}{email_id}")
        # Version 0.1.0 stored it in the table `state`.
        return saved.text.body if saved is not None else self._state.get(f"{REPLY}{email_id}") or ""

    def save(self, mail: MailRow, text: str, at: datetime, *, over: str, durable: bool = False) -> bool:
        """Saves the text, replacing the previous one; an empty text deletes it. Returns whether there was another text
        than `over`, which the writer last knew to be saved: it is kept beside, or stays the reply if the text is empty.
        `durable`: it also survives a power cut."""
        if not text.strip():
            return not self.forget(mail, still=over)
        return self._edits.save(_edit(mail, text, at), over=_text(mail, over), durable=durable)

    def save_beside(self, mail: MailRow, text: str, at: datetime) -> None:
        """Keeps a copy of a text that is about to be replaced."""
        self._edits.save_beside(_edit(mail, text, at))

    def forget(self, mail: MailRow, *, still: str) -> bool:
        """Deletes a reply that was submitted or emptied, if `still` is its text. Returns whether it was deleted."""
        if not self._edits.discard(f"{REPLY}{mail.email_id}", still=_text(mail, still)):
            return False
        with saving():
            self._state.set(f"{REPLY}{mail.email_id}", None)
        return True


def _edit(mail: MailRow, text: str, at: datetime) -> SavedEdit:
    # A reply edits no draft.
    base = RawContent(sender="", to=(str(mail.sender),), subject=str(mail.subject))
    return SavedEdit(f"{REPLY}{mail.email_id}", mail.mailbox_id, "", base, _text(mail, text), at)


def _text(mail: MailRow, text: str) -> EditedDraft:
    return EditedDraft((str(mail.sender),), f"Re: {topic(mail.subject)}", text)
