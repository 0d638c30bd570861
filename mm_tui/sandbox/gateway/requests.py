"""Request bodies, as in the contract and from other known clients."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, StringConstraints

from mm_tui.sandbox.gateway.mail import MailAttachment, OutgoingMail
from mm_tui.sandbox.gateway.state import ApiError, moment
from mm_tui.sandbox.gateway.statuses import Mode, Scope

MAX_RECIPIENTS = 50
MAX_SUBJECT = 998
MAX_MARKDOWN = 262_144
MAX_ATTACHMENTS_BYTES = 25_000_000


def _address(text: str) -> str:
    if "@" not in text.strip("@") or any(not char.isprintable() for char in text):
        raise ValueError("is not an email address")
    return text


def _one_line(text: str) -> str:
    if "\n" in text or "\r" in text:
        raise ValueError("must be one line")
    return text


Address = Annotated[str, StringConstraints(max_length=998, strip_whitespace=True), AfterValidator(_address)]
Subject = Annotated[str, StringConstraints(max_length=MAX_SUBJECT), AfterValidator(_one_line)]
Markdown = Annotated[str, StringConstraints(max_length=MAX_MARKDOWN)]
Text = Annotated[str, StringConstraints(max_length=2000)]
Recipients = Annotated[list[Address], Field(max_length=MAX_RECIPIENTS)]
GateTiming = Literal["gate_first", "schedule_first"]


class Body(BaseModel):
    """The base of request bodies: unknown fields are ignored, as by the service."""

    model_config = ConfigDict(extra="ignore")


class AttachmentIn(Body):
    """A file to attach."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    content_base64: str
    content_type: Annotated[str, StringConstraints(max_length=255)] = "application/octet-stream"

    def decoded(self) -> MailAttachment:
        """The file's bytes; 400 if they are not base64."""
        try:
            data = base64.b64decode(self.content_base64, validate=True)
        except (binascii.Error, ValueError):
            raise ApiError(400, f"Attachment {self.name!r} is not valid base64") from None
        return MailAttachment(self.name, self.content_type, data)


class ReplyBody(Body):
    """The fields of a reply; recipients and subject come from the email that it answers."""

    markdown: Markdown
    cc: Recipients = []
    bcc: Recipients = []
    attachments: list[AttachmentIn] = []
    idempotency_key: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    send_at: datetime | None = None
    gate_timing: GateTiming | None = None

    def submission(self, to: Sequence[str] = (), subject: str = "") -> OutgoingMail:
        """Converts it to a submission; 400 if attachments or the send time are invalid."""
        attachments = [part.decoded() for part in self.attachments]
        if sum(len(part.data) for part in attachments) > MAX_ATTACHMENTS_BYTES:
            raise ApiError(413, "Attachments are larger than 25 MB together")
        same = self.model_dump(include={"markdown", "cc", "bcc", "idempotency_key", "gate_timing"})
        send_at = moment(self.send_at)
        return OutgoingMail(to=list(to), subject=subject, attachments=attachments, send_at=send_at, **same)


class SendBody(ReplyBody):
    """The fields of a new email."""

    to: Annotated[list[Address], Field(min_length=1, max_length=MAX_RECIPIENTS)]
    subject: Subject


class ScheduleBody(Body):
    """Changes to a scheduled email."""

    send_at: datetime | None = None
    to: Annotated[list[Address], Field(min_length=1, max_length=MAX_RECIPIENTS)] | None = None
    cc: Recipients | None = None
    bcc: Recipients | None = None
    subject: Subject | None = None
    markdown: Markdown | None = None


class TagsBody(Body):
    """All tags that an email should have."""

    tags: dict[
        Annotated[str, StringConstraints(min_length=1, max_length=255)],
        Annotated[str, StringConstraints(max_length=4000)],
    ]


class DecideBody(Body):
    """A human's decision about a waiting email."""

    email_id: Text
    action: Literal["approve", "reject"]
    reason: Annotated[str, StringConstraints(max_length=MAX_MARKDOWN)] | None = None


class NewMailbox(Body):
    """A mailbox to create. `address`, an address or its local part, is sent by the retired Python client."""

    local: Annotated[str, StringConstraints(min_length=1, max_length=320)] = Field(
        validation_alias=AliasChoices("address_local", "address")
    )
    display_name: Text | None = None
    approval_code: Text | None = None


class MailboxChanges(Body):
    """Fields of a mailbox that may change."""

    display_name: Text | None = None
    oversight_mode: Mode | None = None
    auto_cc: Address | None = None
    auto_bcc: Address | None = None
    forward_inbound: bool | None = None
    webhook_url: Text | None = None
    oversight_webhook_url: Text | None = None
    signature_block: Annotated[str, StringConstraints(max_length=200)] | None = None
    ai_disclosure: Literal[True] | None = None
    default_gate_timing: GateTiming | None = None
    scheduling_enabled: bool | None = None
    mcp_configured: bool | None = None

    def changes(self) -> dict[str, object]:
        """The given fields. A null clears a field if that is possible, and is ignored otherwise."""
        clearable = {"display_name", "auto_cc", "auto_bcc", "webhook_url", "oversight_webhook_url", "signature_block"}
        given = self.model_dump(exclude_unset=True)
        return {name: value for name, value in given.items() if value is not None or name in clearable}


class UpgradeRequest(Body):
    target_mode: Mode


class UpgradeBody(Body):
    code: Text


class Approval(Body):
    """What the operator was mailed."""

    approval_code: Text | None = None


class NewAllowed(Approval):
    """An address, or a domain as `@partner.example` or `*@partner.example`."""

    pattern: Annotated[str, StringConstraints(max_length=320, pattern=r"^[^@\s]*@[^@\s]+$", strip_whitespace=True)]
    note: Text | None = None


class NewKey(Approval):
    name: Text
    scopes: list[Scope] = [Scope.READ]


class KeyChanges(Body):
    name: Text | None = None
    scopes: list[Scope] | None = None


class NewContact(BaseModel):
    """A contact; other fields are stored unchanged."""

    model_config = ConfigDict(extra="allow")

    email: Address
    name: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class NewDomain(Body):
    domain: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,253}$")]


class NewWebhook(Body):
    """A subscription. `mailbox` (an address) is what the tutorial sends, `secret` the retired Python client."""

    url: Text
    events: Annotated[list[Text], Field(min_length=1, max_length=50)]
    mailbox_id: Text | None = None
    mailbox: Text | None = None
    approval_code: Text | None = None
    secret: Text | None = None


class AccountChanges(Body):
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    oversight_email: Address | None = None
