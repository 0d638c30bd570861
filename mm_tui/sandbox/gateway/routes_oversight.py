"""Routes: the queue of waiting emails, and decisions."""

from __future__ import annotations

import json

from fastapi import APIRouter, Response

from mm_tui.sandbox.gateway import lifecycle, messages, webhooks
from mm_tui.sandbox.gateway.access import JsonAnswer, Overseer, StateOf
from mm_tui.sandbox.gateway.ids import received
from mm_tui.sandbox.gateway.requests import DecideBody
from mm_tui.sandbox.gateway.state import ApiError, SandboxState
from mm_tui.sandbox.gateway.statuses import PENDING, SandboxStatus

router = APIRouter(prefix="/v1/oversight", tags=["oversight"])


@router.get("/pending")
async def pending(state: StateOf, caller: Overseer) -> Response:
    """All waiting emails, under `emails` as documented, and under `pending` for the retired Python client."""
    items = waiting(state)
    return JsonAnswer({"emails": items, "pending": items})


def waiting(state: SandboxState, mailbox_id: str | None = None) -> list[dict[str, object]]:
    """All waiting emails, oldest first: with the body, without cc, bcc, attachments and thread."""
    rows = state.db.execute(
        "SELECT emails.*, bodies.markdown FROM emails JOIN bodies ON bodies.email_id = emails.id"
        " WHERE status IN ('pending_send_approval', 'pending_inbound_approval') ORDER BY emails.id"
    )
    return [
        {
            **{name: row[name] for name in ("id", "mailbox_id", "direction", "subject", "status")},
            "from": row["sender"],
            "to": json.loads(row["recipients"]),
            "body_markdown": row["markdown"],
            "received_at": received(row["received_at"]),
        }
        for row in rows
        if mailbox_id is None or row["mailbox_id"] == mailbox_id
    ]


@router.post("/decide")
async def decide(state: StateOf, caller: Overseer, body: DecideBody) -> Response:
    """Approves or rejects. Approved outbound mail is sent at once, unless it is scheduled for later."""
    row = messages.find(state, body.email_id)
    if row["status"] not in PENDING:
        raise ApiError(404, f"No pending email with this id: it is {row['status']}")
    outbound = row["direction"] == "outbound"
    metadata = {"reason": body.reason} if body.reason else None
    with state.write() as db:
        db.execute("UPDATE emails SET decided_at = ? WHERE id = ?", (state.now_ms(), body.email_id))
        if body.action == "reject":
            lifecycle.set_status(state, body.email_id, SandboxStatus.REJECTED)
            state.audit("oversight.rejected", "email", body.email_id, caller, metadata)
            webhooks.emit(state, "oversight.rejected", row)
            return JsonAnswer({"status": "rejected"})
        db.execute(
            "UPDATE emails SET approved_at = ?, approved_by = ? WHERE id = ?",
            (state.now_ms(), caller.key_id, body.email_id),
        )
        state.audit("oversight.approved", "email", body.email_id, caller, metadata)
        webhooks.emit(state, "oversight.approved", row)
        if not outbound:
            lifecycle.set_status(state, body.email_id, SandboxStatus.UNREAD)
            webhooks.emit(state, "message.received", row)
            return JsonAnswer({"status": "approved"})
        if row["send_at"] is not None and row["send_at"] > state.now_ms():
            lifecycle.set_status(state, body.email_id, SandboxStatus.SCHEDULED, row["send_at"])
            return JsonAnswer({"status": "approved"})
        message_id = lifecycle.release(state, messages.find(state, body.email_id), caller)
        return JsonAnswer({"status": "approved_and_sent", "postmark_message_id": message_id.strip("<>")})
