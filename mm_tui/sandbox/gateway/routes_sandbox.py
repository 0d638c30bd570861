"""Routes of the sandbox itself, for tests and demos: no gateway has them. docs/sandbox.md lists them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import APIRouter, Request, Response
from pydantic import Field, ValidationError

from mm_tui.sandbox.gateway import inbound, lifecycle, mailboxes, messages, outbox
from mm_tui.sandbox.gateway.access import JsonAnswer, StateOf
from mm_tui.sandbox.gateway.faults import Fault, Faults
from mm_tui.sandbox.gateway.ids import iso
from mm_tui.sandbox.gateway.mail import IncomingMail
from mm_tui.sandbox.gateway.requests import AttachmentIn, Body, Markdown
from mm_tui.sandbox.gateway.state import ApiError, Tuning
from mm_tui.sandbox.gateway.statuses import Mode, SandboxStatus

router = APIRouter(prefix="/sandbox", tags=["sandbox"])


class InboundBody(Body):
    """An email to deliver."""

    mailbox: str
    sender: str = Field(default="anna@customer.example", alias="from")
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    subject: str = ""
    body: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    reply_to: str = ""
    date: datetime | None = None
    spam_score: Annotated[float, Field(ge=-1000, le=1000)] | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    attachments: list[AttachmentIn] = Field(default_factory=list)


class MailChanges(Body):
    """The fields of an email to change."""

    subject: str | None = None
    markdown: Markdown | None = None
    to: list[str] | None = None
    cc: list[str] | None = None
    status: SandboxStatus | None = None


class ClockBody(Body):
    advance: float = Field(ge=0, le=366 * 86400)


class AllowList(Body):
    addresses: list[str]


class RefuseBody(Body):
    seconds: float = Field(ge=0, le=600)


class ModeBody(Body):
    oversight_mode: Mode


@router.get("/operator-mail")
async def operator_mail(state: StateOf) -> Response:
    """What the operator was mailed."""
    rows = state.db.execute("SELECT * FROM operator_mail ORDER BY id").fetchall()
    return JsonAnswer({"messages": [{**dict(row), "created_at": iso(row["created_at"])} for row in rows]})


@router.get("/outbox")
async def released(state: StateOf) -> Response:
    """The released mail, oldest first."""
    return JsonAnswer({"messages": outbox.listing(state)})


@router.get("/emails/{email_id}")
async def look(state: StateOf, email_id: str) -> Response:
    """An email as stored in the database."""
    row = dict(messages.find(state, email_id))
    for name in ("recipients", "cc", "bcc", "refs"):
        row[name] = json.loads(row[name])
    row["to"] = row.pop("recipients")
    return JsonAnswer({**row, "markdown": messages.body(state, email_id), "tags": messages.tags(state, email_id)})


@router.patch("/emails/{email_id}")
async def change(state: StateOf, email_id: str, body: MailChanges) -> Response:
    """Changes an email without a trace in the audit log."""
    messages.find(state, email_id)
    with state.write():
        messages.change(state, email_id, body.model_dump(exclude_none=True))
        if body.status is not None:
            lifecycle.set_status(state, email_id, body.status)
    return await look(state, email_id)


@router.post("/inbound")
async def deliver(state: StateOf, body: InboundBody) -> Response:
    """Delivers an email into a mailbox."""
    row = state.db.execute("SELECT id FROM mailboxes WHERE id = ?", (body.mailbox,)).fetchone()
    mailbox_id = row["id"] if row else mailboxes.by_address(state, body.mailbox)["id"]
    given = body.model_dump(exclude={"mailbox", "attachments"})
    mail = IncomingMail(**given, attachments=tuple(part.decoded() for part in body.attachments))
    email_id = inbound.deliver(state, mailbox_id, mail)
    filed = messages.find(state, email_id)
    return JsonAnswer({"id": email_id, "thread_id": filed["thread_id"], "status": filed["status"]}, status_code=201)


@router.get("/settings")
async def settings(state: StateOf) -> Response:
    """The sandbox's settings; see `Tuning`."""
    return JsonAnswer(state.tuning.model_dump())


@router.patch("/settings")
async def change_settings(state: StateOf, changes: dict[str, Any]) -> Response:
    """Changes some of the sandbox's settings."""
    try:
        state.tuning = Tuning.model_validate({**state.tuning.model_dump(), **changes})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ApiError(400, f"{first['loc']}: {first['msg']}") from None
    return JsonAnswer(state.tuning.model_dump())


@router.post("/clock")
async def clock(state: StateOf, body: ClockBody) -> Response:
    """Moves the sandbox's clock forward."""
    state.advance_clock(body.advance)
    lifecycle.advance(state)
    return JsonAnswer({"now": iso(state.now_ms())})


@router.put("/allow-list")
async def allow_list(state: StateOf, body: AllowList) -> Response:
    """Sets the recipients that need no approval in gated_send."""
    mailboxes.allow_everywhere(state, body.addresses)
    return JsonAnswer({"addresses": body.addresses})


@router.patch("/mailboxes/{mailbox_id}")
async def set_mode(state: StateOf, mailbox_id: str, body: ModeBody) -> Response:
    """Sets a mailbox's mode, higher or lower."""
    mailboxes.find(state, mailbox_id)
    state.db.execute("UPDATE mailboxes SET oversight_mode = ? WHERE id = ?", (body.oversight_mode, mailbox_id))
    return JsonAnswer(mailboxes.wire(state, mailboxes.find(state, mailbox_id)))


@router.get("/faults")
async def list_faults(request: Request) -> Response:
    """The rules, with how often each matched and was applied."""
    return JsonAnswer({"faults": [rule.model_dump() for rule in _faults(request).rules]})


@router.post("/faults")
async def add_faults(request: Request, body: Fault | list[Fault]) -> Response:
    """Adds one or more rules for faults."""
    added = _faults(request).add(body if isinstance(body, list) else [body])
    return JsonAnswer({"faults": [rule.model_dump() for rule in added]}, status_code=201)


@router.delete("/faults")
async def clear_faults(request: Request) -> Response:
    """Clears all rules for faults."""
    _faults(request).rules.clear()
    return JsonAnswer({"faults": []})


@router.post("/refuse")
async def refuse(request: Request, body: RefuseBody) -> Response:
    """Closes the port for a while, after this answer is sent."""
    request.app.state.refuse(body.seconds)
    await asyncio.sleep(0)
    return JsonAnswer({"seconds": body.seconds})


@router.get("/calls")
async def calls(state: StateOf) -> Response:
    """The requests the gateway saw, oldest first."""
    return JsonAnswer({"calls": [asdict(call) for call in state.calls]})


@router.delete("/calls")
async def clear_calls(state: StateOf) -> Response:
    """Clears the list of requests."""
    state.calls.clear()
    return JsonAnswer({"calls": []})


def _faults(request: Request) -> Faults:
    return cast(Faults, request.app.state.faults)
