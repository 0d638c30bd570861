"""The tables of the agent's own store."""

from __future__ import annotations

import sqlite3

AGENT_SQL = (
    """
    CREATE TABLE IF NOT EXISTS agent_jobs (
        email_id TEXT PRIMARY KEY,
        mailbox_id TEXT NOT NULL,
        thread_id TEXT NOT NULL DEFAULT '',
        state TEXT NOT NULL DEFAULT 'waiting',
        tries INTEGER NOT NULL DEFAULT 0,
        due_at INTEGER NOT NULL DEFAULT 0,
        why TEXT NOT NULL DEFAULT '',
        draft TEXT,
        submitted_at INTEGER,
        reply_id TEXT
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS agent_jobs_due ON agent_jobs (state, due_at)",
    "CREATE INDEX IF NOT EXISTS agent_jobs_waiting ON agent_jobs (email_id, due_at) WHERE state = 'waiting'",
    "CREATE INDEX IF NOT EXISTS agent_jobs_by_thread ON agent_jobs (thread_id)",
    "CREATE INDEX IF NOT EXISTS agent_jobs_by_reply ON agent_jobs (mailbox_id, submitted_at)"
    " WHERE reply_id IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS agent_jobs_by_draft ON agent_jobs (reply_id) WHERE reply_id IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS agent_rejected (draft_id TEXT PRIMARY KEY, seen_at INTEGER NOT NULL,"
    " look_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS agent_events (hash TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS agent_notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)

ADDED = {
    "answers": "TEXT NOT NULL DEFAULT ''",
    "examples": "INTEGER NOT NULL DEFAULT 0",
    "faults": "INTEGER NOT NULL DEFAULT 0",
    "writes_to": "TEXT NOT NULL DEFAULT ''",
    "put_off_at": "INTEGER NOT NULL DEFAULT 0",
    "held_by": "TEXT NOT NULL DEFAULT ''",
    "held_at": "INTEGER NOT NULL DEFAULT 0",
}
"""Columns that were added to the table since it was first made."""

ON_ADDED = (
    "CREATE INDEX IF NOT EXISTS agent_jobs_by_answered ON agent_jobs (answers) WHERE answers <> ''",
    "CREATE INDEX IF NOT EXISTS agent_jobs_by_time ON agent_jobs (submitted_at) WHERE writes_to <> ''",
)
"""Indexes on such columns."""


def create_tables(connection: sqlite3.Connection) -> None:
    """Creates missing tables, columns and indexes."""
    for statement in AGENT_SQL:
        connection.execute(statement)
    columns = {row[1] for row in connection.execute("PRAGMA table_info(agent_jobs)")}
    for name, kind in ADDED.items():
        if name not in columns:
            connection.execute(f"ALTER TABLE agent_jobs ADD COLUMN {name} {kind}")
    for statement in ON_ADDED:
        connection.execute(statement)
