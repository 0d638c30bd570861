"""Webhook events: which subscriptions get an event, and in which known format."""

from __future__ import annotations

import json
import sqlite3

from mm_tui.sandbox.gateway.ids import iso
from mm_tui.sandbox.gateway.state import State

ALIASES = {"message.received": "email.received"}
"""Events with a second name, used in the other format."""


def emit(state: State, event: str, email: sqlite3.Row) -> None:
    """Queues an event about an email for every subscription to it. `webhooks` delivers them."""
    for hook in state.db.execute("SELECT * FROM webhooks WHERE is_active = 1").fetchall():
        if hook["mailbox_id"] is not None and hook["mailbox_id"] != email["mailbox_id"]:
            continue
        wanted = json.loads(hook["events"])
        for name in (event, ALIASES.get(event)):
            if name is not None and (name in wanted or "*" in wanted):
                _queue(state, hook, name, email)


def _queue(state: State, hook: sqlite3.Row, event: str, email: sqlite3.Row) -> None:
    delivery_id = state.new_id()
    now = state.now_ms()
    (address,) = state.db.execute("SELECT address FROM mailboxes WHERE id = ?", (email["mailbox_id"],)).fetchone()
    printed: dict[str, object] = {
        "email_id": email["id"],
        "from": email["sender"],
        "to": json.loads(email["recipients"]),
        "subject": email["subject"],
        "direction": email["direction"],
        "has_attachments": bool(email["has_attachments"]),
    }
    place = {"thread_id": email["thread_id"], "mailbox_id": email["mailbox_id"], "mailbox": address}
    shape = state.tuning.webhook_shape
    payload: dict[str, object]
    if shape == "event":
        payload = {"event": event, "timestamp": iso(now), "data": printed}
    elif shape == "type":
        payload = {"id": delivery_id, "type": event, "data": {**printed, **place}}
    elif shape == "all" and event.startswith("email."):
        delivery = {"type": event, "event": event, "timestamp": iso(now)}
        payload = {"id": delivery_id, **delivery, "data": {**printed, **place}}
    else:
        flat = {"event_type": event, "message_id": email["id"], "timestamp": iso(now)}
        payload = {"id": delivery_id, **flat, **printed, **place}
    with state.write() as db:
        db.execute(
            "INSERT INTO deliveries(id, webhook_id, event, url, payload, status, created_at, next_attempt_at)"
            " VALUES (?, ?, ?, ?, ?, 'pending', ?, ?)",
            (delivery_id, hook["id"], event, hook["url"], json.dumps(payload).encode(), now, now),
        )
    state.on_due()
