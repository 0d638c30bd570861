"""An email as a row of the table `mail`, and back. Imported for writing and opening emails, not for drawing a list."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec

from mm_tui import typed_json
from mm_tui.models import EmailDetail, EmailSummary, Party
from mm_tui.store.damaged import UNREADABLE, DamagedRecords
from mm_tui.store.mail.rows import DAMAGED, note_damage, thread_of
from mm_tui.store.sort_keys import from_ms, known_time, to_ms
from mm_tui.text import ManyLine, OneLine

COLUMNS = (
    "email_id", "mailbox_id", "sender", "sender_name", "recipients", "subject", "hidden",
    "direction", "status", "received_at", "has_attachments", "rest",
)  # fmt: skip
Columns = tuple[Any, ...]
_REST = ("spam_score", "spam_verdict", "delivered_at", "bounced_at", "bounce_type")
_NO_REST = (None, "", None, None, "")
_rest = attrgetter(*_REST)
_encode = msgspec.json.Encoder().encode


def as_json(value: object) -> str:
    """Built-in values as JSON."""
    return _encode(value).decode()


def thread_name(email: EmailSummary) -> str:
    """The thread's id; for an email without a thread, a name with a space, which no gateway id contains."""
    return email.thread_id or f" {email.id}"


def columns_of(email: EmailSummary) -> Columns:
    """An email as values for the table `mail`, in the order of `COLUMNS`."""
    sender, subject = email.sender, email.subject
    address, name = sender.address, sender.name
    hidden = subject.hidden[0] + address.hidden[0] + name.hidden[0]
    recipients: list[tuple[str, str]] = []
    for to in email.to:
        hidden += to.address.hidden[0] + to.name.hidden[0]
        recipients.append((str(to.address), str(to.name)))
    return (
        email.id,
        email.mailbox_id,
        str(address),
        str(name),
        _encode(recipients).decode(),
        str(subject),
        hidden,
        str(email.direction),
        str(email.status),
        to_ms(email.received_at),
        int(email.has_attachments),
        None if (said := _rest(email)) == _NO_REST else _rest_of(said),
    )


def _rest_of(said: tuple[Any, ...]) -> str | None:
    rest: dict[str, float | str] = {}
    for name, value in zip(_REST, said, strict=True):
        if value is not None and value != "":
            rest[name] = value if type(value) is float else value.isoformat() if type(value) is datetime else str(value)
    return as_json(rest) if rest else None


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


def readable_summary(row: sqlite3.Row, damaged: DamagedRecords) -> EmailSummary:
    """The same, or what can be read of a damaged one."""
    try:
        return summary_of(row)
    except UNREADABLE:
        note_damage(row["email_id"], damaged)
        names = ("email_id", "mailbox_id", "sender", "direction", "status")
        email_id, mailbox_id, sender, direction, status = (str(row[name]) for name in names)
        return EmailSummary(
            id=email_id,
            mailbox_id=mailbox_id,
            sender=Party(address=OneLine(sender)),
            subject=DAMAGED,
            direction=OneLine(direction),
            status=OneLine(status),
            received_at=known_time(row["received_at"]),
            thread_id=thread_of(row["thread_id"]),
        )


def readable_detail(row: sqlite3.Row, damaged: DamagedRecords) -> EmailDetail | None:
    """As `detail_of`; None, as if the email had never been opened, if it is damaged."""
    try:
        return detail_of(row)
    except UNREADABLE:
        note_damage(row["email_id"], damaged)
        return None


def detail_of(row: sqlite3.Row) -> EmailDetail:
    """A row of `mail` with `thread_id` and the stored `model` of its detail."""
    stored = json.loads(row["model"])
    body = stored.pop("body", stored["raw"].get("body", ""))
    tags = {OneLine(name): value for name, value in stored.pop("tags", {}).items()}
    return typed_json.from_values(EmailDetail, {**_fields(row), **stored, "tags": tags, "body": ManyLine(body)})
