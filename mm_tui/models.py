"""The models of mail, drafts, decisions and audit entries.

They are frozen, and clean by type: every text that can reach a screen is a `OneLine` or a `ManyLine`. The exact text
needed for digests and decisions is kept separately in `RawContent`, which hides it from every repr. The gateway's wire
shapes are translated into these in `mm_tui/gateway/wire.py`; nothing here knows them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Self

import msgspec
from msgspec.structs import force_setattr

from mm_tui.addresses import header_form, name_and_address
from mm_tui.text import ManyLine, OneLine, encodable, is_blank

GatewayId = Annotated[str, msgspec.Meta(pattern=r"\A[\x21-\x7e]{1,256}\Z")]
"""An id from the gateway. Printable ASCII only, so it can be sent back and shown unchanged."""


class Model(msgspec.Struct, frozen=True):
    """The base of all models. Building one checks nothing: what comes from outside goes through `typed_json`."""

    def replaced(self, **changes: Any) -> Self:
        """The same with other values in some fields."""
        return msgspec.structs.replace(self, **changes)


class Direction(StrEnum):
    """The direction of an email, from the mailbox's point of view."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class OversightMode(StrEnum):
    """The trust ladder, lowest first. The gateway may add modes, so models store text."""

    READ_ONLY = "read_only"
    GATED_ALL = "gated_all"
    GATED_SEND = "gated_send"
    MONITORED = "monitored"
    AUTONOMOUS = "autonomous"


class Status(StrEnum):
    """The statuses that we act on. The gateway may have others, which are shown unchanged."""

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
"""Inbound mail that reached the mailbox. Any other waits, is spam, was refused, or has an unknown status."""
LEFT = frozenset({Status.APPROVED, Status.SENT, Status.DELIVERED, Status.BOUNCED, "approved_and_sent", "complained"})
"""Outbound mail that was sent."""
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
"""Outbound mail that nobody has received. For any other status the times of approval and delivery decide."""


class Party(Model, frozen=True, kw_only=True):
    """A sender or recipient: the address, then the claimed name."""

    address: OneLine
    name: OneLine = OneLine("")

    @classmethod
    def parse(cls, raw: str) -> Party:
        """Parses header form (`Ann <ann@x.example>` or bare). Unparsable text becomes the `address`."""
        # The same people write repeatedly; parties are frozen, so they can be shared.
        return _known_party(raw) if len(raw) < 200 else _parse_party(raw)

    def __str__(self) -> str:
        return f"{self.address} ({self.name})" if self.name else str(self.address)

    @property
    def header(self) -> str:
        """In header form for a send call, with every script unencoded because a human edits it too."""
        return header_form(self.name, str(self.address))


def _parse_party(raw: str) -> Party:
    name, address = name_and_address(raw)
    if "@" not in address:
        return Party(address=OneLine(raw.strip()))
    shown = OneLine(name)
    return Party(address=OneLine(address), name=OneLine("") if is_blank(shown) else shown)


_known_party = lru_cache(maxsize=2048)(_parse_party)


class Attachment(Model, frozen=True, kw_only=True):
    """An attachment as listed by the gateway. `size` is in bytes."""

    name: OneLine
    size: int = 0
    content_type: OneLine = OneLine("")


class RawContent(Model, frozen=True, kw_only=True):
    """An email's content exactly as received: for digests and for sending again, never for display."""

    sender: str
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    subject: str = ""
    body: str = ""
    attachments: tuple[tuple[str, int, str], ...] = ()
    """(name, size in bytes, content type) of each."""
    send_at: str = ""
    """When it will be sent, once approved; empty if the gateway does not say."""
    undisclosed: tuple[str, ...] = msgspec.field(default=(), name="untold")
    """Which of `to`, `cc` and `attachments` the opened email does not name, so that they are unknown. Stored mail calls
    it by the name given here, and so do digests."""
    bcc: tuple[str, ...] = ()
    """Empty if the gateway does not disclose it; no published answer does."""

    @property
    def clean_attachments(self) -> tuple[Attachment, ...]:
        """The attachments, for display."""
        return tuple(
            Attachment(name=OneLine(name), size=size, content_type=OneLine(kind))
            for name, size, kind in self.attachments
        )

    def __repr__(self) -> str:
        return f"<RawContent of {len(self.body)} characters>"

    __str__ = __repr__


class EditedDraft(msgspec.Struct, frozen=True):
    """A human's edit of a draft, as typed. Cc and attachments stay those of the original. Lone surrogates, which cannot
    be sent or stored, become escapes."""

    to: tuple[str, ...]
    subject: str
    body: str

    def __post_init__(self) -> None:
        force_setattr(self, "to", tuple(map(encodable, self.to)))
        force_setattr(self, "subject", encodable(self.subject))
        force_setattr(self, "body", encodable(self.body))

    def __repr__(self) -> str:
        return f"<EditedDraft of {len(self.body)} characters>"

    @property
    def digest(self) -> str:
        """A hash that identifies the text."""
        return sha256(json.dumps([self.to, self.subject, self.body]).encode()).hexdigest()

    @property
    def as_mail(self) -> str:
        """The whole email as one text, for humans."""
        return f"To: {', '.join(self.to)}\nSubject: {self.subject}\n\n{self.body}"


