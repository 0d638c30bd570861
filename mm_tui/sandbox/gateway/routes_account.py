"""Routes: account, usage, keys, audit log, contacts, suppression, domains, webhooks."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Response

from mm_tui.sandbox.gateway import accounts, mailboxes, usage
from mm_tui.sandbox.gateway.access import Admin, Answer, Cursor, Reader, Sender, StateOf
from mm_tui.sandbox.gateway.requests import (
    AccountChanges,
    Approval,
    KeyChanges,
    NewContact,
    NewDomain,
    NewKey,
    NewWebhook,
)
from mm_tui.sandbox.gateway.state import ApiError
from mm_tui.sandbox.gateway.webhooks import is_loopback

router = APIRouter(prefix="/v1", tags=["account"])
LogLimit = Annotated[int, Query(ge=1, le=100)]


@router.get("/account")
async def get_account(state: StateOf, caller: Reader) -> Response:
    """The account and its quotas."""
    return Answer(accounts.account(state))


@router.patch("/account")
async def update_account(state: StateOf, caller: Admin, body: AccountChanges) -> Response:
    """Changes the account's name or the operator's address."""
    accounts.update_account(state, caller, body.name, body.oversight_email)
    return Answer(accounts.account(state))


@router.delete("/account")
async def delete_account(state: StateOf, caller: Admin) -> Response:
    """Requests deletion of the account. The sandbox only records it; to delete everything, remove its folder."""
    state.audit("account.deletion_requested", "account", state.fact("tenant_id") or "", caller)
    return Answer({"status": "deleted"})


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
    if "daily" in (breakdown, period):
        return Answer(usage.by_day(state, since, until))
    return Answer(usage.summed_up(state))


@router.get("/export")
async def export(state: StateOf, caller: Admin) -> Response:
    """All of the account, once an hour."""
    return Answer(accounts.export(state, caller))


@router.get("/audit-log")
async def audit_log(state: StateOf, caller: Admin, limit: LogLimit = 50, cursor: Cursor = None) -> Response:
    """The audit log, newest first."""
    return Answer(accounts.audit_page(state, limit=limit, cursor=cursor))


@router.get("/api-keys")
async def list_api_keys(state: StateOf, caller: Admin) -> Response:
    """The API keys, identified by their prefixes."""
    return Answer({"api_keys": accounts.api_keys(state)})


@router.post("/api-keys")
async def create_api_key(state: StateOf, caller: Admin, body: NewKey) -> Response:
    """Creates a key: 202 without the operator's code, 201 with it. Refuses send and oversight together."""
    made = accounts.create_api_key(state, caller, body.name, body.scopes, body.approval_code)
    return Answer(made, status_code=201)


@router.patch("/api-keys/{key_id}")
async def update_api_key(state: StateOf, caller: Admin, key_id: str, body: KeyChanges) -> Response:
    """Renames a key or changes its scopes. Refuses send and oversight together."""
    accounts.update_api_key(state, caller, key_id, body.name, body.scopes)
    return Answer({"status": "updated"})


@router.delete("/api-keys/{key_id}")
async def revoke_api_key(
    state: StateOf, caller: Admin, key_id: str, body: Approval | None = None, approval_code: str | None = None
) -> Response:
    """Revokes a key: 202 without the operator's code, 200 with it."""
    code = body.approval_code if body is not None else approval_code
    accounts.revoke_api_key(state, caller, key_id, code)
    return Answer({"status": "revoked"})


@router.get("/contacts")
async def list_contacts(state: StateOf, caller: Reader, q: str | None = None) -> Response:
    """The account's address book."""
    return Answer({"contacts": accounts.contacts(state, q)})


@router.post("/contacts")
async def add_contact(state: StateOf, caller: Sender, body: NewContact) -> Response:
    """Adds a contact."""
    contact = accounts.add_contact(state, caller, body.email, body.name, body.model_extra or {})
    return Answer(contact, status_code=201)


@router.delete("/contacts/{contact_id}")
async def delete_contact(state: StateOf, caller: Admin, contact_id: str) -> Response:
    """Removes a contact."""
    accounts.delete_row(state, caller, "contact", contact_id)
    return Answer({"deleted": True})


@router.get("/suppression")
async def list_suppressions(state: StateOf, caller: Admin) -> Response:
    """Addresses that are not written to."""
    return Answer({"suppressions": accounts.suppressions(state)})


@router.delete("/suppression/{address:path}")
async def remove_suppression(state: StateOf, caller: Admin, address: str) -> Response:
    """Removes a suppressed address."""
    accounts.delete_row(state, caller, "suppression", address)
    return Answer({"deleted": True})


@router.get("/domains")
async def list_domains(state: StateOf, caller: Admin) -> Response:
    """The account's own domains."""
    return Answer({"domains": accounts.domains(state)})


@router.post("/domains")
async def add_domain(state: StateOf, caller: Admin, body: NewDomain) -> Response:
    """Adds a domain."""
    return Answer(accounts.add_domain(state, caller, body.domain), status_code=201)


@router.post("/domains/{domain_id}/verify")
async def verify_domain(state: StateOf, caller: Admin, domain_id: str) -> Response:
    """Counts a domain as verified."""
    return Answer(accounts.verify_domain(state, caller, domain_id))


@router.delete("/domains/{domain_id}")
async def delete_domain(state: StateOf, caller: Admin, domain_id: str) -> Response:
    """Removes a domain."""
    accounts.delete_row(state, caller, "domain", domain_id)
    return Answer({"status": "deleted"})


@router.get("/webhooks")
async def list_webhooks(state: StateOf, caller: Admin) -> Response:
    """Subscriptions. Under `subscriptions` as documented, and `webhooks` as the retired Python client reads them."""
    hooks = accounts.webhooks(state)
    return Answer({"subscriptions": hooks, "webhooks": hooks})


@router.post("/webhooks")
async def create_webhook(state: StateOf, caller: Admin, body: NewWebhook) -> Response:
    """Subscribes to events; the signing secret is returned only here."""
    check_url(body.url)
    mailbox_id = body.mailbox_id
    if body.mailbox is not None:
        mailbox_id = mailboxes.by_address(state, body.mailbox)["id"]
    made = accounts.create_webhook(state, caller, body.url, body.events, mailbox_id, body.approval_code, body.secret)
    return Answer(made, status_code=201)


@router.get("/webhooks/{webhook_id}")
async def get_webhook(state: StateOf, caller: Admin, webhook_id: str) -> Response:
    """One webhook subscription."""
    return Answer(accounts.webhook(state, webhook_id))


@router.delete("/webhooks/{webhook_id}")
async def delete_webhook(state: StateOf, caller: Admin, webhook_id: str) -> Response:
    """Removes a webhook subscription."""
    accounts.delete_row(state, caller, "webhook", webhook_id)
    return Answer({"status": "deleted"})


@router.get("/webhook-deliveries")
async def webhook_deliveries(state: StateOf, caller: Admin, limit: LogLimit = 50, cursor: Cursor = None) -> Response:
    """Webhook deliveries, newest first."""
    return Answer(accounts.deliveries(state, limit=limit, cursor=cursor))


def check_url(url: str) -> None:
    """400 unless the address is https, or http on this machine."""
    try:
        parts = urlsplit(url)
        good = bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)))
    except ValueError:
        good = False
    if not good:
        raise ApiError(400, "url must be an https address")
