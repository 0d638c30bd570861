"""Reading mail: lists with every filter, details, threads, attachments, tags."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from mm_tui.sandbox.gateway import identity, ids
from mm_tui.sandbox.gateway.ids import iso, received
from mm_tui.sandbox.gateway.state import ApiError, RequestKey, SandboxState, moment
from mm_tui.sandbox.gateway.statuses import SPAM, SandboxStatus

_SUMMARY = (
    "id, mailbox_id, sender, recipients, subject, direction, status, spam_score, spam_verdict, received_at, thread_id,"
    " has_attachments, delivered_at, bounced_at, bounce_type"
)


_CHANGED = {"to": "recipients", "cc": "cc", "bcc": "bcc", "subject": "subject", "send_at": "send_at"}
"""The columns of the fields that can be changed."""


class ListQuery(BaseModel):
    """Which part of a mailbox to list. `since_id` is exclusive; `offset` is what the retired Python client sends."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: Annotated[str, StringConstraints(max_length=200)] | None = None
    offset: int = Field(default=0, ge=0, le=10_000_000)
    status: str | None = None
    sender: str | None = None
    subject_contains: str | None = None
    date_after: datetime | None = None
    date_before: datetime | None = None
    direction: Literal["inbound", "outbound"] | None = None
    has_attachments: Literal["true", "false"] | None = None
    since_id: str | None = None


def find(state: SandboxState, email_id: str, mailbox_id: str | None = None) -> sqlite3.Row:
    """The email's row; 404 if there is none, or it is in another mailbox."""
    sql = "SELECT * FROM emails WHERE id = ? AND mailbox_id = coalesce(?, mailbox_id)"
    return state.one(sql, (email_id, mailbox_id), "Email not found")


def body(state: SandboxState, email_id: str) -> str:
    (markdown,) = state.db.execute("SELECT markdown FROM bodies WHERE email_id = ?", (email_id,)).fetchone()
    return str(markdown)


def change(state: SandboxState, email_id: str, changes: Mapping[str, object]) -> None:
    """Changes these fields of an email, with the names that requests use."""
    with state.write() as db:
        for name, column in _CHANGED.items():
            if name in changes:
                value = json.dumps(changes[name]) if isinstance(changes[name], list) else changes[name]
                db.execute(f"UPDATE emails SET {column} = ? WHERE id = ?", (value, email_id))  # noqa: S608 - a constant
        if "markdown" in changes:
            db.execute("UPDATE bodies SET markdown = ? WHERE email_id = ?", (changes["markdown"], email_id))


def copy_to_operator(state: SandboxState, row: sqlite3.Row, kind: str, title: str) -> None:
    """Emails the operator a copy of an email."""
    words = f"{title}: {row['subject']}"
    state.mail_operator(kind, words, body(state, row["id"]), mailbox_id=row["mailbox_id"])


def summary(row: sqlite3.Row) -> dict[str, object]:
    """An email in the format of lists."""
    item: dict[str, object] = {
        **{name: row[name] for name in ("id", "subject", "direction", "status")},
        "from": row["sender"],
        "to": json.loads(row["recipients"]),
        "received_at": received(row["received_at"]),
        "thread_id": row["thread_id"],
        "has_attachments": bool(row["has_attachments"]),
    }
    if row["spam_verdict"] is not None:
        item["spam_score"] = row["spam_score"]
        item["spam_verdict"] = row["spam_verdict"]
    if row["delivered_at"] is not None:
        item["delivered_at"] = iso(row["delivered_at"])
    if row["bounced_at"] is not None:
        item |= {"bounced_at": iso(row["bounced_at"]), "bounce_type": row["bounce_type"]}
    return item


def page(state: SandboxState, mailbox_id: str, listing: ListQuery) -> dict[str, object]:
    """A page of a mailbox, newest first, with the cursor of the next page."""
    return _page(state, ["mailbox_id = ?"], [mailbox_id], listing)


