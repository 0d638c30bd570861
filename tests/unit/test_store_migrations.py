"""Stores of earlier and later versions: each becomes the newest one with all its rows, or is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mm_tui.models import EditedDraft, RawContent
from mm_tui.store import database as database_module
from mm_tui.store import migrations
from mm_tui.store.audit.journal import Journal
from mm_tui.store.connecting import NewerStore
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.store.mail.mails import MailStore, MailView
from mm_tui.store.migrations import KEPT_TABLES, MIGRATIONS, Migration, statements
from mm_tui.store.state import StateStore
from tests.support.stores import NOW, journal_ids, open_or_rebuild, with_kept_rows


def test_a_newer_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Database.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE later (x)")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(NewerStore, match="newer mm-tui"):
        open_or_rebuild(path, now=NOW)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["store.db"]


@pytest.mark.parametrize("bit", [0, 1, 2, 3, 30, 31])
def test_a_version_with_a_flipped_bit_is_damage_and_costs_nothing(tmp_path: Path, bit: int) -> None:
    path = tmp_path / "store.db"
    with_kept_rows(path, 3)
    with closing(sqlite3.connect(path)) as connection:
        flipped = len(MIGRATIONS) ^ (1 << bit)
        # As the agent leaves its store, and SQLite a store that was analysed.
        connection.execute("CREATE TABLE agent_jobs (email_id)")
        connection.execute("ANALYZE")
        connection.execute(f"PRAGMA user_version = {flipped - (flipped >> 31 << 32)}")
    database, rescue = open_or_rebuild(path, now=NOW)
    with database:
        assert rescue is not None and rescue.unread == ()
        assert journal_ids(database) == [1, 2, 3]
        assert database.one("SELECT body FROM edits")[0] == "my words"


def test_every_migration_to_come_makes_a_part_that_was_not_there() -> None:
    """It distinguishes a newer store from one whose version is damaged."""
    made: set[tuple[str, str]] = set()
    for number, migration in enumerate(MIGRATIONS):
        parts = set(migrations._parts(migration.mail + migration.kept))
        assert parts - made or number in (2, 4)
        made |= parts


@pytest.mark.parametrize("start", range(len(MIGRATIONS)))
def test_every_earlier_schema_becomes_the_newest_one_and_keeps_its_rows(tmp_path: Path, start: int) -> None:
    def schema(path: Path) -> list[tuple[str, ...]]:
        connection = sqlite3.connect(path)
        try:
            return sorted(connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall())
        finally:
            connection.close()

    fresh, old = tmp_path / "fresh.db", tmp_path / "old.db"
    Database.open(fresh).close()
    connection = sqlite3.connect(old, isolation_level=None)
    for migration in MIGRATIONS[:start]:
        for script in (migration.mail, migration.kept, migration.empty):
            for statement in statements(script):
                connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {start}")
    if start:
        connection.execute("INSERT INTO spend VALUES ('2026-03-02', 'jamba-mini', 1, 2, 3, 4)")
        connection.execute("INSERT INTO state VALUES ('incidents', '[]'), ('last_ok_at', '1')")
    connection.close()
    with Database.open(old) as database:
        assert database.reader().execute("SELECT count(*) FROM spend").fetchone()[0] == bool(start)
        assert StateStore(database).get("last_ok_at") == ("1" if start else None)
        assert StateStore(database, kept=True).get("incidents") == ("[]" if start else None)
    assert schema(old) == schema(fresh)


def test_a_store_with_mail_keeps_its_words_as_they_are_and_finds_all_it_found(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path, isolation_level=None)
    for migration in MIGRATIONS[:4]:
        for statement in (*statements(migration.mail), *statements(migration.kept)):
            connection.execute(statement)
    connection.execute("PRAGMA user_version = 4")
    columns = "key, email_id, mailbox_id, thread, sender, sender_name, recipients, subject, hidden, direction, status"
    connection.execute(
        f"INSERT INTO mail ({columns}, has_attachments)"
        " VALUES (7, 'one', 'box', 1, 'a@x.example', '', '[]', 'Refund', 0, 'inbound', 'unread', 0)"
    )
    connection.execute("INSERT INTO mail_words VALUES ('Refund', 'a@x.example', '', '', '')")
    connection.execute("UPDATE mail SET key = (SELECT max(rowid) FROM mail_words)")
    connection.close()
    with Database.open(path) as database:
        reader = database.reader()
        sql = dict(reader.execute("SELECT name, sql FROM sqlite_master").fetchall())
        assert "columnsize" not in sql["mail_words"]
        assert "(status) WHERE" in sql["mail_by_status"]
        store = MailStore(database)
        for query in ("refund", "is:unread", "is:unread ref", "from:a@x", "-is:read"):
            assert list(store.keys(MailView(query=query))) == [1], query


def test_the_next_schema_keeps_journal_and_edits_and_is_refused_by_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.db"
    with Database.open(path) as database:
        for number in range(3):
            Journal(database).write("held", "rita", f"mail {number}", NOW, {"act": "approve"})
        head = Journal(database).verify()
        raw = RawContent(sender="a@x.example")
        EditStore(database).save(SavedEdit("one", "box", "d", raw, EditedDraft(("b@x.example",), "s", "my words"), NOW))
    step = Migration(mail="ALTER TABLE mail ADD COLUMN mood TEXT;", kept="ALTER TABLE edits ADD COLUMN note TEXT;")
    with monkeypatch.context() as newer:
        newer.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, step))
        newer.setattr(database_module, "MIGRATIONS", (*MIGRATIONS, step))
        with Database.open(path) as database:
            assert Journal(database).verify() == head and head.ok
            assert [row["body"] for row in database.reader().execute("SELECT body, note FROM edits")] == ["my words"]
            assert database.check() == []
    with pytest.raises(NewerStore):
        Database.open(path)


def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"
    Database.open(path).close()
    broken = (*MIGRATIONS, Migration(mail="CREATE TABLE half (x);\nINSERT INTO nowhere VALUES (1);"))
    monkeypatch.setattr(migrations, "MIGRATIONS", broken)
    connection = sqlite3.connect(path, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrations.migrate(connection)
    assert migrations.version(connection) == len(MIGRATIONS)
    assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchall()
    connection.close()


def test_a_script_that_ends_inside_a_statement_is_refused() -> None:
    with pytest.raises(ValueError, match="inside a statement"):
        list(statements("CREATE TABLE a (x);\nCREATE TABLE b (y"))


def test_kept_tables_are_exactly_those_of_the_kept_scripts(database: Database) -> None:
    made = {row[0] for row in database.reader().execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert set(KEPT_TABLES) <= made
    kept = "".join(migration.kept for migration in MIGRATIONS)
    assert {table for table in made if f"CREATE TABLE {table} " in kept} == set(KEPT_TABLES)
