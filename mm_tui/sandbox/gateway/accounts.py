"""The account and its resources: keys, audit log, contacts, suppression, domains, webhook subscriptions, usage."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

from mm_tui.sandbox.gateway import ids, mailboxes, messages, sending
from mm_tui.sandbox.gateway.ids import iso
from mm_tui.sandbox.gateway.state import ApiError, Caller, State
from mm_tui.sandbox.gateway.statuses import Scope

PREFIX = 12
"""The length of a key's visible prefix."""


def account(state: State) -> dict[str, object]:
    """The account, with its quotas."""
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


def update_account(state: State, caller: Caller, name: str | None, oversight_email: str | None) -> None:
    """Changes the account's name or where the operator's mail goes."""
    with state.write():
        if name is not None:
            state.set_fact("account_name", name)
        if oversight_email is not None:
            state.set_fact("oversight_email", oversight_email)
        state.audit("account.updated", "account", state.fact("tenant_id") or "", caller)


def export(state: State, caller: Caller) -> dict[str, object]:
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
    return {"account": account(state), "mailboxes": boxes, "contacts": contacts(state, None), "emails": mails}


def audit_page(state: State, *, limit: int, cursor: str | None) -> dict[str, object]:
    """The audit log, newest first."""
    rows, cursor = _newest(state, "audit", limit, cursor)
    return {"entries": [_entry(row) for row in rows], "cursor": cursor}


def _newest(state: State, table: str, limit: int, cursor: str | None) -> tuple[list[sqlite3.Row], str | None]:
    """A page of a table, newest first, and the cursor of the next one."""
    sql = f"SELECT * FROM {table} WHERE id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608 - the name is a constant
    rows = state.db.execute(sql, (messages.decode_cursor(cursor) or "~", limit + 1)).fetchall()
    return rows[:limit], messages.encode_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None


def _entry(row: sqlite3.Row) -> dict[str, object]:
    entry = {**dict(row), "created_at": iso(row["created_at"])}
    if entry.pop("metadata") is not None:
        entry["metadata"] = json.loads(row["metadata"])
    return entry


# -- keys


def api_keys(state: State) -> list[dict[str, object]]:
    """Keys by prefix; the keys themselves are shown once, on creation."""
    rows = state.db.execute("SELECT * FROM api_keys WHERE revoked_at IS NULL ORDER BY id")
    return [_key(row) for row in rows]


def create_api_key(
    state: State, caller: Caller, name: str, scopes: Sequence[Scope], code: str | None
) -> dict[str, object]:
    """Creates a key, which is returned only here, with the operator's code."""
    wanted = _allowed(scopes)
    if state.tuning.key_approval:
        mailboxes.require_code(state, "api_key", f"new {name}", code, f"Approve the new API key {name}")
    key_id, secret = state.new_id(), ids.test_key()
    with state.write() as db:
        db.execute(
            "INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, NULL)",
            (key_id, name, secret, json.dumps(wanted), state.now_ms()),
        )
        state.audit("api_key.created", "api_key", key_id, caller, {"scopes": wanted})
    made = {"id": key_id, "name": name, "prefix": secret[:PREFIX], "scopes": wanted, "created_at": iso(state.now_ms())}
    # The second name is used by the retired Python client's README.
    return {**made, "api_key": secret, "key": secret}


def update_api_key(state: State, caller: Caller, key_id: str, name: str | None, scopes: Sequence[Scope] | None) -> None:
    """Renames a key or changes its scopes."""
    _find_key(state, key_id)
    with state.write() as db:
        if name is not None:
            db.execute("UPDATE api_keys SET name = ? WHERE id = ?", (name, key_id))
        if scopes is not None:
            db.execute("UPDATE api_keys SET scopes = ? WHERE id = ?", (json.dumps(_allowed(scopes)), key_id))
        state.audit("api_key.updated", "api_key", key_id, caller)
    state.forget_callers()


def revoke_api_key(state: State, caller: Caller, key_id: str, code: str | None) -> None:
    """Revokes a key, with the operator's code."""
    _find_key(state, key_id)
    if state.tuning.key_approval:
        mailboxes.require_code(state, "api_key", key_id, code, f"Approve that the API key {key_id} ends")
    with state.write() as db:
        db.execute("UPDATE api_keys SET revoked_at = ? WHERE id = ?", (state.now_ms(), key_id))
        state.audit("api_key.revoked", "api_key", key_id, caller)
    state.forget_callers()


def _find_key(state: State, key_id: str) -> None:
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


# -- contacts, suppression, domains


def contacts(state: State, query: str | None) -> list[dict[str, object]]:
    """Contacts whose address or name contains `query`."""
    rows = state.db.execute(
        "SELECT * FROM contacts WHERE ? IS NULL OR instr(lower(email || ' ' || coalesce(name, '')), lower(?)) > 0"
        " ORDER BY id",
        (query, query),
    )
    return [_contact(row) for row in rows]


