"""Writes mail into the tables. Imported for writing, not for drawing a list."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from mm_tui import typed_json
from mm_tui.models import LEFT, NOT_SENT, EmailDetail, EmailSummary, Status
from mm_tui.store.damaged import fetched
from mm_tui.store.database import Database
from mm_tui.store.mail.chips import chips_of
from mm_tui.store.mail.columns import COLUMNS, Columns, as_json, columns_of, thread_name
from mm_tui.store.mail.rows import Changes
from mm_tui.store.mail.word_index import index, index_new, marks, unindex
from mm_tui.store.sort_keys import make_key, to_ms
from mm_tui.text import ManyLine, OneLine

_SLICE = 1_600
"""Emails that are added together: what the initial sync writes at most in one transaction."""
_RECEIVED_AT = COLUMNS.index("received_at")
_ROWS = 256
"""Rows that one statement inserts at most."""
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
_COUNTED = (
    f"UPDATE threads SET size = (SELECT count(*) FROM mail WHERE mail.thread = threads.thread), newest = {_NEWEST}"
)


def upsert(database: Database, emails: Sequence[EmailSummary], *, keep_direction: bool = False) -> Changes:
    """See `MailStore.upsert`. `keep_direction`: for sources that do not say the direction of a known email."""
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
        for row in fetched(
            connection.cursor(),
            "SELECT mail.*, threads.thread_id FROM mail LEFT JOIN threads ON threads.thread = mail.thread"
            " WHERE email_id IN (SELECT value FROM json_each(?))",
            (as_json(list(batch)),),
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
        columns: dict[str, Any] = dict(zip(COLUMNS, columns_of(email), strict=True))
        if keep_direction:
            columns["direction"] = row["direction"]
        if email.received_at is None:
            columns["received_at"] = row["received_at"]
        if not columns["status"] and row["status"] in LEFT:
            # This list cannot say that an email was sent; the opened email did.
            columns["status"] = row["status"]
        known_thread = row["thread_id"] if isinstance(row["thread_id"], str) else thread_name(email)
        thread_id = thread_name(email) if email.thread_id else known_thread
        differs = [name for name in COLUMNS if columns[name] != row[name]]
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


def _insert(connection: sqlite3.Connection, fresh: dict[str, Columns], batch: dict[str, EmailSummary]) -> None:
    keys = free_keys(connection, {email_id: columns[_RECEIVED_AT] for email_id, columns in fresh.items()})
    ordered = sorted(zip(keys.values(), keys, strict=True))
    threads: dict[tuple[str, str], list[int]] = {}
    for key, email_id in ordered:
        email = batch[email_id]
        threads.setdefault((email.mailbox_id, thread_name(email)), []).append(key)
    # A thread that only grows needs no recount; this speeds up the initial sync.
    _insert_rows(
        connection,
        "INSERT INTO threads (mailbox_id, thread_id, newest, size) VALUES",
        "(?, ?, ?, ?)",
        [(*name, added[-1], len(added)) for name, added in threads.items()],
        " ON CONFLICT DO UPDATE SET newest = max(newest, excluded.newest), size = size + excluded.size",
    )
    numbers = _thread_numbers(connection, threads)
    thread_of = {key: numbers[name] for name, added in threads.items() for key in added}
    _insert_rows(
        connection,
        f"INSERT INTO mail ({', '.join(COLUMNS)}, key, thread) VALUES",
        f"({marks(COLUMNS)}, ?, ?)",
        [(*fresh[email_id], key, thread_of[key]) for key, email_id in ordered],
    )
    index_new(connection, list(thread_of))
    connection.execute(
        f"UPDATE threads SET newest = {_NEWEST} WHERE thread IN (SELECT value FROM json_each(?))"
        f" AND EXISTS (SELECT 1 FROM mail WHERE mail.key = threads.newest AND {_IS_UNSENT})",
        (as_json(list(numbers.values())),),
    )


def _thread_numbers(connection: sqlite3.Connection, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The numbers of these threads (by mailbox and id)."""
    wanted: dict[str, list[str]] = {}
    for mailbox_id, thread_id in names:
        wanted.setdefault(mailbox_id, []).append(thread_id)
    numbers: dict[tuple[str, str], int] = {}
    for mailbox_id, thread_ids in wanted.items():
        # In one row: while rows are read one by one, the event loop may run before each of them.
        found = connection.execute(
            "SELECT json_group_object(thread_id, thread) FROM threads"
            " WHERE mailbox_id = ? AND thread_id IN (SELECT value FROM json_each(?))",
            (mailbox_id, as_json(thread_ids)),
        )
        numbers |= {(mailbox_id, thread_id): number for thread_id, number in json.loads(found.fetchone()[0]).items()}
    return numbers


def _insert_rows(connection: sqlite3.Connection, head: str, row: str, rows: Sequence[Columns], tail: str = "") -> None:
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
    "cc", "attachments", "tags", "approved_at", "approved_by", "in_reply_to", "identity", "ai_generated", "automatic",
    "reply_to", "raw",
)  # fmt: skip
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
        found = fetched(connection.cursor(), "SELECT body, model FROM details WHERE key = ?", (key,))
        before = found[0] if found else None
        connection.execute("UPDATE mail SET chips = ? WHERE key = ?", (chips_json(chips_of(detail.tags)), key))
        is_reworded = before is None or before["body"] != detail.body
        if is_reworded:
            unindex(connection, key)
        connection.execute(
            "INSERT OR REPLACE INTO details (key, body, model, fetched_at) VALUES (?, ?, ?, ?)",
            (key, str(detail.body), stored, to_ms(at)),
        )
        if is_reworded:
            index(connection, key)
    if before is not None and before["model"] == stored:
        return changes
    return Changes(changes.new, changes.changed | {detail.id} - changes.new)


def chips_json(chips: Sequence[str]) -> str:
    """The column value for the chips that `chips.chips_of` made of an email's tags."""
    return json.dumps(chips) if chips else ""


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
    connection.executemany(f"{_COUNTED} WHERE thread = ?", [(thread,) for thread in threads])
    connection.executemany(f"{_COUNTED} WHERE mailbox_id = ? AND thread_id = ?", list(names))


def recount(database: Database) -> None:
    """Counts the threads again whose numbers are damaged."""
    with database.write() as connection:
        connection.execute(f"{_COUNTED} WHERE typeof(newest) <> 'integer' OR typeof(size) <> 'integer'")


def free_keys(connection: sqlite3.Connection, received: dict[str, int | None]) -> dict[str, int]:
    """A key for each email id, from its time in milliseconds, that no other email has."""
    keys: dict[str, int] = {}
    wanted = {email_id: make_key(ms, email_id) for email_id, ms in received.items()}
    taken = {
        row[0]
        for row in connection.execute(
            "SELECT key FROM mail WHERE key IN (SELECT value FROM json_each(?))", (as_json(list(wanted.values())),)
        )
    }
    if not taken and len(set(wanted.values())) == len(wanted):
        return wanted
    for email_id, key in wanted.items():
        while key in taken or (
            key != wanted[email_id] and connection.execute("SELECT 1 FROM mail WHERE key = ?", (key,)).fetchone()
        ):
            key += 1
        taken.add(key)
        keys[email_id] = key
    return keys
