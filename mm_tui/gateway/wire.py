"""The gateway's JSON, in every documented shape, translated into our models.

The gateway's documents disagree, so each reader accepts all documented forms: lists bare or under
one of several names; bodies as `markdown`, `body_markdown`, `text_body` or `body`; times as ISO 8601 or epoch
milliseconds; booleans as 0 and 1. Missing optional fields get the model's default. What cannot be used without
guessing (an id that could not be sent back) is refused in words: `values.Unusable`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from email.utils import getaddresses
from typing import Any, NamedTuple

from mm_tui.gateway import values
from mm_tui.gateway.errors import GatewayError
from mm_tui.gateway.shapes import Listing
from mm_tui.gateway.values import Json
from mm_tui.models import (
    AuditEntry,
    Direction,
    EmailDetail,
    EmailSummary,
    Party,
    PendingItem,
    RawContent,
    SendReceipt,
    Status,
    Thread,
)
from mm_tui.text import ManyLine, OneLine

_SEND_TIME_NAMES = ("send_at", "scheduled_at", "scheduled_for")
_BODY_NAMES = ("markdown", "body_markdown", "text_body", "body_text", "body", "text")

_FROM_NAMES = ("from", "sender", "from_address", "from_email")
_TO_NAMES = ("to", "to_addresses", "to_address", "to_emails", "recipients")
_CC_NAMES = ("cc", "cc_addresses", "cc_address", "cc_emails")
_BCC_NAMES = ("bcc", "bcc_addresses", "bcc_address", "bcc_emails")
"""No published answer has it; it is shown if a gateway returns it."""

_OUTBOUND = frozenset(
    {Status.PENDING_SEND_APPROVAL, Status.SCHEDULED, Status.SENT, Status.DELIVERED, Status.BOUNCED, Status.SEND_FAILED}
)
"""Statuses that only outbound mail has: inbound mail is scanned, approved, rejected and cancelled as well."""
_INBOUND = frozenset(
    {
        Status.UNREAD,
        Status.READ,
        Status.ARCHIVED,
        Status.PENDING_INBOUND_APPROVAL,
        Status.SPAM_FLAGGED,
        Status.SPAM_QUARANTINED,
    }
)


_DECIDED_ON = (Status.PENDING_SEND_APPROVAL, Status.PENDING_INBOUND_APPROVAL, Status.SCHEDULED)
"""Statuses of mail that a human decides on."""


def attachments(value: object) -> tuple[tuple[str, int, str], ...]:
    """(raw name, size in bytes, content type) of each attachment that is listed."""
    return tuple(
        (
            values.raw_text(values.first(item, "name", "filename")),
            max(0, values.whole(values.first(item, "size", "size_bytes")) or 0),
            values.raw_text(values.first(item, "content_type", "mime_type", "type")),
        )
        if isinstance(item, dict)
        else (values.as_text(item), 0, "")
        for item in _files(value) or ()
    )


def _files(value: object) -> list[object] | None:
    """The list of files in a value, in a text too; None if there is no such list."""
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, list) else [] if value in (None, "") else None


def tags(value: object) -> dict[OneLine, OneLine]:
    """Tags as clean text. A bare list of names becomes names with an empty value."""
    if isinstance(value, list):
        return {values.line(name): OneLine("") for name in value}
    return {values.line(key): values.line(values.as_text(inner)) for key, inner in values.table(value).items()}


def direction(item: Json) -> str:
    """The stated direction, or the one that the status implies, or empty if neither is known."""
    stated = item.get("direction")
    if isinstance(stated, str) and stated:
        return stated
    status = values.raw_text(item.get("status"))
    if status in _OUTBOUND or values.first(item, "delivered_at", "bounced_at") is not None:
        return Direction.OUTBOUND
    approved = values.first(item, "approved_at", "approved_by") is not None
    return Direction.INBOUND if status in _INBOUND and not approved else ""


_SAYS_NOTHING = frozenset({"", Status.UNREAD, Status.READ, Status.ARCHIVED})
"""Statuses that do not say whether outbound mail was sent."""
_STILL_SAID = frozenset({*_SAYS_NOTHING, Status.PENDING_SCAN, Status.PENDING_SEND_APPROVAL, Status.SCHEDULED})
"""Statuses that are out of date once the email has a delivery or bounce time."""


def status(item: Json, way: str) -> OneLine:
    """The status as received. If an outbound email's status does not say whether it was sent, its times decide. The
    published statuses have no word for a sent email; `approved_at`, `delivered_at` and `bounced_at` show that it was
    sent."""
    stated = values.line(item.get("status"))
    if stated and (way != Direction.OUTBOUND or stated not in _STILL_SAID):
        return stated
    if values.time(item.get("bounced_at")) is not None:
        return OneLine(Status.BOUNCED)
    if values.time(item.get("delivered_at")) is not None:
        return OneLine(Status.DELIVERED)
    approved = stated in _SAYS_NOTHING and values.time(item.get("approved_at")) is not None
    return OneLine(Status.APPROVED) if approved else stated


def parties(raw: Iterable[str]) -> tuple[Party, ...]:
    """Correspondents from raw header values; single commas within a text are left unchanged."""
    return tuple(Party.parse(text) for text in raw)


def raw_content(item: Json) -> RawContent:
    return RawContent(
        sender=next(iter(values.texts_of(item, *_FROM_NAMES)), ""),
        to=values.texts_of(item, *_TO_NAMES),
        cc=values.texts_of(item, *_CC_NAMES),
        bcc=values.texts_of(item, *_BCC_NAMES),
        subject=values.raw_text(item.get("subject")),
        body=values.raw_text(values.first(item, *_BODY_NAMES)),
        attachments=attachments(item.get("attachments")),
        send_at=values.as_text(values.first(item, *_SEND_TIME_NAMES) or ""),
    )


def _undisclosed(item: Json, raw: RawContent) -> tuple[str, ...]:
    """Which parts an opened email does not disclose. An empty field says that there is nothing; an absent one
    does not."""
    disclosed = {
        "to": bool(raw.to),
        "cc": any(name in item for name in _CC_NAMES),
        "attachments": "attachments" in item
        and _files(item["attachments"]) is not None
        and (bool(raw.attachments) or not values.flag(item.get("has_attachments"))),
    }
    return tuple(name for name, is_disclosed in disclosed.items() if not is_disclosed)


class _Listed(NamedTuple):
    """The raw content of an email in a list. A `RawContent` for each of 100,000 emails takes too long."""

    sender: str
    to: tuple[str, ...]
    subject: str
    attachments: tuple[tuple[str, int, str], ...]


def _listed(item: Json) -> _Listed:
    named = item.get("attachments")
    return _Listed(
        next(iter(values.texts_of(item, *_FROM_NAMES)), ""),
        values.texts_of(item, *_TO_NAMES),
        values.raw_text(item.get("subject")),
        attachments(named) if named else (),
    )


def _summary_fields(item: Json, mailbox_id: str, raw: RawContent | _Listed) -> dict[str, Any]:
    """The fields that an email in a list and an opened one share."""
    listed = values.first(item, "has_attachments")
    way = direction(item)
    return {
        "id": values.gateway_id(values.first(item, "id", "email_id", "message_id"), "id"),
        "mailbox_id": values.gateway_id(values.first(item, "mailbox_id") or mailbox_id, "mailbox_id"),
        "sender": Party.parse(raw.sender),
        "to": parties(raw.to),
        "subject": OneLine(raw.subject),
        "direction": OneLine(way),
        "status": status(item, way),
        "received_at": values.time(values.first(item, "received_at", "created_at", "timestamp")),
        "thread_id": values.optional_id(item.get("thread_id")),
        "has_attachments": bool(raw.attachments) if listed is None else values.flag(listed),
        "spam_score": values.number(item.get("spam_score")),
        "spam_verdict": values.line(item.get("spam_verdict")),
        "delivered_at": values.time(item.get("delivered_at")),
        "bounced_at": values.time(item.get("bounced_at")),
        "bounce_type": values.line(item.get("bounce_type")),
    }


def email_summary(item: Json, mailbox_id: str) -> EmailSummary:
    """An email from a list. `mailbox_id` is the requested one, since lists of one mailbox do not repeat it."""
    return EmailSummary(**_summary_fields(item, mailbox_id, _listed(item)))


def email_detail(item: Json, mailbox_id: str) -> EmailDetail:
    """An opened email. Its direction is empty if it is neither stated nor implied by the status. Raises Unusable if it
    has no id, or it waits for a human and its text is missing."""
    if item.get("status") in _DECIDED_ON and values.first(item, *_BODY_NAMES) is None:
        raise values.Unusable("it holds no text, which is to be decided on")
    raw = raw_content(item)
    raw = raw.replaced(undisclosed=_undisclosed(item, raw))
    return EmailDetail(
        **_summary_fields(item, mailbox_id, raw),
        cc=parties(raw.cc),
        body=ManyLine(raw.body),
        attachments=raw.clean_attachments,
        tags=tags(item.get("tags")),
        approved_at=values.time(item.get("approved_at")),
        approved_by=values.line(item.get("approved_by")),
        **_headers(item),
        reply_to=_reply_to(item),
        raw=raw,
    )


def _headers(item: Json) -> dict[str, Any]:
    """What the headers say about an email. The gateway's pages show them; its OpenAPI document has none."""
    headers = values.table(item.get("headers"))
    found = {name.lower(): values.line(values.as_text(value)) for name, value in headers.items()}
    answered = values.line(values.first(item, "in_reply_to", "in_reply_to_id", "reply_to_email_id"))
    return {
        "in_reply_to": answered or found.get("in-reply-to", OneLine("")),
        "identity": found.get("x-multimail-identity", OneLine("")),
        "ai_generated": found.get("x-ai-generated", OneLine("")),
        "automatic": _automatic(found),
    }


