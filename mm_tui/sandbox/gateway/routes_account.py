"""Routes: the account, its usage, keys and audit log."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from mm_tui.sandbox.gateway import ids, mailboxes, messages, sending
from mm_tui.sandbox.gateway.access import Admin, Cursor, JsonAnswer, Reader, StateOf
from mm_tui.sandbox.gateway.ids import iso
from mm_tui.sandbox.gateway.requests import AccountChanges, Approval, KeyChanges, NewKey
from mm_tui.sandbox.gateway.routes_contacts import contacts
from mm_tui.sandbox.gateway.state import ApiError, SandboxState
from mm_tui.sandbox.gateway.statuses import Scope

router = APIRouter(prefix="/v1", tags=["account"])
LogLimit = Annotated[int, Query(ge=1, le=100)]
PREFIX = 12
"""The length of a key's visible prefix."""
_DECIDED = "action IN ('oversight.approved', 'oversight.rejected')"
_DAILY = (
    ("email_sent", "SELECT released_at AS at FROM released"),
    ("email_received", "SELECT received_at AS at FROM emails WHERE direction = 'inbound'"),
    ("oversight_action", f"SELECT created_at AS at FROM audit WHERE {_DECIDED}"),  # noqa: S608 - a constant
)


def _account(state: SandboxState) -> dict[str, object]:
    (stored,) = state.db.execute("SELECT coalesce(sum(size), 0) FROM attachments").fetchone()
    name = state.fact("account_name") or ""
    return {
        "id": state.fact("tenant_id"),
        "name": name,
        "slug": "-".join(name.lower().split()),
        "plan": "sandbox",
        "oversight_email": state.fact("oversight_email"),
        "monthly_email_quota": state.tuning.monthly_email_quota,
        "emails_sent_this_month": sending.sent_this_month(state),
        "max_mailboxes": state.tuning.max_mailboxes,
        "storage_used_bytes": stored,
        "max_storage_bytes": 10_000_000_000,
        "is_active": True,
        "sending_disabled": False,
        "sending_disabled_reason": None,
    }


@router.get("/account")
async def get_account(state: StateOf, caller: Reader) -> Response:
    """The account and its quotas."""
    return JsonAnswer(_account(state))


@router.patch("/account")
async def update_account(state: StateOf, caller: Admin, body: AccountChanges) -> Response:
    """Changes the account's name or the operator's address."""
    with state.write():
        if body.name is not None:
            state.set_fact("account_name", body.name)
        if body.oversight_email is not None:
            state.set_fact("oversight_email", body.oversight_email)
        state.audit("account.updated", "account", state.fact("tenant_id") or "", caller)
    return JsonAnswer(_account(state))


@router.delete("/account")
async def delete_account(state: StateOf, caller: Admin) -> Response:
    """Requests deletion of the account. The sandbox only records it; to delete everything, remove its folder."""
    state.audit("account.deletion_requested", "account", state.fact("tenant_id") or "", caller)
    return JsonAnswer({"status": "deleted"})


@router.get("/usage")
async def get_usage(
    state: StateOf,
    caller: Reader,
    since: Annotated[int | None, Query(alias="from")] = None,
    until: Annotated[int | None, Query(alias="to")] = None,
    breakdown: Literal["daily"] | None = None,
    period: str | None = None,
) -> Response:
    """The usage of this month, or by day between two times (epoch ms)."""
    now = state.now_ms()
    month = ids.month_start(now)
    if "daily" in (breakdown, period):
        return JsonAnswer(_by_day(state, month if since is None else since, now if until is None else until))
    return JsonAnswer(_this_month(state, month))


def _this_month(state: SandboxState, since: int) -> dict[str, object]:
    floor = ids.floor(since)
    (received,) = state.db.execute(
        "SELECT count(*) FROM mailboxes JOIN emails ON emails.mailbox_id = mailboxes.id"
        " WHERE direction = 'inbound' AND emails.id >= ?",
        (floor,),
    ).fetchone()
    (decided,) = state.db.execute(f"SELECT count(*) FROM audit WHERE id >= ? AND {_DECIDED}", (floor,)).fetchone()  # noqa: S608
    return {
        "from": since,
        "to": state.now_ms(),
        "emails_sent": sending.sent_this_month(state),
        "emails_received": received,
        "api_calls": state.api_calls,
        "oversight_actions": decided,
    }


def _by_day(state: SandboxState, since: int, until: int) -> dict[str, object]:
    """The usage by day (UTC), without empty days."""
    counted: Counter[tuple[str, str]] = Counter()
    for event_type, sql in _DAILY:
        for (at,) in state.db.execute(f"SELECT at FROM ({sql}) WHERE at >= ? AND at <= ?", (since, until)):  # noqa: S608
            counted[iso(at)[:10], event_type] += 1
    data = [{"date": day, "event_type": what, "count": count} for (day, what), count in sorted(counted.items())]
    return {"from": since, "to": until, "breakdown": "daily", "data": data}


