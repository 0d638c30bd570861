"""Routes: mailboxes and their oversight modes."""

from __future__ import annotations

import re
import sqlite3

from fastapi import APIRouter, Response

from mm_tui.sandbox.gateway import mailboxes
from mm_tui.sandbox.gateway.access import Admin, JsonAnswer, Reader, Sender, StateOf
from mm_tui.sandbox.gateway.ids import iso
from mm_tui.sandbox.gateway.requests import (
    Approval,
    MailboxChanges,
    NewAllowed,
    NewMailbox,
    UpgradeBody,
    UpgradeRequest,
)
from mm_tui.sandbox.gateway.state import DOMAIN, ApiError
from mm_tui.sandbox.gateway.statuses import Mode

router = APIRouter(prefix="/v1/mailboxes", tags=["mailboxes"])
UPGRADES_AN_HOUR = 3
_LOCAL = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")


@router.get("")
async def list_mailboxes(state: StateOf, caller: Reader) -> Response:
    return JsonAnswer({"mailboxes": [mailboxes.wire(state, row) for row in mailboxes.all_mailboxes(state)]})


@router.post("")
async def create_mailbox(state: StateOf, caller: Admin, body: NewMailbox) -> Response:
    """Creates a mailbox, always at gated_send: 202 without the operator's code, 201 with it."""
    address = f"{local_part(body.local)}@{DOMAIN}"
    if state.db.execute("SELECT 1 FROM mailboxes WHERE address = ?", (address,)).fetchone():
        raise ApiError(409, "Address is already taken")
    (count,) = state.db.execute("SELECT count(*) FROM mailboxes").fetchone()
    if count >= state.tuning.max_mailboxes:
        raise ApiError(403, "Plan limit reached: no more mailboxes")
    if state.tuning.mailbox_approval:
        title = f"Approve the new mailbox {address}"
        mailboxes.require_code(state, "mailbox", address, body.approval_code, title)
    made = mailboxes.insert(state, caller, address, body.display_name)
    return JsonAnswer({"id": made["id"], "address": made["address"]}, status_code=201)


@router.get("/{mailbox_id}")
async def get_mailbox(state: StateOf, caller: Reader, mailbox_id: str) -> Response:
    return JsonAnswer(mailboxes.wire(state, mailboxes.find(state, mailbox_id), whole=True))


# Another known client calls it by the second name.
@router.patch("/{mailbox_id}")
@router.patch("/{mailbox_id}/configure")
async def update_mailbox(state: StateOf, caller: Admin, mailbox_id: str, body: MailboxChanges) -> Response:
    """Changes a mailbox. The oversight mode can only be lowered."""
    changes = body.changes()
    row = mailboxes.find(state, mailbox_id)
    mode = changes.get("oversight_mode")
    if mode is not None and Mode(str(mode)).rung > Mode(row["oversight_mode"]).rung:
        raise ApiError(403, "oversight_mode can only be lowered here; use request-upgrade to raise it")
    if not changes:
        raise ApiError(400, "No fields to update")
    # The names are the request model's fields, never from the request.
    assignments = ", ".join(f"{name} = ?" for name in changes)
    with state.write() as db:
        db.execute(f"UPDATE mailboxes SET {assignments} WHERE id = ?", (*changes.values(), mailbox_id))  # noqa: S608
        state.audit("mailbox.updated", "mailbox", mailbox_id, caller, changes)
    return JsonAnswer({"status": "updated"})


@router.delete("/{mailbox_id}")
async def delete_mailbox(state: StateOf, caller: Admin, mailbox_id: str) -> Response:
    """Switches a mailbox off: its mail stays readable, nothing can be sent from it."""
    mailboxes.find(state, mailbox_id)
    with state.write() as db:
        db.execute("UPDATE mailboxes SET is_active = 0 WHERE id = ?", (mailbox_id,))
        state.audit("mailbox.deleted", "mailbox", mailbox_id, caller)
    return JsonAnswer({"status": "deleted"})


@router.post("/{mailbox_id}/request-upgrade")
async def request_upgrade(state: StateOf, caller: Sender, mailbox_id: str, body: UpgradeRequest) -> Response:
    """Mails the operator a one-time code for a higher mode."""
    row, target = mailboxes.find(state, mailbox_id), body.target_mode
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
        title = f"Upgrade {row['address']} to {target}"
        mailboxes.mail_code(state, "upgrade", mailbox_id, target, title, mailbox_id)
        state.audit("mailbox.upgrade_requested", "mailbox", mailbox_id, caller, {"target_mode": target})
    return JsonAnswer({"status": "upgrade_requested", "target_mode": target})


