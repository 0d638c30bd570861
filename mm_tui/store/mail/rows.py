"""Rows for drawing lists: named tuples with cleaned texts, quicker to make than models."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, NamedTuple

from mm_tui.store.damaged import OPEN_IT, UNREADABLE, DamagedRecords
from mm_tui.text import OneLine

_NOTHING = OneLine("")
DAMAGED = OneLine("(damaged in the store on this machine)")
"""Stands for the subject of an email that cannot be read."""


class MailRow(NamedTuple):
    """One line of a mail list."""

    key: int
    email_id: str
    mailbox_id: str
    thread_id: str | None
    sender: OneLine
    """The sender's address."""
    sender_name: OneLine
    recipient: OneLine
    """The first recipient's address."""
    recipients: int
    """How many there are."""
    subject: OneLine
    hidden: int
    """How many hidden characters were removed from sender, recipients and subject."""
    direction: OneLine
    status: OneLine
    received_at: int | None
    """Milliseconds since 1970, UTC."""
    has_attachments: bool
    label: OneLine
    urgency: OneLine
    summary: OneLine
    thread_size: int
    """How many emails of its thread are in the store, including itself."""
    waiting: bool = False
    """Whether a draft of its thread waits for a decision. Only for folded rows."""
    unread: bool = False
    """Whether it is unread or, for folded rows, any email of its thread is."""
    chips: tuple[OneLine, ...] = ()
    """Other programs' tags as text, from `chips.chips_of`."""


ROW_SQL = """
SELECT mail.key, email_id, mail.mailbox_id, threads.thread_id, sender, sender_name, recipients, subject, hidden,
    direction, status, received_at, has_attachments, label, urgency, summary, threads.size, chips
FROM mail LEFT JOIN threads ON threads.thread = mail.thread
"""
"""Every email has a thread; of one that has lost it through damage, the row is damaged."""


def mail_row(columns: sqlite3.Row | tuple[Any, ...]) -> MailRow:
    """Converts a row of `ROW_SQL`."""
    (
        key, email_id, mailbox_id, thread_id, sender, sender_name, recipients, subject, hidden,
        direction, status, received_at, has_attachments, label, urgency, summary, size, chips,
    ) = tuple(columns)  # fmt: skip
    parties = json.loads(recipients)
    if not isinstance(hidden, int) or not (received_at is None or isinstance(received_at, int)):
        raise TypeError("a number is not one")
    return MailRow(
        key,
        email_id,
        mailbox_id,
        None if thread_id.startswith(" ") else thread_id,
        OneLine(sender),
        OneLine(sender_name) if sender_name else _NOTHING,
        OneLine(parties[0][0]) if parties else _NOTHING,
        len(parties),
        OneLine(subject),
        hidden,
        OneLine(direction),
        OneLine(status),
        received_at,
        bool(has_attachments),
        _noted(label),
        _noted(urgency),
        _noted(summary),
        size if isinstance(size, int) else 1,
        False,
        status == "unread",
        tuple(map(OneLine, json.loads(chips))) if chips else (),
    )


def _noted(value: object) -> OneLine:
    """What a model has said; nothing if it is damaged, for reading the email again would not bring it back."""
    return OneLine(value) if value and isinstance(value, str) else _NOTHING


def readable_row(columns: sqlite3.Row | tuple[Any, ...], damaged: DamagedRecords) -> MailRow:
    """The same, or what can be read of a damaged one."""
    try:
        return mail_row(columns)
    except UNREADABLE:
        key, email_id, mailbox_id, thread_id, sender, *_ = tuple(columns)
        note_damage(email_id, damaged)
        found = gone_row(key)._replace(
            email_id=str(email_id), mailbox_id=str(mailbox_id), thread_id=thread_of(thread_id)
        )
        return found._replace(sender=OneLine(str(sender)), subject=DAMAGED)


def thread_of(name: object) -> str | None:
    """The gateway's id of a stored thread; None for one that stands for an email without, and if it is damaged."""
    return name if isinstance(name, str) and not name.startswith(" ") else None


def note_damage(email_id: str, damaged: DamagedRecords) -> None:
    damaged.found(f"the email {email_id}", OPEN_IT)


def gone_row(key: int) -> MailRow:
    """The placeholder for an email deleted from the store since the list was read."""
    return MailRow(
        key, "", "", None, _NOTHING, _NOTHING, _NOTHING, 0, OneLine("(no longer kept here)"), 0,
        _NOTHING, _NOTHING, None, False, _NOTHING, _NOTHING, _NOTHING, 1,
    )  # fmt: skip


class Changes(NamedTuple):
    """The ids of the emails that an upsert changed."""

    new: frozenset[str]
    changed: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.new | self.changed
