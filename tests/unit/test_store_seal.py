"""A store that is deleted, replaced, set back or of another gateway is not decided with, and no text is lost (R17)."""

from __future__ import annotations

import errno
import os  # noqa: F401 - for the program below
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Profile
from mm_tui.store.audit.journal import Journal
from mm_tui.store.belongs import Gateway, OtherGateway, bind, bind_account
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore
from mm_tui.store.migrations import MIGRATIONS
from mm_tui.store.opening import StoreUnusable, open_database, opened_to_read
from mm_tui.store.seal import StoreBehind, StoreMoved, fault_of_journal, fault_of_store, head_path, read_head
from tests.support.other_program import AT, ROOT, edit, note, other_program


def save(database: Database, body: str, item: str = "01JX") -> None:
    EditStore(database).save(edit(item, body))


def backup_of(path: Path) -> Path:
    """A copy made as careful people make one: with nothing left in the log."""
    backup = path.with_name("backup")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    return backup


def deleted(path: Path, backup: Path) -> None:
    path.unlink()


def folder_cleaned(path: Path, backup: Path) -> None:
    shutil.rmtree(path.parent)


def moved_away(path: Path, backup: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def replaced(path: Path, backup: Path) -> None:
    backup.replace(path)


def replaced_with_its_log(path: Path, backup: Path) -> None:
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink()
    backup.replace(path)


def written_over(path: Path, backup: Path) -> None:
    path.write_bytes(backup.read_bytes())


def written_over_without_log(path: Path, backup: Path) -> None:
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink()
    path.write_bytes(backup.read_bytes())


def made_again(path: Path, backup: Path) -> None:
    path.unlink()
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink()
    Database.open(path).close()


def log_deleted(path: Path, backup: Path) -> None:
    Path(f"{path}-wal").unlink()


CHANGES = [
    deleted, folder_cleaned, moved_away, replaced, replaced_with_its_log, written_over, written_over_without_log,
    made_again, log_deleted,
]  # fmt: skip


@pytest.mark.parametrize("memory", [False, True], ids=["on disk", "mail in memory"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_happens_to_the_file_ends_deciding_and_keeps_the_texts(
    tmp_path: Path, change: Callable[[Path, Path], None], memory: bool
) -> None:
    path = tmp_path / "data" / "store.sqlite3"
    with Database.open(path, memory=memory) as database:
        note(database, 3)
        save(database, "written before", "01JA")
    backup = backup_of(path)
    with Database.open(path, memory=memory) as database:
        note(database, 2)
        save(database, "written meanwhile", "01JB")
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA wal_checkpoint(PASSIVE)")
        change(path, backup)
        with pytest.raises(StoreMoved, match="nothing is decided"):
            note(database)
        with pytest.raises(StoreMoved):
            note(database)
        assert isinstance(database.trouble, StoreMoved)
        with pytest.raises(StoreMoved, match="Texts that you wrote are in") as reported:
            save(database, "typed since", "01JX")
        folder = Path(str(reported.value).rpartition(" are in ")[2])
        texts = [file.read_text() for file in folder.iterdir()]
        assert any(text.endswith("typed since") for text in texts)
        if not change.__name__.startswith("written_over"):
            assert any(text.endswith("written before") for text in texts)
            assert any(text.endswith("written meanwhile") for text in texts)
        assert all(file.stat().st_mode & 0o077 == 0 for file in (folder, *folder.iterdir()))
        with pytest.raises(StoreMoved):
            save(database, "typed on", "01JX")
        assert any(file.read_text().endswith("typed on") for file in folder.iterdir())


def test_other_threads_do_not_open_what_replaced_it(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    path = tmp_path / "store.sqlite3"
    with Database.open(path) as database, ThreadPoolExecutor(1) as pool:
        note(database)
        backup = backup_of(path)
        replaced(path, backup)
        with pytest.raises(StoreMoved):
            pool.submit(database.reader).result()


def test_a_backup_that_differs_in_nothing_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    with Database.open(path) as database:
        note(database, 3)
    content = path.read_bytes()
    with Database.open(path) as database:
        note(database)
        path.write_bytes(content)
        note(database)
        assert Journal(database).verify().entries == 5


def test_two_programs_write_and_neither_takes_the_other_for_a_replacement(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    with Database.open(path) as database:
        others = [subprocess.Popen(other_program("write_often", path, 40), cwd=ROOT) for _ in range(2)]
        for _ in range(40):
            note(database)
            save(database, "y" * 5000, f"01J-{_}")
            with closing(sqlite3.connect(path)) as other:
                other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert [other.wait(60) for other in others] == [0, 0]
        note(database)
        verdict = Journal(database).verify()
        assert (verdict.ok, verdict.entries) == (True, 121)
        assert database.trouble is None


# Between two runs


def test_the_head_beside_the_store_follows_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    with Database.open(path) as database:
        note(database, 2)
        assert str(read_head(path)) == Journal(database).head()
    assert head_path(path).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("change", [deleted, replaced, made_again])
def test_an_older_store_is_noticed_at_the_start_and_a_human_may_accept_it(
    tmp_path: Path, change: Callable[[Path, Path], None]
) -> None:
    path = tmp_path / "store.sqlite3"
    with Database.open(path) as database:
        note(database, 2)
        backup = backup_of(path)
        note(database)
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").touch()
    change(path, backup)
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    with Database.open(path) as database:
        with pytest.raises(StoreBehind, match="mm-tui audit accept"):
            note(database)
        save(database, "texts can still be saved")
        database.accept()
        note(database)
    with Database.open(path) as database:
        note(database)


def test_a_journal_that_went_another_way_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    with Database.open(path) as database:
        note(database, 2)
        backup = backup_of(path)
        note(database, 2)
    head = head_path(path).read_bytes()
    replaced(path, backup)
    head_path(path).unlink()
    with Database.open(path) as database:
        for number in range(5):
            Journal(database).write("held", "kim", f"other {number}", AT, {})
    head_path(path).write_bytes(head)
    with Database.open(path) as database, pytest.raises(StoreBehind, match="another entry 4"):
        note(database)


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"[]", b'{"number": 1}'])
def test_a_head_that_lags_or_cannot_be_read_prevents_no_work(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "store.sqlite3"
    with Database.open(path) as database:
        note(database)
        head = head_path(path).read_bytes()
        note(database, 3)
    head_path(path).write_bytes(head if content is None else content)
    with Database.open(path) as database:
        note(database)
        assert str(read_head(path)) == Journal(database).head()


# Whose it is


@pytest.mark.parametrize(
    "same", ["https://API.example", "https://api.example:443/", "https://api.example.", " https://api.example//"]
)
def test_one_address_spelt_in_several_ways_is_one_gateway(database: Database, same: str) -> None:
    bind(database, Gateway("work", "https://api.example", True))
    bind(database, Gateway("work", same, True))


@pytest.mark.parametrize(
    ("url", "live"),
    [
        ("https://api.example:444", True),
        ("https://other.example", True),
        ("https://api.example/eu", True),
        ("http://api.example", True),
        ("https://api.example", False),
    ],
)
def test_another_gateway_or_kind_of_keys_is_refused(tmp_path: Path, url: str, live: bool) -> None:
    path = tmp_path / "store.sqlite3"
    with Database.open(path) as database:
        bind(database, Gateway("work", "https://api.example", True))
    with Database.open(path) as database:
        with pytest.raises(OtherGateway, match=r"the profile work .* a profile of its own"):
            bind(database, Gateway("work", url, live))
        bind(database, Gateway("work", "https://api.example", None))


def test_two_ports_of_this_machine_are_two_gateways(database: Database) -> None:
    bind(database, Gateway("work", "http://localhost:8001", False))
    bind(database, Gateway("work", "http://127.0.0.1:8001", False))
    with pytest.raises(OtherGateway):
        bind(database, Gateway("work", "http://127.0.0.1:8002", False))


def test_another_account_is_refused_and_an_unknown_one_is_not(database: Database) -> None:
    bind_account(database, "work", "")
    bind_account(database, "work", "01JACCOUNT")
    bind_account(database, "work", "01JACCOUNT")
    bind_account(database, "work", "")
    with pytest.raises(OtherGateway, match="01JACCOUNT"):
        bind_account(database, "work", "01JOTHER")


# Read where nothing can be written


@pytest.mark.parametrize("kind", ["file", "folder", "mounted"])
def test_a_read_only_copy_is_read_whole(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "live" / "store.sqlite3"
    copies = tmp_path / "copies"
    copies.mkdir()
    with Database.open(path) as database:
        note(database, 3)
        for ending in ("", "-wal"):
            shutil.copyfile(f"{path}{ending}", copies / f"store.sqlite3{ending}")
    copy = copies / "store.sqlite3"
    for file in copies.iterdir():
        file.chmod(0o400)
    if kind != "file":
        copies.chmod(0o500)
    if kind == "mounted" and subprocess.run(["mount", "--bind", str(copies), str(copies)], check=False).returncode:
        pytest.skip("this machine does not let a test mount: a read-only file system was NOT tried")
    try:
        if kind == "mounted":
            subprocess.run(["mount", "-o", "remount,ro,bind", str(copies)], check=True)
        with opened_to_read(copy) as database:
            assert Journal(database).verify().entries == 3
        assert sorted(file.name for file in copies.iterdir()) == ["store.sqlite3", "store.sqlite3-wal"]
    finally:
        if kind == "mounted":
            subprocess.run(["umount", str(copies)], check=True)
        copies.chmod(0o700)


@pytest.mark.parametrize("memory", [False, True])
def test_a_store_that_a_newer_version_has_updated_meanwhile_is_left_as_it_is(tmp_path: Path, memory: bool) -> None:
    path = tmp_path / "store.db"
    with Database.open(path, memory=memory) as database:
        note(database)
        with closing(sqlite3.connect(path)) as newer:
            newer.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        with pytest.raises(StoreMoved, match="updated by a newer mm-tui"):
            note(database)
        with pytest.raises(StoreMoved, match="updated by a newer mm-tui"):
            save(database, "words")
        assert database.trouble is not None
    with closing(sqlite3.connect(path)) as newer:
        assert newer.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
        assert newer.execute("SELECT count(*) FROM journal").fetchone() == (1,)


def test_a_damaged_store_of_another_gateway_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    with Database.open(path) as database:
        bind(database, Gateway("work", "https://one.example", False))
        number = database.one("SELECT rootpage FROM sqlite_master WHERE name = 'mailboxes'")[0]
    with path.open("r+b") as file:
        file.seek((number - 1) * 4096)
        file.write(b"\xff" * 4096)
    keys = Profile(name="work", url="https://two.example", oversight_key=Secret("mm_test_1"))
    with pytest.raises(StoreUnusable, match=r"one\.example"):
        open_database(path, profile=keys)
    assert path.exists()


def test_a_failing_disk_is_named_in_words_without_number_and_path() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/home/rita/store")
    assert fault_of_store(full) == "the store on this machine cannot be used: No space left on device"
    assert fault_of_journal(OSError()) == "the journal cannot be written: the system refused"