def add_contact(
    state: State, caller: Caller, email: str, name: str | None, fields: Mapping[str, object]
) -> dict[str, object]:
    """Adds a contact; 409 if the address is known."""
    contact_id = state.new_id()
    with state.write() as db:
        try:
            db.execute(
                "INSERT INTO contacts VALUES (?, ?, ?, ?, ?)",
                (contact_id, email, name, json.dumps(dict(fields)), state.now_ms()),
            )
        except sqlite3.IntegrityError:
            raise ApiError(409, "Contact already exists") from None
        state.audit("contact.created", "contact", contact_id, caller)
    return _contact(db.execute("SELECT * FROM contacts WHERE id = ?", (contact_id,)).fetchone())


def _contact(row: sqlite3.Row) -> dict[str, object]:
    known = {"id": row["id"], "email": row["email"], "name": row["name"], "created_at": row["created_at"]}
    return {**json.loads(row["fields"]), **known}


def delete_row(state: State, caller: Caller, kind: str, name: str) -> None:
    """Deletes a contact, domain or webhook by id, or a suppression by address; 404 if there is none."""
    statement = {
        "contact": "DELETE FROM contacts WHERE id = ?",
        "domain": "DELETE FROM domains WHERE id = ?",
        "webhook": "DELETE FROM webhooks WHERE id = ?",
        "suppression": "DELETE FROM suppressions WHERE address = ?",
    }[kind]
    with state.write() as db:
        if db.execute(statement, (name,)).rowcount == 0:
            raise ApiError(404, f"No such {kind}")
        state.audit(f"{kind}.deleted", kind, name, caller)


def suppressions(state: State) -> list[dict[str, object]]:
    """Addresses that are not written to."""
    return [
        {"id": row["address"], "email_address": row["address"], "reason": row["reason"]}
        | {"created_at": iso(row["created_at"])}
        | ({"mailbox_id": row["mailbox_id"]} if row["mailbox_id"] else {})
        for row in state.db.execute("SELECT * FROM suppressions ORDER BY address")
    ]


def domains(state: State) -> list[dict[str, object]]:
    """The account's own domains."""
    return [_domain(row) for row in state.db.execute("SELECT * FROM domains ORDER BY id")]


def _domain(row: sqlite3.Row) -> dict[str, object]:
    return {**dict(row), "created_at": iso(row["created_at"])}


def add_domain(state: State, caller: Caller, domain: str) -> dict[str, object]:
    """Adds an unverified domain; 409 if it exists."""
    domain_id = state.new_id()
    with state.write() as db:
        try:
            db.execute("INSERT INTO domains VALUES (?, ?, 'pending', ?)", (domain_id, domain, state.now_ms()))
        except sqlite3.IntegrityError:
            raise ApiError(409, "Domain already exists") from None
        state.audit("domain.created", "domain", domain_id, caller)
    return _domain(db.execute("SELECT * FROM domains WHERE id = ?", (domain_id,)).fetchone())


def verify_domain(state: State, caller: Caller, domain_id: str) -> dict[str, object]:
    """Marks a domain as verified, without asking a name server."""
    with state.write() as db:
        if db.execute("UPDATE domains SET status = 'verified' WHERE id = ?", (domain_id,)).rowcount == 0:
            raise ApiError(404, "No such domain")
        state.audit("domain.verified", "domain", domain_id, caller)
    return _domain(db.execute("SELECT * FROM domains WHERE id = ?", (domain_id,)).fetchone())


# -- webhook subscriptions


def webhooks(state: State) -> list[dict[str, object]]:
    """Subscriptions, without their secrets."""
    return [_webhook(row) for row in state.db.execute("SELECT * FROM webhooks ORDER BY id")]


def webhook(state: State, webhook_id: str) -> dict[str, object]:
    """One webhook subscription, without its secret."""
    return _webhook(state.one("SELECT * FROM webhooks WHERE id = ?", (webhook_id,), "No such webhook"))


def create_webhook(
    state: State,
    caller: Caller,
    url: str,
    events: Sequence[str],
    mailbox_id: str | None,
    code: str | None,
    secret: str | None,
) -> dict[str, object]:
    """Subscribes; the signing secret is returned only here. May need the operator's code."""
    if mailbox_id is not None:
        mailboxes.find(state, mailbox_id)
    if state.tuning.webhook_approval:
        mailboxes.require_code(state, "webhook", url, code, f"Approve the webhook {url}", mailbox_id)
    webhook_id = state.new_id()
    with state.write() as db:
        secret = secret or ids.signing_secret()
        db.execute(
            "INSERT INTO webhooks(id, url, events, mailbox_id, signing_secret, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            (webhook_id, url, json.dumps(list(events)), mailbox_id, secret, state.now_ms()),
        )
        state.audit("webhook.created", "webhook", webhook_id, caller, {"events": list(events)})
    return webhook(state, webhook_id) | {"signing_secret": secret}


def deliveries(state: State, *, limit: int, cursor: str | None) -> dict[str, object]:
    """Webhook deliveries, newest first."""
    shown = ("id", "webhook_id", "event", "url", "status", "attempts", "response_status", "error")
    rows, cursor = _newest(state, "deliveries", limit, cursor)
    found = [{name: row[name] for name in shown} | {"created_at": iso(row["created_at"])} for row in rows]
    return {"deliveries": found, "cursor": cursor}


def _webhook(row: sqlite3.Row) -> dict[str, object]:
    shown = {name: row[name] for name in ("id", "url", "mailbox_id", "is_active")}
    return {**shown, "events": json.loads(row["events"]), "created_at": iso(row["created_at"])}
