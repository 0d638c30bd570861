"""Parses a webhook's payload, in every known format of the gateway.

- `{"type": "email.received", "data": {"email_id", "thread_id", …}}`
- `{"event": "email.received", "timestamp", "data": {"email_id", "from", "to", …}}`: neither thread nor mailbox
- `{"event_type": "message.received", "mailbox", "message_id", "thread_id", …}`

The gateway may have other events. Any that may be about new mail or a rejected draft starts a poll.
"""

from __future__ import annotations

import re

import msgspec

from mm_tui import typed_json
from mm_tui.models import Direction, GatewayId
from mm_tui.text import OneLine

_NAMES = ("type", "event", "event_type")
_WORD = re.compile(r"[a-z]+")
_ARRIVES = frozenset({"received", "inbound", "incoming", "arrived"})
_ELSE = frozenset(
    {
        *("sent", "delivered", "delivery", "bounced", "bounce", "complained", "complaint", "open", "opened", "click"),
        *("clicked", "pending", "cancelled", "canceled", "scheduled", "failed", "read", "deleted", "spam"),
    }
)
"""Words of events that bring an agent no work. An approval may: it can release inbound mail."""
_KNOWN = frozenset({"approved", "rejected"})
"""Events that need a poll: inbound mail was approved, or a draft was rejected with a request."""
_SHAPE_CHARACTERS = 120


class WebhookEvent(msgspec.Struct, frozen=True):
    """What an event says about work for the agent."""

    may_bring_mail: bool
    """There is new mail or a draft to write again; False if it certainly brings neither."""
    email_id: str | None = None
    mailbox: str | None = None
    """An id or an address."""
    thread_id: str = ""
    unknown_shape: OneLine = OneLine("")
    """For an unknown event, its name and fields for the log, without values; otherwise empty."""


def read(event: object) -> WebhookEvent:
    """Parses a payload. Never raises."""
    if not isinstance(event, dict):
        return WebhookEvent(True, unknown_shape=OneLine(f"a {type(event).__name__}"))
    inner = event.get("data")
    found = inner if isinstance(inner, dict) else event
    name = next((name for key in _NAMES if isinstance(name := event.get(key), str) and name), "")
    words = set(_WORD.findall(name.lower()))
    arrives = bool(words & _ARRIVES)
    if (words & _ELSE and not arrives) or (arrives and found.get("direction") == Direction.OUTBOUND):
        return WebhookEvent(False)
    if arrives and words & _ELSE:
        # "inbound.delivered": it is about inbound mail; only a poll shows whether there is work.
        return WebhookEvent(True)
    if not arrives:
        shape = "" if words & _KNOWN else _shape(event, name)
        return WebhookEvent(True, unknown_shape=OneLine(shape))
    mailbox = found.get("mailbox_id") or found.get("mailbox")
    email_id = _id(found.get("email_id") or found.get("message_id") or (found.get("id") if found is inner else None))
    thread_id = found.get("thread_id")
    return WebhookEvent(
        True,
        email_id=email_id if not thread_id or _id(thread_id) else None,
        mailbox=mailbox if isinstance(mailbox, str) else None,
        thread_id=_id(thread_id) or "",
        unknown_shape=OneLine("" if email_id else _shape(event, name)),
    )


def _id(value: object) -> str | None:
    try:
        return typed_json.from_values(GatewayId, value)
    except ValueError:
        return None


def _shape(event: dict[str, object], name: str) -> str:
    inner = event.get("data")
    fields = [f"data.{key}" for key in inner] if isinstance(inner, dict) else []
    return f"{name or 'no name'}: {', '.join(sorted([*event, *fields]))}"[:_SHAPE_CHARACTERS]
