"""Converts mail between models and tables. Imported for writing and opening emails, not for drawing a list."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from mm_tui import typed_json
from mm_tui.chips import chips_of
from mm_tui.models import LEFT, NOT_SENT, EmailDetail, EmailSummary, Party, Status
from mm_tui.store.mail.changes import Changes
from mm_tui.store.mail.word_index import index, marks, unindex, words_of
from mm_tui.store.sort_keys import from_ms, make_key, to_ms
from mm_tui.text import ManyLine, OneLine

if TYPE_CHECKING:
    from mm_tui.store.database import Database

Row = tuple[str | int | None, ...]

_SLICE = 800
_ROWS = 256
"""Rows that one statement inserts at most."""
_to_json = msgspec.json.Encoder().encode
_REST = ("spam_score", "spam_verdict", "delivered_at", "bounced_at", "bounce_type")
_rest = attrgetter(*_REST)
UNSENT = sorted(NOT_SENT - {Status.SEND_FAILED})
"""Statuses of outbound mail that was not sent and needs no attention in the inbox."""
_LISTED = ", ".join(f"'{status}'" for status in UNSENT)
_IS_UNSENT = f"direction = 'outbound' AND status IN ({_LISTED})"
_NEWEST = (
    f"coalesce((SELECT max(key) FROM mail WHERE mail.thread = threads.thread AND NOT ({_IS_UNSENT})),"
    " (SELECT max(key) FROM mail WHERE mail.thread = threads.thread), 0)"
)
"""The email that represents a thread: the newest that is not a draft, so that an answer moves the thread only when
sent."""
_COLUMNS = (
    "email_id", "mailbox_id", "sender", "sender_name", "recipients", "subject", "hidden",
    "direction", "status", "received_at", "has_attachments", "rest",
)  # fmt: skip


def upsert(database: Database, emails: Sequence[EmailSummary], *, keep_direction: bool = False) -> Changes:
    """Implements `MailStore.upsert`. `keep_direction`: a known email keeps its direction, for sources that do not say
    it."""
    new: set[str] = set()
    changed: set[str] = set()
    with database.write() as connection:
        for start in range(0, len(emails), _SLICE):
            # If a page repeats an email, the last copy counts.
            batch = {email.id: email for email in emails[start : start + _SLICE]}
            _upsert_slice(connection, batch, keep_direction, new, changed)
    return Changes(frozenset(new), frozenset(changed - new))


def _upsert_slice(
    connection: sqlite3.Connection,
    batch: dict[str, EmailSummary],
    keep_direction: bool,
    new: set[str],
    changed: set[str],
) -> None:
    known = {
        row["email_id"]: row
        for row in connection.execute(
            "SELECT mail.*, threads.thread_id FROM mail JOIN threads ON threads.thread = mail.thread"
            f" WHERE email_id IN ({marks(batch)})",
            tuple(batch),
        )
    }
    # Another email with the same id: text, label, summary and thread belong to the one that was listed before.
    others = [email_id for email_id, row in known.items() if row["mailbox_id"] != batch[email_id].mailbox_id]
    _forget(connection, [known.pop(email_id)["key"] for email_id in others])
    fresh = {email_id: columns_of(email) for email_id, email in batch.items() if email_id not in known}
    touched: set[int] = set()
    names: set[tuple[str, str]] = set()
    for email_id, row in known.items():
        email = batch[email_id]
        columns = columns_of(email)
        if keep_direction:
            columns["direction"] = row["direction"]
        if email.received_at is None:
            columns["received_at"] = row["received_at"]
        if not columns["status"] and row["status"] in LEFT:
            # This list cannot say that an email was sent; the opened email did.
            columns["status"] = row["status"]
        thread_id = thread_name(email) if email.thread_id else row["thread_id"]
        differs = [name for name in _COLUMNS if columns[name] != row[name]]
        if not differs and thread_id == row["thread_id"]:
            continue
        changed.add(email_id)
        if thread_id != row["thread_id"] or {"received_at", "status", "direction"} & set(differs):
            touched.add(row["thread"])
            names.add((email.mailbox_id, thread_id))
        _update(connection, row, columns, differs, thread_id)
    if fresh:
        new.update(fresh)
        _insert(connection, fresh, batch)
    count_threads(connection, touched, names)


def _insert(connection: sqlite3.Connection, fresh: dict[str, dict[str, Any]], batch: dict[str, EmailSummary]) -> None:
    keys = free_keys(connection, {email_id: columns["received_at"] for email_id, columns in fresh.items()})
    threads: dict[tuple[str, str], list[int]] = {}
    mails: list[Row] = []
    words: list[Row] = []
    # In the order of keys, because the full-text index flushes whenever a key is lower than the previous one.
    for email_id, key in sorted(keys.items(), key=itemgetter(1)):
        columns = fresh[email_id]
        name = (columns["mailbox_id"], thread_name(batch[email_id]))
        threads.setdefault(name, []).append(key)
        mails.append((*columns.values(), key, *name))
        words.append((key, *words_of(columns)))
    # A thread that only grows needs no recount; this speeds up the initial sync.
    _insert_rows(
        connection,
        "INSERT INTO threads (mailbox_id, thread_id, newest, size) VALUES",
        "(?, ?, ?, ?)",
        [(*name, added[-1], len(added)) for name, added in threads.items()],
        " ON CONFLICT DO UPDATE SET newest = max(newest, excluded.newest), size = size + excluded.size",
    )
    _insert_rows(
        connection,
        f"INSERT INTO mail ({', '.join(_COLUMNS)}, key, thread) VALUES",
        f"({marks(_COLUMNS)}, ?, (SELECT thread FROM threads WHERE mailbox_id = ? AND thread_id = ?))",
        mails,
    )
    _insert_rows(
        connection,
        "INSERT INTO mail_words (rowid, subject, sender, recipients, body, summary) VALUES",
        "(?, ?, ?, ?, '', '')",
        words,
    )
    pairs = ", ".join(["(?, ?)"] * len(threads))
    connection.execute(
        f"UPDATE threads SET newest = {_NEWEST} WHERE (mailbox_id, thread_id) IN (VALUES {pairs})"
        f" AND EXISTS (SELECT 1 FROM mail WHERE mail.key = threads.newest AND {_IS_UNSENT})",
        list(chain.from_iterable(threads)),
    )


def _insert_rows(connection: sqlite3.Connection, head: str, row: str, rows: Sequence[Row], tail: str = "") -> None:
    """Inserts many rows with few statements: `executemany` takes the interpreter's lock for each row."""
    start = 0
    while left := len(rows) - start:
        # A power of two, so that there are few statements to keep prepared.
        size = min(_ROWS, 1 << left.bit_length() - 1)
        values = list(chain.from_iterable(rows[start : start + size]))
        connection.execute(f"{head} {', '.join([row] * size)}{tail}", values)
        start += size


