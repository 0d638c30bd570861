"""One SQLite file per profile: opening, connections, transactions. `migrations.py` defines the tables."""

from __future__ import annotations

import itertools
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mm_tui.store.connecting import (
    READING_KIB,
    WRITING_KIB,
    CorruptStore,
    NewerStore,
    connect,
    damage_mark,
    faults,
    file_uri,
    forget_mail,
    is_damage,
    is_unknown_part,
    make_private,
    refuse_other_files,
    write_ahead,
)
from mm_tui.store.damaged import DamagedRecords, fetched
from mm_tui.store.migrations import MIGRATIONS, is_newer, migrate, missing, version
from mm_tui.store.seal import Head, OpenFile, StoreError, StoreMoved, behind, holds, last_entry, moved, write_head

if TYPE_CHECKING:
    from mm_tui.store.loose_texts import LooseTexts

BUSY_MS = 5000
"""How long a writer waits for another process, in milliseconds."""
HURRY_MS = 1000
"""The same for the thread that draws the screens; it waits no longer for other threads either."""

_memory_names = itertools.count(1)


class Database:
    """The store of one profile. Safe to use from many threads and processes at once. Each thread has a connection of
    its own. Writers of this process wait for a lock, writers of other processes for SQLite's own; readers never wait
    (write-ahead log)."""

    def __init__(self, path: Path | None, *, memory: bool) -> None:
        self.path = path
        self.memory = memory
        self._memory_uri = f"file:/mm-tui-{os.getpid()}-{next(_memory_names)}?vfs=memdb" if memory else ""
        self._local = threading.local()
        self._lock = threading.RLock()
        self._connections: list[tuple[sqlite3.Connection, threading.Thread | None]] = []
        self._watching = threading.Lock()
        self._watched: sqlite3.Connection | None = None
        self._stamp = 0
        self._closed = False
        self._file: OpenFile | None = None
        self._moved: StoreMoved | None = None
        self._refused: StoreError | None = None
        self._head = Head()
        self.loose: LooseTexts | None = None
        """Where texts are saved if the file no longer exists."""
        self.damaged = DamagedRecords()
        """The records that could not be read."""

    @classmethod
    def open(cls, path: Path | None, *, memory: bool = False) -> Self:
        """Opens the store, creates it if it is missing, and migrates it to the newest schema. Without a path everything
        is in memory; `memory` keeps mail in memory, and on disk only what the gateway could not send again (journal,
        edits, spend). Raises NewerStore if a newer release wrote it, CorruptStore if it is damaged, OSError if the
        folder or file cannot be created or read."""
        database = cls(path, memory=memory or path is None)
        if path is not None:
            make_private(path)
            if damage_mark(path).exists():
                raise CorruptStore(path, "a check found pages that do not fit together")
        try:
            database._prepare()
        except sqlite3.DatabaseError as error:
            database.close()
            if path is not None and (is_damage(error) or is_unknown_part(error)):
                raise CorruptStore(path, str(error)) from error
            raise
        except UnicodeError as error:
            # SQLite's own message quotes a damaged name.
            database.close()
            if path is not None:
                raise CorruptStore(path, "what is in it cannot be read") from error
            raise
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self) -> None:
        if self.path is not None:
            refuse_other_files(self.path)
            self._file = OpenFile(self.path)
            # It stays open until close(), so that SQLite keeps the write-ahead log.
            file = connect(file_uri(self.path), BUSY_MS)
            self._connections.append((file, None))
            if (found := version(file)) > len(MIGRATIONS):
                if is_newer(file):
                    raise NewerStore(self.path, found)
                raise CorruptStore(self.path, f"it is marked as schema {found}, and is of an earlier one")
            file.execute("SELECT count(*) FROM sqlite_master").fetchone()
            write_ahead(file, BUSY_MS)
            migrate(file)
            if why := missing(file):
                raise CorruptStore(self.path, why)
            if self.memory:
                forget_mail(file)
            self._refused, self._head = behind(self.path, file), last_entry(file)
            self._file.check()
        if self.memory:
            # The memory database lives as long as its first connection.
            keeper = connect(self._memory_uri, BUSY_MS)
            self._connections.append((keeper, None))
            migrate(keeper, kept=self.path is None)

    def reader(self) -> sqlite3.Connection:
        """This thread's connection, for SELECT. Rows are `sqlite3.Row`. Inside `write()` it sees the writes."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._join()
            self._local.connection = connection
        return connection

    def one(self, sql: str, values: Sequence[object] = ()) -> Any:
        """The first row of a query; None if there is none."""
        return self.reader().execute(sql, values).fetchone()

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        """The rows of a query about what can be fetched again: a damaged text makes only its own record unreadable."""
        return fetched(self.reader().cursor(), sql, values)

    def hurry(self) -> None:
        """Makes this thread's writes fail soon instead of waiting for others; for the thread that draws the screens."""
        self._local.hurries = True
        self.reader().execute(f"PRAGMA busy_timeout = {HURRY_MS}")

    def writes_much(self) -> None:
        """Gives this thread's connection a larger cache, in KiB; for a thread that writes much and then ends."""
        self._local.writes_much = True
        self.reader().execute("PRAGMA cache_size = -2000")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lets no other thread of this process write."""
        seconds = HURRY_MS / 1000 if getattr(self._local, "hurries", False) else -1
        if not self._lock.acquire(timeout=seconds):
            raise sqlite3.OperationalError("database is locked")
        try:
            yield
        finally:
            self._lock.release()

    def _join(self) -> sqlite3.Connection:
        connection = self._connected()
        with self._lock:
            self._connections = [(one, owner) for one, owner in self._connections if owner is None or owner.is_alive()]
            self._connections.append((connection, threading.current_thread()))
        return connection

    def _connected(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError("the store is closed")
        self.check_file()
        if self.memory:
            connection = connect(self._memory_uri, BUSY_MS)
            if self.path is not None:
                connection.execute("ATTACH DATABASE ? AS kept", (file_uri(self.path),))
        else:
            connection = connect(file_uri(self.path), BUSY_MS)
        try:
            self.check_file()
        except StoreMoved:
            connection.close()
            raise
        connection.row_factory = sqlite3.Row
        for schema in self._schemas():
            connection.execute(f"PRAGMA {schema}.synchronous = NORMAL")
        return connection

    def _schemas(self) -> tuple[str, ...]:
        return ("main", "kept") if self.memory and self.path is not None else ("main",)

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """A write transaction on this thread's connection: committed at the end, rolled back on any exception. Nested
        calls on one thread join the outer transaction.

        `durable`: the commit is on the disk when this returns (it survives a power cut). Otherwise it survives a crash
        of the program only. Raises sqlite3.OperationalError if another process held the store for longer than
        `BUSY_MS`, or the disk is full; StoreMoved if the file is no longer the one that was opened, or a newer version
        has changed its schema.
        """
        connection = self.reader()
        if connection.in_transaction:
            if durable and not getattr(self._local, "durable", False):
                raise RuntimeError("a durable write cannot join a transaction that is not durable")
            yield connection
            return
        with self._alone():
            self.check_file()
            self._begin(connection, durable)
            try:
                self._cache(connection, WRITING_KIB)
                if version(connection, self._schemas()[-1]) > len(MIGRATIONS):
                    raise self._has_moved(moved("updated by a newer mm-tui", self.path))
                yield connection
                if durable and self._file is not None:
                    # Increments the counter in the file's first page, by which an older copy is recognized
                    # (`seal.OpenFile`).
                    connection.execute(f"PRAGMA {self._schemas()[-1]}.user_version = {len(MIGRATIONS)}")
                connection.execute("COMMIT")
                self._committed()
            except BaseException as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, Exception) and is_damage(error):
                    # Whoever waits for the store to recover must not wait for ever.
                    self.mark_damaged()
                raise
            finally:
                self._local.head = None
                with suppress(sqlite3.Error):
                    self._cache(connection, READING_KIB)
                if durable:
                    self._synchronous(connection, "NORMAL")
                    self._local.durable = False

    def _cache(self, connection: sqlite3.Connection, kib: int) -> None:
        if not getattr(self._local, "writes_much", False):
            connection.execute(f"PRAGMA cache_size = -{kib}")

    def _begin(self, connection: sqlite3.Connection, durable: bool) -> None:
        if durable:
            self._synchronous(connection, "FULL")
        try:
            connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            if durable:
                self._synchronous(connection, "NORMAL")
            raise
        self._local.durable = durable

    # Checks that it is still the store that was opened

    def check_file(self) -> None:
        """Raises StoreMoved if the file is not the one that was opened, or was not at an earlier check."""
        if self._moved is not None:
            raise self._moved
        if self._file is not None:
            try:
                self._file.check()
            except StoreMoved as error:
                raise self._has_moved(error) from None

    def _has_moved(self, error: StoreMoved) -> StoreMoved:
        self._moved = error
        return error

    @property
    def trouble(self) -> StoreError | None:
        """The error that prevents decisions with this store; None if there is none."""
        if self._moved is None:
            with suppress(StoreMoved):
                self.check_file()
        return self._moved or self._refused

    def refuse(self, why: StoreError) -> None:
        """Prevents all further journal entries, so that nothing can be decided with this store."""
        self._refused = why

    def accept(self) -> None:
        """Accepts, at a human's request, a journal that differs from the one seen last."""
        self._refused = None

    def extend(self, connection: sqlite3.Connection) -> Head:
        """The journal's last entry, inside a write transaction that is about to add one. Raises StoreMoved if entries
        that this process wrote or read are no longer in the journal, StoreBehind if the journal differs from the one
        that this machine saw last."""
        if self._refused is not None:
            raise self._refused
        if not holds(connection, self._head):
            raise self._has_moved(moved("given another journal", self.path))
        return last_entry(connection)

    def extended(self, head: Head) -> None:
        """Remembers the entry that was added; it counts once the transaction is committed."""
        self._local.head = head

    def _committed(self) -> None:
        head: Head | None = getattr(self._local, "head", None)
        if head is None:
            return
        # An entry committed to a file that was replaced is not in the journal.
        self.check_file()
        self._head = head
        if self.path is not None:
            write_head(self.path, head)

    def _synchronous(self, connection: sqlite3.Connection, level: str) -> None:
        for schema in self._schemas():
            connection.execute(f"PRAGMA {schema}.synchronous = {level}")

    def stamp(self) -> int:
        """A number that changes whenever any thread or process writes, except `unnoticed`."""
        # It has a connection of its own: SQLite's number leaves out what that connection wrote itself.
        if self._watching.acquire(blocking=False):
            try:
                self._stamp = int(self._watcher().execute("PRAGMA main.data_version").fetchone()[0])
            finally:
                self._stop_watching()
        return self._stamp

    @contextmanager
    def unnoticed(self) -> Iterator[None]:
        """What this thread writes meanwhile leaves `stamp` as it is: it concerns nothing that is shown. Otherwise each
        time of a success would have all lists read again, a quarter of a second for a million emails."""
        self._watching.acquire()
        try:
            local, own = self._local, getattr(self._local, "connection", None)
            local.connection = self._watcher()
            try:
                yield
            finally:
                local.connection = own
        finally:
            self._stop_watching()

    def _stop_watching(self) -> None:
        """Lets another thread watch; closes the connection if the store was closed meanwhile."""
        if self._closed and self._watched is not None:
            self._watched.close()
            self._watched = None
        self._watching.release()

    def _watcher(self) -> sqlite3.Connection:
        if self._watched is None:
            self._watched = self._connected()
        return self._watched

    def check(self) -> list[str]:
        """Checks the whole file and returns SQLite's description of the damage; empty if there is none. Takes about 3
        ms per megabyte. A damaged file is marked, so that the next start rebuilds it."""
        try:
            found = faults(self.reader(), "quick_check")
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            found = [str(error)]
        if found:
            self.mark_damaged()
        return found

    def mark_damaged(self) -> None:
        """Marks the store, so that the next start rebuilds it."""
        if self.path is not None:
            with suppress(OSError):
                damage_mark(self.path).touch(mode=0o600)

    def close(self) -> None:
        """Waits for a write in progress, then closes. Other threads must no longer use the store. Connections of
        running threads are interrupted and closed when their thread ends, and that of `unnoticed` at its end: closing
        one during a call of its own thread is not safe."""
        self._closed = True
        mine = getattr(self._local, "connection", None)
        with self._lock:
            for connection, thread in self._connections:
                with suppress(sqlite3.Error):
                    if connection is mine or thread is None or not thread.is_alive():
                        connection.close()
                    else:
                        connection.interrupt()
            self._connections.clear()
            if self._watching.acquire(blocking=False):
                self._stop_watching()
            elif (watched := self._watched) is not None:
                with suppress(sqlite3.Error):
                    watched.interrupt()
            if self._file is not None:
                self._file.close()
                self._file = None
        self._local = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
