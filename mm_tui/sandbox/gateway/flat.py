"""The flat calls of the tutorial for AI21 users: the same actions under other names, on the base URL."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AliasChoices, Field, StringConstraints

from mm_tui.sandbox.gateway import mailboxes, messages, sending
from mm_tui.sandbox.gateway.access import Admin, JsonAnswer, Limit, Reader, Sender, StateOf
from mm_tui.sandbox.gateway.ids import iso
from mm_tui.sandbox.gateway.mail import OutgoingMail
from mm_tui.sandbox.gateway.requests import Address, Body, Markdown, Subject, Text
from mm_tui.sandbox.gateway.routes_contacts import create_webhook
from mm_tui.sandbox.gateway.routes_mailboxes import local_part
from mm_tui.sandbox.gateway.routes_oversight import waiting
from mm_tui.sandbox.gateway.state import DOMAIN, SandboxState
from mm_tui.sandbox.gateway.statuses import PENDING, Mode, SandboxStatus

router = APIRouter(tags=["tutorial"])
Tag = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class TagEmail(Body):
    """Tags as bare words; `notes` becomes a tag of that name."""

    email_id: Text
    tags: Annotated[list[Tag], Field(max_length=100)]
    notes: Text | None = None


class ReplyEmail(Body):
    """A reply to the newest inbound email of a thread. `from` is ignored: the mailbox uses its own address."""

    thread_id: Text
    sender: Text | None = Field(default=None, alias="from")
    body: Markdown
    oversight_mode: Mode | None = None


class SendEmail(Body):
    """A new email, sent from the mailbox of an address."""

    mailbox: Text = Field(validation_alias=AliasChoices("mailbox", "from"))
    to: Address | list[Address]
    subject: Subject
    body: Markdown
    oversight_mode: Mode | None = None


class CreateMailbox(Body):
    """A mailbox by its address. It starts at gated_send, or lower if requested."""

    address: Text
    oversight_mode: Mode = Mode.GATED_SEND


@router.get("/get_thread")
async def get_thread(state: StateOf, caller: Reader, thread_id: str) -> Response:
    """A thread with bodies."""
    rows = messages.thread_rows(state, None, thread_id)
    return JsonAnswer({"thread_id": thread_id, "messages": [_message(state, row["id"]) for row in rows]})


@router.post("/tag_email")
async def tag_email(state: StateOf, caller: Sender, body: TagEmail) -> Response:
    """Adds tags to an email, keeping the existing ones."""
    messages.find(state, body.email_id)
    tags = messages.tags(state, body.email_id) | dict.fromkeys(body.tags, "true")
    if body.notes is not None:
        tags["notes"] = body.notes
    messages.put_tags(state, caller, body.email_id, tags)
    return JsonAnswer({"email_id": body.email_id, "tags": body.tags, "status": "tagged"})


@router.post("/reply_email")
async def reply_email(state: StateOf, caller: Sender, body: ReplyEmail) -> Response:
    """Replies in a thread. A gated `oversight_mode` gates this email even if its mailbox would not."""
    rows = messages.thread_rows(state, None, body.thread_id)
    inbound = [row for row in rows if row["direction"] == "inbound"]
    answered = (inbound or rows)[-1]
    mail = OutgoingMail(to=(), subject="", markdown=body.body, always_gate=_gates(body.oversight_mode))
    submitted = sending.reply(state, caller, answered["mailbox_id"], answered["id"], mail)
    return JsonAnswer({"message_id": submitted.body["id"], "status": submitted.body["status"]}, status_code=202)


@router.post("/send_email")
async def send_email(state: StateOf, caller: Sender, body: SendEmail) -> Response:
    """Sends from the mailbox of an address."""
    to = [body.to] if isinstance(body.to, str) else body.to
    mail = OutgoingMail(to=to, subject=body.subject, markdown=body.body, always_gate=_gates(body.oversight_mode))
    mailbox = mailboxes.by_address(state, body.mailbox)
    submitted = sending.send(state, caller, mailbox["id"], mail)
    return JsonAnswer({"message_id": submitted.body["id"], "status": submitted.body["status"]}, status_code=202)


@router.get("/check_inbox")
async def check_inbox(
    state: StateOf, caller: Reader, mailbox: str, status: str | None = None, limit: Limit = 20
) -> Response:
    """The newest inbound mail of a mailbox, without bodies."""
    mailbox_id = mailboxes.by_address(state, mailbox)["id"]
    page = messages.page(state, mailbox_id, messages.ListQuery(direction="inbound", status=status, limit=limit))
    found = page["emails"]
    assert isinstance(found, list)
    return JsonAnswer({"messages": [{**item, "message_id": item["id"]} for item in found]})


@router.get("/read_email")
async def read_email(state: StateOf, caller: Reader, email_id: str) -> Response:
    """An email with its body; marks it read."""
    row = messages.find(state, email_id)
    messages.detail(state, caller, row["mailbox_id"], email_id)
    return JsonAnswer(_message(state, email_id))


@router.get("/list_pending")
async def list_pending(state: StateOf, caller: Reader, mailbox: str | None = None) -> Response:
    """Lists a mailbox's waiting emails. Any key that can read may call it."""
    mailbox_id = mailboxes.by_address(state, mailbox)["id"] if mailbox else None
    items = waiting(state, mailbox_id)
    return JsonAnswer(
        {"messages": [{**item, "message_id": item["id"], "body": item["body_markdown"]} for item in items]}
    )


@router.get("/decide_email")
async def decide_email(state: StateOf, caller: Reader, message_id: str) -> Response:
    """Says how an email was decided. Deciding itself is `POST /v1/oversight/decide`."""
    row = messages.find(state, message_id)
    if row["status"] in (*PENDING, SandboxStatus.PENDING_SCAN):
        return JsonAnswer({"message_id": message_id, "decision": "pending"})
    gone = row["status"] in (SandboxStatus.REJECTED, SandboxStatus.CANCELLED, SandboxStatus.SEND_FAILED)
    answer = {"message_id": message_id, "decision": "rejected" if gone else "approved"}
    if row["decided_at"] is not None:
        answer["decided_at"] = iso(row["decided_at"])
    return JsonAnswer(answer)


@router.post("/create_mailbox")
async def create_mailbox(state: StateOf, caller: Admin, body: CreateMailbox) -> Response:
    """Creates a mailbox at once, or returns the existing one with the address."""
    address = f"{local_part(body.address)}@{DOMAIN}"
    row = state.db.execute("SELECT * FROM mailboxes WHERE address = ?", (address,)).fetchone()
    if row is None:
        mode = min(body.oversight_mode, Mode.GATED_SEND, key=lambda mode: mode.rung)
        row = mailboxes.insert(state, caller, address, None, mode)
    answer = {"mailbox_id": row["id"], "address": row["address"], "oversight_mode": row["oversight_mode"]}
    return JsonAnswer(answer, status_code=201)


router.post("/webhooks")(create_webhook)


def _gates(mode: Mode | None) -> bool:
    return mode is not None and mode.gates_sending


def _message(state: SandboxState, email_id: str) -> dict[str, object]:
    item = messages.summary(messages.find(state, email_id))
    return item | {"message_id": email_id, "email_id": email_id, "body": messages.body(state, email_id)}
