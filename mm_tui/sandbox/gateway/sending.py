"""Submits mail: send, reply, cancel, and changes to scheduled mail."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mm_tui.sandbox.gateway import ids, lifecycle, mailboxes, messages
from mm_tui.sandbox.gateway.insert import NewEmail, bare, file
from mm_tui.sandbox.gateway.mail import OutgoingMail
from mm_tui.sandbox.gateway.state import QUOTA_USED_UP, ApiError, RequestKey, SandboxState, warming_up
from mm_tui.sandbox.gateway.statuses import CANCELLABLE, Mode, SandboxStatus
from mm_tui.sandbox.gateway.threads import reply_subject

IN_THE_PAST = "send_at must lie in the future"


@dataclass(frozen=True, slots=True)
class SubmissionAnswer:
    """The answer to a submission: HTTP status and body."""

    status: int
    body: dict[str, object]


def send(state: SandboxState, caller: RequestKey, mailbox_id: str, mail: OutgoingMail) -> SubmissionAnswer:
    """Submits a new mail, which starts a thread."""
    mailbox = mailboxes.find(state, mailbox_id)
    with state.write():
        if known := _check(state, mailbox, mail):
            return known
        return _submit(state, caller, mailbox, mail, None)


def reply(
    state: SandboxState, caller: RequestKey | None, mailbox_id: str, email_id: str, mail: OutgoingMail
) -> SubmissionAnswer:
    """Submits a reply: recipients, subject and thread come from the email it answers. Without a caller it is the
    sandbox's own."""
    mailbox = mailboxes.find(state, mailbox_id)
    answered = messages.find(state, email_id, mailbox_id)
    with state.write() as db:
        if known := _check(state, mailbox, mail):
            return known
        fingerprint = mail.fingerprint()
        since = state.now_ms() - int(state.tuning.duplicate_window * 1000)
        repeated = db.execute(
            "SELECT 1 FROM replies WHERE mailbox_id = ? AND replied_to = ? AND content = ? AND created_at > ?",
            (mailbox_id, email_id, fingerprint, since),
        ).fetchone()
        if repeated:
            raise ApiError(409, "Duplicate reply: the same content was sent to this email within 60 seconds")
        subject = reply_subject(answered["subject"])
        if answered["direction"] == "inbound":
            to = [answered["reply_to"] or answered["sender"]]
        else:
            to = json.loads(answered["recipients"])
        submitted = _submit(state, caller, mailbox, replace(mail, to=to, subject=subject), answered)
        made = {"content": fingerprint, "email_id": submitted.body["id"], "created_at": state.now_ms()}
        state.add("replies", mailbox_id=mailbox_id, replied_to=email_id, **made)
        return submitted


def cancel(state: SandboxState, caller: RequestKey, email_id: str) -> dict[str, object]:
    """Cancels a submitted email before it is sent. Cancelling twice is not an error."""
    row = messages.find(state, email_id)
    if row["status"] != SandboxStatus.CANCELLED:
        if row["status"] not in CANCELLABLE:
            raise ApiError(409, f"Email cannot be cancelled: it is {row['status']}")
        with state.write():
            lifecycle.set_status(state, email_id, SandboxStatus.CANCELLED)
            state.audit("email.cancelled", "email", email_id, caller, {"was": row["status"]})
    return {"id": email_id, "status": SandboxStatus.CANCELLED}


def edit_schedule(
    state: SandboxState, caller: RequestKey, email_id: str, changes: Mapping[str, object]
) -> dict[str, object]:
    """Changes a scheduled email that nobody has approved yet. New content is scanned again."""
    row = messages.find(state, email_id)
    if row["status"] != SandboxStatus.SCHEDULED:
        raise ApiError(409, f"Only scheduled email can be edited: it is {row['status']}")
    if row["approved_at"] is not None:
        raise ApiError(409, "Already approved: it can no longer be edited")
    if not changes:
        raise ApiError(400, "No fields to update")
    with state.write():
        messages.change(state, email_id, changes)
        send_at = changes.get("send_at")
        if isinstance(send_at, int) and len(changes) == 1:
            lifecycle.set_status(state, email_id, SandboxStatus.SCHEDULED, send_at)
        else:
            scanned = lifecycle.after_ms(state, state.tuning.scan_delay)
            lifecycle.set_status(state, email_id, SandboxStatus.PENDING_SCAN, scanned)
        state.audit("email.schedule_edited", "email", email_id, caller, {"fields": sorted(changes)})
    return {"id": email_id, "status": messages.find(state, email_id)["status"]}


