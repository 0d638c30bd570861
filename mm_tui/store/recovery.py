"""Replaces a damaged store by a new one with what could be rescued. The damaged file is renamed, never deleted.

Mail is fetched again from the gateway. The journal, unsent edits, decisions in progress and spend exist nowhere else,
so they are read from the damaged file row by row, as far as possible.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from mm_tui.store.connecting import CorruptStore, damage_mark
from mm_tui.store.contents import SqlColumn, columns_of
from mm_tui.store.database import Database
from mm_tui.store.decisions.locks import Process, token_of
from mm_tui.store.migrations import KEPT_TABLES, kept_tables_after, migrate, version
from mm_tui.store.seal import is_passing

_BESIDE = ("-wal", "-shm")
_HEADER_BYTES = 100
_LEFT = re.compile(r"(\.\w+\.(\d+)\.(\d*)\.(damaged-[\d-]+)\.new)(?:\.old|\.reading)?(?:-\w+)?")
"""The names of the files that a rebuild makes: the new store's, and in it the program that makes it, when that began,
and what is added to the old store's name."""
MOST_COPIES = 5
"""How often a damaged file is copied again because another program has written to it."""
_DAMAGE = (sqlite3.DatabaseError, UnicodeError)
"""What reading a damaged file raises; the second if SQLite's own message quotes damaged bytes."""


class Rescue(msgspec.Struct, frozen=True):
    """The result of rescuing a damaged store."""

    aside: Path
    """Where the damaged file is now."""
    why: str
    rows: dict[str, int] = msgspec.field(default_factory=dict)
    """Rows rescued, by table."""
    unread: tuple[str, ...] = ()
    """Tables that could not be read completely, or are missing although the store had them."""

    def words(self) -> str:
        """What happened, in sentences for the user."""
        saved = ", ".join(f"{count} of {table}" for table, count in self.rows.items() if count) or "nothing"
        lost = f"; not all could be read of {', '.join(self.unread)}" if self.unread else ""
        return (
            f"The store was damaged ({self.why}) and is now {self.aside}. A new one was made; rescued: {saved}{lost}. "
            "Mail is fetched again from the gateway."
        )


def rebuild(found: CorruptStore, *, memory: bool = False, now: datetime) -> tuple[Database, Rescue | None]:
    """Sets a damaged store aside and puts a new one in its place, in one step: whatever ends the program before it, or
    fails, the next start finds the damaged store, with its log. `found`: the error raised by `Database.open`. `now`:
    for the name of the file that is set aside. Returns None in place of the result if another program has done it
    meanwhile. Raises OSError or sqlite3.OperationalError if a file cannot be created, read or renamed."""
    path = found.path
    _settle_left(path)
    mark, started = _free_mark(path, now), token_of(os.getpid()).rpartition(":")[2]
    new = path.with_name(f"{_beginning(path)}{os.getpid()}.{started}.{mark}.new")
    aside = _aside(path, mark)
    try:
        for _ in range(MOST_COPIES):
            with suppress(CorruptStore):
                return Database.open(path, memory=memory), None
            before = _state(path)
            rows, unread = _copy_kept(path, new)
            # Another program that has it open may have written to it.
            if before == _state(path):
                break
        _exchange(path, new)
    finally:
        _settle(path, new, aside)
    damage_mark(path).unlink(missing_ok=True)
    return Database.open(path, memory=memory), Rescue(aside, found.why, rows, unread)


def _state(path: Path) -> list[tuple[int, int, int]]:
    """What changes when another program writes to a store, or has rebuilt it."""
    found = []
    for ending in ("", "-wal"):
        with suppress(FileNotFoundError):
            stat = Path(f"{path}{ending}").stat()
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return found


def _free_mark(path: Path, now: datetime) -> str:
    """What is added to the name of a store that is set aside now."""
    stamp = now.astimezone().strftime("%Y%m%d-%H%M%S")
    marks = (f"damaged-{stamp}{number}" for number in ("", *(f"-{number}" for number in range(2, 1000))))
    return next(mark for mark in marks if not _aside(path, mark).exists())


def _aside(path: Path, mark: str) -> Path:
    return path.with_name(f"{path.stem}.{mark}{path.suffix}")


def _beginning(path: Path) -> str:
    """How the names begin of the files that a rebuild of this store makes. Its own name may be too long for more."""
    return f".{sha256(os.fsencode(path.name)).hexdigest()[:12]}."


def _exchange(path: Path, new: Path) -> None:
    """Puts the new store in the place of the old one, whose files then wait for `_settle` under the new one's name."""
    # Without its log the old store may look whole. The mark makes the next start come here.
    damage_mark(path).touch(mode=0o600)
    old = Path(f"{new}.old")
    try:
        old.hardlink_to(path)
    except OSError:
        # There are no links on some file systems.
        shutil.copyfile(path, old)
        old.chmod(0o600)
    for ending in _BESIDE:
        # The new file must not be read with the log of the old one.
        with suppress(FileNotFoundError):
            Path(f"{path}{ending}").rename(f"{old}{ending}")
    new.replace(path)


def _settle(path: Path, new: Path, aside: Path) -> None:
    """Ends an exchange, wherever it stopped: the old store is set aside if the new one is in its place, and otherwise
    gets its log back."""
    for ending in _BESIDE if new.exists() else (*_BESIDE, ""):
        with suppress(FileNotFoundError):
            Path(f"{new}.old{ending}").rename(f"{path if new.exists() else aside}{ending}")
    _delete(new)


def _settle_left(path: Path) -> None:
    """Ends what programs that were killed while they rebuilt a store have left unfinished."""
    boot, colon, _ = token_of(os.getpid()).rpartition(":")
    for one in list(path.parent.glob(f"{_beginning(path)}*")):
        if left := _LEFT.fullmatch(one.name):
            new, pid, started, mark = left.groups()
            if not Process(int(pid), f"{boot}{colon}{started}").is_alive():
                _settle(path, path.with_name(new), _aside(path, mark))