def _update(
    connection: sqlite3.Connection, row: sqlite3.Row, columns: dict[str, Any], differs: list[str], thread_id: str
) -> None:
    key = row["key"]
    reindexed = bool({"subject", "sender", "sender_name", "recipients"} & set(differs))
    moved = columns["received_at"] != row["received_at"]
    if reindexed or moved:
        unindex(connection, key)
    if differs:
        connection.execute(
            f"UPDATE mail SET {', '.join(f'{name} = :{name}' for name in differs)} WHERE key = :key",
            {**{name: columns[name] for name in differs}, "key": key},
        )
    if thread_id != row["thread_id"]:
        connection.execute(
            "INSERT OR IGNORE INTO threads (mailbox_id, thread_id) VALUES (?, ?)", (columns["mailbox_id"], thread_id)
        )
        connection.execute(
            "UPDATE mail SET thread = (SELECT thread FROM threads WHERE mailbox_id = ? AND thread_id = ?)"
            " WHERE key = ?",
            (columns["mailbox_id"], thread_id, key),
        )
    if moved:
        old, key = key, free_keys(connection, {row["email_id"]: columns["received_at"]})[row["email_id"]]
        connection.execute("UPDATE mail SET key = ? WHERE key = ?", (key, old))
        connection.execute("UPDATE details SET key = ? WHERE key = ?", (key, old))
    if reindexed or moved:
        index(connection, key)


