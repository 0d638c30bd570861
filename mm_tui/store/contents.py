"""Whether what is in a store can be read, although its file is whole. Reads everything: for use after a failure."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from mm_tui import typed_json
from mm_tui.store.connecting import CorruptStore, faults, is_damage
from mm_tui.store.damaged import UNREADABLE
from mm_tui.store.database import Database
from mm_tui.store.migrations import KEPT_TABLES, mail_tables
from mm_tui.store.seal import is_garbled

KINDS: dict[str, type] = {"INTEGER": int, "TEXT": str}


class SqlColumn(NamedTuple):
    """A column as it was made."""

    name: str
    kind: type
    may_be_empty: bool

    def holds(self, value: object) -> bool:
        """Whether the value can have been written to the column."""
        return self.may_be_empty if value is None else isinstance(value, self.kind)


def columns_of(connection: sqlite3.Connection, table: str) -> list[SqlColumn]:
    rows = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return [SqlColumn(name, KINDS[kind], not (notnull or key)) for _, name, kind, notnull, _, key in rows]


def unreadable(database: Database, *, models: bool = True) -> str:
    """The first table with a row that cannot be read, or an index that differs from its table, in words; empty if there
    is none. Of the kept tables only the kind of the values is checked: a new store would get the same rows again.
    Without `models` what can be fetched again is left out: damage to it costs only the record."""
    try:
        return _unreadable(database.reader()) or (next(iter(damaged_records(database)), "") if models else "")
    except UnicodeError:
        # SQLite's own message quotes a damaged name.
        return "what is in it cannot be read"
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return str(error)


def _unreadable(reader: sqlite3.Connection) -> str:
    if found := faults(reader, "integrity_check"):
        return found[0]
    others = "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'agent_*'"
    return next(_of_wrong_kinds(reader, [*KEPT_TABLES, *(row[0] for row in reader.execute(others).fetchall())]), "")


def _of_wrong_kinds(reader: sqlite3.Connection, tables: Iterable[str]) -> Iterator[str]:
    """The tables with a value that cannot have been written to its column, in words."""
    for table in tables:
        columns = columns_of(reader, table)
        try:
            rows = reader.execute(f"SELECT * FROM {table}")
            is_whole = all(column.holds(row[column.name]) for row in rows for column in columns)
        except sqlite3.OperationalError as error:
            if not is_garbled(error):
                raise
            is_whole = False
        if not is_whole:
            yield f"a row of {table} cannot be read"


def damaged_records(database: Database) -> Iterator[str]:
    """The rows of what can be fetched again that cannot be read, in words."""
    yield from _of_wrong_kinds(database.reader(), (name for name in mail_tables() if name != "mail_words"))
    for table, rows, read in _models():
        for row in database.rows(rows):
            try:
                read(row)
            except UNREADABLE:
                yield f"a row of {table} cannot be read"


def say_damage(database: Database, error: Exception) -> None:
    """After an unexpected failure: if something in the store cannot be read, marks the store, so that the next start
    rebuilds it. Raises CorruptStore if it was marked."""
    if database.path is None:
        return
    why = error.why if isinstance(error, CorruptStore) else str(error)
    if not is_damage(error) or is_garbled(error):
        why = unreadable(database)
    if why:
        database.mark_damaged()
        raise CorruptStore(database.path, f"{why}. The next start sets the file aside and builds a new one")


def _models() -> Iterator[tuple[str, str, Callable[[sqlite3.Row], Any]]]:
    """The tables that hold models of what the gateway sent, with the rows to read and how."""
    from mm_tui.models import AuditEntry, Mailbox
    from mm_tui.store.mail.columns import detail_of, summary_of
    from mm_tui.store.mail.pending import PendingStore
    from mm_tui.store.mail.rows import ROW_SQL, mail_row

    def waiting(row: sqlite3.Row) -> None:
        if {PendingStore.item_of(text).id for text in row[1:]} != {row[0]}:
            raise ValueError("it is another email")

    mail = "FROM mail JOIN threads ON threads.thread = mail.thread"
    yield "mailboxes", "SELECT model FROM mailboxes", lambda row: typed_json.read(Mailbox, row[0])
    yield "pending", "SELECT email_id, model, listed FROM pending", waiting
    yield "mail", ROW_SQL, mail_row
    yield "mail", f"SELECT mail.*, threads.thread_id {mail}", summary_of
    details = f"SELECT mail.*, threads.thread_id, details.model {mail} JOIN details ON details.key = mail.key"
    yield "details", details, detail_of
    yield "audit", "SELECT model FROM audit", lambda row: typed_json.read(AuditEntry, row[0])
    yield "assist_results", "SELECT result FROM assist_results", lambda row: json.loads(row[0])
