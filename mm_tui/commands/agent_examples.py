"""`mm-tui agent examples`: the examples that drafts learn from."""

from __future__ import annotations

import argparse
import sqlite3

from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.review.diff import compare
from mm_tui.services.knowledge.examples import store_of
from mm_tui.settings.paths import examples_path
from mm_tui.settings.sections import Settings
from mm_tui.store.examples import ExampleStore, SavedExample
from mm_tui.text import ManyLine, OneLine, system_words


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Lists the profile's examples, or deletes some. Uses no gateway and no model. Raises CommandError: 3 there is none
    with this id, 10 the file cannot be used."""
    profile = settings.profile
    # Examples stored before this was switched off can still be listed and deleted.
    store = ExampleStore(examples_path(profile.name), profile.url)
    try:
        if arguments.delete or arguments.delete_all:
            return _delete(store, arguments)
        examples = store.all()
    except (sqlite3.Error, OSError) as error:
        raise CommandError(
            Exit.CONFIG, f"the examples cannot be used: {system_words(error)}", "Delete the file."
        ) from None
    is_kept = store_of(settings) is not None
    if arguments.json:
        emit.data({"examples": [_row(one) for one in examples], "kept": is_kept})
        return Exit.OK
    for one in examples:
        at = f"{one.at.astimezone():%Y-%m-%d %H:%M}" if one.at is not None else ""
        emit.line(OneLine(f"{one.id}  {at}  {one.label or '(no label)'}  {_changed(one):.0%} of the words changed"))
        for sign, text in (("-", one.written), ("+", one.released)):
            emit.line(ManyLine("\n".join(f"  {sign} {line}" for line in text.split("\n"))))
    if not examples:
        emit.note(OneLine("There are no examples."))
    if not is_kept:
        emit.note(OneLine("Edits of this profile do not become examples (set examples = true for it)."))
    return Exit.OK


def _delete(store: ExampleStore, arguments: argparse.Namespace) -> int:
    known = {one.id for one in store.all()}
    if missing := [one for one in arguments.delete or () if one not in known]:
        raise CommandError(Exit.NOT_FOUND, f"there is no example {missing[0]}", "Nothing was deleted.")
    deleted = store.delete(None if arguments.delete_all else arguments.delete)
    emit.result({"deleted": deleted}, OneLine(f"{deleted} deleted"), as_json=arguments.json)
    return Exit.OK


def _row(one: SavedExample) -> dict[str, object]:
    return {
        "id": one.id,
        "at": one.at.isoformat() if one.at is not None else None,
        "mailbox_id": one.mailbox_id,
        "label": one.label or None,
        "asked": one.asked,
        "written": one.written,
        "released": one.released,
        "words_changed": round(_changed(one), 3),
    }


def _changed(one: SavedExample) -> float:
    difference = compare(one.written, one.released)
    total = difference.words_before + difference.words_after
    return (total - 2 * difference.words_kept) / total if total else 0.0
