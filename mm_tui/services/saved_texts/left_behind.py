"""Texts that a program's end, or a store that moved, has left behind, and what to say of them."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from mm_tui.services.saved_texts.edits import REPLY, Edits, NotSaved
from mm_tui.store.decisions.editor_files import editing_folder
from mm_tui.store.decisions.edits import COPY
from mm_tui.store.seal import STORE_FAULTS, StoreError, StoreMoved
from mm_tui.text import OneLine, system_words


def recovered(edits: Edits, profile: str, now: datetime) -> OneLine:
    """Saves what an editor had when the last run ended; says so. If the store is locked, the next start tries."""
    try:
        return edits.recover(editing_folder(profile), now)
    except (NotSaved, StoreError, OSError, sqlite3.Error) as error:
        return OneLine(f"a text from your editor could not be loaded: {system_words(error)}")


def trouble_words(trouble: StoreError, edits: Edits) -> OneLine:
    """Why the store cannot be decided with; if its file has moved, also where the texts in it are now."""
    if not isinstance(trouble, StoreMoved):
        return OneLine(str(trouble))
    try:
        return OneLine(f"{trouble}. {edits.rescued()}")
    except OSError as error:
        return OneLine(f"{trouble}. Your texts could not be written elsewhere: {system_words(error)}")


def saved_words(edits: Edits) -> list[str]:
    """What to say on leaving of all texts that are saved; nothing if there are none, or if the store fails."""
    try:
        left, number = edits.left_over(), edits.of_waiting()
    except STORE_FAULTS:
        # The screens have said already what the store does; it must not keep anybody from leaving.
        return []
    replies = sum(edit.item_id.startswith(REPLY) and COPY not in edit.item_id for edit in left)
    found = [
        _saved(number, "edit", "edits", "when you open {} draft again"),
        _saved(replies, "reply", "replies", "when you answer {} email again"),
        _saved(len(left) - replies, "other text", "other texts", "among the saved texts of the queue"),
    ]
    return [words for words in found if words]


def _saved(number: int, one: str, more: str, when: str) -> str:
    if number == 1:
        return f"1 {one} is saved; it is offered {when.format('the')}"
    return f"{number} {more} are saved; each is offered {when.format('its')}" if number else ""
