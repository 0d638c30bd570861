"""Routes: mailboxes and their oversight modes."""

from __future__ import annotations

import re

from fastapi import APIRouter, Response

from mm_tui.sandbox.gateway import allow_lists, mailboxes
from mm_tui.sandbox.gateway.access import Admin, Answer, Reader, Sender, StateOf
from mm_tui.sandbox.gateway.requests import (
    Approval,
    MailboxChanges,
    NewAllowed,
    NewMailbox,
    UpgradeBody,
    UpgradeRequest,
)
from mm_tui.sandbox.gateway.state import DOMAIN, ApiError

router = APIRouter(prefix="/v1/mailboxes", tags=["mailboxes"])
_LOCAL = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")


@router.get("")
async def list_mailboxes(state: StateOf, caller: Reader) -> Response:
    """All mailboxes."""
    return Answer({"mailboxes": [mailboxes.wire(state, row) for row in mailboxes.all_mailboxes(state)]})


@router.post("")
async def create_mailbox(state: StateOf, caller: Admin, body: NewMailbox) -> Response:
    """Creates a mailbox: 202 without the operator's code, 201 with it."""
    local = local_part(body.local)
    made = mailboxes.create(state, caller, local, body.display_name, body.approval_code)
    return Answer({"id": made["id"], "address": made["address"]}, status_code=201)


@router.get("/{mailbox_id}")
async def get_mailbox(state: StateOf, caller: Reader, mailbox_id: str) -> Response:
    """One mailbox, with its settings."""
    return Answer(mailboxes.wire(state, mailboxes.find(state, mailbox_id), whole=True))


# Another known client calls it by the second name.
@router.patch("/{mailbox_id}")
@router.patch("/{mailbox_id}/configure")
async def update_mailbox(state: StateOf, caller: Admin, mailbox_id: str, body: MailboxChanges) -> Response:
    """Changes a mailbox. The oversight mode can only be lowered."""
    mailboxes.update(state, caller, mailbox_id, body.changes())
    return Answer({"status": "updated"})


@router.delete("/{mailbox_id}")
async def delete_mailbox(state: StateOf, caller: Admin, mailbox_id: str) -> Response:
    """Switches a mailbox off."""
    mailboxes.delete(state, caller, mailbox_id)
    return Answer({"status": "deleted"})


@router.post("/{mailbox_id}/request-upgrade")
async def request_upgrade(state: StateOf, caller: Sender, mailbox_id: str, body: UpgradeRequest) -> Response:
    """Mails the operator a one-time code for a higher mode."""
    mailboxes.request_upgrade(state, caller, mailbox_id, body.target_mode)
    return Answer({"status": "upgrade_requested", "target_mode": body.target_mode})


@router.post("/{mailbox_id}/upgrade")
async def upgrade(state: StateOf, caller: Sender, mailbox_id: str, body: UpgradeBody) -> Response:
    """Moves the mailbox up with the operator's code."""
    return Answer({"status": "upgraded", "oversight_mode": mailboxes.upgrade(state, caller, mailbox_id, body.code)})


@router.get("/{mailbox_id}/allowlist")
async def get_allow_list(state: StateOf, caller: Reader, mailbox_id: str) -> Response:
    """The recipients that need no approval from this mailbox."""
    entries = allow_lists.entries(state, mailbox_id)
    return Answer({"entries": entries, "mailbox_id": mailbox_id, "count": len(entries)})


@router.post("/{mailbox_id}/allowlist")
async def add_to_allow_list(state: StateOf, caller: Admin, mailbox_id: str, body: NewAllowed) -> Response:
    """Adds an entry: 202 without the operator's code, 201 with it."""
    made = allow_lists.add(state, caller, mailbox_id, body.pattern, body.note, body.approval_code)
    return Answer(made, status_code=201)


@router.delete("/{mailbox_id}/allowlist/{entry_id}")
async def remove_from_allow_list(
    state: StateOf, caller: Admin, mailbox_id: str, entry_id: str, body: Approval | None = None
) -> Response:
    """Removes an entry: 202 without the operator's code, 200 with it."""
    code = body.approval_code if body is not None else None
    allow_lists.remove(state, caller, mailbox_id, entry_id, code)
    return Answer({"status": "deleted"})


def local_part(address: str) -> str:
    """The part before the @ of a local part or of an address on the sandbox's own domain; 400 for others."""
    local, _, domain = address.strip().partition("@")
    if (domain and domain.lower() != DOMAIN) or not _LOCAL.match(local):
        raise ApiError(400, f"Not an address of {DOMAIN}")
    return local.lower()
