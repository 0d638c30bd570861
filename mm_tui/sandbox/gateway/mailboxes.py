"""Mailboxes: finding them, their wire format and allowlists, and the codes with which the operator approves changes."""

from __future__ import annotations

import json
import sqlite3

from mm_tui.sandbox.gateway import ids
from mm_tui.sandbox.gateway.insert import bare
from mm_tui.sandbox.gateway.state import ApiError, CodeMailed, RequestKey, SandboxState
from mm_tui.sandbox.gateway.statuses import Mode

CODE_LIFE_MS = 24 * 3600 * 1000
_OPTIONAL = ("display_name", "auto_cc", "auto_bcc", "webhook_url", "oversight_webhook_url", "signature_block")
_ALWAYS = ("id", "address", "oversight_mode", "created_at", "is_active", "forward_inbound", "ai_disclosure")


def find(state: SandboxState, mailbox_id: str) -> sqlite3.Row:
    """The mailbox's row; 404 if there is none."""
    return state.one("SELECT * FROM mailboxes WHERE id = ?", (mailbox_id,), "Mailbox not found")


def by_address(state: SandboxState, address: str) -> sqlite3.Row:
    return state.one("SELECT * FROM mailboxes WHERE address = ?", (address.strip(),), "Mailbox not found")


def all_mailboxes(state: SandboxState) -> list[sqlite3.Row]:
    """All mailboxes, oldest first."""
    return state.db.execute("SELECT * FROM mailboxes ORDER BY id").fetchall()


def wire(state: SandboxState, row: sqlite3.Row, *, whole: bool = False) -> dict[str, object]:
    """The API's format: booleans as 0 and 1, times in epoch ms, unset fields left out."""
    body = {"tenant_id": state.fact("tenant_id")} | {name: row[name] for name in _ALWAYS}
    body |= {name: row[name] for name in _OPTIONAL if row[name] is not None}
    if whole:
        body |= {name: row[name] for name in ("default_gate_timing", "scheduling_enabled", "mcp_configured")}
    return body


def insert(
    state: SandboxState, caller: RequestKey | None, address: str, display_name: str | None, mode: Mode = Mode.GATED_SEND
) -> sqlite3.Row:
    """Creates a mailbox without a code."""
    with state.write():
        mailbox_id = state.add_mailbox(address, display_name, mode)
        state.audit("mailbox.created", "mailbox", mailbox_id, caller, {"address": address})
    return find(state, mailbox_id)


def require_code(
    state: SandboxState, kind: str, subject: str, code: str | None, title: str, mailbox_id: str | None = None
) -> None:
    """Redeems the operator's code; without one, emails it and raises `CodeMailed`."""
    if code is None:
        mail_code(state, kind, subject, subject, title, mailbox_id)
        raise CodeMailed
    redeem_code(state, kind, subject, code)


def mail_code(
    state: SandboxState, kind: str, subject: str, target: str, title: str, mailbox_id: str | None = None
) -> None:
    """Creates a one-time code and emails it to the operator."""
    code = ids.code()
    with state.write():
        state.create("codes", kind=kind, subject=subject, target=target, code=code)
        words = f"Your code: {code}. Good for 24 hours, once."
        state.mail_operator(kind, title, words, code=code, mailbox_id=mailbox_id)


def redeem_code(state: SandboxState, kind: str, subject: str, code: str) -> str:
    """Redeems a code and returns what it was for. 404: none was requested. 403: it is wrong."""
    rows = state.db.execute(
        "SELECT id, target, code FROM codes WHERE kind = ? AND subject = ? AND used_at IS NULL AND created_at > ?",
        (kind, subject, state.now_ms() - CODE_LIFE_MS),
    ).fetchall()
    if not rows:
        raise ApiError(404, f"No {kind} is waiting for a code")
    for row in rows:
        if row["code"] == code:
            with state.write() as db:
                db.execute(
                    "UPDATE codes SET used_at = ? WHERE kind = ? AND subject = ? AND used_at IS NULL",
                    (state.now_ms(), kind, subject),
                )
            return str(row["target"])
    raise ApiError(403, "Wrong code")


def lets_through(state: SandboxState, row: sqlite3.Row) -> bool:
    """Whether all recipients of this email are on its mailbox's list."""
    allowed = {found["pattern"].lower().removeprefix("*") for found in allow_list(state, row["mailbox_id"])}
    if not allowed:
        return False
    everyone = [bare(address) for field in ("recipients", "cc", "bcc") for address in json.loads(row[field])]
    return all(address in allowed or address[address.rfind("@") :] in allowed for address in everyone)


def allow_everywhere(state: SandboxState, patterns: list[str]) -> None:
    """Sets the allowlist entries for all mailboxes, without a code."""
    with state.write() as db:
        db.execute("DELETE FROM allow_list WHERE mailbox_id IS NULL")
        for pattern in patterns:
            state.add("allow_list", id=state.new_id(), pattern=pattern, added_at=state.now_ms())


def allow_list(state: SandboxState, mailbox_id: str) -> list[sqlite3.Row]:
    """The entries of a mailbox's allowlist, including those for all mailboxes."""
    return state.db.execute(
        "SELECT * FROM allow_list WHERE mailbox_id IS NULL OR mailbox_id = ? ORDER BY id", (mailbox_id,)
    ).fetchall()