def _reply_to(item: Json) -> tuple[Party, ...]:
    headers = values.table(item.get("headers"))
    named = next((value for name, value in headers.items() if name.lower() == "reply-to"), "")
    reply_to = values.as_text(values.first(item, "reply_to", "replyTo") or named)
    try:
        addresses = [address for _, address in getaddresses([reply_to]) if "@" in address]
    except RecursionError:
        # Hundreds of nested comments: shown as it came.
        addresses = [reply_to]
    return parties(addresses)


def _automatic(headers: dict[str, OneLine]) -> OneLine:
    """The header that says that a program or a list sent the email (RFC 3834 and what came before it)."""
    said = {name: value.strip().lower() for name, value in headers.items()}
    tells = {
        "auto-submitted": re.split(r"[;(\s]", said.get("auto-submitted", ""), maxsplit=1)[0] not in ("", "no"),
        "precedence": said.get("precedence", "") in ("bulk", "junk", "list", "auto_reply", "auto-reply"),
        "list-id": bool(said.get("list-id")),
        "list-unsubscribe": bool(said.get("list-unsubscribe")),
        "x-auto-response-suppress": said.get("x-auto-response-suppress", "") not in ("", "none"),
        "x-autoreply": said.get("x-autoreply", "no") != "no",
        "x-autorespond": bool(said.get("x-autorespond")),
        "x-autogenerated": said.get("x-autogenerated", "") not in ("", "no"),
        "x-failed-recipients": bool(said.get("x-failed-recipients")),
        "feedback-id": bool(said.get("feedback-id")),
        "content-type": said.get("content-type", "").startswith("multipart/report"),
        "return-path": said.get("return-path") == "<>",
    }
    name = next((name for name, is_said in tells.items() if is_said), None)
    return OneLine(f"{name}: {headers[name]}") if name else OneLine("")


