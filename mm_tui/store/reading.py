"""Reading a store without changing anything, also where nothing can be written."""

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
    """A private copy of a store, for as long as it is read.

    SQLite writes beside a file even to read it, and brings an old one to the newest schema: so a copy is read. It
    holds what the write-ahead log holds too.

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
    """Copies as SQLite does, whole although others write meanwhile. Of a store that nobody uses, closing it would
    write: such a one is copied as it lies there."""
    if not Path(f"{path}-shm").exists() or not all(os.access(place, os.W_OK) for place in (path, path.parent)):
        raise sqlite3.OperationalError("nobody writes in it")
    with (
        closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


def _copy(path: Path, copy: Path) -> None:
    """Copies the files, with what the write-ahead log holds. Nobody writes, for nobody can."""
    shutil.copyfile(path, copy)
    with suppress(FileNotFoundError):
        shutil.copyfile(f"{path}-wal", f"{copy}-wal")
        Path(f"{copy}-wal").chmod(0o600)
