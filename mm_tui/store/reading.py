"""Reads a store without changing anything, even in a read-only place."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from mm_tui.store.database import Database


@contextmanager
def opened_to_read(path: Path) -> Iterator[Database]:
    """Opens a private, temporary copy of a store.

    Even to read, SQLite writes beside the file, and opening migrates the schema; so a copy is used. It includes the
    write-ahead log.

    Raises:
        CorruptStore: it is damaged.
        OSError: it cannot be read, or there is no room for the copy.
    """
    with tempfile.TemporaryDirectory(prefix="mm-tui-") as folder:
        copy = Path(folder) / "store.sqlite3"
        try:
            _snapshot(path, copy)
        except sqlite3.Error:
            _copy(path, copy)
        with Database.open(copy) as database:
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
