"""Rows as lists draw them: light, without pydantic, clean by type."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, NamedTuple

from mm_tui.text import OneLine

_NOTHING = OneLine("")


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
    """How many hidden characters cleaning took out of sender, recipients and subject."""
    direction: OneLine
    status: OneLine
    received_at: int | None
    """Milliseconds since 1970, UTC."""
    has_attachments: bool
    label: OneLine
    urgency: OneLine
    summary: OneLine
    thread_size: int
    """Mails of its thread that are in the store, itself included."""
    waiting: bool = False
    """A draft of its thread waits for a decision. Known for folded rows only."""
    unread: bool = False
    """It is unread, or for folded rows: an email of its thread is."""
    chips: tuple[OneLine, ...] = ()
    """Tags that others set, as `models.chips_of` words them."""


ROW_SQL = """
SELECT mail.key, email_id, mail.mailbox_id, threads.thread_id, sender, sender_name, recipients, subject, hidden,
    direction, status, received_at, has_attachments, label, urgency, summary, threads.size, chips
FROM mail JOIN threads ON threads.thread = mail.thread
"""


def mail_row(columns: sqlite3.Row | tuple[Any, ...]) -> MailRow:
    """A row of `ROW_SQL` as a `MailRow`."""
    (
        key, email_id, mailbox_id, thread_id, sender, sender_name, recipients, subject, hidden,
        direction, status, received_at, has_attachments, label, urgency, summary, size, chips,
    ) = tuple(columns)  # fmt: skip
    parties = json.loads(recipients)
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
        OneLine(label) if label else _NOTHING,
        OneLine(urgency) if urgency else _NOTHING,
        OneLine(summary) if summary else _NOTHING,
        size,
        False,
        status == "unread",
        tuple(map(OneLine, json.loads(chips))) if chips else (),
    )


def gone_row(key: int) -> MailRow:
    """Stands in a page for an email that has left the store since the list was taken."""
    return MailRow(
        key, "", "", None, _NOTHING, _NOTHING, _NOTHING, 0, OneLine("(no longer kept here)"), 0,
        _NOTHING, _NOTHING, None, False, _NOTHING, _NOTHING, _NOTHING, 1,
    )  # fmt: skip
