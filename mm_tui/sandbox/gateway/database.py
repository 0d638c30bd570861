"""The sandbox's state in one SQLite file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

FILE_NAME = "sandbox.sqlite3"
SCHEMA_VERSION = 3

SCHEMA = """
CREATE TABLE facts(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE api_keys(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, secret TEXT NOT NULL UNIQUE, scopes TEXT NOT NULL,
  created_at INTEGER NOT NULL, revoked_at INTEGER);
CREATE TABLE mailboxes(
  id TEXT PRIMARY KEY, address TEXT NOT NULL UNIQUE COLLATE NOCASE, display_name TEXT, oversight_mode TEXT NOT NULL,
  auto_cc TEXT, auto_bcc TEXT, forward_inbound INTEGER NOT NULL DEFAULT 0, webhook_url TEXT,
  oversight_webhook_url TEXT, signature_block TEXT, ai_disclosure INTEGER NOT NULL DEFAULT 1,
  default_gate_timing TEXT NOT NULL DEFAULT 'gate_first', scheduling_enabled INTEGER NOT NULL DEFAULT 1,
  mcp_configured INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL, is_active INTEGER NOT NULL DEFAULT 1);
CREATE TABLE emails(
  id TEXT PRIMARY KEY, mailbox_id TEXT NOT NULL REFERENCES mailboxes(id), thread_id TEXT NOT NULL,
  direction TEXT NOT NULL, status TEXT NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL, cc TEXT NOT NULL,
  bcc TEXT NOT NULL, subject TEXT NOT NULL, received_at INTEGER NOT NULL, has_attachments INTEGER NOT NULL DEFAULT 0,
  spam_score REAL, spam_verdict TEXT, delivered_at INTEGER, bounced_at INTEGER, bounce_type TEXT,
  approved_at INTEGER, approved_by TEXT, decided_at INTEGER, message_id TEXT NOT NULL, in_reply_to TEXT NOT NULL,
  reply_to TEXT NOT NULL, refs TEXT NOT NULL, send_at INTEGER, gate_timing TEXT, always_gate INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER) WITHOUT ROWID;
CREATE INDEX emails_by_mailbox ON emails(mailbox_id, id);
CREATE INDEX emails_by_status ON emails(mailbox_id, status, id);
CREATE INDEX emails_by_direction ON emails(mailbox_id, direction, id);
CREATE INDEX emails_by_thread ON emails(mailbox_id, thread_id, id);
CREATE INDEX emails_waiting ON emails(status, id);
CREATE INDEX emails_due ON emails(due_at) WHERE due_at IS NOT NULL;
CREATE TABLE bodies(email_id TEXT PRIMARY KEY, markdown TEXT NOT NULL, headers TEXT NOT NULL);
CREATE TABLE attachments(
  email_id TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, content_type TEXT NOT NULL,
  size INTEGER NOT NULL, sha256 TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY(email_id, position));
CREATE TABLE tags(email_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(email_id, name))
  WITHOUT ROWID;
CREATE TABLE thread_refs(mailbox_id TEXT NOT NULL, message_id TEXT NOT NULL, thread_id TEXT NOT NULL,
  PRIMARY KEY(mailbox_id, message_id, thread_id)) WITHOUT ROWID;
CREATE TABLE idempotency(mailbox_id TEXT NOT NULL, name TEXT NOT NULL, email_id TEXT NOT NULL,
  created_at INTEGER NOT NULL, PRIMARY KEY(mailbox_id, name)) WITHOUT ROWID;
CREATE TABLE replies(mailbox_id TEXT NOT NULL, replied_to TEXT NOT NULL, content TEXT NOT NULL, email_id TEXT NOT NULL,
  created_at INTEGER NOT NULL);
CREATE INDEX replies_by_content ON replies(mailbox_id, replied_to, content);
CREATE TABLE released(
  email_id TEXT PRIMARY KEY, released_at INTEGER NOT NULL, recipients TEXT NOT NULL, cc TEXT NOT NULL,
  bcc TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL, file TEXT NOT NULL);
CREATE TABLE audit(id TEXT PRIMARY KEY, action TEXT NOT NULL, resource_type TEXT NOT NULL, resource_id TEXT NOT NULL,
  actor_key_id TEXT, metadata TEXT, created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE operator_mail(id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL,
  code TEXT, mailbox_id TEXT, created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE codes(id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, target TEXT NOT NULL,
  code TEXT NOT NULL, created_at INTEGER NOT NULL, used_at INTEGER) WITHOUT ROWID;
CREATE TABLE contacts(id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE COLLATE NOCASE, name TEXT, fields TEXT NOT NULL,
  created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE suppressions(address TEXT PRIMARY KEY COLLATE NOCASE, reason TEXT NOT NULL, created_at INTEGER NOT NULL,
  mailbox_id TEXT) WITHOUT ROWID;
CREATE TABLE domains(id TEXT PRIMARY KEY, domain TEXT NOT NULL UNIQUE COLLATE NOCASE, status TEXT NOT NULL,
  created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE allow_list(id TEXT PRIMARY KEY, mailbox_id TEXT, pattern TEXT NOT NULL, added_by TEXT,
  added_at INTEGER NOT NULL, note TEXT) WITHOUT ROWID;
CREATE TABLE webhooks(id TEXT PRIMARY KEY, url TEXT NOT NULL, events TEXT NOT NULL, mailbox_id TEXT,
  signing_secret TEXT NOT NULL, created_at INTEGER NOT NULL, is_active INTEGER NOT NULL DEFAULT 1) WITHOUT ROWID;
CREATE TABLE deliveries(
  id TEXT PRIMARY KEY, webhook_id TEXT NOT NULL, event TEXT NOT NULL, url TEXT NOT NULL, payload BLOB NOT NULL,
  status TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, response_status INTEGER, error TEXT,
  created_at INTEGER NOT NULL, next_attempt_at INTEGER) WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries(next_attempt_at) WHERE next_attempt_at IS NOT NULL;
"""

FROM_2 = """
ALTER TABLE suppressions ADD COLUMN mailbox_id TEXT;
DROP TABLE allow_list;
CREATE TABLE allow_list(id TEXT PRIMARY KEY, mailbox_id TEXT, pattern TEXT NOT NULL, added_by TEXT,
  added_at INTEGER NOT NULL, note TEXT) WITHOUT ROWID;
"""
"""From the previous schema: allowlists are set again by each run."""


class UnusableFolder(Exception):
    """The data folder was written by another version of the sandbox, or another sandbox has it open."""


def open_database(folder: Path) -> sqlite3.Connection:
    """Opens the database in `folder`, creating it if necessary. Raises UnusableFolder if the folder holds a database of
    another schema, or another sandbox has it open."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # One connection, used by one thread at a time: first while the sandbox is filled, then by the server's loop.
    connection = sqlite3.connect(
        folder / FILE_NAME, timeout=1, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.row_factory = sqlite3.Row
    try:
        # Held until the end: a second sandbox on the same folder would act on the same emails.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -65536")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif version == SCHEMA_VERSION - 1:
            connection.executescript(f"BEGIN; {FROM_2} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
            version = SCHEMA_VERSION
    except sqlite3.OperationalError as error:
        connection.close()
        raise UnusableFolder(f"{folder} cannot be used ({error}). Another sandbox may have it open.") from None
    if version not in (0, SCHEMA_VERSION):
        connection.close()
        raise UnusableFolder(f"{folder} was written by another version of the sandbox. Choose another folder.")
    return connection
