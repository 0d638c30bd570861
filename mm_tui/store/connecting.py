"""The file of a store before it is used: what it must be like, and connections to it."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from mm_tui.store.migrations import MIGRATIONS, mail_tables
from mm_tui.store.seal import StoreError, is_busy, is_garbled

_MAGIC = b"SQLite format 3\0"
READING_KIB = 64
"""The page cache of a connection, each thread having one. The system caches the file for all of them: with 200 KiB
nothing is read faster, and the app takes 0.9 MB more."""
WRITING_KIB = 200
"""The same inside a write transaction, which would otherwise write pages several times: half as fast."""

MOST_FAULTS, EVERY_FAULT = 10, 2**31 - 1
"""How many faults of a file are named, and the most that SQLite can be asked for."""


class NewerStore(StoreError):
    """The store was written by a newer version of this program. It is left unchanged."""

    def __init__(self, path: Path, found: int) -> None:
        super().__init__(
            f"{path} was written by a newer mm-tui (schema {found}; this one knows up to {len(MIGRATIONS)}). "
            "Update mm-tui, or name another profile. The file was not touched."
        )
        self.found = found


class CorruptStore(StoreError):
    """The store is damaged. `recovery.rebuild` sets it aside and makes a new one."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} is damaged: {why}")
        self.path = path
        self.why = why


def damage_mark(path: Path) -> Path:
    """The file whose presence says that a check found the store damaged."""
    return path.with_name(path.name + ".damaged")


def is_damage(error: Exception) -> bool:
    """Whether an error says that the file, or a text in it, is damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return (
        code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or isinstance(error, CorruptStore) or is_garbled(error)
    )


def is_unknown_part(error: Exception) -> bool:
    """Whether SQLite did not understand a statement of ours, or a text: a table or column is not as it was made."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return isinstance(error, sqlite3.OperationalError) and code == sqlite3.SQLITE_ERROR


def faults(connection: sqlite3.Connection, pragma: str) -> list[str]:
    """What a check of the whole file by SQLite (`quick_check`, `integrity_check`) finds first, in its words. A value
    that is missing in a record that can be fetched again is no fault of the file."""
    missing = tuple(f"NULL value in {table}." for table in mail_tables())
    # Many such values must not hide what comes after them.
    for most in (MOST_FAULTS, EVERY_FAULT):
        rows = connection.execute(f"PRAGMA {pragma}({most})").fetchall()
        found = [str(row[0]) for row in rows if row[0] != "ok" and not str(row[0]).startswith(missing)]
        if found or len(rows) < most:
            break
    return found[:MOST_FAULTS]


def file_uri(path: Path | None) -> str:
    """A store's file as SQLite takes it."""
    # The VFS is named because a file attached to a memory database would otherwise use that database's. The file is
    # never created here: a store deleted while the program runs must not come back empty.
    return f"file:{quote(str(path))}?vfs=unix&mode=rw"


def connect(uri: str, busy_ms: int) -> sqlite3.Connection:
    """Opens a connection, which waits for other writers for `busy_ms` milliseconds."""
    # Autocommit: transactions are begun by hand. Connections are closed from another thread by close() alone.
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=busy_ms / 1000, cached_statements=64
    )
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA cache_size = -{READING_KIB}")
    return connection


def write_ahead(connection: sqlite3.Connection, busy_ms: int) -> None:
    """Switches the file to a write-ahead log. It waits itself: of two programs that make the same new store at once,
    SQLite refuses one at once, because each keeps the other from going on."""
    ends_at = time.monotonic() + busy_ms / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= ends_at:
                raise
        time.sleep(0.01)


def refuse_other_files(path: Path) -> None:
    """Raises for a file that is no database: SQLite would overwrite one with a zeroed header."""
    with path.open("rb") as file:
        start = file.read(len(_MAGIC))
    if start and start != _MAGIC:
        raise CorruptStore(path, "it does not begin as a store does")


def is_store(path: Path) -> bool:
    """Whether a file has the tables of a store. True also for one that cannot be read now."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'").fetchone() is not None
    except sqlite3.Error as error:
        return error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_NOTADB


def delete_mail(connection: sqlite3.Connection) -> None:
    """Deletes everything that can be fetched again, inside the caller's transaction."""
    connection.execute("INSERT INTO mail_words (mail_words) VALUES ('delete-all')")
    for name in mail_tables():
        if name != "mail_words":
            connection.execute(f"DELETE FROM {name}")


def forget_mail(connection: sqlite3.Connection) -> None:
    """Deletes mail from the disk that was stored before memory mode was switched on."""
    kept = [name for name in mail_tables() if name != "mail_words"]
    if not any(connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() for name in kept):
        return
    connection.execute("BEGIN IMMEDIATE")
    delete_mail(connection)
    connection.execute("COMMIT")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def make_private(path: Path) -> None:
    """Creates the folder (0700) and file (0600) before SQLite does, and corrects the mode of a file that others can
    read. SQLite's log files get the mode of the file."""
    if not path.parent.exists():
        path.parent.mkdir(parents=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
