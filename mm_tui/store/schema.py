"""The SQL of the store's tables, used by `migrations.py`. It is only text: opening a store must not import the modules
that use the tables, because it delays the first frame."""

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
"""Everything that can be fetched again or is computed per email. In memory mode these tables stay off the disk."""

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

JOURNAL_SQL = """
CREATE TABLE journal (
    number INTEGER PRIMARY KEY,
    entry TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
CREATE TRIGGER journal_is_never_shortened BEFORE DELETE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
"""

EDITS_SQL = """
CREATE TABLE edits (
    item_id TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL,
    base_digest TEXT NOT NULL,
    base TEXT NOT NULL,
    recipients TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    saves INTEGER NOT NULL,
    saved_at TEXT NOT NULL
) WITHOUT ROWID;
"""

RELEASES_SQL = """
CREATE TABLE releases (
    release_id TEXT PRIMARY KEY,
    item_id TEXT NOT NULL,
    replacement_id TEXT,
    state TEXT NOT NULL,
    facts TEXT NOT NULL,
    content TEXT,
    ended INTEGER NOT NULL,
    doubts TEXT NOT NULL,
    updated_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX releases_by_item ON releases (item_id);
CREATE INDEX releases_by_replacement ON releases (replacement_id) WHERE replacement_id IS NOT NULL;
CREATE INDEX releases_open ON releases (ended) WHERE ended = 0;
CREATE INDEX releases_in_doubt ON releases (doubts) WHERE doubts <> '';
"""

CLAIMS_SQL = """
CREATE TABLE claims (
    subject TEXT PRIMARY KEY,
    release_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    process TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    claimed_at TEXT NOT NULL
) WITHOUT ROWID;
"""

THREADS_SQL = """
UPDATE threads SET newest = coalesce((
    SELECT max(key) FROM mail WHERE mail.thread = threads.thread AND NOT (direction = 'outbound'
        AND status IN ('pending_scan', 'pending_send_approval', 'scheduled', 'rejected', 'cancelled'))
), newest)
WHERE thread IN (
    SELECT thread FROM mail INDEXED BY mail_by_status
    WHERE status IN ('pending_scan', 'pending_send_approval', 'scheduled', 'rejected', 'cancelled')
);
"""
"""A thread is sorted by its newest email that arrived or was sent, not by a draft."""

STATUS_SQL = """
DROP INDEX mail_by_status;
CREATE INDEX mail_by_status ON mail (status) WHERE status <> 'read';
"""
"""Leaves out the mailbox, which no query looks up here, and the most frequent status, which saves 60 bytes an email.
Takes about a second for a million emails."""

WORDS_TABLE = """
CREATE VIRTUAL TABLE mail_words USING fts5 (
    subject, sender, recipients, body, summary,
    content='', columnsize=0, tokenize="unicode61 remove_diacritics 2"
);
"""
WORDS_SQL = f"DROP TABLE mail_words; {WORDS_TABLE}"
"""Leaves out the word count of each email, which only ranking would need, and saves 35 bytes an email."""

BELONGS_SQL = """
CREATE TABLE belongs (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
"""
"""The gateway and account of the store."""

LEASES_SQL = """
ALTER TABLE claims ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE claims ADD COLUMN beat INTEGER NOT NULL DEFAULT 0;
ALTER TABLE claims ADD COLUMN renewed_at TEXT NOT NULL DEFAULT '';
"""
"""The leases by which processes elsewhere see that a process is alive."""

REMEMBERED_SQL = """
CREATE TABLE remembered (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO remembered SELECT name, value FROM state
    WHERE name IN ('incidents', 'redrafts_to_ask', 'snoozed') OR name LIKE 'cli.%';
DELETE FROM state WHERE name IN (SELECT name FROM remembered);
"""
"""What the gateway could not send again: unseen incidents, what commands have printed, and so on."""

CHIPS_SQL = """
ALTER TABLE mail ADD COLUMN chips TEXT NOT NULL DEFAULT '';
"""
