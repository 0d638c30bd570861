"""Checks that the store is still the one that was opened, and its journal the one that was written (R17).

The file may be deleted or replaced, overwritten in place by an older copy, or replaced by an older copy between two
runs. The first is detected by device and inode, the second by SQLite's change counter in the file and by the journal's
last entry, the third by a small file beside the store that names the journal's last entry.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
from pathlib import Path
from typing import NamedTuple

import msgspec

from mm_tui.system.private_files import replace_private
from mm_tui.text import OneLine, system_words

BEGINNING = "0" * 64
"""Used as the previous hash of a journal's first entry."""
_COUNT_AT, _COUNT_BYTES = 24, 4
"""The offset of the change counter in SQLite's file format."""

log = logging.getLogger("mm_tui.store")


class StoreError(Exception):
    """The store cannot be used. The message says why and what to do."""


STORE_FAULTS = (sqlite3.Error, StoreError, OSError)
"""What a store that cannot be read or written raises."""


def is_of_store(error: BaseException) -> bool:
    """Whether an error that may come from anywhere comes from the store. For an `OSError` this is unknown."""
    return isinstance(error, sqlite3.Error | StoreError)


def is_busy(error: Exception) -> bool:
    """Whether the store could not be written because another program was writing to it."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def is_garbled(error: Exception) -> bool:
    """Whether a text in the store is no UTF-8. The error quotes it, and has no code."""
    return isinstance(error, sqlite3.OperationalError) and str(error).startswith("Could not decode to UTF-8")


def _words(error: Exception) -> str:
    return "a text in it cannot be read" if is_garbled(error) else system_words(error)


def is_passing(error: Exception) -> bool:
    """Whether the same may succeed later: the store was busy, the disk was full, or failed."""
    passing = sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in passing


def fault_of_journal(error: Exception) -> OneLine:
    """Says that one of `STORE_FAULTS` keeps the journal from being written."""
    why = "another program is writing to the store" if is_busy(error) else _words(error)
    return OneLine(f"the journal cannot be written: {why}")


def fault_of_store(error: Exception) -> OneLine:
    """What one of `STORE_FAULTS` means to the reader."""
    if is_busy(error):
        return OneLine("the store on this machine is busy: another program is writing to it")
    return OneLine(
        str(error) if isinstance(error, StoreError) else f"the store on this machine cannot be used: {_words(error)}"
    )


class StoreMoved(StoreError):
    """The file that was opened is gone or was replaced. Nothing may be decided with it."""


class StoreBehind(StoreError):
    """The journal ends earlier than, or differs from, what this machine has seen of it. Nothing may be decided until a
    human accepts that (`mm-tui audit accept`)."""


class Head(NamedTuple):
    """The last entry of a journal."""

    number: int = 0
    hash: str = BEGINNING

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


def head_path(path: Path) -> Path:
    """The file beside a store that names its journal's last entry."""
    return path.with_name(path.name + ".head")


def last_entry(connection: sqlite3.Connection) -> Head:
    """The journal's last entry. Raises sqlite3.OperationalError if the table is not as it was made."""
    row = connection.execute("SELECT number, hash FROM journal ORDER BY number DESC LIMIT 1").fetchone()
    if row is not None and not isinstance(row[0], int):
        raise sqlite3.OperationalError("an entry of the journal has no number")
    return Head(row[0], str(row[1])) if row else Head()


def holds(connection: sqlite3.Connection, head: Head) -> bool:
    """Whether the journal contains this entry."""
    if not head.number:
        return True
    row = connection.execute("SELECT hash FROM journal WHERE number = ?", (head.number,)).fetchone()
    return row is not None and row[0] == head.hash


def read_head(path: Path) -> Head | None:
    """The head noted beside the store; None if there is no readable one."""
    try:
        written = json.loads(head_path(path).read_text("ascii"))
        return Head(int(written["number"]), str(written["hash"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the head beside the store cannot be read: %s", type(error).__name__)
        return None


def write_head(path: Path, head: Head) -> None:
    """Notes the last entry beside the store. The note may lag behind the journal, so a failure is only logged."""
    try:
        replace_private(head_path(path), json.dumps({"number": head.number, "hash": head.hash}), durable=False)
    except OSError as error:
        log.warning("the head beside the store cannot be written: %s", type(error).__name__)


def behind(path: Path, connection: sqlite3.Connection) -> StoreBehind | None:
    """The error if the journal lacks the entry that this machine saw last; None if it has it."""
    seen = read_head(path)
    if seen is None or holds(connection, seen):
        return None
    found = last_entry(connection)
    how = (
        f"ends at entry {found.number}, and entry {seen.number} was written before"
        if found.number < seen.number
        else f"has another entry {seen.number} than the one that was written"
    )
    return StoreBehind(
        f"the store is not the one that was used last: nothing is decided with it. The journal in {path} {how}. Bring "
        "the newer file back, or go on with this one: mm-tui audit accept"
    )


class _Shared(msgspec.Struct):
    descriptor: int
    users: int = 0


class OpenFile:
    """The file of an open store, as it was on opening. If other code in the process opened and closed a file that
    SQLite has open, the system would drop SQLite's locks. So one descriptor per file stays open until the last store on
    it is closed."""

    _shared: dict[tuple[int, int], _Shared] = {}  # noqa: RUF012 - one for the process, under the lock below
    _lock = threading.Lock()

    def __init__(self, path: Path) -> None:
        """Starts watching the file. Raises OSError if the file cannot be read."""
        self._path = path
        self._log = path.with_name(path.name + "-wal")
        self._log_file: tuple[int, int] | None = None
        self._changes = 0
        with self._lock:
            self._file = _identity(path.stat())
            shared = self._shared.get(self._file)
            if shared is None:
                shared = self._shared[self._file] = _Shared(os.open(path, os.O_RDONLY))
            shared.users += 1
            self._descriptor = shared.descriptor

    def check(self) -> None:
        """Checks that it is still the same file. Raises StoreMoved if it is gone, was replaced or was overwritten by an
        older copy, OSError if it cannot be checked."""
        try:
            if _identity(self._path.stat()) != self._file:
                raise moved("replaced by another file", self._path)
        except FileNotFoundError:
            raise moved("deleted or moved", self._path) from None
        self._check_log()
        changes = int.from_bytes(os.pread(self._descriptor, _COUNT_BYTES, _COUNT_AT), "big")
        if changes < self._changes:
            raise moved("written over by an older copy", self._path)
        self._changes = changes

    def _check_log(self) -> None:
        """Checks the write-ahead log, which holds the newest entries while a connection is open."""
        try:
            found = _identity(self._log.stat())
        except FileNotFoundError:
            if self._log_file is not None:
                raise moved("deleted or moved", self._log) from None
            return
        if self._log_file is not None and found != self._log_file:
            raise moved("replaced by another file", self._log)
        self._log_file = found

    def close(self) -> None:
        """Stops watching. Call it once, when no connection of this store is in use."""
        with self._lock:
            shared = self._shared[self._file]
            shared.users -= 1
            if not shared.users:
                del self._shared[self._file]
                os.close(shared.descriptor)


def moved(how: str, path: Path | None) -> StoreMoved:
    """The message and cure for a store that is gone."""
    return StoreMoved(
        f"the store was {how} while the program ran: nothing is decided and saved in it any more. Bring {path} back, "
        "or leave it as it is now, and start mm-tui again"
    )


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