_STORED = (
    "cc",
    "attachments",
    "tags",
    "approved_at",
    "approved_by",
    "in_reply_to",
    "identity",
    "ai_generated",
    "automatic",
    "reply_to",
    "raw",
)
"""The parts of a detail that have no column."""


def save_detail(database: Database, detail: EmailDetail, at: datetime) -> Changes:
    """Implements `MailStore.save_detail`."""
    dumped = {name: typed_json.values_of(getattr(detail, name)) for name in _STORED}
    if ManyLine(detail.raw.body) != detail.body:
        dumped["body"] = str(detail.body)
    stored = json.dumps(dumped)
    with database.write() as connection:
        changes = upsert(database, [detail], keep_direction=True)
        key = connection.execute("SELECT key FROM mail WHERE email_id = ?", (detail.id,)).fetchone()[0]
        before = connection.execute("SELECT body, model FROM details WHERE key = ?", (key,)).fetchone()
        connection.execute("UPDATE mail SET chips = ? WHERE key = ?", (chips_json(chips_of(detail.tags)), key))
        if before is None or before["body"] != detail.body:
            unindex(connection, key)
            _put_detail(connection, key, detail, stored, at)
            index(connection, key)
        else:
            _put_detail(connection, key, detail, stored, at)
    if before is not None and before["model"] == stored:
        return changes
    return Changes(changes.new, changes.changed | {detail.id} - changes.new)


def chips_json(chips: Sequence[str]) -> str:
    """The column value for the chips that `chips.chips_of` made of an email's tags."""
    return json.dumps(chips) if chips else ""


def _put_detail(connection: sqlite3.Connection, key: int, detail: EmailDetail, stored: str, at: datetime) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO details (key, body, model, fetched_at) VALUES (?, ?, ?, ?)",
        (key, str(detail.body), stored, to_ms(at)),
    )


def annotate(
    database: Database,
    email_id: str,
    label: str | None,
    urgency: str | None,
    summary: str | None,
    chips: Sequence[str] | None = None,
) -> bool:
    """Implements `MailStore.annotate`."""
    wanted = {
        name: str(OneLine(value))
        for name, value in (("label", label), ("urgency", urgency), ("summary", summary))
        if value is not None
    }
    if chips is not None:
        wanted["chips"] = chips_json(chips)
    with database.write() as connection:
        row = connection.execute("SELECT key FROM mail WHERE email_id = ?", (email_id,)).fetchone()
        if row is None or not wanted:
            return row is not None
        if "summary" in wanted:
            unindex(connection, row["key"])
        connection.execute(
            f"UPDATE mail SET {', '.join(f'{name} = :{name}' for name in wanted)} WHERE key = :key",
            {**wanted, "key": row["key"]},
        )
        if "summary" in wanted:
            index(connection, row["key"])
    return True


def forget(database: Database, keys: Sequence[int]) -> int:
    """Deletes emails with their bodies and indexed words. Returns how many there were."""
    if not keys:
        return 0
    with database.write() as connection:
        return _forget(connection, keys)


def _forget(connection: sqlite3.Connection, keys: Sequence[int]) -> int:
    if not keys:
        return 0
    for key in keys:
        unindex(connection, key)
    among = marks(keys)
    touched = {row[0] for row in connection.execute(f"SELECT thread FROM mail WHERE key IN ({among})", tuple(keys))}
    connection.execute(f"DELETE FROM details WHERE key IN ({among})", tuple(keys))
    gone = connection.execute(f"DELETE FROM mail WHERE key IN ({among})", tuple(keys)).rowcount
    count_threads(connection, touched, set())
    connection.execute("DELETE FROM threads WHERE size = 0")
    return gone