class Allowed(Model, frozen=True, kw_only=True):
    """An entry of a mailbox's allowlist: mail to it is sent without approval."""

    id: GatewayId
    pattern: OneLine
    """An address, or a domain as `@partner.example`, `*@partner.example` or `partner.example`."""
    note: OneLine = OneLine("")

    def names(self, address: str) -> bool:
        """Whether the entry matches this address, in any header form."""
        pattern = self.pattern.strip().lower()
        if "@" not in pattern:
            pattern = f"*@{pattern}"
        if pattern.startswith("@"):
            pattern = f"*{pattern}"
        # Only `*` is a wildcard.
        parts = (re.escape(part) for part in pattern.split("*"))
        return re.fullmatch(".*".join(parts), str(Party.parse(address).address).lower()) is not None


class Mailbox(Model, frozen=True, kw_only=True):
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
    is_active: bool = True
    allowed: tuple[Allowed, ...] | None = None
    """The allowlist, which matters only in `gated_send`; None if it was not read."""

    def let_through(self, recipients: Iterable[str]) -> tuple[OneLine, ...]:
        """The recipients on the allowlist: mail to them may be sent without approval."""
        if str(self.oversight_mode) != OversightMode.GATED_SEND or not self.allowed:
            return ()
        named = (to for to in recipients if any(entry.names(to) for entry in self.allowed))
        return tuple(dict.fromkeys(Party.parse(to).address for to in named))


class EmailSummary(Model, frozen=True, kw_only=True):
    """An email from a list: no body, no cc."""

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
    def answerable(self) -> tuple[Party, ...]:
        """The addresses that an answer may reach: the sender's and those that the email asks to answer to, because not
        every gateway obeys the email."""
        return (self.sender,)

    @property
    def is_exchanged(self) -> bool:
        """Whether it arrived or was sent. Only such mail counts as part of a thread: unsent mail proves nothing."""
        status = str(self.status)
        if str(self.direction) == Direction.INBOUND:
            return status in ARRIVED
        return status in LEFT or (status not in NOT_SENT and self._has_left)

    @property
    def _has_left(self) -> bool:
        return self.delivered_at is not None or self.bounced_at is not None


class EmailDetail(EmailSummary, frozen=True, kw_only=True):
    """An opened email. Fetching one marks an unread email as read at the gateway."""

    cc: tuple[Party, ...] = ()
    body: ManyLine = ManyLine("")
    attachments: tuple[Attachment, ...] = ()
    tags: dict[OneLine, OneLine] = msgspec.field(default_factory=dict)
    approved_at: datetime | None = None
    approved_by: OneLine = OneLine("")
    in_reply_to: OneLine = OneLine("")
    """The id of the email that it answers; empty if the gateway does not say."""
    identity: OneLine = OneLine("")
    """The header X-MultiMail-Identity from the gateway; empty if there is none."""
    ai_generated: OneLine = OneLine("")
    """The header X-AI-Generated."""
    automatic: OneLine = OneLine("")
    """The header that says that a program or a list sent it (`auto-submitted: auto-replied`); empty if none does."""
    reply_to: tuple[Party, ...] = ()
    """Where an answer goes instead of the sender; empty if the email has none or the gateway does not say."""
    raw: RawContent

    @property
    def answered_to(self) -> tuple[Party, ...]:
        """The addresses that an answer reaches."""
        return self.reply_to or (self.sender,)

    @property
    def answerable(self) -> tuple[Party, ...]:
        return tuple(dict.fromkeys((self.sender, *self.reply_to)))

    @property
    def _has_left(self) -> bool:
        # A deleted draft may have been approved and then cancelled before it was sent.
        approved = self.approved_at is not None and str(self.status) != Status.DELETED
        return approved or super()._has_left


class PendingItem(Model, frozen=True, kw_only=True):
    """An email that waits for a human: outbound (a draft) or inbound (`gated_all`). The pending list has no cc,
    attachments or thread; `raw` then has the listed content, and `complete` is False until the detail has been read."""

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

    @classmethod
    def of(cls, raw: RawContent, **others: Any) -> PendingItem:
        """One with this content, cleaned for display. `others`: the fields that do not follow from the content."""
        return cls(
            sender=Party.parse(raw.sender),
            to=tuple(map(Party.parse, raw.to)),
            cc=tuple(map(Party.parse, raw.cc)),
            subject=OneLine(raw.subject),
            body=ManyLine(raw.body),
            attachments=raw.clean_attachments,
            raw=raw,
            **others,
        )

    @property
    def bcc(self) -> tuple[Party, ...]:
        """Who gets a hidden copy, if the gateway says so."""
        return tuple(map(Party.parse, self.raw.bcc))


Thread = tuple[EmailSummary, ...]
"""A thread as listed by the gateway, oldest email first, without bodies."""


class AuditEntry(Model, frozen=True, kw_only=True):
    """A line of the gateway's audit log. The actor is a key, not a person."""

    id: GatewayId
    action: OneLine
    resource_type: OneLine = OneLine("")
    resource_id: OneLine = OneLine("")
    actor_key_id: OneLine = OneLine("")
    metadata: dict[OneLine, OneLine] = msgspec.field(default_factory=dict)
    """Values that are not text are stored as JSON."""
    created_at: datetime | None = None


class SendReceipt(Model, frozen=True, kw_only=True):
    """The gateway's answer to send or reply."""

    id: GatewayId
    status: OneLine
    idempotent: bool = False
