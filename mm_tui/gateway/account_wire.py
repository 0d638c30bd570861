"""Translates the wire format of mailboxes and other account data into `mm_tui.models` and `mm_tui.account`. Every
function raises `Unusable` if the value cannot be translated."""

from __future__ import annotations

from mm_tui.account import Account, DayCount, Usage, Webhook, WebhookDelivery
from mm_tui.gateway import values
from mm_tui.gateway.shapes import ApiKey, Contact, Suppression
from mm_tui.gateway.values import Json
from mm_tui.models import Allowed, Mailbox
from mm_tui.text import OneLine


def mailbox(item: Json) -> Mailbox:
    return values.model(
        Mailbox,
        item,
        {"address": ("address", "email")},
        auto_cc=OneLine(", ".join(values.texts(item.get("auto_cc")))),
        auto_bcc=OneLine(", ".join(values.texts(item.get("auto_bcc")))),
        # The allowlist has a call of its own.
        allowed=None,
    )


def allowed(item: Json) -> Allowed:
    patterns = ("pattern", "address", "email", "domain")
    return values.model(Allowed, item, {"id": ("id", "entry_id"), "pattern": patterns})


def account(item: Json) -> Account:
    return values.model(Account, item)


def usage(item: Json) -> Usage:
    return values.model(Usage, item, {"since": ("from",)})


def day_count(item: Json) -> DayCount:
    moment = values.time(values.first(item, "date", "day"))
    counted = values.whole(values.first(item, "count", "total", "value"))
    if moment is None or counted is None or counted < 0:
        raise values.Unusable("it names no day or no count")
    what = values.line(values.first(item, "event_type", "type", "event"))
    return DayCount(day=moment.date(), what=what, count=counted)


def webhook(item: Json) -> Webhook:
    return values.model(Webhook, item, {"id": ("id", "webhook_id"), "events": ("events", "event_types")})


def webhook_delivery(item: Json) -> WebhookDelivery:
    names = {
        "webhook_id": ("webhook_id", "subscription_id"),
        "event": ("event", "event_type", "type"),
        "response_status": ("response_status", "status_code"),
        "attempts": ("attempts", "attempt"),
        "created_at": ("created_at", "delivered_at"),
    }
    return values.model(WebhookDelivery, item, names)


def contact(item: Json) -> Contact:
    return values.model(Contact, item, {"email": ("email", "address")})


def api_key(item: Json) -> ApiKey:
    return values.model(ApiKey, item, {"id": ("id", "key_id")})


def suppression(item: Json) -> Suppression:
    return values.model(Suppression, item, {"address": ("email_address", "address", "email")})
