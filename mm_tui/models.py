"""What mail, drafts, decisions and audit entries are.

Frozen, and clean by type: every text that can reach a screen is a `OneLine` or a `ManyLine`. What a digest or a
release needs exactly as it was received stands apart in `RawContent`, which hides itself from every repr.
The gateway's wire shapes are translated into these in `mm_tui/gateway/wire.py`; nothing here knows them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from mm_tui.text import ManyLine, OneLine, encodable

GatewayId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,256}$")]
"""An id the gateway gave. Printable ASCII only, so it can be sent back exactly and shown as it is."""


class Model(BaseModel):
    """Base of all models: frozen, and deaf to fields it does not know."""

    # Schemas are built on first use: building all of them takes longer than drawing the first screen.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Direction(StrEnum):
    """Which way an email goes, seen from the mailbox."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class OversightMode(StrEnum):
    """The trust ladder, lowest first. The gateway's set may grow: models hold it as text."""

    READ_ONLY = "read_only"
    GATED_ALL = "gated_all"
    GATED_SEND = "gated_send"
    MONITORED = "monitored"
    AUTONOMOUS = "autonomous"


class Status(StrEnum):
    """The statuses that we act on. The set is open: an unknown one is shown as it came."""

    UNREAD = "unread"
    READ = "read"
    ARCHIVED = "archived"
    DELETED = "deleted"
    PENDING_INBOUND_APPROVAL = "pending_inbound_approval"
    SPAM_FLAGGED = "spam_flagged"
    SPAM_QUARANTINED = "spam_quarantined"
    PENDING_SCAN = "pending_scan"
    PENDING_SEND_APPROVAL = "pending_send_approval"
    SCHEDULED = "scheduled"
    APPROVED = "approved"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    SEND_FAILED = "send_failed"


ARRIVED = frozenset({Status.UNREAD, Status.READ, Status.ARCHIVED, Status.DELETED, Status.APPROVED, Status.DELIVERED})
"""Inbound mail that reached the mailbox. All else waits, is spam, was refused, or has a status that we do not know."""
LEFT = frozenset({Status.APPROVED, Status.SENT, Status.DELIVERED, Status.BOUNCED, "approved_and_sent", "complained"})
"""Outbound mail that left."""
NOT_SENT = frozenset(
    {
        Status.PENDING_SCAN,
        Status.PENDING_SEND_APPROVAL,
        Status.SCHEDULED,
        Status.REJECTED,
        Status.CANCELLED,
        Status.SEND_FAILED,
    }
)
"""Outbound mail that nobody has received. Of any other status the times of approval and delivery tell."""

_PLAIN_PARTY = re.compile(r"(?:(\w+(?: \w+)*) <)?([\w+-]+(?:\.[\w+-]+)*@[\w-]+(?:\.[\w-]+)*)(>)?", re.ASCII)
_ANGLED = re.compile(r"([^<>]*)<([^<>\s@]+@[^<>\s@]+)>\s*", re.ASCII)
_SPECIAL = re.compile(r'[][\\()<>@,:;".]')
"""A name that holds one of these stands in quotes (RFC 5322, 3.2.3)."""
_RECIPIENT = re.compile(r'(?:"(?:[^"\\]|\\.)*+"|[^",])++')
_QUOTED_WELL = re.compile(r'(?:"(?:[^"\\]|\\.)*+"|[^"])*+')


def recipients(line: str) -> tuple[str, ...]:
    """The recipients of a line in header form: a comma parts them unless it stands in quotes."""
    parts = _RECIPIENT.findall(line) if _QUOTED_WELL.fullmatch(line) else line.split(",")
    return tuple(part.strip() for part in parts if part.strip())


def _name_and_address(raw: str) -> tuple[str, str]:
    """The name and address of any header form; nothing that could be a further recipient is ever left out."""
    # Plain forms are only matched: `parseaddr` is slow.
    plain = _PLAIN_PARTY.fullmatch(raw)
    if plain is not None and (plain[1] is None) == (plain[3] is None):
        return plain[1] or "", plain[2]
    if angled := _ANGLED.fullmatch(raw):
        # An unquoted comma or colon in the name: RFC 5322 wants quotes there, mail in the wild has none.
        return angled[1].strip().strip('"'), angled[2]
    name, address = parseaddr(raw)
    return (name, address) if raw.count("@") == 1 else ("", "")


