"""A damaged store is set aside and rebuilt; what only it holds is saved."""

from __future__ import annotations

import itertools
import os
import resource
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from mm_tui.store import database as database_module
from mm_tui.store import migrations
from mm_tui.store.connecting import CorruptStore, damage_mark
from mm_tui.store.database import Database
from mm_tui.store.left_files import LEFT_SECONDS, clear_left
from mm_tui.store.migrations import MIGRATIONS, Migration
from mm_tui.store.state import StateStore
from tests.support.stores import NOW, journal_ids, open_or_rebuild, with_kept_rows


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
    with_kept_rows(path, 30)
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
    with_kept_rows(path, 300)
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
        numbers = journal_ids(database)
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
    with_kept_rows(path, 30)
    # SQLite's message then quotes a byte that is no UTF-8.
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE spend", b"CREA\xffE TABLE spend"))
    database, rescue = open_or_rebuild(path, now=NOW)
    with database:
        assert rescue is not None
        assert rescue.unread == ()
        assert len(journal_ids(database)) == 30
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
    with_kept_rows(path, 30)
    raw = path.read_bytes()
    assert raw.count(before) == 1
    path.write_bytes(raw.replace(before, after))
    with pytest.raises(CorruptStore):
        Database.open(path)
    database, rescue = open_or_rebuild(path, now=NOW)
    with database:
        assert rescue is not None and rescue.unread == ()
        assert len(journal_ids(database)) == 30
        assert database.reader().execute("SELECT body FROM edits").fetchone()[0] == "my words"
    assert open_or_rebuild(path, now=NOW)[1] is None


def test_a_fault_of_the_program_is_not_damage_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"
    with_kept_rows(path, 3)
    with monkeypatch.context() as patched, pytest.raises(ValueError, match="inside a statement"):
        for module in (migrations, database_module):
            patched.setattr(module, "MIGRATIONS", [*MIGRATIONS, Migration("CREATE TABLE unfinished (")])
        Database.open(path)
    with Database.open(path) as database:
        assert len(journal_ids(database)) == 3


def test_a_full_disk_while_a_store_is_rebuilt_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with_kept_rows(path, 300)
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
            assert rescue is not None and rescue.unread == () and len(journal_ids(database)) == 300
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


def test_files_that_killed_programs_left_are_cleared_and_no_other(tmp_path: Path) -> None:
    path, later = tmp_path / "store-x.sqlite3", time.time() + 2 * LEFT_SECONDS
    gone, here = 2**22 + 1, os.getpid()  # no system has so many processes
    aside = "store-x.damaged-20260301-120000.sqlite3"
    left = [f"{gone}.new", f"{gone}.new-wal", f"{gone}.new.reading-shm", f"{gone}.b:1.{aside}.new", f"head.{gone}-7"]
    kept = [f"{here}.new", f"head.{here}-7", f"{gone}.new.txt", f"{gone}.b:1.other.sqlite3.new.old"]
    for name in (*left, *kept, f"{gone}.b:1.{aside}.new.old", f"{gone}.b:1.{aside}.new.old-wal"):
        (tmp_path / f".{path.name}.{name}").write_text(name)
    (tmp_path / ".store-y.sqlite3.4.new").touch()
    before = sorted(tmp_path.iterdir())
    clear_left(path)
    assert sorted(tmp_path.iterdir()) == before, "they were written just now"
    clear_left(path, now=later)
    expected = (*(f".{path.name}.{name}" for name in kept), ".store-y.sqlite3.4.new", aside, f"{aside}-wal")
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(expected)


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
