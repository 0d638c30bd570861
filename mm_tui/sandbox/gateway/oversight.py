"""The queue of waiting emails, and decisions."""

from __future__ import annotations

import json

from mm_tui.sandbox.gateway import lifecycle, messages, webhooks
from mm_tui.sandbox.gateway.ids import received
from mm_tui.sandbox.gateway.state import ApiError, Caller, State
from mm_tui.sandbox.gateway.statuses import PENDING, Status


def pending(state: State, mailbox_id: str | None = None) -> list[dict[str, object]]:
    """All waiting emails, oldest first: with the body, but without cc, bcc, attachments and thread, as in the
    contract."""
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


def decide(state: State, caller: Caller, email_id: str, action: str, reason: str | None) -> dict[str, object]:
    """Approves or rejects a waiting email. Approved outbound mail is sent at once, unless it is scheduled for later."""
    row = messages.find(state, email_id)
    if row["status"] not in PENDING:
        raise ApiError(404, f"No pending email with this id: it is {row['status']}")
    outbound = row["direction"] == "outbound"
    metadata = {"reason": reason} if reason else None
    with state.write() as db:
        db.execute("UPDATE emails SET decided_at = ? WHERE id = ?", (state.now_ms(), email_id))
        if action == "reject":
            lifecycle.set_status(state, email_id, Status.REJECTED)
            state.audit("oversight.rejected", "email", email_id, caller, metadata)
            webhooks.emit(state, "oversight.rejected", row)
            return {"status": "rejected"}
        db.execute(
            "UPDATE emails SET approved_at = ?, approved_by = ? WHERE id = ?", (state.now_ms(), caller.key_id, email_id)
        )
        state.audit("oversight.approved", "email", email_id, caller, metadata)
        webhooks.emit(state, "oversight.approved", row)
        if not outbound:
            lifecycle.set_status(state, email_id, Status.UNREAD)
            webhooks.emit(state, "message.received", row)
            return {"status": "approved"}
        if row["send_at"] is not None and row["send_at"] > state.now_ms():
            lifecycle.set_status(state, email_id, Status.SCHEDULED, row["send_at"])
            return {"status": "approved"}
        message_id = lifecycle.release(state, messages.find(state, email_id), caller)
        return {"status": "approved_and_sent", "postmark_message_id": message_id.strip("<>")}
