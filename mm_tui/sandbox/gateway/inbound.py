"""Inbound mail: filed by thread, gated or marked as spam, and announced to webhooks."""

from __future__ import annotations

import sqlite3

from mm_tui.sandbox.gateway import mailboxes, messages, webhooks
from mm_tui.sandbox.gateway.insert import NewEmail, file, inbound_status, storable, thread_of
from mm_tui.sandbox.gateway.mail import IncomingMail
from mm_tui.sandbox.gateway.state import ApiError, RequestKey, SandboxState
from mm_tui.sandbox.gateway.statuses import Mode, SandboxStatus, spam_verdict


def deliver(state: SandboxState, mailbox_id: str, mail: IncomingMail) -> str:
    mailbox = mailboxes.find(state, mailbox_id)
    mail = storable(mail)
    email_id = state.new_id()
    verdict = spam_verdict(mail.spam_score)
    delay = state.tuning.inbound_scan_delay
    with state.write():
        entry = NewEmail.of(
            mail,
            id=email_id,
            mailbox_id=mailbox_id,
            thread_id=thread_of(state, mailbox_id, mail) or state.new_id(),
            direction="inbound",
            status=SandboxStatus.PENDING_SCAN,
            to=mail.to or (mailbox["address"],),
            received_at=state.now_ms(),
            message_id=mail.message_id or f"<{email_id}@inbound.invalid>",
            spam_verdict=verdict,
            due_at=state.due(state.now_ms() + int(delay * 1000)) if delay else None,
        )
        file(state, [entry])
        if not delay:
            let_in(state, messages.find(state, email_id))
    return email_id


def let_in(state: SandboxState, row: sqlite3.Row) -> None:
    """Sets an email's status after its scan."""
    email_id, mailbox_id = row["id"], row["mailbox_id"]
    mode = mailboxes.find(state, mailbox_id)["oversight_mode"]
    status = inbound_status(mode, row["spam_verdict"])
    state.db.execute("UPDATE emails SET status = ?, due_at = NULL WHERE id = ?", (status, email_id))
    state.audit("email.received", "email", email_id, None, {"mailbox_id": mailbox_id, "status": status})
    if status == SandboxStatus.UNREAD:
        webhooks.emit(state, "message.received", row)
        if mode == Mode.MONITORED:
            messages.copy_to_operator(state, row, "copy", "Copy")
    elif status == SandboxStatus.PENDING_INBOUND_APPROVAL:
        messages.copy_to_operator(state, row, "approval", "Waiting for you")
        webhooks.emit(state, "oversight.pending", row)


def report_spam(state: SandboxState, caller: RequestKey, email_id: str, *, is_spam: bool) -> str:
    """Marks an inbound email as spam, or restores it to unread; returns its status."""
    row = messages.find(state, email_id)
    if row["direction"] != "inbound":
        raise ApiError(400, "Only inbound email can be marked")
    status = SandboxStatus.SPAM_QUARANTINED if is_spam else SandboxStatus.UNREAD
    verdict = "quarantined" if is_spam else "clean"
    with state.write() as db:
        db.execute("UPDATE emails SET status = ?, spam_verdict = ? WHERE id = ?", (status, verdict, email_id))
        state.audit("email.spam_reported" if is_spam else "email.not_spam", "email", email_id, caller)
    return status
