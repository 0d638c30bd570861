"""Inserts emails as rows: the only way in for inbound, outbound, imported and sample mail."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import Any, TypeVar, cast

from mm_tui.sandbox.gateway.mail import IncomingMail, MailAttachment, OutgoingMail, SampleDraft, name_and_address
from mm_tui.sandbox.gateway.state import SandboxState
from mm_tui.sandbox.gateway.statuses import SandboxStatus
from mm_tui.sandbox.gateway.threads import ThreadClues, group, usable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewEmail:
    """An email ready to insert. Times in epoch milliseconds."""

    id: str
    mailbox_id: str
    thread_id: str
    direction: str
    status: str
    sender: str
    to: Sequence[str]
    subject: str
    body: str
    received_at: int
    message_id: str
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    in_reply_to: str = ""
    references: Sequence[str] = ()
    reply_to: str = ""
    spam_score: float | None = None
    spam_verdict: str | None = None
    delivered_at: int | None = None
    send_at: int | None = None
    gate_timing: str | None = None
    always_gate: bool = False
    due_at: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: Sequence[MailAttachment] = ()

    @classmethod
    def of(cls, mail: IncomingMail | SampleDraft | OutgoingMail, **more: Any) -> NewEmail:
        """An entry with the fields of an email that it has too; `more` adds to them or replaces them."""
        given = {one.name: getattr(mail, one.name) for one in fields(mail) if one.name in cls.__slots__}
        return cls(**{**given, **more})


_COLUMNS = (
    "id", "mailbox_id", "thread_id", "direction", "status", "sender", "subject", "received_at", "spam_score",
    "spam_verdict", "delivered_at", "message_id", "in_reply_to", "reply_to", "send_at", "gate_timing", "always_gate",
    "due_at",
)  # fmt: skip
"""The columns that have the names of an entry's fields."""
_fields = attrgetter(*_COLUMNS)
_INSERT = (
    f"INSERT INTO emails({', '.join(_COLUMNS)}, has_attachments, recipients, cc, bcc, refs)"  # noqa: S608 - constants
    f" VALUES ({', '.join('?' * (len(_COLUMNS) + 5))})"
)


def file(state: SandboxState, entries: Iterable[NewEmail]) -> None:
    """Writes emails, with bodies, attachments and the data for finding threads."""
    emails: list[tuple[object, ...]] = []
    bodies: list[tuple[str, str, str]] = []
    attachments: list[tuple[object, ...]] = []
    refs: list[tuple[str, str, str]] = []
    for entry in entries:
        emails.append(_row(entry))
        bodies.append((entry.id, entry.body, json.dumps(dict(entry.headers)) if entry.headers else "{}"))
        names = [part.name for part in entry.attachments]
        if entry.direction == "inbound":
            names = distinct(names)
        for position, part in enumerate(entry.attachments):
            digest = hashlib.sha256(part.data).hexdigest()
            attachments.append(
                (entry.id, position, names[position], part.content_type, len(part.data), digest, part.data)
            )
        refs.extend(
            (entry.mailbox_id, message_id, entry.thread_id)
            for message_id in {entry.message_id, entry.in_reply_to, *entry.references}
            if usable(message_id)
        )
    with state.write() as db:
        db.executemany(_INSERT, emails)
        db.executemany("INSERT INTO bodies VALUES (?, ?, ?)", bodies)
        db.executemany("INSERT INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?)", attachments)
        db.executemany("INSERT OR IGNORE INTO thread_refs VALUES (?, ?, ?)", refs)


def distinct(names: Sequence[str]) -> list[str]:
    """An email's file names, made unique by numbers, because the API addresses a file by its name."""
    found: list[str] = []
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        free, number = name, 1
        while free in found or (number > 1 and free in names):
            number += 1
            free = f"{stem} ({number}){dot}{suffix}" if stem else f"{name} ({number})"
        found.append(free)
    return found


