"""The store's file: who can read it, how it is written, and what is in memory."""

from __future__ import annotations

import multiprocessing
import re
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from mm_tui.store import database as database_module
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore, MailView
from mm_tui.store.seal import StoreError
from mm_tui.store.state import StateStore


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


def test_a_sound_store_passes_its_check(database: Database) -> None:
    assert database.check() == []


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.db")
    database.close()
    with pytest.raises(StoreError, match="closed"):
        database.reader()


def test_a_store_that_is_closed_during_an_unnoticed_write_keeps_no_connection(tmp_path: Path) -> None:
    database, began, closed = Database.open(tmp_path / "store.db"), threading.Event(), threading.Event()
    used: list[sqlite3.Connection] = []

    def write() -> None:
        with database.unnoticed():
            used.append(database.reader())
            began.set()
            assert closed.wait(30)

    writer = threading.Thread(target=write)
    writer.start()
    assert began.wait(30)
    database.close()
    closed.set()
    writer.join()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        used[0].execute("SELECT 1")


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


def test_two_programs_that_make_the_same_store_at_once_both_open_it(tmp_path: Path) -> None:
    together = threading.Barrier(2, timeout=30)

    def open_them(_: int) -> None:
        for number in range(60):
            together.wait()
            Database.open(tmp_path / f"{number}.db").close()

    with ThreadPoolExecutor(2) as threads:
        for opened in [threads.submit(open_them, one) for one in range(2)]:
            opened.result()
