"""Translates the wire format of mailboxes and other account data into `mm_tui.models` and `mm_tui.account`. Every
function raises `Unusable` if the value cannot be translated."""

from __future__ import annotations

from typing import Any

from mm_tui.account import Account, DayCount, Usage, Webhook, WebhookDelivery
from mm_tui.gateway import values
from mm_tui.gateway.shapes import ApiKey, Contact, Suppression
from mm_tui.gateway.values import Json
from mm_tui.models import Allowed, Mailbox
from mm_tui.text import ManyLine, OneLine


def mailbox(item: Json) -> Mailbox:
    disclosure = item.get("ai_disclosure")
    return Mailbox(
        id=values.gateway_id(item.get("id"), "id"),
        address=values.line(values.first(item, "address", "email")),
        display_name=values.line(item.get("display_name")),
        oversight_mode=values.line(item.get("oversight_mode")),
        auto_cc=OneLine(", ".join(values.texts(item.get("auto_cc")))),
        auto_bcc=OneLine(", ".join(values.texts(item.get("auto_bcc")))),
        forward_inbound=values.flag(item.get("forward_inbound")),
        webhook_url=values.line(item.get("webhook_url")),
        oversight_webhook_url=values.line(item.get("oversight_webhook_url")),
        signature_block=ManyLine(values.raw_text(item.get("signature_block"))),
        ai_disclosure=None if disclosure is None else values.flag(disclosure),
        created_at=values.time(item.get("created_at")),
        is_active=values.flag(item.get("is_active"), otherwise=True),
    )


def allowed(item: Json) -> Allowed:
    return Allowed(
        id=values.gateway_id(values.first(item, "id", "entry_id"), "id"),
        pattern=values.line(values.first(item, "pattern", "address", "email", "domain")),
        note=values.line(item.get("note")),
    )


def account(item: Json) -> Account:
    text_fields = ("id", "name", "plan", "oversight_email", "sending_disabled_reason")
    count_fields = (
        "monthly_email_quota",
        "emails_sent_this_month",
        "max_mailboxes",
        "storage_used_bytes",
        "max_storage_bytes",
    )
    lines: dict[str, Any] = {name: values.line(item.get(name)) for name in text_fields}
    counts: dict[str, Any] = {name: values.whole(item.get(name)) for name in count_fields}
    return Account(
        **lines,
        **counts,
        is_active=values.flag(item.get("is_active"), otherwise=True),
        sending_disabled=values.flag(item.get("sending_disabled")),
    )


def usage(item: Json) -> Usage:
    return Usage(
        since=values.time(item.get("from")),
        until=values.time(item.get("to")),
        emails_sent=values.whole(item.get("emails_sent")) or 0,
        emails_received=values.whole(item.get("emails_received")) or 0,
        api_calls=values.whole(item.get("api_calls")) or 0,
        oversight_actions=values.whole(item.get("oversight_actions")) or 0,
    )


def day_count(item: Json) -> DayCount:
    moment = values.time(values.first(item, "date", "day"))
    counted = values.whole(values.first(item, "count", "total", "value"))
    if moment is None or counted is None or counted < 0:
        raise values.Unusable("it names no day or no count")
    what = values.line(values.first(item, "event_type", "type", "event"))
    return DayCount(day=moment.date(), what=what, count=counted)


def webhook(item: Json) -> Webhook:
    return Webhook(
        id=values.gateway_id(values.first(item, "id", "webhook_id"), "id"),
        url=values.line(item.get("url")),
        events=tuple(OneLine(event) for event in values.texts(values.first(item, "events", "event_types"))),
        mailbox_id=values.optional_id(item.get("mailbox_id")),
        is_active=values.flag(item.get("is_active"), otherwise=True),
    )


def webhook_delivery(item: Json) -> WebhookDelivery:
    return WebhookDelivery(
        id=values.gateway_id(item.get("id"), "id"),
        webhook_id=values.line(values.first(item, "webhook_id", "subscription_id")),
        event=values.line(values.first(item, "event", "event_type", "type")),
        status=values.line(item.get("status")),
        response_status=values.whole(values.first(item, "response_status", "status_code")),
        attempts=values.whole(values.first(item, "attempts", "attempt")),
        created_at=values.time(values.first(item, "created_at", "delivered_at")),
    )


def contact(item: Json) -> Contact:
    return Contact(
        id=values.gateway_id(item.get("id"), "id"),
        email=values.line(values.first(item, "email", "address")),
        name=values.line(item.get("name")),
        created_at=values.time(item.get("created_at")),
    )


def api_key(item: Json) -> ApiKey:
    return ApiKey(id=values.gateway_id(values.first(item, "id", "key_id"), "id"), name=values.line(item.get("name")))


def suppression(item: Json) -> Suppression:
    return Suppression(
        address=values.line(values.first(item, "email_address", "address", "email")),
        reason=values.line(item.get("reason")),
        created_at=values.time(item.get("created_at")),
    )