class Party(Model):
    """A sender or recipient: the address first, then the name it claims."""

    address: OneLine
    name: OneLine = OneLine("")

    @classmethod
    def parse(cls, raw: str) -> Party:
        """From header form (`Ann <ann@x.example>` or bare). What cannot be parsed stands whole in `address`."""
        # The same people write again and again; their parties are frozen, so they can be shared.
        return _known_party(raw) if len(raw) < 200 else _parse_party(raw)

    def __str__(self) -> str:
        return f"{self.address} ({self.name})" if self.name else str(self.address)

    @property
    def header(self) -> str:
        """In header form, as a send call takes it: every script as it is, for a human edits this too."""
        if not self.name:
            return str(self.address)
        name = re.sub(r'(["\\])', r"\\\1", self.name)
        return f'"{name}" <{self.address}>' if _SPECIAL.search(self.name) else f"{name} <{self.address}>"


def _parse_party(raw: str) -> Party:
    name, address = _name_and_address(raw)
    if "@" not in address:
        return Party(address=OneLine(raw.strip()))
    return Party(address=OneLine(address), name=OneLine(name))


_known_party = lru_cache(maxsize=2048)(_parse_party)


class Attachment(Model):
    """An attachment as the gateway lists it. `size` in bytes."""

    name: OneLine
    size: int = 0
    content_type: OneLine = OneLine("")


class RawContent(Model):
    """An email's content exactly as received: for digests and for sending again, never for showing."""

    sender: str
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    subject: str = ""
    body: str = ""
    attachments: tuple[tuple[str, int, str], ...] = ()
    """(name, size in bytes, content type) of each."""
    send_at: str = ""
    """When it is to leave, once approved; empty where the gateway does not tell."""

    def __repr__(self) -> str:
        return f"<RawContent of {len(self.body)} characters>"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class EditedDraft:
    """What a human made of a draft, as typed. Cc and attachments stay as they are in the original.

    Lone surrogates, which cannot be sent or stored, become escapes.
    """

    to: tuple[str, ...]
    subject: str
    body: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "to", tuple(map(encodable, self.to)))
        object.__setattr__(self, "subject", encodable(self.subject))
        object.__setattr__(self, "body", encodable(self.body))

    def __repr__(self) -> str:
        return f"<EditedDraft of {len(self.body)} characters>"

    @property
    def digest(self) -> str:
        """A hash of the text, which names it."""
        return sha256(json.dumps([self.to, self.subject, self.body]).encode()).hexdigest()

    @property
    def as_mail(self) -> str:
        """All of it in one text, as a human reads it."""
        return f"To: {', '.join(self.to)}\nSubject: {self.subject}\n\n{self.body}"


class Allowed(Model):
    """An entry of a mailbox's allowlist: mail to whom it names leaves without a human being asked."""

    id: GatewayId
    pattern: OneLine
    """An address, or a domain as `@partner.example`, `*@partner.example` or `partner.example`."""
    note: OneLine = OneLine("")
    added_by: OneLine = OneLine("")
    added_at: datetime | None = None

    def names(self, address: str) -> bool:
        """Whether the entry is about this address, in any header form."""
        pattern = self.pattern.strip().lower()
        if "@" not in pattern:
            pattern = f"*@{pattern}"
        if pattern.startswith("@"):
            pattern = f"*{pattern}"
        # Only `*` stands for something else than itself.
        parts = (re.escape(part) for part in pattern.split("*"))
        return re.fullmatch(".*".join(parts), str(Party.parse(address).address).lower()) is not None


class Mailbox(Model):
    """A mailbox of the account, with its place on the trust ladder."""

    id: GatewayId
    address: OneLine
    display_name: OneLine = OneLine("")
    oversight_mode: OneLine = OneLine("")
    auto_cc: OneLine = OneLine("")
    auto_bcc: OneLine = OneLine("")
    forward_inbound: bool = False
    webhook_url: OneLine = OneLine("")
    oversight_webhook_url: OneLine = OneLine("")
    signature_block: ManyLine = ManyLine("")
    ai_disclosure: bool | None = None
    created_at: datetime | None = None
    is_active: bool = True
    allowed: tuple[Allowed, ...] | None = None
    """The allowlist, which counts in `gated_send` alone; None where it was not read."""

    def let_through(self, recipients: Iterable[str]) -> tuple[OneLine, ...]:
        """Those of the recipients that the allowlist names: mail to them may leave without a human being asked."""
        if str(self.oversight_mode) != OversightMode.GATED_SEND or not self.allowed:
            return ()
        named = (to for to in recipients if any(entry.names(to) for entry in self.allowed))
        return tuple(dict.fromkeys(Party.parse(to).address for to in named))