def count_threads(connection: sqlite3.Connection, threads: set[int], names: set[tuple[str, str]]) -> None:
    """Updates the size and the newest email of these threads (by number, by mailbox and id)."""
    counted = (
        f"UPDATE threads SET size = (SELECT count(*) FROM mail WHERE mail.thread = threads.thread), newest = {_NEWEST}"
    )
    connection.executemany(f"{counted} WHERE thread = ?", [(thread,) for thread in threads])
    connection.executemany(f"{counted} WHERE mailbox_id = ? AND thread_id = ?", list(names))


def free_keys(connection: sqlite3.Connection, received: dict[str, int | None]) -> dict[str, int]:
    """A key for each email id, from its time in milliseconds, that no other email has."""
    keys: dict[str, int] = {}
    wanted = {email_id: make_key(ms, email_id) for email_id, ms in received.items()}
    taken = {
        row[0]
        for row in connection.execute(f"SELECT key FROM mail WHERE key IN ({marks(wanted)})", tuple(wanted.values()))
    }
    for email_id, key in wanted.items():
        while key in taken or (
            key != wanted[email_id] and connection.execute("SELECT 1 FROM mail WHERE key = ?", (key,)).fetchone()
        ):
            key += 1
        taken.add(key)
        keys[email_id] = key
    return keys


def thread_name(email: EmailSummary) -> str:
    """The thread's id; for an email without a thread, a name with a space, which no gateway id contains."""
    return email.thread_id or f" {email.id}"


def columns_of(email: EmailSummary) -> dict[str, Any]:
    """An email as values for the table `mail`."""
    sender, subject = email.sender, email.subject
    hidden = subject.removed + sender.address.removed + sender.name.removed
    recipients: list[tuple[str, str]] = []
    for to in email.to:
        hidden += to.address.removed + to.name.removed
        recipients.append((str(to.address), str(to.name)))
    return {
        "email_id": email.id,
        "mailbox_id": email.mailbox_id,
        "sender": str(sender.address),
        "sender_name": str(sender.name),
        "recipients": _to_json(recipients).decode(),
        "subject": str(subject),
        "hidden": hidden,
        "direction": str(email.direction),
        "status": str(email.status),
        "received_at": to_ms(email.received_at),
        "has_attachments": int(email.has_attachments),
        "rest": _rest_of(email),
    }


def _rest_of(email: EmailSummary) -> str | None:
    rest: dict[str, float | str] = {}
    for name, value in zip(_REST, _rest(email), strict=True):
        if value is not None and value != "":
            rest[name] = value if type(value) is float else value.isoformat() if type(value) is datetime else str(value)
    return _to_json(rest).decode() if rest else None


def _fields(row: sqlite3.Row) -> dict[str, Any]:
    thread_id = row["thread_id"]
    return {
        "id": row["email_id"],
        "mailbox_id": row["mailbox_id"],
        "sender": Party(address=OneLine(row["sender"]), name=OneLine(row["sender_name"])),
        "to": tuple(Party(address=OneLine(to[0]), name=OneLine(to[1])) for to in json.loads(row["recipients"])),
        "subject": row["subject"],
        "direction": row["direction"],
        "status": row["status"],
        "received_at": from_ms(row["received_at"]),
        "thread_id": None if thread_id.startswith(" ") else thread_id,
        "has_attachments": bool(row["has_attachments"]),
        **(json.loads(row["rest"]) if row["rest"] else {}),
    }


def summary_of(row: sqlite3.Row) -> EmailSummary:
    """A row of `mail` with its `thread_id` as the model."""
    return typed_json.from_values(EmailSummary, _fields(row))


def detail_of(row: sqlite3.Row) -> EmailDetail:
    """A row of `mail` with `thread_id` and the stored `model` of its detail."""
    stored = json.loads(row["model"])
    body = stored.pop("body", stored["raw"].get("body", ""))
    tags = {OneLine(name): value for name, value in stored.pop("tags", {}).items()}
    return typed_json.from_values(EmailDetail, {**_fields(row), **stored, "tags": tags, "body": ManyLine(body)})
