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
    before = messages.decode_cursor(cursor)
    rows = state.db.execute(
        "SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?", (before or "~", limit + 1)
    ).fetchall()
    entries = []
    for row in rows[:limit]:
        entry: dict[str, object] = {
            "id": row["id"],
            "action": row["action"],
            "resource_type": row["resource_type"],
            "resource_id": row["resource_id"],
            "actor_key_id": row["actor_key_id"],
            "created_at": iso(row["created_at"]),
        }
        if row["metadata"] is not None:
            entry["metadata"] = json.loads(row["metadata"])
        entries.append(entry)
    more = len(rows) > limit
    return {"entries": entries, "cursor": messages.encode_cursor(rows[limit - 1]["id"]) if more else None}


# -- keys


def api_keys(state: State) -> list[dict[str, object]]:
    """Keys by prefix; the keys themselves are shown once, on creation."""
    rows = state.db.execute("SELECT * FROM api_keys WHERE revoked_at IS NULL ORDER BY id")
    return [_key(row) for row in rows]


def create_api_key(
    state: State, caller: Caller, name: str, scopes: Sequence[Scope], code: str | None
) -> dict[str, object] | None:
    """Creates a key, which is returned only here. None if a code was emailed to the operator first."""
    wanted = _allowed(scopes)
    if not _approved(state, f"new {name}", f"Approve the new API key {name}", code):
        return None
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


def _approved(state: State, subject: str, title: str, code: str | None) -> bool:
    """Whether the operator's code was given; emails one if not."""
    if not state.tuning.key_approval:
        return True
    if code is None:
        mailboxes.mail_code(state, "api_key", subject, subject, title)
        return False
    mailboxes.redeem_code(state, "api_key", subject, code)
    return True


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


def revoke_api_key(state: State, caller: Caller, key_id: str, code: str | None) -> bool:
    """Revokes a key; False if a code was emailed to the operator first."""
    _find_key(state, key_id)
    if not _approved(state, key_id, f"Approve that the API key {key_id} ends", code):
        return False
    with state.write() as db:
        db.execute("UPDATE api_keys SET revoked_at = ? WHERE id = ?", (state.now_ms(), key_id))
        state.audit("api_key.revoked", "api_key", key_id, caller)
    state.forget_callers()
    return True


def _find_key(state: State, key_id: str) -> None:
    if not state.db.execute("SELECT 1 FROM api_keys WHERE id = ? AND revoked_at IS NULL", (key_id,)).fetchone():
        raise ApiError(404, "API key not found")


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
    rows = state.db.execute("SELECT * FROM suppressions ORDER BY address")
    return [
        {
            "id": row["address"],
            "email_address": row["address"],
            "reason": row["reason"],
            "created_at": iso(row["created_at"]),
        }
        | ({"mailbox_id": row["mailbox_id"]} if row["mailbox_id"] else {})
        for row in rows
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
    row = state.db.execute("SELECT * FROM webhooks WHERE id = ?", (webhook_id,)).fetchone()
    if row is None:
        raise ApiError(404, "No such webhook")
    return _webhook(row)


def create_webhook(
    state: State,
    caller: Caller,
    url: str,
    events: Sequence[str],
    mailbox_id: str | None,
    code: str | None,
    secret: str | None,
) -> dict[str, object] | None:
    """Subscribes; the signing secret is returned only here. None if a code was emailed to the operator."""
    if mailbox_id is not None:
        mailboxes.find(state, mailbox_id)
    webhook_id = state.new_id()
    with state.write() as db:
        if state.tuning.webhook_approval:
            if code is None:
                mailboxes.mail_code(state, "webhook", url, url, f"Approve the webhook {url}", mailbox_id)
                return None
            mailboxes.redeem_code(state, "webhook", url, code)
        secret = secret or ids.signing_secret()
        db.execute(
            "INSERT INTO webhooks(id, url, events, mailbox_id, signing_secret, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            (webhook_id, url, json.dumps(list(events)), mailbox_id, secret, state.now_ms()),
        )
        state.audit("webhook.created", "webhook", webhook_id, caller, {"events": list(events)})
    return webhook(state, webhook_id) | {"signing_secret": secret}


def deliveries(state: State, *, limit: int, cursor: str | None) -> dict[str, object]:
    """Webhook deliveries, newest first."""
    before = messages.decode_cursor(cursor)
    rows = state.db.execute(
        "SELECT * FROM deliveries WHERE id < ? ORDER BY id DESC LIMIT ?", (before or "~", limit + 1)
    ).fetchall()
    found = [
        {
            "id": row["id"],
            "webhook_id": row["webhook_id"],
            "event": row["event"],
            "url": row["url"],
            "status": row["status"],
            "attempts": row["attempts"],
            "response_status": row["response_status"],
            "error": row["error"],
            "created_at": iso(row["created_at"]),
        }
        for row in rows[:limit]
    ]
    more = len(rows) > limit
    return {"deliveries": found, "cursor": messages.encode_cursor(rows[limit - 1]["id"]) if more else None}


def _webhook(row: sqlite3.Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "url": row["url"],
        "events": json.loads(row["events"]),
        "mailbox_id": row["mailbox_id"],
        "is_active": row["is_active"],
        "created_at": iso(row["created_at"]),
    }
