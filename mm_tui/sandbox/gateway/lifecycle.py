"""The automatic steps of an email: the scan ends, a schedule comes due, a released email is delivered or bounces.

```
pending_scan ─┬▶ send_failed (the scan blocked it)
              ├▶ scheduled (schedule_first) ─▶ pending_send_approval ─▶ sent
              ├▶ pending_send_approval ─▶ scheduled (gate_first) ─▶ sent
              └▶ sent (nobody has to be asked) ─▶ delivered | bounced
```
"""

from __future__ import annotations

import json
import sqlite3

from mm_tui.sandbox.gateway import inbound, mailboxes, messages, outbox, webhooks
from mm_tui.sandbox.gateway.insert import bare
from mm_tui.sandbox.gateway.state import RequestKey, SandboxState
from mm_tui.sandbox.gateway.statuses import BOUNCE_LOCAL_PART, SCAN_BLOCK, Mode, SandboxStatus


def advance(state: SandboxState) -> None:
    """Performs all steps of emails that are due."""
    if not state.is_due():
        return
    now = state.now_ms()
    with state.write() as db:
        while True:
            rows = db.execute("SELECT * FROM emails WHERE due_at <= ? ORDER BY due_at, id LIMIT 500", (now,)).fetchall()
            if not rows:
                break
            for row in rows:
                _move(state, row)
    state.next_due()


def set_status(state: SandboxState, email_id: str, status: str, due_at: int | None = None) -> None:
    """Sets an email's status, and the time (epoch ms) of its next automatic step."""
    state.db.execute("UPDATE emails SET status = ?, due_at = ? WHERE id = ?", (status, state.due(due_at), email_id))


def after_ms(state: SandboxState, seconds: float) -> int:
    """The time some seconds from now, in epoch ms."""
    return state.now_ms() + int(seconds * 1000)


def _move(state: SandboxState, row: sqlite3.Row) -> None:
    if row["status"] == SandboxStatus.PENDING_SCAN and row["direction"] == "inbound":
        inbound.let_in(state, row)
    elif row["status"] == SandboxStatus.PENDING_SCAN:
        _after_scan(state, row)
    elif row["status"] == SandboxStatus.SCHEDULED:
        if row["approved_at"] is not None or not _gated(state, row):
            release(state, row, None)
        else:
            _gate(state, row)
    elif row["status"] == SandboxStatus.SENT:
        _arrive(state, row)
    else:
        set_status(state, row["id"], row["status"])


def _after_scan(state: SandboxState, row: sqlite3.Row) -> None:
    if SCAN_BLOCK in row["subject"] or SCAN_BLOCK in messages.body(state, row["id"]):
        set_status(state, row["id"], SandboxStatus.SEND_FAILED)
        state.audit("email.scan_blocked", "email", row["id"], None)
        return
    state.audit("email.scanned", "email", row["id"], None, {"verdict": "clean"})
    gated = _gated(state, row)
    later = row["send_at"] is not None and row["send_at"] > state.now_ms()
    if later and (not gated or row["gate_timing"] == "schedule_first"):
        set_status(state, row["id"], SandboxStatus.SCHEDULED, row["send_at"])
        state.audit("email.scheduled", "email", row["id"], None)
    elif gated:
        _gate(state, row)
    else:
        release(state, row, None)


def _gated(state: SandboxState, row: sqlite3.Row) -> bool:
    mode = Mode(mailboxes.find(state, row["mailbox_id"])["oversight_mode"])
    if row["always_gate"] or mode in (Mode.READ_ONLY, Mode.GATED_ALL):
        return True
    return mode is Mode.GATED_SEND and not mailboxes.lets_through(state, row)


def _gate(state: SandboxState, row: sqlite3.Row) -> None:
    set_status(state, row["id"], SandboxStatus.PENDING_SEND_APPROVAL)
    state.audit("oversight.pending", "email", row["id"], None)
    state.mail_operator(
        "approval", f"Waiting for you: {row['subject']}", f"Email {row['id']} waits.", mailbox_id=row["mailbox_id"]
    )
    webhooks.emit(state, "oversight.pending", row)


def release(state: SandboxState, row: sqlite3.Row, actor: RequestKey | None) -> str:
    """Releases an email to the outbox folder, never further. Returns its message id."""
    mailbox = mailboxes.find(state, row["mailbox_id"])
    outbox.put(state, mailbox, row)
    set_status(state, row["id"], SandboxStatus.SENT, after_ms(state, state.tuning.delivery_delay))
    state.audit("email.sent", "email", row["id"], actor)
    if mailbox["oversight_mode"] == Mode.MONITORED:
        messages.copy_to_operator(state, row, "copy", "Copy")
    webhooks.emit(state, "message.sent", row)
    return str(row["message_id"])


def _arrive(state: SandboxState, row: sqlite3.Row) -> None:
    now = state.now_ms()
    bounced = [address for address in map(bare, json.loads(row["recipients"])) if address.startswith(BOUNCE_LOCAL_PART)]
    if not bounced:
        set_status(state, row["id"], SandboxStatus.DELIVERED)
        state.db.execute("UPDATE emails SET delivered_at = ? WHERE id = ?", (now, row["id"]))
        state.audit("email.delivered", "email", row["id"], None)
        webhooks.emit(state, "message.delivered", row)
        return
    set_status(state, row["id"], SandboxStatus.BOUNCED)
    state.db.execute("UPDATE emails SET bounced_at = ?, bounce_type = 'hard' WHERE id = ?", (now, row["id"]))
    state.db.executemany(
        "INSERT OR IGNORE INTO suppressions VALUES (?, 'hard_bounce', ?, ?)",
        [(address, now, row["mailbox_id"]) for address in bounced],
    )
    state.audit("email.bounced", "email", row["id"], None, {"bounce_type": "hard"})
    webhooks.emit(state, "message.bounced", row)
