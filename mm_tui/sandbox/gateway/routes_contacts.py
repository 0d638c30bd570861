"""Routes: contacts, suppressed addresses, domains, and subscriptions to webhooks."""

from __future__ import annotations

import json
import sqlite3
from urllib.parse import urlsplit

from fastapi import APIRouter, Response

from mm_tui.sandbox.gateway import ids, mailboxes
from mm_tui.sandbox.gateway.access import Admin, JsonAnswer, Reader, Sender, StateOf
from mm_tui.sandbox.gateway.ids import iso
from mm_tui.sandbox.gateway.requests import NewContact, NewDomain, NewWebhook
from mm_tui.sandbox.gateway.state import ApiError, RequestKey, SandboxState
from mm_tui.sandbox.gateway.webhooks import is_loopback

router = APIRouter(prefix="/v1", tags=["account"])


@router.get("/contacts")
async def list_contacts(state: StateOf, caller: Reader, q: str | None = None) -> Response:
    return JsonAnswer({"contacts": contacts(state, q)})


@router.post("/contacts")
async def add_contact(state: StateOf, caller: Sender, body: NewContact) -> Response:
    """Adds a contact; 409 if the address is known."""
    with state.write():
        try:
            fields = json.dumps(body.model_extra or {})
            contact_id = state.create("contacts", email=body.email, name=body.name, fields=fields)
        except sqlite3.IntegrityError:
            raise ApiError(409, "Contact already exists") from None
        state.audit("contact.created", "contact", contact_id, caller)
    row = state.one("SELECT * FROM contacts WHERE id = ?", (contact_id,), "No such contact")
    return JsonAnswer(_contact(row), status_code=201)


@router.delete("/contacts/{contact_id}")
async def delete_contact(state: StateOf, caller: Admin, contact_id: str) -> Response:
    _delete(state, caller, "contact", "DELETE FROM contacts WHERE id = ?", contact_id)
    return JsonAnswer({"deleted": True})


def contacts(state: SandboxState, query: str | None) -> list[dict[str, object]]:
    """Contacts whose address or name contains `query`."""
    rows = state.db.execute(
        "SELECT * FROM contacts WHERE ? IS NULL OR instr(lower(email || ' ' || coalesce(name, '')), lower(?)) > 0"
        " ORDER BY id",
        (query, query),
    )
    return [_contact(row) for row in rows]


def _contact(row: sqlite3.Row) -> dict[str, object]:
    known = {"id": row["id"], "email": row["email"], "name": row["name"], "created_at": row["created_at"]}
    return {**json.loads(row["fields"]), **known}


@router.get("/suppression")
async def list_suppressions(state: StateOf, caller: Admin) -> Response:
    """Addresses that are not written to."""
    found = [
        {"id": row["address"], "email_address": row["address"], "reason": row["reason"]}
        | {"created_at": iso(row["created_at"])}
        | ({"mailbox_id": row["mailbox_id"]} if row["mailbox_id"] else {})
        for row in state.db.execute("SELECT * FROM suppressions ORDER BY address")
    ]
    return JsonAnswer({"suppressions": found})


@router.delete("/suppression/{address:path}")
async def remove_suppression(state: StateOf, caller: Admin, address: str) -> Response:
    _delete(state, caller, "suppression", "DELETE FROM suppressions WHERE address = ?", address)
    return JsonAnswer({"deleted": True})


@router.get("/domains")
async def list_domains(state: StateOf, caller: Admin) -> Response:
    rows = state.db.execute("SELECT * FROM domains ORDER BY id")
    return JsonAnswer({"domains": [{**dict(row), "created_at": iso(row["created_at"])} for row in rows]})


@router.post("/domains")
async def add_domain(state: StateOf, caller: Admin, body: NewDomain) -> Response:
    """Adds an unverified domain; 409 if it exists."""
    with state.write():
        try:
            domain_id = state.create("domains", domain=body.domain, status="pending")
        except sqlite3.IntegrityError:
            raise ApiError(409, "Domain already exists") from None
        state.audit("domain.created", "domain", domain_id, caller)
    return JsonAnswer(_domain(state, domain_id), status_code=201)