def pending_item(item: Json) -> PendingItem:
    return PendingItem.of(
        raw_content(item),
        id=values.gateway_id(values.first(item, "id", "email_id", "message_id"), "id"),
        mailbox_id=values.gateway_id(item.get("mailbox_id"), "mailbox_id"),
        direction=OneLine(direction(item)),
        status=values.line(item.get("status")),
        received_at=values.time(values.first(item, "received_at", "created_at", "timestamp")),
        thread_id=values.optional_id(item.get("thread_id")),
    )


def thread(item: Json, mailbox_id: str, thread_id: str) -> Thread:
    """The emails of a thread, in whatever order they came."""
    emails = values.listing(item, ("emails", "messages"), lambda inner: email_summary(inner, mailbox_id))
    ordered = sorted(emails, key=lambda mail: (mail.received_at or values.EPOCH, mail.id))
    return tuple(mail.replaced(thread_id=mail.thread_id or thread_id) for mail in ordered)


def audit_entry(item: Json) -> AuditEntry:
    metadata = item.get("metadata")
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except (ValueError, RecursionError):
            metadata = {"metadata": metadata}
    given = {values.line(name): values.line(values.as_text(value)) for name, value in values.table(metadata).items()}
    return values.model(AuditEntry, item, metadata=given)


def send_receipt(item: Json) -> SendReceipt:
    return values.model(SendReceipt, item, {"id": ("id", "email_id", "message_id")})


def decided(item: Json) -> OneLine:
    """The status in the answer to decide. Raises Unusable if it has none, so the outcome is unknown."""
    if status := values.line(values.first(item, "status", "decision")):
        return status
    raise values.Unusable("it names no status")


def told_apart(listed: Listing[PendingItem]) -> Listing[PendingItem]:
    """The emails that an id is enough to name, because decide names no mailbox; the others are among `refused`."""
    boxes: dict[str, set[str]] = {}
    for item in listed:
        boxes.setdefault(item.id, set()).add(item.mailbox_id)
    same = {email_id for email_id, found in boxes.items() if len(found) > 1}
    if not same:
        return listed
    refused = [OneLine(f"{len(boxes[one])} mailboxes have a waiting email with the id {one}") for one in sorted(same)]
    return Listing((item for item in listed if item.id not in same), (*listed.refused, *refused))


_BASE64_FIELDS = frozenset({"name", "filename", "content_type", "size", "size_bytes", "encoding"})


def file(body: bytes) -> bytes:
    """The file in a JSON envelope with base64, or else the bytes unchanged, because the file itself is JSON."""
    try:
        answer = values.parse(body)
    except GatewayError:
        return body
    if not isinstance(answer, dict):
        return body
    for name in ("content_base64", "content", "data"):
        inner = answer.get(name)
        wrapped = name == "content_base64" or answer.get("encoding") == "base64"
        if isinstance(inner, str) and wrapped and set(answer) <= _BASE64_FIELDS | {name}:
            try:
                return base64.b64decode(inner, validate=True)
            except binascii.Error:
                return body
    return body
