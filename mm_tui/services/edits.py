"""Texts that a human wrote and that were not released: nothing of them is lost, and here they are found again (R4).

A text has three forms: what stands in the fields (`EditedDraft`), that text saved with the draft it was begun from
(`SavedEdit`), and the content of a decision.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.store.mail.pending import PendingStore
from mm_tui.store.seal import StoreError
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from pathlib import Path

    from mm_tui.models import EditedDraft
    from mm_tui.store.database import Database

_COPY = "~"
"""Marks a copy of an edit that another window wrote over; no gateway id holds it at that place."""


REPLY = "reply:"
"""Begins the name under which a reply is saved, before the id of the email that it answers; no gateway id begins so."""


def written_for(edit: SavedEdit) -> str:
    """The id of the email that a saved text belongs to: the draft that it changes, or the email that it answers."""
    return edit.item_id.removeprefix(REPLY).partition(_COPY)[0]


class NotSaved(Exception):
    """The store took no change. The message says why, and where the text is when it was written elsewhere."""


class Edits:
    """The edits of a profile, by the email that each is an edit of. Every change raises `NotSaved` where it fails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._store = EditStore(database)

    def get(self, item_id: str) -> SavedEdit | None:
        """The edit of this email, if there is one."""
        return self._store.get(item_id)

    def save(self, edit: SavedEdit, *, over: EditedDraft | None = None, durable: bool = False) -> bool:
        """Saves an edit in place of what is saved for its mail.

        Args:
            edit: the text, and the draft that it was begun from.
            over: what the writer last knew to be saved; None for nothing. Any other text is kept beside.
            durable: it also survives a power cut.

        Returns:
            Whether there was another text, which is now kept beside.

        Raises:
            NotSaved: as it says.
        """
        with saving():
            return put(self._store, edit, over=over, durable=durable)

    def save_beside(self, edit: SavedEdit) -> None:
        """Keeps a text beside the edit of the same email. Raises `NotSaved`."""
        with saving():
            put_beside(self._store, edit)

    def discard(self, item_id: str, still: EditedDraft | None = None) -> bool:
        """Throws an edit away.

        Args:
            item_id: of which mail.
            still: only if this is its text; None whatever it is.

        Returns:
            Whether it is gone now: not where it is another text by now.

        Raises:
            NotSaved: as it says; then it is still there.
        """
        with saving():
            return remove(self._store, item_id, still)

    def left_over(self) -> list[SavedEdit]:
        """Edits of mail that no longer waits, and texts that were kept beside an edit; the newest first."""
        waiting = {item.email_id for item in PendingStore(self._database).waiting()}
        return [edit for edit in self._store.all() if edit.item_id not in waiting]

    def rescued(self) -> OneLine:
        """Writes all texts into files, after the store has moved, and says where; see `EditStore.rescued`."""
        return self._store.rescued()

    def take_up(self, folder: Path, at: datetime) -> OneLine:
        """Takes up the texts that an editor had when the program ended, and says what became of them; empty: none.

        A text whose edit is still as the editor was given it becomes that edit, as it would have on the editor's end;
        any other is kept beside it.

        Args:
            folder: the profile's, see `store.decisions.editor_files`.
            at: when they are saved.

        Raises:
            NotSaved: as it says; then they are found again next time.
        """
        from mm_tui.store.decisions.editor_files import left_behind

        taken, more = 0, []
        for left in left_behind(folder):
            if left.edit.text != left.given.text:
                taken += 1
                edit, saved = replace(left.edit, saved_at=at), self.get(left.edit.item_id)
                if saved is None or saved.text == left.given.text:
                    self.save(edit, over=left.given.text, durable=True)
                else:
                    self.save_beside(edit)
            if left.has_more:
                more.append(str(left.folder))
            left.remove()
        words = []
        if taken:
            words.append("your editor's text of a draft was loaded after the last run ended" if taken == 1 else
                         f"your editor's texts of {taken} drafts were loaded after the last run ended")  # fmt: skip
        if more:
            words.append(f"the editor left its own files in {', '.join(more)}")
        return OneLine("; ".join(words))


# The same inside a transaction, where the store's own errors end it


def put(store: EditStore, edit: SavedEdit, *, over: EditedDraft | None, durable: bool) -> bool:
    """As `Edits.save`; raises what the store raises."""
    other = store.get(edit.item_id)
    clashes = other is not None and other.text not in (over, edit.text)
    if other is not None and clashes:
        put_beside(store, replace(other, saved_at=edit.saved_at))
    store.save(edit, durable=durable)
    return clashes


def put_beside(store: EditStore, edit: SavedEdit) -> None:
    """As `Edits.save_beside`; raises what the store raises."""
    # Named by its text: revisions begin anew after an edit was thrown away, and no copy may take another's place.
    store.save(replace(edit, item_id=f"{edit.item_id}{_COPY}{edit.text.digest[:16]}"), durable=True)


def remove(store: EditStore, item_id: str, still: EditedDraft | None) -> bool:
    """As `Edits.discard`; raises what the store raises."""
    saved = store.get(item_id)
    if saved is not None and still is not None and saved.text != still:
        return False
    store.discard(item_id)
    return True


@contextmanager
def saving() -> Iterator[None]:
    """Turns what a store raises into `NotSaved`."""
    try:
        yield
    except (sqlite3.Error, StoreError, OSError) as error:
        raise NotSaved(OneLine(str(error))) from error