def spam_page(state: SandboxState, status: str | None, *, limit: int, cursor: str | None) -> dict[str, object]:
    """A page of spam across all mailboxes."""
    if status is not None and status not in SPAM:
        raise ApiError(400, "status must be spam_flagged or spam_quarantined")
    wanted = [status] if status else list(SPAM)
    where = [f"status IN ({', '.join('?' * len(wanted))})"]
    return _page(state, where, [*wanted], ListQuery(limit=limit, cursor=cursor))


def _page(state: SandboxState, where: list[str], values: list[object], listing: ListQuery) -> dict[str, object]:
    has_attachments = listing.has_attachments and listing.has_attachments == "true"
    for condition, value in (
        ("id < ?", decode_cursor(listing.cursor)),
        ("id > ?", listing.since_id),
        ("status = ?", listing.status),
        ("direction = ?", listing.direction),
        ("received_at > ?", moment(listing.date_after)),
        ("received_at < ?", moment(listing.date_before)),
        ("has_attachments = ?", has_attachments),
        ("instr(lower(sender), lower(?)) > 0", listing.sender),
        ("instr(lower(subject), lower(?)) > 0", listing.subject_contains),
    ):
        if value is not None:
            where.append(condition)
            values.append(value)
    # Only constants of this file are joined into the statement; every value is bound.
    sql = f"SELECT {_SUMMARY} FROM emails WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ? OFFSET ?"  # noqa: S608
    rows = state.db.execute(sql, (*values, listing.limit + 1, listing.offset)).fetchall()
    more, rows = len(rows) > listing.limit, rows[: listing.limit]
    return {"emails": [summary(row) for row in rows], "cursor": _cursor_after(state, rows) if more else None}


def _cursor_after(state: SandboxState, rows: Sequence[sqlite3.Row]) -> str:
    first, last = rows[0]["id"], rows[-1]["id"]
    at = ids.ms_of(last)
    # A page with a single time would lead nowhere, and an email without a time cannot be continued from.
    if state.tuning.cursors == "id" or at == ids.ms_of(first) or not rows[-1]["received_at"]:
        return encode_cursor(last)
    return str(at)


_DIGITS = 15
"""A cursor with fewer characters is epoch milliseconds."""


