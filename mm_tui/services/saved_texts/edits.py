"""Saved texts that a human wrote and that were not sent yet (R4). A text has three forms: the content of the fields
(`EditedDraft`), that text saved with the draft that it edits (`SavedEdit`), and the content of a decision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import COPY, EditStore, SavedEdit
from mm_tui.store.mail.pending import PendingStore
from mm_tui.store.seal import STORE_FAULTS
from mm_tui.text import OneLine, system_words

if TYPE_CHECKING:
    from mm_tui.models import EditedDraft
    from mm_tui.store.decisions.editor_files import EditorFile

KEPT_OPEN = timedelta(days=1)
"""How long a file is kept that may be open in the human's own editor, even if this program has ended meanwhile."""
REPLY = "reply:"
"""Prefix for a saved reply, before the id of the email that it answers; no gateway id starts with it."""


def written_for(edit: SavedEdit) -> str:
    """The id of the email that a saved text belongs to: the draft that it changes, or the email that it answers."""
    return edit.item_id.removeprefix(REPLY).partition(COPY)[0]


class NotSaved(Exception):
    """The store could not be changed. The message says why, and where the text was written instead."""


class Edits:
    """The edits of a profile, by edited email. Every change raises `NotSaved` if it fails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._store = EditStore(database)
        self.in_editors: list[EditorFile] = []
        """Files that may still be open in the human's own editor."""

    def get(self, item_id: str) -> SavedEdit | None:
        return self._store.get(item_id)

    def save(
        self, edit: SavedEdit, *, over: EditedDraft | None = None, durable: bool = False, is_edit: bool = True
    ) -> bool:
        """Saves an edit, replacing the one saved for its email. Returns whether that was another text than `over`,
        which the caller expects to replace (None for none): it is kept as a copy. `durable`: it also survives a power
        cut. `is_edit`: False if it is the draft's own text, of which nothing is saved. Raises NotSaved."""
        with saving():
            return self._store.put(edit, over=over, durable=durable, is_edit=is_edit)

    def save_beside(self, edit: SavedEdit) -> None:
        """Keeps a text as a copy beside the edit of the same email. Raises `NotSaved`."""
        with saving():
            self._store.put_beside(edit)

    def discard(self, item_id: str, still: EditedDraft | None = None) -> bool:
        """Deletes an edit, unless its text is another than `still` (None for any). Returns False if it is. Raises
        NotSaved if it could not be deleted."""
        with saving():
            return self._store.discard(item_id, still)

    def left_over(self) -> list[SavedEdit]:
        """Edits of emails that no longer wait, and copies kept beside an edit, newest first."""
        waiting = set(PendingStore(self._database).ids())
        return [edit for edit in self._store.all() if edit.item_id not in waiting]

    def of_waiting(self) -> int:
        """How many emails that wait have an edit."""
        waiting = set(PendingStore(self._database).ids())
        return sum(edit.item_id in waiting for edit in self._store.all())

    def rescued(self) -> OneLine:
        """Writes all texts to files after the store has moved. Returns a message; see `EditStore.rescued`."""
        return self._store.rescued()

    def recover(self, folder: Path, at: datetime) -> OneLine:
        """Recovers texts from an external editor that was open when the program ended.

        Returns a message; empty if there were none. If the saved edit is unchanged since the editor started, the text
        replaces it; otherwise it is kept as a copy. `folder`: the profile's, see `store.decisions.editor_files`. Raises
        NotSaved if they could not be saved; they are found again next time.
        """
        from mm_tui.store.decisions.editor_files import EditorFile, left_behind

        taken, more = 0, []
        for left in left_behind(folder):
            # An editor that was stopped while it saved may have left nothing of the text.
            if left.edit.text != left.given.text and left.edit.text.body.strip():
                taken += 1
                edit, saved = replace(left.edit, saved_at=at), self.get(left.edit.item_id)
                if saved is None or saved.text == left.given.text:
                    self.save(edit, over=left.given.text, durable=True)
                else:
                    self.save_beside(edit)
            if left.has_more:
                more.append(str(left.folder))
            if left.may_be_open and at - left.given.saved_at < KEPT_OPEN:
                self.in_editors.append(EditorFile.found(left))
            else:
                left.remove()
        words = []
        if taken:
            words.append("your editor's text of a draft was loaded after the last run ended" if taken == 1 else
                         f"your editor's texts of {taken} drafts were loaded after the last run ended")  # fmt: skip
        if more:
            words.append(f"the editor left its own files in {', '.join(more)}")
        return OneLine("; ".join(words))


@contextmanager
def saving() -> Iterator[None]:
    """Turns the store's errors into `NotSaved`."""
    try:
        yield
    except STORE_FAULTS as error:
        raise NotSaved(system_words(error)) from error