@router.post("/{mailbox_id}/upgrade")
async def upgrade(state: StateOf, caller: Sender, mailbox_id: str, body: UpgradeBody) -> Response:
    """Moves the mailbox up with the operator's code."""
    before = mailboxes.find(state, mailbox_id)["oversight_mode"]
    target = mailboxes.redeem_code(state, "upgrade", mailbox_id, body.code)
    with state.write() as db:
        db.execute("UPDATE mailboxes SET oversight_mode = ? WHERE id = ?", (target, mailbox_id))
        state.audit("mailbox.upgraded", "mailbox", mailbox_id, caller, {"from": before, "oversight_mode": target})
    return JsonAnswer({"status": "upgraded", "oversight_mode": target})


@router.get("/{mailbox_id}/allowlist")
async def get_allow_list(state: StateOf, caller: Reader, mailbox_id: str) -> Response:
    """The recipients that need no approval from this mailbox."""
    mailboxes.find(state, mailbox_id)
    entries = [_allowed(row) for row in mailboxes.allow_list(state, mailbox_id)]
    return JsonAnswer({"entries": entries, "mailbox_id": mailbox_id, "count": len(entries)})


@router.post("/{mailbox_id}/allowlist")
async def add_to_allow_list(state: StateOf, caller: Admin, mailbox_id: str, body: NewAllowed) -> Response:
    """Adds an address or a domain (`@partner.example`): 202 without the operator's code, 201 with it."""
    mailboxes.find(state, mailbox_id)
    pattern = body.pattern
    if any(row["pattern"].lower() == pattern.lower() for row in mailboxes.allow_list(state, mailbox_id)):
        raise ApiError(409, "Pattern is already on the allowlist")
    title = f"Let mail to {pattern} leave unasked"
    mailboxes.require_code(state, "allowlist", f"{mailbox_id} {pattern}", body.approval_code, title, mailbox_id)
    entry_id = state.new_id()
    added = {"added_by": caller.key_id, "added_at": state.now_ms(), "note": body.note}
    with state.write():
        state.add("allow_list", id=entry_id, mailbox_id=mailbox_id, pattern=pattern, **added)
        state.audit("allowlist.added", "allowlist", entry_id, caller, {"mailbox_id": mailbox_id, "pattern": pattern})
    made = _allowed(state.one("SELECT * FROM allow_list WHERE id = ?", (entry_id,), "No such allowlist entry"))
    del made["added_by"]
    return JsonAnswer(made, status_code=201)


@router.delete("/{mailbox_id}/allowlist/{entry_id}")
async def remove_from_allow_list(
    state: StateOf, caller: Admin, mailbox_id: str, entry_id: str, body: Approval | None = None
) -> Response:
    """Removes an entry: 202 without the operator's code, 200 with it."""
    row = next((row for row in mailboxes.allow_list(state, mailbox_id) if row["id"] == entry_id), None)
    if row is None:
        raise ApiError(404, "No such allowlist entry")
    code = body.approval_code if body is not None else None
    mailboxes.require_code(state, "allowlist", entry_id, code, f"Ask again before {row['pattern']}", mailbox_id)
    about = {"mailbox_id": mailbox_id, "pattern": row["pattern"]}
    with state.write() as db:
        db.execute("DELETE FROM allow_list WHERE id = ?", (entry_id,))
        state.audit("allowlist.removed", "allowlist", entry_id, caller, about)
    return JsonAnswer({"status": "deleted"})


def _allowed(row: sqlite3.Row) -> dict[str, object]:
    entry = {name: row[name] for name in ("id", "pattern", "added_by")} | {"added_at": iso(row["added_at"])}
    return entry | ({"note": row["note"]} if row["note"] is not None else {})


def local_part(address: str) -> str:
    """The part before the @ of a local part or of an address on the sandbox's own domain; 400 for others."""
    local, _, domain = address.strip().partition("@")
    if (domain and domain.lower() != DOMAIN) or not _LOCAL.match(local):
        raise ApiError(400, f"Not an address of {DOMAIN}")
    return local.lower()
