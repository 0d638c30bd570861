"""The edits service: what is overwritten is saved beside, and what cannot be stored is reported."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from msgspec.structs import replace

from mm_tui.models import EditedDraft, RawContent
from mm_tui.services.saved_texts.edits import Edits, NotSaved
from mm_tui.store import database as database_module
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore, SavedEdit

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FIRST, SECOND, THIRD = (EditedDraft(("anna@x.example",), "Re: Order", body) for body in ("one", "two", "three"))
EDIT = SavedEdit("d1", "mb1", "ab" * 32, RawContent(sender="us@x.example"), FIRST, NOW)


def texts(edits: Edits) -> list[EditedDraft]:
    return [edit.text for edit in edits.left_over()]


def test_what_the_writer_knew_is_written_over(database: Database) -> None:
    edits = Edits(database)
    assert edits.save(EDIT) is False
    assert edits.save(replace(EDIT, text=SECOND), over=FIRST) is False
    assert edits.save(replace(EDIT, text=SECOND), over=None) is False, "it is this very text"
    assert texts(edits) == [SECOND]


def test_what_another_wrote_meanwhile_is_saved_beside_it(database: Database) -> None:
    edits = Edits(database)
    edits.save(replace(EDIT, text=SECOND))
    later = NOW + timedelta(minutes=1)
    assert edits.save(replace(EDIT, text=THIRD, saved_at=later), over=FIRST) is True
    found = edits.get("d1")
    assert found is not None and found.text == THIRD
    assert sorted(text.body for text in texts(edits)) == ["three", "two"]
    assert {edit.saved_at for edit in edits.left_over()} == {later}
    assert {edit.base_digest for edit in edits.left_over()} == {EDIT.base_digest}


def test_an_edit_is_thrown_away_only_as_it_was_looked_at(database: Database) -> None:
    edits = Edits(database)
    edits.save(EDIT)
    assert edits.discard("d1", still=SECOND) is False
    assert texts(edits) == [FIRST]
    assert edits.discard("d1", still=FIRST) is True
    assert edits.discard("d1", still=FIRST) is True, "gone is gone"
    assert texts(edits) == []


@pytest.mark.parametrize("error", [sqlite3.OperationalError("database or disk is full"), OSError("no \x1b[31mroom")])
def test_what_the_store_does_not_accept_is_reported(
    database: Database, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    edits = Edits(database)
    edits.save(EDIT)

    def full(*_args: object, **_named: object) -> NoReturn:
        raise error

    for name in ("save", "discard"):
        monkeypatch.setattr(EditStore, name, full)
    for change in (lambda: edits.save(replace(EDIT, text=SECOND)), lambda: edits.save_beside(EDIT)):
        with pytest.raises(NotSaved) as reported:
            change()
        assert "\x1b" not in str(reported.value) and str(reported.value)
    with pytest.raises(NotSaved):
        edits.discard("d1")
    assert texts(edits) == [FIRST]


def test_two_texts_are_the_same_when_their_three_fields_are() -> None:
    assert EditedDraft(("a@x.example",), "S", "B\ud800") == EditedDraft(("a@x.example",), "S", "B\\ud800")
    fields = [("a@x.example",), "S", "B"], [("b@x.example",), "S", "B"], [("a@x.example",), "T", "B"]
    digests = {EditedDraft(*one).digest for one in (*fields, [("a@x.example",), "S", "C"])}  # type: ignore[arg-type]
    assert len(digests) == 4
    assert FIRST.as_mail == "To: anna@x.example\nSubject: Re: Order\n\none"


@pytest.mark.parametrize("act", ["save", "discard"])
def test_what_another_program_writes_at_the_same_moment_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    monkeypatch.setattr(database_module, "BUSY_MS", 0)
    with Database.open(tmp_path / "store.db") as ours, Database.open(tmp_path / "store.db") as theirs:
        edits, other, get = Edits(ours), Edits(theirs), EditStore.get
        edits.save(EDIT)
        saved: list[EditedDraft] = []

        def looked(store: EditStore, item_id: str) -> SavedEdit | None:
            found = get(store, item_id)
            monkeypatch.setattr(EditStore, "get", get)
            # It may have to wait until we are done, but what is saved may not be written over.
            with suppress(NotSaved):
                other.save(replace(EDIT, text=SECOND), over=FIRST)
                saved.append(SECOND)
            return found

        monkeypatch.setattr(EditStore, "get", looked)
        if act == "save":
            edits.save(replace(EDIT, text=THIRD), over=FIRST)
        else:
            edits.discard("d1", still=FIRST)
        if not saved:
            other.save(replace(EDIT, text=SECOND), over=FIRST)
        assert SECOND in texts(edits) and (THIRD in texts(edits)) is (act == "save")
