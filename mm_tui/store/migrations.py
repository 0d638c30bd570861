"""The store's schema as an ordered list of scripts. `PRAGMA user_version` counts how many have run. A script that has
been released is never edited; a change is a new `Migration` at the end, which makes a table, a column or an index of a
new name, so that a newer store is not taken for one whose version is damaged."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from mm_tui.store.schema import (
    BELONGS_SQL,
    CHIPS_SQL,
    CLAIMS_SQL,
    EDITS_SQL,
    JOURNAL_SQL,
    LEASES_SQL,
    MAIL_SQL,
    RELEASES_SQL,
    REMEMBERED_SQL,
    SPEND_SQL,
    STATUS_SQL,
    THREADS_SQL,
    WORDS_SQL,
)


class Migration(NamedTuple):
    """One step of the schema. `mail` has the tables that memory mode keeps off the disk; `kept` those that are always
    on disk and are rescued from a damaged store. `empty` runs after `mail` only if no mail is stored yet, for changes
    that would take too long otherwise; everything works without them."""

    mail: str = ""
    empty: str = ""
    kept: str = ""


MIGRATIONS: tuple[Migration, ...] = (
    Migration(mail=MAIL_SQL, kept=SPEND_SQL + JOURNAL_SQL + EDITS_SQL + RELEASES_SQL + CLAIMS_SQL),
    Migration(kept=BELONGS_SQL + LEASES_SQL),
    Migration(mail=THREADS_SQL),
    Migration(mail=CHIPS_SQL),
    Migration(mail=STATUS_SQL, empty=WORDS_SQL),
    Migration(kept=REMEMBERED_SQL),
)

_NOT_MADE_HERE = ("sqlite_", "mail_words_", "agent_")
"""How the names begin of what a store has besides: SQLite's own, those that the index of words makes, the agent's."""

KEPT_TABLES: tuple[str, ...] = ("spend", "journal", "edits", "releases", "claims", "belongs", "remembered")
"""The tables of the `kept` scripts, in the order in which a rescue copies them."""


def kept_tables_after(version: int) -> list[str]:
    """The `kept` tables that a store of this version does not have yet."""
    scripts = (migration.kept for migration in MIGRATIONS[version:])
    return [name for script in scripts for name in re.findall(r"CREATE TABLE (\w+)", script)]


def mail_tables() -> list[str]:
    return [name for migration in MIGRATIONS for name in re.findall(r"CREATE (?:VIRTUAL )?TABLE (\w+)", migration.mail)]


def _parts(script: str) -> Iterator[tuple[str, str]]:
    """What a script makes: tables and indexes by name, and columns as a pair with their table."""
    for name in re.findall(r"CREATE (?:VIRTUAL )?(?:TABLE|INDEX) (\w+)", script):
        yield name, ""
    for table, columns in re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", script, re.DOTALL):
        yield from ((table, column) for column in re.findall(r"^ +([a-z]\w*) ", columns, re.MULTILINE))
    yield from re.findall(r"ALTER TABLE (\w+) ADD COLUMN (\w+)", script)


def _there(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """The tables, indexes and columns that a store on disk has, as `_parts` gives them."""
    tables = "FROM sqlite_master AS made, pragma_table_info(made.name) AS part WHERE made.type = 'table'"
    return {
        *connection.execute("SELECT name, '' FROM sqlite_master WHERE type IN ('table', 'index')"),
        *connection.execute(f"SELECT made.name, part.name {tables} AND made.sql LIKE 'CREATE TABLE%'"),
    }


def missing(connection: sqlite3.Connection) -> str:
    """The first part of the newest schema that a store on disk lacks, in words; empty if it has them all."""
    there = _there(connection)
    for migration in MIGRATIONS:
        for part in _parts(migration.mail + migration.kept):
            if part not in there:
                name, column = part
                return f"it has no {name}" if not column else f"its table {name} has no {column}"
    return ""


def is_newer(connection: sqlite3.Connection) -> bool:
    """Whether a store on disk, whose version is higher than this program's, has more in it than the newest schema here.
    Without that its version is damaged: each new `Migration` makes a part that was not there before."""
    made = {part for migration in MIGRATIONS for part in _parts(migration.mail + migration.kept)}
    try:
        more = {name for name, _ in _there(connection) - made}
    except sqlite3.Error:
        # It may use what this version of SQLite does not know.
        return True
    return any(not name.startswith(_NOT_MADE_HERE) for name in more)


def statements(script: str) -> Iterator[str]:
    """The script's statements one by one, so that all can run inside one transaction (`executescript` commits)."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        raise ValueError(f"script ends inside a statement: {pending.strip()[:60]}")


def version(connection: sqlite3.Connection, schema: str = "main") -> int:
    """How many migrations this database has run."""
    return int(connection.execute(f"PRAGMA {schema}.user_version").fetchone()[0])


def _run(connection: sqlite3.Connection, script: str) -> None:
    for statement in statements(script):
        connection.execute(statement)


def migrate(connection: sqlite3.Connection, *, kept: bool = True) -> int:
    """Migrates a database, in autocommit mode and outside a transaction, to the newest schema in one transaction. Two
    processes may call it at once. `kept`: run the `kept` scripts too. Returns the version before."""
    before = version(connection)
    if before >= len(MIGRATIONS):
        return before
    connection.execute("BEGIN IMMEDIATE")
    try:
        before = version(connection)
        for migration in MIGRATIONS[before:]:
            _run(connection, migration.mail)
            if kept:
                _run(connection, migration.kept)
            if migration.empty and not connection.execute("SELECT 1 FROM mail LIMIT 1").fetchone():
                _run(connection, migration.empty)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return before
