"""Mailboxes: their wire format, creating and changing them, and moving up the trust ladder."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from mm_tui.sandbox.gateway import ids
from mm_tui.sandbox.gateway.state import DOMAIN, ApiError, Caller, CodeMailed, State
from mm_tui.sandbox.gateway.statuses import Mode

CODE_LIFE_MS = 24 * 3600 * 1000
UPGRADES_AN_HOUR = 3
_OPTIONAL = ("display_name", "auto_cc", "auto_bcc", "webhook_url", "oversight_webhook_url", "signature_block")
_FLAGS = ("forward_inbound", "scheduling_enabled", "ai_disclosure", "mcp_configured", "is_active")
_ALWAYS = ("id", "address", "oversight_mode", "created_at", "is_active", "forward_inbound", "ai_disclosure")


def find(state: State, mailbox_id: str) -> sqlite3.Row:
    """The mailbox's row; 404 if there is none."""
    return state.one("SELECT * FROM mailboxes WHERE id = ?", (mailbox_id,), "Mailbox not found")


def by_address(state: State, address: str) -> sqlite3.Row:
    """The mailbox of an address; 404 if there is none."""
    return state.one("SELECT * FROM mailboxes WHERE address = ?", (address.strip(),), "Mailbox not found")


def all_mailboxes(state: State) -> list[sqlite3.Row]:
    """All mailboxes, oldest first."""
    return state.db.execute("SELECT * FROM mailboxes ORDER BY id").fetchall()


def wire(state: State, row: sqlite3.Row, *, whole: bool = False) -> dict[str, object]:
    """The API's format: booleans as 0 and 1, times in epoch ms, unset fields left out."""
    body = {"tenant_id": state.fact("tenant_id")} | {name: row[name] for name in _ALWAYS}
    body |= {name: row[name] for name in _OPTIONAL if row[name] is not None}
    if whole:
        body |= {name: row[name] for name in ("default_gate_timing", "scheduling_enabled", "mcp_configured")}
    return body


def create(state: State, caller: Caller, local: str, display_name: str | None, code: str | None) -> sqlite3.Row:
    """Creates a mailbox, always at gated_send, with the operator's code."""
    address = f"{local}@{DOMAIN}"
    if state.db.execute("SELECT 1 FROM mailboxes WHERE address = ?", (address,)).fetchone():
        raise ApiError(409, "Address is already taken")
    (count,) = state.db.execute("SELECT count(*) FROM mailboxes").fetchone()
    if count >= state.tuning.max_mailboxes:
        raise ApiError(403, "Plan limit reached: no more mailboxes")
    if state.tuning.mailbox_approval:
        require_code(state, "mailbox", address, code, f"Approve the new mailbox {address}")
    return insert(state, caller, address, display_name, Mode.GATED_SEND)


def insert(
    state: State, caller: Caller | None, address: str, display_name: str | None, mode: Mode = Mode.GATED_SEND
) -> sqlite3.Row:
    """Creates a mailbox without a code."""
    mailbox_id = state.new_id()
    with state.write() as db:
        db.execute(
            "INSERT INTO mailboxes(id, address, display_name, oversight_mode, created_at) VALUES (?, ?, ?, ?, ?)",
            (mailbox_id, address, display_name, mode, state.now_ms()),
        )
        state.audit("mailbox.created", "mailbox", mailbox_id, caller, {"address": address})
    return find(state, mailbox_id)


def update(state: State, caller: Caller, mailbox_id: str, changes: Mapping[str, object]) -> None:
    """Changes fields. The oversight mode can only be lowered here."""
    row = find(state, mailbox_id)
    mode = changes.get("oversight_mode")
    if mode is not None and Mode(str(mode)).rung > Mode(row["oversight_mode"]).rung:
        raise ApiError(403, "oversight_mode can only be lowered here; use request-upgrade to raise it")
    if not changes:
        raise ApiError(400, "No fields to update")
    values = {name: int(bool(value)) if name in _FLAGS else value for name, value in changes.items()}
    # The names are the request model's fields, never from the request.
    assignments = ", ".join(f"{name} = ?" for name in values)
    with state.write() as db:
        db.execute(f"UPDATE mailboxes SET {assignments} WHERE id = ?", (*values.values(), mailbox_id))  # noqa: S608
        state.audit("mailbox.updated", "mailbox", mailbox_id, caller, dict(changes))


def delete(state: State, caller: Caller, mailbox_id: str) -> None:
    """Switches a mailbox off: its mail stays readable, nothing can be sent from it."""
    find(state, mailbox_id)
    with state.write() as db:
        db.execute("UPDATE mailboxes SET is_active = 0 WHERE id = ?", (mailbox_id,))
        state.audit("mailbox.deleted", "mailbox", mailbox_id, caller)


def request_upgrade(state: State, caller: Caller, mailbox_id: str, target: Mode) -> None:
    """Mails the operator a one-time code for a higher mode."""
    row = find(state, mailbox_id)
    if target.rung <= Mode(row["oversight_mode"]).rung:
        raise ApiError(400, f"{target} is not above the mailbox's present mode {row['oversight_mode']}")
    hour_ago = state.now_ms() - 3600_000
    asked = state.db.execute(
        "SELECT created_at FROM codes WHERE kind = 'upgrade' AND subject = ? AND created_at > ? ORDER BY id",
        (mailbox_id, hour_ago),
    ).fetchall()
    if len(asked) >= UPGRADES_AN_HOUR:
        wait = max(1, (asked[0]["created_at"] - hour_ago) // 1000)
        raise ApiError(429, "Too many upgrade requests for this mailbox", headers={"Retry-After": str(wait)})
    with state.write():
        mail_code(state, "upgrade", mailbox_id, target, f"Upgrade {row['address']} to {target}", mailbox_id)
        state.audit("mailbox.upgrade_requested", "mailbox", mailbox_id, caller, {"target_mode": target})


def upgrade(state: State, caller: Caller, mailbox_id: str, code: str) -> str:
    """Redeems a code; returns the mailbox's new mode."""
    row = find(state, mailbox_id)
    target = redeem_code(state, "upgrade", mailbox_id, code)
    with state.write() as db:
        db.execute("UPDATE mailboxes SET oversight_mode = ? WHERE id = ?", (target, mailbox_id))
        state.audit(
            "mailbox.upgraded", "mailbox", mailbox_id, caller, {"from": row["oversight_mode"], "oversight_mode": target}
        )
    return target


def require_code(
    state: State, kind: str, subject: str, code: str | None, title: str, mailbox_id: str | None = None
) -> None:
    """Redeems the operator's code; without one, emails it and raises `CodeMailed`."""
    if code is None:
        mail_code(state, kind, subject, subject, title, mailbox_id)
        raise CodeMailed
    redeem_code(state, kind, subject, code)


def mail_code(state: State, kind: str, subject: str, target: str, title: str, mailbox_id: str | None = None) -> None:
    """Creates a one-time code and emails it to the operator."""
    code = ids.code()
    with state.write() as db:
        db.execute(
            "INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, NULL)",
            (state.new_id(), kind, subject, target, code, state.now_ms()),
        )
        state.mail_operator(
            kind, title, f"Your code: {code}. Good for 24 hours, once.", code=code, mailbox_id=mailbox_id
        )


def redeem_code(state: State, kind: str, subject: str, code: str) -> str:
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
