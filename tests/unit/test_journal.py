"""The journal: whatever is changed, removed, swapped or cut off is found, and the first bad entry is named."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_tui.store.audit.journal import Journal, chained
from mm_tui.store.database import Database

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LENGTH = 6


@contextmanager
def written(length: int = LENGTH) -> Iterator[tuple[Database, Journal]]:
    """A journal with so many entries."""
    with tempfile.TemporaryDirectory() as folder, Database.open(Path(folder) / "store.db") as database:
        journal = Journal(database)
        for number in range(length):
            journal.write("held", "robin", f"01J{number}", AT, {"digest": f"{number:064x}", "note": "über"})
        yield database, journal


def tampered(database: Database, change: Callable[[sqlite3.Connection], object]) -> None:
    """Changes the table as somebody with the file in hand can: the triggers taken off first."""
    with database.write() as connection:
        connection.execute("DROP TRIGGER journal_is_never_changed")
        connection.execute("DROP TRIGGER journal_is_never_shortened")
        change(connection)


def test_what_was_written_is_read_back_and_sound() -> None:
    with written() as (_, journal):
        entries = list(journal.entries())
        assert [entry.number for entry in entries] == list(range(1, LENGTH + 1))
        assert entries[0][1:4] == (AT.isoformat(), "robin", "held")
        assert list(journal.entries(naming="01J3")) == [entries[3]]
        assert list(journal.entries(after=4)) == entries[4:]
        assert journal.verify(journal.head()).ok


def test_an_empty_journal_is_sound_and_has_a_head() -> None:
    with written(0) as (_, journal):
        assert journal.verify(journal.head()).ok
    with written(1) as (_, journal):
        assert journal.verify().words == "1 entry, unbroken"


def test_the_program_itself_cannot_change_or_shorten_it() -> None:
    with written() as (database, _):
        for statement in ("UPDATE journal SET entry = '{}'", "DELETE FROM journal WHERE number = 6"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"), database.write() as connection:
                connection.execute(statement)


@settings(max_examples=60)
@given(number=st.integers(1, LENGTH), column=st.sampled_from(["entry", "hash"]), data=st.data())
def test_any_changed_character_is_found_at_its_entry(number: int, column: str, data: st.DataObject) -> None:
    with written() as (database, journal):
        row = database.reader().execute("SELECT * FROM journal WHERE number = ?", (number,)).fetchone()
        place = data.draw(st.integers(0, len(row[column]) - 1))
        other = data.draw(
            st.characters(min_codepoint=1, max_codepoint=0x2FFF).filter(lambda c: c != row[column][place])
        )
        changed = row[column][:place] + other + row[column][place + 1 :]
        tampered(database, lambda c: c.execute(f"UPDATE journal SET {column} = ? WHERE number = ?", (changed, number)))
        verdict = journal.verify()
        assert not verdict.ok
        assert verdict.first_bad == number


@settings(max_examples=30)
@given(number=st.integers(1, LENGTH - 1), closing=st.booleans())
def test_a_removed_entry_is_found(number: int, closing: bool) -> None:
    """Also when the later ones are renumbered to close the gap."""
    with written() as (database, journal):

        def change(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM journal WHERE number = ?", (number,))
            if closing:
                for later in range(number + 1, LENGTH + 1):
                    connection.execute("UPDATE journal SET number = number - 1 WHERE number = ?", (later,))

        tampered(database, change)
        assert journal.verify().first_bad == number


@settings(max_examples=30)
@given(pair=st.lists(st.integers(1, LENGTH), min_size=2, max_size=2, unique=True))
def test_two_swapped_entries_are_found(pair: list[int]) -> None:
    first, second = sorted(pair)
    with written() as (database, journal):

        def change(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE journal SET number = -1 WHERE number = ?", (first,))
            connection.execute("UPDATE journal SET number = ? WHERE number = ?", (first, second))
            connection.execute("UPDATE journal SET number = ? WHERE number = -1", (second,))

        tampered(database, change)
        assert journal.verify().first_bad == first


@settings(max_examples=20)
@given(kept=st.integers(0, LENGTH - 1))
def test_a_cut_off_end_is_found_against_a_witnessed_head(kept: int) -> None:
    with written() as (database, journal):
        head = journal.head()
        tampered(database, lambda c: c.execute("DELETE FROM journal WHERE number > ?", (kept,)))
        assert journal.verify().ok
        verdict = journal.verify(head)
        assert (verdict.ok, verdict.first_bad) == (False, kept + 1)


@settings(max_examples=20)
@given(number=st.integers(1, LENGTH))
def test_a_rewritten_journal_is_detected_by_a_witnessed_head(number: int) -> None:
    """Whoever can write the file can chain it again; then only the head that is stored elsewhere shows it."""
    with written() as (database, journal):
        head = journal.head()

        def change(connection: sqlite3.Connection) -> None:
            rows = connection.execute("SELECT * FROM journal ORDER BY number").fetchall()
            previous = rows[number - 2]["hash"] if number > 1 else "0" * 64
            for row in rows[number - 1 :]:
                entry = row["entry"].replace("robin", "mallory")
                previous = chained(previous, entry)
                connection.execute(
                    "UPDATE journal SET entry = ?, hash = ? WHERE number = ?", (entry, previous, row["number"])
                )

        tampered(database, change)
        assert journal.verify().ok
        assert not journal.verify(head).ok


def test_a_later_head_holds_for_what_was_added_since() -> None:
    with written() as (_, journal):
        head = journal.head()
        journal.write("ended", "robin", "01J9", AT, {})
        assert journal.verify(head).ok


@pytest.mark.parametrize("head", ["", "7", "x:" + "0" * 64, "7:abc", "-1:" + "0" * 64])
def test_what_is_no_head_is_refused(head: str) -> None:
    with written() as (_, journal), pytest.raises(ValueError, match="NUMBER:HASH"):
        journal.verify(head)