class EmailSummary(Model):
    """An email as a list gives it: no body, no cc."""

    id: GatewayId
    mailbox_id: GatewayId
    sender: Party
    to: tuple[Party, ...] = ()
    subject: OneLine = OneLine("")
    direction: OneLine = OneLine(Direction.INBOUND)
    status: OneLine = OneLine("")
    received_at: datetime | None = None
    thread_id: GatewayId | None = None
    has_attachments: bool = False
    spam_score: float | None = None
    spam_verdict: OneLine = OneLine("")
    delivered_at: datetime | None = None
    bounced_at: datetime | None = None
    bounce_type: OneLine = OneLine("")

    @property
    def is_exchanged(self) -> bool:
        """It arrived or left. Only such mail is part of a thread: what was never sent vouches for nothing."""
        status = str(self.status)
        if str(self.direction) == Direction.INBOUND:
            return status in ARRIVED
        return status in LEFT or (status not in NOT_SENT and self._has_left)

    @property
    def _has_left(self) -> bool:
        return self.delivered_at is not None or self.bounced_at is not None


class EmailDetail(EmailSummary):
    """An email opened. Fetching one marks an unread mail read at the gateway."""

    cc: tuple[Party, ...] = ()
    body: ManyLine = ManyLine("")
    attachments: tuple[Attachment, ...] = ()
    tags: dict[OneLine, OneLine] = Field(default_factory=dict)
    approved_at: datetime | None = None
    approved_by: OneLine = OneLine("")
    in_reply_to: OneLine = OneLine("")
    """What names the email that it answers; empty when the gateway does not tell."""
    identity: OneLine = OneLine("")
    """The header X-MultiMail-Identity as the gateway showed it; empty when it showed none."""
    ai_generated: OneLine = OneLine("")
    """The header X-AI-Generated."""
    automatic: OneLine = OneLine("")
    """The header that says that a program or a list sent it (`auto-submitted: auto-replied`); empty when none does."""
    reply_to: tuple[Party, ...] = ()
    """Where an answer goes in place of the sender; empty when the email names none or the gateway does not tell."""
    raw: RawContent

    @property
    def answered_to(self) -> tuple[Party, ...]:
        """Whom an answer reaches."""
        return self.reply_to or (self.sender,)

    @property
    def _has_left(self) -> bool:
        # A deleted draft may have been approved and taken back before it left.
        approved = self.approved_at is not None and str(self.status) != Status.DELETED
        return approved or super()._has_left


class PendingItem(Model):
    """An email that waits for a human: outbound (a draft) or inbound (`gated_all`).

    The pending list gives no cc, attachments or thread; `raw` then holds what it gave and `complete` is False until
    the detail has been read.
    """

    id: GatewayId
    mailbox_id: GatewayId
    direction: OneLine
    sender: Party
    to: tuple[Party, ...] = ()
    cc: tuple[Party, ...] = ()
    subject: OneLine = OneLine("")
    body: ManyLine = ManyLine("")
    status: OneLine = OneLine("")
    received_at: datetime | None = None
    thread_id: GatewayId | None = None
    in_reply_to: OneLine = OneLine("")
    """As in `EmailDetail`."""
    attachments: tuple[Attachment, ...] = ()
    raw: RawContent
    complete: bool = False


class ThreadSummary(Model):
    """A thread as the gateway lists it, oldest mail first: no bodies."""

    id: GatewayId
    mailbox_id: GatewayId
    emails: tuple[EmailSummary, ...] = ()


class AuditEntry(Model):
    """A line of the gateway's audit log. The actor is a key, not a person."""

    id: GatewayId
    action: OneLine
    resource_type: OneLine = OneLine("")
    resource_id: OneLine = OneLine("")
    actor_key_id: OneLine = OneLine("")
    metadata: dict[OneLine, OneLine] = Field(default_factory=dict)
    """Values that were not text stand as JSON."""
    created_at: datetime | None = None


class SendReceipt(Model):
    """The gateway's answer to send or reply."""

    id: GatewayId
    status: OneLine
    thread_id: GatewayId | None = None
    message: OneLine = OneLine("")
    idempotent: bool = False


class DecideReceipt(Model):
    """The gateway's answer to decide."""

    status: OneLine
    postmark_message_id: OneLine = OneLine("")
