"""Mail as it comes into the sandbox, before the gateway has given it ids.

Neutral between what parses mail (`mail_import`, `samples`) and what files it (`inbound`, `seed`). Nothing here is
cleaned: a gateway hands on what it got, and the client under test has to cope.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


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
    """With a time zone. None: not known."""
    message_id: str = ""
    """As in the header, angle brackets included; empty when there was none."""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    """Oldest first. Threads are found by these and `in_reply_to`."""
    reply_to: str = ""
    cc: tuple[str, ...] = ()
    attachments: tuple[MailAttachment, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    """Other headers worth keeping."""
    spam_score: float | None = None
    """5 and more is flagged, 8 and more quarantined."""


@dataclass(frozen=True, slots=True)
class SampleDraft:
    """A reply that an agent has written and that waits for a human."""

    in_reply_to: str
    """Message-ID of the sample mail it answers."""
    body: str
    to: tuple[str, ...] = ()
    """Empty: the sender of the email it answers, as a reply goes."""
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    subject: str = ""
    """Empty: "Re: " and the subject of the email it answers."""
    attachments: tuple[MailAttachment, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleMailbox:
    """A mailbox and what lies in it.

    An email whose sender is the mailbox itself is filed as outbound and delivered: that is how a thread's history gets
    the replies of earlier days.
    """

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
class Arrival:
    """An email that comes in while the demo runs."""

    after_seconds: float
    """Since the arrival before it (or the start)."""
    mailbox: str
    """Local part of the mailbox it goes to."""
    mail: IncomingMail
