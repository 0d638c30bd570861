"""Webhook events: which subscriptions get one, in which known format, and their delivery.

Deliveries are signed, retried, and never sent to another machine. Each is stored first, so that a restart continues
where the last run stopped. A delivery is tried once and then retried up to three times, waiting 1, 2 and 4 times
`Tuning.webhook_backoff`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from urllib.parse import urlsplit

import httpx

from mm_tui.sandbox.gateway.ids import iso
from mm_tui.sandbox.gateway.state import SandboxState

ALIASES = {"message.received": "email.received"}
"""Events with a second name, used in the other format."""
SIGNATURE_HEADER = "X-MultiMail-Signature"
RETRIES = 3
TIMEOUT_SECONDS = 5.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def emit(state: SandboxState, event: str, email: sqlite3.Row) -> None:
    """Queues an event about an email for every subscription to it. `webhooks` delivers them."""
    for hook in state.db.execute("SELECT * FROM webhooks WHERE is_active = 1").fetchall():
        if hook["mailbox_id"] is not None and hook["mailbox_id"] != email["mailbox_id"]:
            continue
        wanted = json.loads(hook["events"])
        for name in (event, ALIASES.get(event)):
            if name is not None and (name in wanted or "*" in wanted):
                _queue(state, hook, name, email)


def _queue(state: SandboxState, hook: sqlite3.Row, event: str, email: sqlite3.Row) -> None:
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
    state.add(
        "deliveries", id=delivery_id, webhook_id=hook["id"], event=event, url=hook["url"], status="pending",
        payload=json.dumps(payload).encode(), created_at=now, next_attempt_at=now,
    )  # fmt: skip
    state.on_due()


def signature(secret: str, body: bytes) -> str:
    """HMAC-SHA256 of the raw body with the signing secret, in hex."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine. The sandbox calls no other machine."""
    try:
        return urlsplit(url).hostname in LOOPBACK
    except ValueError:
        return False


def next_due(state: SandboxState) -> int | None:
    """When the next delivery is due, in epoch ms."""
    (ms,) = state.db.execute("SELECT min(next_attempt_at) FROM deliveries WHERE next_attempt_at IS NOT NULL").fetchone()
    return None if ms is None else int(ms)


def claim_due(state: SandboxState, most: int) -> list[sqlite3.Row]:
    """Claims up to `most` due deliveries."""
    rows = state.db.execute(
        "SELECT deliveries.*, webhooks.signing_secret FROM deliveries"
        " LEFT JOIN webhooks ON webhooks.id = deliveries.webhook_id"
        " WHERE next_attempt_at <= ? ORDER BY next_attempt_at LIMIT ?",
        (state.now_ms(), most),
    ).fetchall()
    state.db.executemany(
        "UPDATE deliveries SET next_attempt_at = NULL, status = 'sending' WHERE id = ?", [(row["id"],) for row in rows]
    )
    return rows


async def attempt(state: SandboxState, client: httpx.AsyncClient, row: sqlite3.Row) -> None:
    """Tries a claimed delivery, and records the result."""
    if row["signing_secret"] is None:
        _settle(state, row, "cancelled", None, "the subscription is gone")
        return
    if not is_loopback(row["url"]):
        _settle(state, row, "skipped", None, "the sandbox calls no address but loopback")
        return
    prefix = "sha256=" if state.tuning.webhook_shape == "event" else ""
    headers = {
        "Content-Type": "application/json",
        SIGNATURE_HEADER: prefix + signature(row["signing_secret"], row["payload"]),
    }
    try:
        answer = await client.post(row["url"], content=row["payload"], headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        _failed(state, row, None, type(error).__name__)
        return
    if answer.is_success:
        _settle(state, row, "delivered", answer.status_code, None)
    else:
        _failed(state, row, answer.status_code, f"answered {answer.status_code}")


def requeue(state: SandboxState) -> None:
    """Requeues deliveries that an earlier run left unfinished."""
    state.db.execute(
        "UPDATE deliveries SET next_attempt_at = ?, status = 'pending' WHERE status = 'sending'", (state.now_ms(),)
    )


def _failed(state: SandboxState, row: sqlite3.Row, answered: int | None, error: str) -> None:
    if row["attempts"] >= RETRIES:
        _settle(state, row, "failed", answered, error)
        return
    wait = state.tuning.webhook_backoff * 2 ** row["attempts"]
    _settle(state, row, "pending", answered, error, state.now_ms() + int(wait * 1000))
    state.on_due()


def _settle(
    state: SandboxState,
    row: sqlite3.Row,
    status: str,
    answered: int | None,
    error: str | None,
    again_at: int | None = None,
) -> None:
    tried = 0 if status in ("skipped", "cancelled") else 1
    state.db.execute(
        "UPDATE deliveries SET status = ?, attempts = attempts + ?, response_status = ?, error = ?,"
        " next_attempt_at = ? WHERE id = ?",
        (status, tried, answered, error, again_at, row["id"]),
    )
