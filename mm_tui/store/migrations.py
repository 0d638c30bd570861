"""The store's schema as an ordered list of scripts. `PRAGMA user_version` counts how many have run.

A script that has been released is never edited; a change is a new `Migration` at the end.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from mm_tui.store.claims import CLAIMS_SQL
from mm_tui.store.edits import EDITS_SQL
from mm_tui.store.journal import JOURNAL_SQL
from mm_tui.store.releases import RELEASES_SQL

MAIL_SQL = """
CREATE TABLE mailboxes (
    mailbox_id TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    oversight_mode TEXT NOT NULL,
    model TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE threads (
    thread INTEGER PRIMARY KEY,
    mailbox_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    newest INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0,
    UNIQUE (mailbox_id, thread_id)
);
CREATE INDEX threads_by_newest ON threads (newest, mailbox_id) WHERE size > 0;

CREATE TABLE mail (
    key INTEGER PRIMARY KEY,
    email_id TEXT NOT NULL UNIQUE,
    mailbox_id TEXT NOT NULL,
    thread INTEGER NOT NULL,
    sender TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    recipients TEXT NOT NULL,
    subject TEXT NOT NULL,
    hidden INTEGER NOT NULL,
    direction TEXT NOT NULL,
    status TEXT NOT NULL,
    received_at INTEGER,
    has_attachments INTEGER NOT NULL,
    label TEXT NOT NULL DEFAULT '',
    urgency TEXT NOT NULL DEFAULT '',
    summary TEXT NOT NULL DEFAULT '',
    rest TEXT
);
CREATE INDEX mail_list ON mail (key, mailbox_id, status, direction, label, has_attachments, thread);
CREATE INDEX mail_by_thread ON mail (thread, key);
CREATE INDEX mail_by_status ON mail (status, mailbox_id);

CREATE TABLE details (
    key INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    model TEXT NOT NULL,
    fetched_at INTEGER NOT NULL
);

CREATE VIRTUAL TABLE mail_words USING fts5 (
    subject, sender, recipients, body, summary,
    content='', tokenize="unicode61 remove_diacritics 2"
);

CREATE TABLE pending (
    email_id TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    listed TEXT NOT NULL,
    model TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE audit (
    key INTEGER PRIMARY KEY,
    entry_id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    resource_id TEXT NOT NULL,
    model TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (created_at, entry_id);
CREATE INDEX audit_by_resource ON audit (resource_id, created_at);

CREATE TABLE assist_results (
    task TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    model TEXT NOT NULL,
    prompt_version TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    result TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (task, subject_id, model, prompt_version, content_hash)
) WITHOUT ROWID;

CREATE TABLE state (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
"""
"""Everything that can be fetched again or is bought per mail. In memory mode these tables never touch the disk."""

SPEND_SQL = """
CREATE TABLE spend (
    day TEXT NOT NULL,
    model TEXT NOT NULL,
    tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    micro_usd INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (day, model)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Migration:
    """One step of the schema.

    `mail` holds what memory mode keeps off the disk; `kept` is always on disk and is rescued from a damaged store.
    """

    mail: str = ""
    kept: str = ""


MIGRATIONS: tuple[Migration, ...] = (
    Migration(mail=MAIL_SQL, kept=SPEND_SQL + JOURNAL_SQL + EDITS_SQL + RELEASES_SQL + CLAIMS_SQL),
)

KEPT_TABLES: tuple[str, ...] = ("spend", "journal", "edits", "releases", "claims")
"""The tables that `kept` scripts make, in the order in which a rescue copies them."""


def mail_tables() -> list[str]:
    """The tables that `mail` scripts make."""
    return [name for migration in MIGRATIONS for name in re.findall(r"CREATE (?:VIRTUAL )?TABLE (\w+)", migration.mail)]


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


def version(connection: sqlite3.Connection) -> int:
    """How many migrations this database has run."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, *, mail: bool = True, kept: bool = True) -> int:
    """Brings a database to the newest schema in one transaction. Two processes may call it at once.

    Args:
        connection: in autocommit mode, outside a transaction.
        mail: run the `mail` scripts.
        kept: run the `kept` scripts.

    Returns:
        The version that it had.
    """
    before = version(connection)
    if before >= len(MIGRATIONS):
        return before
    connection.execute("BEGIN IMMEDIATE")
    try:
        before = version(connection)
        for migration in MIGRATIONS[before:]:
            for wanted, script in ((mail, migration.mail), (kept, migration.kept)):
                if wanted:
                    for statement in statements(script):
                        connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return before