@router.post("/domains/{domain_id}/verify")
async def verify_domain(state: StateOf, caller: Admin, domain_id: str) -> Response:
    """Counts a domain as verified, without asking a name server."""
    with state.write() as db:
        if db.execute("UPDATE domains SET status = 'verified' WHERE id = ?", (domain_id,)).rowcount == 0:
            raise ApiError(404, "No such domain")
        state.audit("domain.verified", "domain", domain_id, caller)
    return JsonAnswer(_domain(state, domain_id))


@router.delete("/domains/{domain_id}")
async def delete_domain(state: StateOf, caller: Admin, domain_id: str) -> Response:
    _delete(state, caller, "domain", "DELETE FROM domains WHERE id = ?", domain_id)
    return JsonAnswer({"status": "deleted"})


def _domain(state: SandboxState, domain_id: str) -> dict[str, object]:
    row = state.one("SELECT * FROM domains WHERE id = ?", (domain_id,), "No such domain")
    return {**dict(row), "created_at": iso(row["created_at"])}


@router.get("/webhooks")
async def list_webhooks(state: StateOf, caller: Admin) -> Response:
    """Subscriptions. Under `subscriptions` as documented, and `webhooks` as the retired Python client reads them."""
    hooks = [_webhook(row) for row in state.db.execute("SELECT * FROM webhooks ORDER BY id")]
    return JsonAnswer({"subscriptions": hooks, "webhooks": hooks})


@router.post("/webhooks")
async def create_webhook(state: StateOf, caller: Admin, body: NewWebhook) -> Response:
    """Subscribes to events, if necessary with the operator's code; the signing secret is returned only here."""
    check_url(body.url)
    mailbox_id = body.mailbox_id
    if body.mailbox is not None:
        mailbox_id = mailboxes.by_address(state, body.mailbox)["id"]
    elif mailbox_id is not None:
        mailboxes.find(state, mailbox_id)
    if state.tuning.webhook_approval:
        title = f"Approve the webhook {body.url}"
        mailboxes.require_code(state, "webhook", body.url, body.approval_code, title, mailbox_id)
    events, secret = json.dumps(body.events), body.secret or ids.signing_secret()
    with state.write():
        webhook_id = state.create("webhooks", url=body.url, events=events, mailbox_id=mailbox_id, signing_secret=secret)
        state.audit("webhook.created", "webhook", webhook_id, caller, {"events": body.events})
    return JsonAnswer(_found_webhook(state, webhook_id) | {"signing_secret": secret}, status_code=201)


@router.get("/webhooks/{webhook_id}")
async def get_webhook(state: StateOf, caller: Admin, webhook_id: str) -> Response:
    """One webhook subscription, without its secret."""
    return JsonAnswer(_found_webhook(state, webhook_id))


@router.delete("/webhooks/{webhook_id}")
async def delete_webhook(state: StateOf, caller: Admin, webhook_id: str) -> Response:
    _delete(state, caller, "webhook", "DELETE FROM webhooks WHERE id = ?", webhook_id)
    return JsonAnswer({"status": "deleted"})


def check_url(url: str) -> None:
    """400 unless the address is https, or http on this machine."""
    try:
        parts = urlsplit(url)
        good = bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)))
    except ValueError:
        good = False
    if not good:
        raise ApiError(400, "url must be an https address")


def _found_webhook(state: SandboxState, webhook_id: str) -> dict[str, object]:
    return _webhook(state.one("SELECT * FROM webhooks WHERE id = ?", (webhook_id,), "No such webhook"))


def _webhook(row: sqlite3.Row) -> dict[str, object]:
    shown = {name: row[name] for name in ("id", "url", "mailbox_id", "is_active")}
    return {**shown, "events": json.loads(row["events"]), "created_at": iso(row["created_at"])}


def _delete(state: SandboxState, caller: RequestKey, kind: str, statement: str, name: str) -> None:
    with state.write() as db:
        if db.execute(statement, (name,)).rowcount == 0:
            raise ApiError(404, f"No such {kind}")
        state.audit(f"{kind}.deleted", kind, name, caller)
