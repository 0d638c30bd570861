"""Opening, sharing, upgrading and rebuilding the store."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import re
import resource
import signal
import sqlite3
import stat
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mm_tui.models import EditedDraft, RawContent
from mm_tui.store import database as database_module
from mm_tui.store import migrations
from mm_tui.store.audit.journal import Journal
from mm_tui.store.connecting import CorruptStore, NewerStore, damage_mark
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.store.mail.mails import MailStore, MailView
from mm_tui.store.migrations import KEPT_TABLES, MIGRATIONS, Migration, statements
from mm_tui.store.recovery import Rescue, rebuild
from mm_tui.store.seal import StoreError
from mm_tui.store.state import StateStore

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def open_or_rebuild(path: Path, now: datetime) -> tuple[Database, Rescue | None]:
    try:
        return Database.open(path), None
    except CorruptStore as error:
        return rebuild(error, now=now)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_for_the_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "store.db"
    with Database.open(path) as database:
        StateStore(database).set("a", "b")
        assert {_mode(file) for file in path.parent.iterdir()} == {0o600}
        assert _mode(path.parent) == 0o700


def test_a_file_open_to_others_is_narrowed(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Database.open(path).close()
    path.chmod(0o644)
    Database.open(path).close()
    assert _mode(path) == 0o600


def test_writes_are_seen_by_other_threads_and_survive(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Database.open(path) as database:
        StateStore(database).set("a", "b")
        seen: list[str | None] = []
        thread = threading.Thread(target=lambda: seen.append(StateStore(database).get("a")))
        thread.start()
        thread.join()
        assert seen == ["b"]
    with Database.open(path) as database:
        assert StateStore(database).get("a") == "b"


def test_a_failed_write_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        connection.execute("INSERT INTO state VALUES ('a', 'b')")
        raise RuntimeError
    assert StateStore(database).get("a") is None
    StateStore(database).set("a", "c")
    assert StateStore(database).get("a") == "c"


def test_inner_writes_join_the_outer_one(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write():
        StateStore(database).set("a", "b")
        raise RuntimeError
    assert StateStore(database).get("a") is None
    with database.write(), pytest.raises(RuntimeError), database.write(durable=True):
        pytest.fail("a durable write must not hide in one that is not")


def test_a_durable_write_syncs_and_goes_back(database: Database) -> None:
    with database.write(durable=True) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert database.reader().execute("PRAGMA synchronous").fetchone()[0] == 1


def test_many_threads_write_without_losing_any(database: Database) -> None:
    StateStore(database).set("n", "0")

    def add() -> None:
        for _ in range(50):
            with database.write() as connection:
                connection.execute("UPDATE state SET value = value + 1 WHERE name = 'n'")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert StateStore(database).get("n") == "200"


def _add_in_process(path: Path, times: int) -> None:
    with Database.open(path) as database:
        for _ in range(times):
            with database.write() as connection:
                connection.execute(
                    "INSERT INTO state VALUES ('n', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
                )


def test_a_thread_in_a_hurry_waits_neither_for_another_process_nor_for_another_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_MS", 600_000)
    monkeypatch.setattr(database_module, "HURRY_MS", 10)
    with Database.open(tmp_path / "store.db") as database:
        state, written, done = StateStore(database), threading.Event(), threading.Event()
        database.hurry()

        def writes() -> None:
            with database.write():
                written.set()
                done.wait()

        with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                state.set("name", "value")
        thread = threading.Thread(target=writes)
        thread.start()
        written.wait()
        try:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                state.set("name", "value")
        finally:
            done.set()
            thread.join()
        state.set("name", "value")


def test_two_processes_open_and_write_one_new_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_add_in_process, args=(path, 60)) for _ in range(2)]
    for other in others:
        other.start()
    _add_in_process(path, 60)
    for other in others:
        other.join(60)
        assert other.exitcode == 0
    with Database.open(path) as database:
        assert StateStore(database).get("n") == "180"


def test_memory_mode_without_a_file_is_shared_by_threads_and_gone_at_the_end() -> None:
    with Database.open(None) as database, Database.open(None) as other:
        StateStore(database).set("a", "b")
        seen: list[str | None] = []
        thread = threading.Thread(target=lambda: seen.append(StateStore(database).get("a")))
        thread.start()
        thread.join()
        assert seen == ["b"]
        assert StateStore(other).get("a") is None


def test_memory_mode_keeps_mail_off_the_disk_and_the_rest_on_it(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Database.open(path) as database:
        StateStore(database).set("from before", "secret-of-an-earlier-run")
    with Database.open(path, memory=True) as database:
        StateStore(database).set("a", "secret-in-memory")
        assert StateStore(database).get("from before") is None
        with database.write(durable=True) as connection:
            connection.execute("INSERT INTO spend VALUES ('2026-03-02', 'jamba-mini', 1, 2, 3, 4)")
    on_disk = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"secret-in-memory" not in on_disk
    assert b"secret-of-an-earlier-run" not in on_disk
    with Database.open(path) as database:
        assert database.reader().execute("SELECT calls FROM spend").fetchone()[0] == 4


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
    _with_kept_rows(path, 3)
    with closing(sqlite3.connect(path)) as connection:
        flipped = len(MIGRATIONS) ^ (1 << bit)
        # As the agent leaves its store, and SQLite a store that was analysed.
        connection.execute("CREATE TABLE agent_jobs (email_id)")
        connection.execute("ANALYZE")
        connection.execute(f"PRAGMA user_version = {flipped - (flipped >> 31 << 32)}")
    database, rescue = open_or_rebuild(path, now=NOW)
    with database:
        assert rescue is not None and rescue.unread == ()
        assert _journal(database) == [1, 2, 3]
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


def test_a_new_store_counts_no_words_of_mails(database: Database) -> None:
    sql = dict(database.reader().execute("SELECT name, sql FROM sqlite_master").fetchall())
    assert "columnsize=0" in sql["mail_words"]
    assert "mail_words_docsize" not in sql


@pytest.mark.parametrize(
    ("view", "index"),
    [
        (MailView(), "mail_list"),
        (MailView(mailbox_id="box"), "mail_list"),
        (MailView(status="pending"), "mail_by_status"),
        (MailView(query="is:unread"), "mail_by_status"),
        (MailView(folded=True), "threads_by_newest"),
        (MailView(query="refund"), "mail_words"),
    ],
)
def test_each_view_is_read_from_an_index(database: Database, view: MailView, index: str) -> None:
    seen: list[str] = []
    reader = database.reader()
    reader.set_trace_callback(seen.append)
    MailStore(database).keys(view, limit=200)
    MailStore(database).counts()
    reader.set_trace_callback(None)
    plans = [" ".join(row[3] for row in reader.execute(f"EXPLAIN QUERY PLAN {sql}")) for sql in seen if "--" not in sql]
    assert plans
    assert any(index in plan for plan in plans), plans
    for plan in plans:
        assert not re.search(r"SCAN (?:mail|threads)(?! USING (?:COVERING )?INDEX| VIRTUAL)\b", plan), plan
        assert "TEMP B-TREE" not in plan, plan


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


def _with_kept_rows(path: Path, rows: int) -> None:
    with Database.open(path) as database, database.write(durable=True) as connection:
        connection.executemany(
            "INSERT INTO journal (number, entry, hash) VALUES (?, ?, ?)",
            [(number, f"entry {number} " + "x" * 200, "h") for number in range(1, rows + 1)],
        )
        connection.execute("INSERT INTO edits VALUES ('one', 'box', 'd', '{}', '[]', 's', 'my words', 1, 'now')")


def _journal(database: Database) -> list[int]:
    return [row[0] for row in database.reader().execute("SELECT number FROM journal ORDER BY number")]


def test_a_file_that_is_no_store_is_set_aside_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"This is something else altogether, and precious. " * 400)
    with pytest.raises(CorruptStore):
        Database.open(path)
    database, rescue = open_or_rebuild(path, now=NOW)
    with database:
        assert rescue is not None
        assert rescue.aside.read_bytes().startswith(b"This is something else altogether")
        assert "not all could be read of" in rescue.words()
        StateStore(database).set("a", "b")


def test_an_overwritten_header_costs_no_journal_and_no_edit(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    _with_kept_rows(path, 30)
    with path.open("r+b") as file:
        file.write(b"\0" * 100)
    database, rescue = open_or_rebuild(path, now=NOW)
    with database:
        assert rescue is not None
        assert rescue.rows["journal"] == 30
        assert rescue.unread == ()
        assert database.reader().execute("SELECT body FROM edits").fetchone()[0] == "my words"


@pytest.mark.parametrize(("version", "missing"), [(len(MIGRATIONS), ()), (5, ()), (0, ("remembered",))])
def test_a_bad_page_in_the_middle_costs_only_what_stood_on_it(
    tmp_path: Path, version: int, missing: tuple[str, ...]
) -> None:
    """A table that a store of an earlier version never had is not missing; of version 0 nothing is known."""
    path = tmp_path / "store.db"
    _with_kept_rows(path, 300)
    with closing(sqlite3.connect(path)) as connection:
        if version < len(MIGRATIONS):
            connection.execute("DROP TABLE remembered")
        connection.execute(f"PRAGMA user_version = {version}")
    raw = bytearray(path.read_bytes())
    place = raw.find(b"entry 150 ") // 4096 * 4096
    raw[place : place + 4096] = b"\xff" * 4096
    path.write_bytes(raw)
    if version == len(MIGRATIONS):
        with Database.open(path) as database:
            assert database.check()
        assert damage_mark(path).exists()
    else:
        # Opened, it would first be brought to the newest version.
        damage_mark(path).touch()
    database, rescue = open_or_rebuild(path, now=NOW)
    with database:
        numbers = _journal(database)
        assert rescue is not None
        assert rescue.unread == ("journal", *missing)
        assert numbers[0] == 1
        assert numbers[-1] == 300
        assert 250 < len(numbers) < 300
        assert database.reader().execute("SELECT body FROM edits").fetchone()[0] == "my words"
    assert not damage_mark(path).exists()
    assert open_or_rebuild(path, now=NOW)[1] is None


def test_a_damaged_description_of_one_table_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    _with_kept_rows(path, 30)
    # SQLite's message then quotes a byte that is no UTF-8.
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE spend", b"CREA\xffE TABLE spend"))
    database, rescue = open_or_rebuild(path, now=NOW)
    with database:
        assert rescue is not None
        assert rescue.unread == ()
        assert len(_journal(database)) == 30
        assert database.reader().execute("SELECT body FROM edits").fetchone()[0] == "my words"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"CREATE TABLE journal (", b"CREATE TABLE jouRnbl ("),
        (b"    number INTEGER PRIMARY KEY", b"    number INTEGEZ PRIMARY KEY"),
        (b"    body TEXT NOT NULL,\n    saves", b"    bodi TEXT NOT NULL,\n    saves"),
        (b"    listed TEXT", b"    listee TEXT"),
        (b"INDEX mail_by_status", b"INDEX mail_by_stavus"),
    ],
)
def test_a_damaged_name_in_an_intact_file_is_damage_and_loses_no_row(
    tmp_path: Path, before: bytes, after: bytes
) -> None:
    path = tmp_path / "store.db"
    _with_kept_rows(path, 30)
    raw = path.read_bytes()
    assert raw.count(before) == 1
    path.write_bytes(raw.replace(before, after))
    with pytest.raises(CorruptStore):
        Database.open(path)
    database, rescue = open_or_rebuild(path, now=NOW)
    with database:
        assert rescue is not None and rescue.unread == ()
        assert len(_journal(database)) == 30
        assert database.reader().execute("SELECT body FROM edits").fetchone()[0] == "my words"
    assert open_or_rebuild(path, now=NOW)[1] is None


def test_a_fault_of_the_program_is_not_damage_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"
    _with_kept_rows(path, 3)
    with monkeypatch.context() as patched, pytest.raises(ValueError, match="inside a statement"):
        for module in (migrations, database_module):
            patched.setattr(module, "MIGRATIONS", [*MIGRATIONS, Migration("CREATE TABLE unfinished (")])
        Database.open(path)
    with Database.open(path) as database:
        assert len(_journal(database)) == 3


def test_a_full_disk_while_a_store_is_rebuilt_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    _with_kept_rows(path, 300)
    damage_mark(path).touch()
    written, (_, most) = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    failed = 0
    for limit in range(4096, 10**6, 16384):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
        try:
            database, rescue = open_or_rebuild(path, now=NOW)
        except (OSError, sqlite3.OperationalError):
            failed += 1
            assert path.read_bytes() == written
            assert {one.name for one in tmp_path.iterdir()} <= {"store.db", "store.db.damaged"}
            continue
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        with database:
            assert rescue is not None and rescue.unread == () and len(_journal(database)) == 300
            break
    assert failed > 3


CHANGES = ("os.rename", "os.link", "os.remove", "os.utime", "shutil.copyfile")
"""The audit events of changes to files."""


def _rebuilt_by_a_program_that_ends(path: Path, step: int) -> bool:
    """Opens a store in another process, which is killed before it makes its next change to a file after `step` changes.
    Returns whether it came to its end."""
    if (child := os.fork()) == 0:
        steps = itertools.count()

        def hook(event: str, _: tuple[object, ...]) -> None:
            if event in CHANGES and next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            open_or_rebuild(path, now=NOW)[0].close()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("has_links", [True, False])
def test_a_program_killed_while_it_rebuilds_a_store_loses_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    """The text is in the log alone."""
    if not has_links:
        monkeypatch.setattr(os, "link", lambda *_: os.open(tmp_path, os.O_WRONLY))
    source = tmp_path / "store.db"
    Database.open(source).close()
    with Database.open(source) as database, database.write() as connection:
        connection.execute("INSERT INTO edits VALUES ('one', 'box', 'd', '{}', '[]', 's', 'my words', 1, 'now')")
        connection.execute("COMMIT")
        files = {ending: Path(f"{source}{ending}").read_bytes() for ending in ("", "-wal")}
        connection.execute("BEGIN")
    for step in range(100):
        path = tmp_path / str(step) / "store.db"
        path.parent.mkdir()
        for ending, content in files.items():
            Path(f"{path}{ending}").write_bytes(content)
        damage_mark(path).touch()
        ended = _rebuilt_by_a_program_that_ends(path, step)
        # What tidies up may be killed too.
        _rebuilt_by_a_program_that_ends(path, step % 3)
        with open_or_rebuild(path, now=NOW)[0] as database:
            assert database.one("SELECT body FROM edits")[0] == "my words", step
        left = {one.name for one in path.parent.iterdir()}
        assert not [name for name in left if name.startswith(".") or name == "store.db.damaged"], step
        # What was set aside is whole too.
        aside = min(path.parent.glob("store.damaged-*.db"))
        with closing(sqlite3.connect(aside)) as connection:
            assert connection.execute("SELECT body FROM edits").fetchone()[0] == "my words", step
        if ended:
            break
    assert ended and step > 5


def test_a_damaged_store_with_a_long_name_is_rebuilt(tmp_path: Path) -> None:
    path = tmp_path / f"store-{'%E5%8F%97' * 20}.sqlite3"
    path.write_bytes(b"noise " * 1000)
    database, rescue = open_or_rebuild(path, now=NOW)
    with database:
        assert rescue is not None and rescue.aside.read_bytes() == b"noise " * 1000


def test_a_second_damage_at_the_same_moment_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    for content in (b"first " * 1000, b"second " * 1000):
        path.write_bytes(content)
        open_or_rebuild(path, now=NOW)[0].close()
    kept = [file.read_bytes()[:6] for file in tmp_path.iterdir() if "damaged" in file.name]
    assert sorted(kept) == [b"first ", b"second"]


def test_a_sound_store_passes_its_check(database: Database) -> None:
    assert database.check() == []


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.db")
    database.close()
    with pytest.raises(StoreError, match="closed"):
        database.reader()


def test_pages_are_cached_for_writing_more_than_for_reading(tmp_path: Path) -> None:
    def cached(connection: sqlite3.Connection) -> int:
        return -int(connection.execute("PRAGMA cache_size").fetchone()[0])

    with Database.open(tmp_path / "store.sqlite3") as database:
        reading = cached(database.reader())
        with database.write() as connection:
            assert cached(connection) > reading
        assert cached(database.reader()) == reading
        with pytest.raises(ValueError, match="stop"), database.write():
            raise ValueError("stop")
        assert cached(database.reader()) == reading
        database.writes_much()
        with database.write() as connection:
            much = cached(connection)
        assert cached(database.reader()) == much > reading
