"""Opens a store, explains to the user why it cannot be opened, and reads one without changing anything."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from mm_tui.clock import SystemClock
from mm_tui.settings.sections import Profile
from mm_tui.store.belongs import Gateway, OtherGateway, bind, has_nothing
from mm_tui.store.connecting import CorruptStore, NewerStore, damage_mark, is_damage, is_unknown_part
from mm_tui.store.database import Database
from mm_tui.store.seal import STORE_FAULTS, StoreError
from mm_tui.text import OneLine, system_words


class StoreUnusable(Exception):
    """The store cannot be opened; the message says why, and `cure` what to do."""

    def __init__(self, what: str, cure: str = "`mm-tui doctor` says more.") -> None:
        super().__init__(what)
        self.cure = cure


def open_database(
    path: Path | None, *, memory: bool = False, rebuild: bool = True, profile: Profile | None = None
) -> tuple[Database, OneLine]:
    """Opens a store, in memory without a path, and checks that it belongs to the profile's gateway; None skips the
    check. Returns it, and what became of a damaged one, in words. `memory` is as for `Database.open`. `rebuild`: rename
    a damaged store and create a new one; otherwise damage is an error. Raises StoreUnusable if it cannot be opened, or
    belongs to another gateway."""
    database, news = _opened(path, memory=memory, rebuild=rebuild)
    try:
        _bind(database, profile)
    except STORE_FAULTS as error:
        is_empty = False
        with suppress(*STORE_FAULTS):
            is_empty = path is not None and isinstance(error, OtherGateway) and has_nothing(database)
        database.close()
        if path is not None and rebuild and (is_damage(error) or is_unknown_part(error)):
            damage_mark(path).touch(mode=0o600)
            return open_database(path, memory=memory, rebuild=not news, profile=profile)
        if not is_empty:
            raise StoreUnusable(str(error)) from error
    else:
        return database, news
    # A wrong address or key was corrected before anything came. A program that has it open notices that it is gone.
    for ending in ("", "-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    return open_database(path, memory=memory, rebuild=rebuild, profile=profile)


def _bind(database: Database, profile: Profile | None) -> None:
    if profile is not None:
        # Without a key nothing has come from any gateway yet: the address is recorded once there is one.
        bind(database, Gateway.of(profile), note=bool(profile.gateway_keys()))


def _opened(path: Path | None, *, memory: bool, rebuild: bool) -> tuple[Database, OneLine]:
    try:
        try:
            return Database.open(path, memory=memory), OneLine("")
        except CorruptStore as error:
            if not rebuild:
                raise
            from mm_tui.store.recovery import rebuild as rebuilt

            database, rescue = rebuilt(error, memory=memory, now=SystemClock().now())
            return database, OneLine(rescue.words() if rescue is not None else "")
    except StoreError as error:
        raise StoreUnusable(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        what = f"{getattr(error, 'filename', None) or path}: {system_words(error)}"
        cure = "Check the space on the disk and the file's mode."
        raise StoreUnusable(f"the store cannot be opened: {what}", cure) from error


@contextmanager
def opened_to_read(path: Path) -> Iterator[Database]:
    """Opens a private, temporary copy of a store. Even to read, SQLite writes beside the file, and opening migrates the
    schema; so a copy is used. It includes the write-ahead log. Raises CorruptStore or NewerStore, which name the store,
    not the copy; OSError if it cannot be read, or there is no room for the copy."""
    with tempfile.TemporaryDirectory(prefix="mm-tui-") as folder:
        copy = Path(folder) / "store.sqlite3"
        try:
            _snapshot(path, copy)
        except sqlite3.Error:
            _copy(path, copy)
        try:
            database = Database.open(copy)
        except NewerStore as error:
            raise NewerStore(path, error.found) from error
        except CorruptStore as error:
            raise CorruptStore(path, error.why) from error
        with database:
            yield database


def _snapshot(path: Path, copy: Path) -> None:
    """Copies with SQLite's own backup, which is consistent while others write. If nobody uses the store, closing it
    would write, so its files are copied instead."""
    if not Path(f"{path}-shm").exists() or not all(os.access(place, os.W_OK) for place in (path, path.parent)):
        raise sqlite3.OperationalError("nobody writes in it")
    with (
        closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


def _copy(path: Path, copy: Path) -> None:
    """Copies the files with the write-ahead log, in a place where nobody can write."""
    shutil.copyfile(path, copy)
    with suppress(FileNotFoundError):
        shutil.copyfile(f"{path}-wal", f"{copy}-wal")
        Path(f"{copy}-wal").chmod(0o600)