def _row(entry: NewEmail) -> tuple[object, ...]:
    lists = (entry.to, entry.cc, entry.bcc, entry.references)
    return (*_fields(entry), bool(entry.attachments), *(json.dumps(list(one)) if one else "[]" for one in lists))


_CLUES = "message_id, in_reply_to, refs, sender, recipients, cc, subject, received_at, thread_id, reply_to"


def clues_of(mail: IncomingMail, received_at: int) -> ThreadClues:
    """The data of an email that determines its thread. The time is in epoch milliseconds, 0 if unknown."""
    return ThreadClues(
        message_id=mail.message_id,
        names=[name for name in (mail.in_reply_to, *reversed(mail.references)) if name],
        sender=bare(mail.sender),
        recipients=frozenset(map(bare, (*mail.to, *mail.cc, *filter(None, [mail.reply_to])))),
        subject=mail.subject,
        at=received_at,
        reply_to=bare(mail.reply_to) if mail.reply_to else "",
        list_id=str(mail.headers.get("list-id", "")),
    )


def letters_in(state: SandboxState, mailbox_id: str) -> list[ThreadClues]:
    """The same data of every email in a mailbox, oldest first."""
    rows = state.db.execute(f"SELECT {_CLUES} FROM emails WHERE mailbox_id = ? ORDER BY id", (mailbox_id,))  # noqa: S608
    return [_clues_of_row(row) for row in rows]


def _clues_of_row(row: sqlite3.Row) -> ThreadClues:
    return ThreadClues(
        message_id=row["message_id"],
        names=[name for name in (row["in_reply_to"], *reversed(json.loads(row["refs"]))) if name],
        sender=bare(row["sender"]),
        recipients=frozenset(map(bare, (*json.loads(row["recipients"]), *json.loads(row["cc"])))),
        subject=row["subject"],
        at=row["received_at"],
        reply_to=bare(row["reply_to"]) if row["reply_to"] else "",
        thread_id=row["thread_id"],
    )


def thread_of(state: SandboxState, mailbox_id: str, mail: IncomingMail) -> str | None:
    """The thread of a new email; None if it starts one."""
    email = clues_of(mail, state.now_ms())
    named = [name for name in (email.message_id, *email.names) if usable(name)]
    if not named:
        return None
    marks = ", ".join("?" * len(named))
    rows = state.db.execute(
        f"SELECT {_CLUES} FROM emails WHERE mailbox_id = ? AND thread_id IN"  # noqa: S608 - marks and names of columns
        f" (SELECT thread_id FROM thread_refs WHERE mailbox_id = ? AND message_id IN ({marks})) ORDER BY id",
        (mailbox_id, mailbox_id, *named),
    ).fetchall()
    grouped = group([*map(_clues_of_row, rows), email])
    return grouped.lasting.get(grouped.group_of[-1])


def storable(value: T) -> T:
    """The value, with each text in it such that it can be encoded: lone surrogates from broken mail become "?"."""
    made: Any = value
    if isinstance(value, str):
        made = value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    elif isinstance(value, tuple):
        made = tuple(map(storable, value))
    elif isinstance(value, Mapping):
        made = {storable(name): storable(inner) for name, inner in value.items()}
    elif isinstance(value, IncomingMail | MailAttachment):
        made = replace(value, **{one.name: storable(getattr(value, one.name)) for one in fields(value)})
    return cast(T, made)


def bare(address: str) -> str:
    """The bare address, lower case, from header form; the text itself if it has no address."""
    return (name_and_address(address)[1] or address).strip().lower()


def inbound_status(mode: str, verdict: str | None) -> str:
    if verdict == "quarantined":
        return SandboxStatus.SPAM_QUARANTINED
    if verdict == "flagged":
        return SandboxStatus.SPAM_FLAGGED
    return SandboxStatus.PENDING_INBOUND_APPROVAL if mode == "gated_all" else SandboxStatus.UNREAD