def _delete(path: Path) -> None:
    # What belongs to a file goes before it: `_settle` asks whether it is there.
    for one in sorted(path.parent.glob(f"{glob.escape(path.name)}*"), reverse=True):
        one.unlink(missing_ok=True)


def _copy_kept(path: Path, new: Path) -> tuple[dict[str, int], tuple[str, ...]]:
    """Creates a new store with the rows of `KEPT_TABLES`, from a copy of the damaged file, which is left unchanged."""
    copy = new.with_name(f"{new.name}.reading")
    _delete(new)
    try:
        for ending in ("", *_BESIDE):
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{ending}", f"{copy}{ending}")
                Path(f"{copy}{ending}").chmod(0o600)
        with Database.open(new) as database, database.write(durable=True) as target:
            with _despite_damage():
                _mend_descriptions(copy)
            with _despite_damage(), closing(_reading(copy)) as source:
                return _copy_tables(source, target)
            _mend_header(copy)
            with _despite_damage(), closing(_reading(copy)) as source:
                return _copy_tables(source, target)
        return {}, KEPT_TABLES
    finally:
        _delete(copy)


@contextmanager
def _despite_damage() -> Iterator[None]:
    """Goes on after what reading a damaged file raises, but not if the disk is full."""
    try:
        yield
    except _DAMAGE as error:
        if is_passing(error):
            raise


def _reading(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(path))}", uri=True, isolation_level=None)
    connection.text_factory = _text
    try:
        # What is wrong with one table's description does not hide the other tables.
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except _DAMAGE:
        connection.close()
        raise
    return connection


def _text(raw: bytes) -> str | bytes:
    """A text; damaged ones stay bytes until `_mended`."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _mend_header(path: Path) -> None:
    """Restores the header of a file whose first bytes were overwritten, so that SQLite can read it."""
    pages = path.stat().st_size // 4096
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.execute("CREATE TABLE one (x)")
        header = bytearray(fresh.serialize()[:_HEADER_BYTES])
    header[18:20] = b"\x02\x02"  # written with a write-ahead log
    header[28:32] = pages.to_bytes(4, "big")
    header[24:28] = header[92:96]
    with path.open("r+b") as file:
        file.write(header)


def _mend_descriptions(path: Path) -> None:
    """Rewrites the names of the kept tables and of their columns. The rows are the same in every version: columns
    were only added, at the end, with a value for those without them."""
    with closing(sqlite3.connect(":memory:")) as fresh:
        migrate(fresh)
        made = dict(fresh.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    with closing(_reading(path)) as source:
        for table in KEPT_TABLES:
            source.execute(
                "UPDATE sqlite_master SET type = 'table', name = ?1, tbl_name = ?1, sql = ?2"
                " WHERE name = ?1 OR sql LIKE 'CREATE TABLE ' || ?1 || ' (%'",
                (table, made[table]),
            )


def _copy_tables(source: sqlite3.Connection, target: sqlite3.Connection) -> tuple[dict[str, int], tuple[str, ...]]:
    rows: dict[str, int] = {}
    unread: list[str] = []
    later = _later_tables(source)
    for table in KEPT_TABLES:
        columns = _columns(source, target, table)
        made = {column.name: column for column in columns_of(target, table)}
        if not columns and table in later:
            continue
        found, whole = _readable(source, table, columns) if columns else ([], False)
        saved = 0
        if found:
            marks = ",".join("?" * len(columns))
            before = target.total_changes
            mended = [tuple(map(_mended, map(made.__getitem__, columns), row)) for row in found]
            if mended != found:
                whole = False
                if table == "releases":
                    # Which call is in doubt may be what was lost: without its state nothing can be decided.
                    at = columns.index("state")
                    pairs = zip(mended, found, strict=True)
                    mended = [new if new == old else (*new[:at], "", *new[at + 1 :]) for new, old in pairs]
            target.executemany(f"INSERT OR IGNORE INTO {table} ({','.join(columns)}) VALUES ({marks})", mended)
            rows[table] = saved = target.total_changes - before
        if not whole or saved < len(set(found)):
            unread.append(table)
    return rows, tuple(unread)


def _mended(column: SqlColumn, value: object) -> object:
    """A value that the column can hold. An unfinished decision whose end is not known stays unfinished."""
    if column.holds(value):
        return value
    if column.kind is str:
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    return 0


def _later_tables(source: sqlite3.Connection) -> list[str]:
    """The tables that the store never had, because it is of an earlier version; none if its version is not known."""
    try:
        made = version(source)
    except sqlite3.DatabaseError:
        return []
    return kept_tables_after(made) if made > 0 else []


def _columns(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> list[str]:
    """The columns to copy: those that the old store has, or all if it cannot say; none if it has no such table."""
    columns = [str(row[1]) for row in target.execute(f"PRAGMA table_info({table})")]
    try:
        there = {row[1] for row in source.execute(f"PRAGMA table_info({table})")}
    except _DAMAGE:
        return columns
    return [column for column in columns if column in there]


def _readable(source: sqlite3.Connection, table: str, columns: list[str]) -> tuple[list[tuple[Any, ...]], bool]:
    """The readable rows, from the beginning and, after a bad page, from the end; and whether these are all."""
    found: list[tuple[Any, ...]] = []
    key = columns[0]
    for direction in ("ASC", "DESC"):
        try:
            for row in source.execute(f"SELECT {','.join(columns)} FROM {table} ORDER BY {key} {direction}"):
                found.append(row)
        except _DAMAGE:
            continue
        return found, direction == "ASC"
    return found, False