def encode_cursor(last_id: str) -> str:
    """An opaque cursor that continues after `last_id`."""
    return base64.urlsafe_b64encode(last_id.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str | None:
    """The id in a cursor; 400 if it is not one of ours."""
    if not cursor:
        return None
    if cursor.isascii() and cursor.isdigit() and len(cursor) < _DIGITS:
        return ids.floor(int(cursor))
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        raise ApiError(400, "Invalid cursor") from None


def detail(state: SandboxState, caller: RequestKey | None, mailbox_id: str, email_id: str) -> dict[str, object]:
    """An email with its body. As the contract says, this marks an unread email as read."""
    row = find(state, email_id, mailbox_id)
    if row["status"] == SandboxStatus.UNREAD:
        with state.write() as db:
            db.execute("UPDATE emails SET status = ? WHERE id = ?", (SandboxStatus.READ, email_id))
            state.audit("email.read", "email", email_id, caller)
        row = find(state, email_id)
    markdown = body(state, email_id)
    item = summary(row)
    if not state.tuning.detail_direction:
        del item["direction"]
    item |= {
        "cc": json.loads(row["cc"]),
        "markdown": markdown,
        # The name used by the retired Python client's README.
        "text_body": markdown,
        "attachments": [
            {"name": found["name"], "size": found["size"], "content_type": found["content_type"]}
            for found in state.db.execute(
                "SELECT name, size, content_type FROM attachments WHERE email_id = ? ORDER BY position", (email_id,)
            )
        ],
        "tags": tags(state, email_id),
    }
    if shown := identity.headers(state, row) or _headers_kept(state, row):
        item["headers"] = shown
    if row["approved_at"] is not None:
        item |= {"approved_at": iso(row["approved_at"]), "approved_by": row["approved_by"]}
    return item


def _headers_kept(state: SandboxState, row: sqlite3.Row) -> dict[str, str]:
    """The informative headers of an inbound email."""
    if row["direction"] != "inbound":
        return {}
    (kept,) = state.db.execute("SELECT headers FROM bodies WHERE email_id = ?", (row["id"],)).fetchone()
    shown = {str(name): str(value) for name, value in json.loads(kept).items()}
    return shown | ({"Reply-To": row["reply_to"]} if row["reply_to"] else {})


def thread(state: SandboxState, mailbox_id: str, thread_id: str) -> dict[str, object]:
    """A thread, oldest mail first, without bodies."""
    rows = thread_rows(state, mailbox_id, thread_id)
    participants: dict[str, None] = {}
    for row in rows:
        for address in (row["sender"], *json.loads(row["recipients"]), *json.loads(row["cc"])):
            participants.setdefault(address)
    left_out = ("thread_id", "spam_score", "spam_verdict", "bounce_type")
    emails = [{name: value for name, value in summary(row).items() if name not in left_out} for row in rows]
    gone = (SandboxStatus.REJECTED, SandboxStatus.CANCELLED, SandboxStatus.SEND_FAILED)
    counted = [row for row in rows if row["status"] not in gone]
    return {
        "thread_id": thread_id,
        "message_count": len(rows),
        "participants": list(participants),
        "last_activity": received(rows[-1]["received_at"]),
        "has_unanswered_inbound": bool(counted) and counted[-1]["direction"] == "inbound",
        "emails": emails,
    }


def thread_rows(state: SandboxState, mailbox_id: str | None, thread_id: str) -> list[sqlite3.Row]:
    """All emails of a thread, oldest first; 404 if there are none."""
    if mailbox_id is None:
        rows = state.db.execute("SELECT * FROM emails WHERE thread_id = ? ORDER BY id", (thread_id,)).fetchall()
    else:
        rows = state.db.execute(
            "SELECT * FROM emails WHERE mailbox_id = ? AND thread_id = ? ORDER BY id", (mailbox_id, thread_id)
        ).fetchall()
    if not rows:
        raise ApiError(404, "Thread not found")
    return rows


def attachment(state: SandboxState, mailbox_id: str, email_id: str, name: str) -> sqlite3.Row:
    """An attachment's row with its data; the first of several with the same name."""
    find(state, email_id, mailbox_id)
    sql = "SELECT * FROM attachments WHERE email_id = ? AND name = ? ORDER BY position LIMIT 1"
    return state.one(sql, (email_id, name), "Attachment not found")


def tags(state: SandboxState, email_id: str) -> dict[str, str]:
    rows = state.db.execute("SELECT name, value FROM tags WHERE email_id = ? ORDER BY name", (email_id,))
    return {row["name"]: row["value"] for row in rows}


def put_tags(state: SandboxState, caller: RequestKey, email_id: str, wanted: Mapping[str, str]) -> dict[str, str]:
    with state.write() as db:
        db.execute("DELETE FROM tags WHERE email_id = ?", (email_id,))
        db.executemany("INSERT INTO tags VALUES (?, ?, ?)", [(email_id, name, value) for name, value in wanted.items()])
        state.audit("email.tags_set", "email", email_id, caller, {"tags": sorted(wanted)})
    return tags(state, email_id)


def delete_tag(state: SandboxState, caller: RequestKey, email_id: str, name: str) -> None:
    """Removes one tag; 404 if the email does not have it."""
    with state.write() as db:
        if db.execute("DELETE FROM tags WHERE email_id = ? AND name = ?", (email_id, name)).rowcount == 0:
            raise ApiError(404, "Tag not found")
        state.audit("email.tag_deleted", "email", email_id, caller, {"tag": name})
