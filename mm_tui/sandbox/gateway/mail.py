"""Mail on its way into the sandbox, before the gateway has given it ids.

Shared by the code that reads mail (`mail_in`, `samples`) and the code that inserts it. Nothing is cleaned: a gateway
passes on what it received, and the client under test has to cope.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parseaddr


@dataclass(frozen=True, slots=True)
class MailAttachment:
    """An attachment with its bytes."""

    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class IncomingMail:
    """One email, parsed. Addresses are in header form (`Ann <ann@x.example>` or bare)."""

    sender: str
    to: tuple[str, ...]
    subject: str
    body: str
    """Markdown or plain text."""
    date: datetime | None = None
    """An aware datetime; None if unknown."""
    message_id: str = ""
    """As in the header, including angle brackets; empty if there was none."""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    """Oldest first. Threads are found by these and `in_reply_to`."""
    reply_to: str = ""
    cc: tuple[str, ...] = ()
    attachments: tuple[MailAttachment, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    """Other headers worth keeping."""
    spam_score: float | None = None
    """From 5 it is flagged, from 8 quarantined."""


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """An email that a caller wants to send. `send_at` in epoch ms."""

    to: Sequence[str]
    subject: str
    markdown: str
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    attachments: Sequence[MailAttachment] = ()
    idempotency_key: str | None = None
    send_at: int | None = None
    gate_timing: str | None = None
    always_gate: bool = False

    def fingerprint(self) -> str:
        """A digest of the content, for recognizing the same reply."""
        parts = [hashlib.sha256(part.data).hexdigest() + part.name for part in self.attachments]
        content = json.dumps([self.markdown, list(self.cc), list(self.bcc), parts])
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class SampleDraft:
    """An agent's reply that waits for a human, or for its time."""

    in_reply_to: str
    """Message-ID of the sample mail it answers."""
    body: str
    to: tuple[str, ...] = ()
    """Empty means the sender of the email it answers."""
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    subject: str = ""
    """Empty means "Re: " and the subject of the email it answers."""
    attachments: tuple[MailAttachment, ...] = ()
    leaves_after: timedelta | None = None
    """How long after the start of the sandbox it is due to leave; None if it leaves once it is approved."""


@dataclass(frozen=True, slots=True)
class SampleMailbox:
    """A mailbox with its emails. An email sent by the mailbox itself is inserted as outbound and delivered, so that a
    thread's history has earlier replies."""

    local: str
    """The part before the @, for example `support`."""
    display_name: str
    oversight_mode: str = "gated_send"
    mails: tuple[IncomingMail, ...] = ()
    drafts: tuple[SampleDraft, ...] = ()
    read: frozenset[str] = frozenset()
    """Message-IDs of emails that have been read already."""
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Message-ID = tags it carries already."""


@dataclass(frozen=True, slots=True)
class TimedMail:
    """An email that arrives while the demo runs."""

    after_seconds: float
    """Seconds since the previous arrival (or the start)."""
    mailbox: str
    """The local part of its mailbox."""
    mail: IncomingMail


def name_and_address(text: str) -> tuple[str, str]:
    """The name and the address in header form; both empty if there is no address."""
    try:
        return parseaddr(text)
    except RecursionError:
        # Hundreds of nested comments.
        return "", ""