@router.get("/export")
async def export(state: StateOf, caller: Admin) -> Response:
    """The account, its mailboxes, contacts and the number of its emails; 429 within an hour of the last time."""
    last = int(state.fact("exported_at") or 0)
    wait = last + 3600_000 - state.now_ms()
    if last and wait > 0:
        raise ApiError(429, "Export is possible once an hour", headers={"Retry-After": str(-(-wait // 1000))})
    with state.write():
        state.set_fact("exported_at", str(state.now_ms()))
        state.audit("account.exported", "account", state.fact("tenant_id") or "", caller)
    (mails,) = state.db.execute("SELECT count(*) FROM emails").fetchone()
    boxes = [mailboxes.wire(state, row) for row in mailboxes.all_mailboxes(state)]
    found = {"account": _account(state), "mailboxes": boxes, "contacts": contacts(state, None), "emails": mails}
    return JsonAnswer(found)


@router.get("/audit-log")
async def audit_log(state: StateOf, caller: Admin, limit: LogLimit = 50, cursor: Cursor = None) -> Response:
    """The audit log, newest first."""
    rows, following = _newest(state, "audit", limit, cursor)
    entries = []
    for row in rows:
        entry = {**dict(row), "created_at": iso(row["created_at"])}
        if entry.pop("metadata") is not None:
            entry["metadata"] = json.loads(row["metadata"])
        entries.append(entry)
    return JsonAnswer({"entries": entries, "cursor": following})


@router.get("/webhook-deliveries")
async def webhook_deliveries(state: StateOf, caller: Admin, limit: LogLimit = 50, cursor: Cursor = None) -> Response:
    """Webhook deliveries, newest first."""
    shown = ("id", "webhook_id", "event", "url", "status", "attempts", "response_status", "error")
    rows, following = _newest(state, "deliveries", limit, cursor)
    found = [{name: row[name] for name in shown} | {"created_at": iso(row["created_at"])} for row in rows]
    return JsonAnswer({"deliveries": found, "cursor": following})


def _newest(state: SandboxState, table: str, limit: int, cursor: str | None) -> tuple[list[sqlite3.Row], str | None]:
    """A page of a table, newest first, and the cursor of the next one."""
    sql = f"SELECT * FROM {table} WHERE id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608 - the name is a constant
    rows = state.db.execute(sql, (messages.decode_cursor(cursor) or "~", limit + 1)).fetchall()
    return rows[:limit], messages.encode_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None


@router.get("/api-keys")
async def list_api_keys(state: StateOf, caller: Admin) -> Response:
    """The API keys, identified by their prefixes."""
    rows = state.db.execute("SELECT * FROM api_keys WHERE revoked_at IS NULL ORDER BY id")
    return JsonAnswer({"api_keys": [_key(row) for row in rows]})


@router.post("/api-keys")
async def create_api_key(state: StateOf, caller: Admin, body: NewKey) -> Response:
    """Creates a key: 202 without the operator's code, 201 with it. Refuses send and oversight together."""
    wanted = _allowed(body.scopes)
    if state.tuning.key_approval:
        title = f"Approve the new API key {body.name}"
        mailboxes.require_code(state, "api_key", f"new {body.name}", body.approval_code, title)
    with state.write():
        key_id, secret = state.add_key(body.name, wanted)
        state.audit("api_key.created", "api_key", key_id, caller, {"scopes": wanted})
    made = _key(state.one("SELECT * FROM api_keys WHERE id = ?", (key_id,), "API key not found"))
    # The second name is used by the retired Python client's README.
    return JsonAnswer({**made, "api_key": secret, "key": secret}, status_code=201)


@router.patch("/api-keys/{key_id}")
async def update_api_key(state: StateOf, caller: Admin, key_id: str, body: KeyChanges) -> Response:
    """Renames a key or changes its scopes. Refuses send and oversight together."""
    _find_key(state, key_id)
    with state.write() as db:
        if body.name is not None:
            db.execute("UPDATE api_keys SET name = ? WHERE id = ?", (body.name, key_id))
        if body.scopes is not None:
            db.execute("UPDATE api_keys SET scopes = ? WHERE id = ?", (json.dumps(_allowed(body.scopes)), key_id))
        state.audit("api_key.updated", "api_key", key_id, caller)
    state.forget_callers()
    return JsonAnswer({"status": "updated"})


@router.delete("/api-keys/{key_id}")
async def revoke_api_key(
    state: StateOf, caller: Admin, key_id: str, body: Approval | None = None, approval_code: str | None = None
) -> Response:
    """Revokes a key: 202 without the operator's code, 200 with it."""
    _find_key(state, key_id)
    if state.tuning.key_approval:
        code = body.approval_code if body is not None else approval_code
        mailboxes.require_code(state, "api_key", key_id, code, f"Approve that the API key {key_id} ends")
    with state.write() as db:
        db.execute("UPDATE api_keys SET revoked_at = ? WHERE id = ?", (state.now_ms(), key_id))
        state.audit("api_key.revoked", "api_key", key_id, caller)
    state.forget_callers()
    return JsonAnswer({"status": "revoked"})


def _find_key(state: SandboxState, key_id: str) -> None:
    state.one("SELECT 1 FROM api_keys WHERE id = ? AND revoked_at IS NULL", (key_id,), "API key not found")


def _allowed(scopes: Sequence[Scope]) -> list[str]:
    wanted = [scope.value for scope in Scope if scope in scopes]
    if not wanted:
        raise ApiError(400, "A key needs at least one scope")
    if Scope.SEND in scopes and Scope.OVERSIGHT in scopes:
        raise ApiError(400, "A key may not hold send and oversight together: nobody approves what they composed")
    return wanted


def _key(row: sqlite3.Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "name": row["name"],
        "prefix": row["secret"][:PREFIX],
        "scopes": json.loads(row["scopes"]),
        "created_at": iso(row["created_at"]),
    }