def _check(state: SandboxState, mailbox: sqlite3.Row, mail: OutgoingMail) -> SubmissionAnswer | None:
    """Refuses what may not be sent; a repeated idempotency key gets the first answer."""
    if mailbox["oversight_mode"] == Mode.READ_ONLY:
        raise ApiError(403, "Mailbox is read_only: sending is disabled")
    if not mailbox["is_active"]:
        raise ApiError(403, "Mailbox is not active")
    now = state.now_ms()
    if mail.idempotency_key is not None:
        known = state.db.execute(
            "SELECT email_id FROM idempotency WHERE mailbox_id = ? AND name = ? AND created_at > ?",
            (mailbox["id"], mail.idempotency_key, now - int(state.tuning.idempotency_window * 1000)),
        ).fetchone()
        if known:
            return SubmissionAnswer(200, {"id": known["email_id"], "status": "already_sent", "idempotent": True})
    if mail.send_at is not None and mail.send_at <= now:
        raise ApiError(400, IN_THE_PAST)
    suppressed = [
        address
        for address in map(bare, (*mail.to, *mail.cc, *mail.bcc))
        if state.db.execute("SELECT 1 FROM suppressions WHERE address = ?", (address,)).fetchone()
    ]
    if suppressed:
        raise ApiError(400, "Recipient is on the suppression list")
    _check_limits(state, mailbox["id"])
    return None


def _check_limits(state: SandboxState, mailbox_id: str) -> None:
    limit = state.tuning.daily_send_limit
    if limit is not None:
        (sent,) = state.db.execute(
            "SELECT count(*) FROM emails WHERE mailbox_id = ? AND direction = 'outbound' AND id > ?",
            (mailbox_id, ids.floor(ids.day_start(state.now_ms()))),
        ).fetchone()
        if sent >= limit:
            raise warming_up(1, sent, limit)
    if sent_this_month(state) >= state.tuning.monthly_email_quota:
        raise ApiError(429, QUOTA_USED_UP)


def sent_this_month(state: SandboxState) -> int:
    """How many emails were released since the first of the month (UTC)."""
    month = ids.month_start(state.now_ms())
    (count,) = state.db.execute("SELECT count(*) FROM released WHERE released_at >= ?", (month,)).fetchone()
    return int(count)


def _submit(
    state: SandboxState,
    caller: RequestKey | None,
    mailbox: sqlite3.Row,
    mail: OutgoingMail,
    answered: sqlite3.Row | None,
) -> SubmissionAnswer:
    email_id = state.new_id()
    thread_id = answered["thread_id"] if answered is not None else state.new_id()
    references = [*json.loads(answered["refs"]), answered["message_id"]] if answered is not None else []
    body = mail.markdown
    if mailbox["signature_block"] and state.tuning.signature_in_draft:
        body = f"{body}\n\n-- \n{mailbox['signature_block']}"
    domain = mailbox["address"].rpartition("@")[2]
    entry = NewEmail.of(
        mail,
        id=email_id,
        mailbox_id=mailbox["id"],
        thread_id=thread_id,
        direction="outbound",
        status=SandboxStatus.PENDING_SCAN,
        sender=mailbox["address"],
        body=body,
        received_at=state.now_ms(),
        message_id=f"<{email_id}@{domain}>",
        in_reply_to=answered["message_id"] if answered is not None else "",
        references=[reference for reference in references if reference],
        gate_timing=mail.gate_timing or mailbox["default_gate_timing"],
        due_at=state.due(lifecycle.after_ms(state, state.tuning.scan_delay)),
    )
    file(state, [entry])
    if mail.idempotency_key is not None:
        state.db.execute(
            "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?)",
            (mailbox["id"], mail.idempotency_key, email_id, state.now_ms()),
        )
    action = "email.reply_submitted" if answered is not None else "email.send_submitted"
    state.audit(action, "email", email_id, caller, {"mailbox_id": mailbox["id"], "thread_id": thread_id})
    return SubmissionAnswer(202, {"id": email_id, "status": SandboxStatus.PENDING_SCAN, "thread_id": thread_id})
