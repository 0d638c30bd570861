"""Routes: send, reply, cancel, and change scheduled mail."""

from __future__ import annotations

from fastapi import APIRouter, Response

from mm_tui.sandbox.gateway import messages, sending
from mm_tui.sandbox.gateway.access import JsonAnswer, Sender, StateOf
from mm_tui.sandbox.gateway.requests import ReplyBody, ScheduleBody, SendBody
from mm_tui.sandbox.gateway.state import ApiError, moment

router = APIRouter(prefix="/v1/mailboxes/{mailbox_id}", tags=["sending"])


@router.post("/send")
async def send(state: StateOf, caller: Sender, mailbox_id: str, body: SendBody) -> Response:
    """Submits an email. It is scanned first, then waits for a human if the mailbox's mode says so."""
    submitted = sending.send(state, caller, mailbox_id, body.submission(body.to, body.subject))
    return JsonAnswer(submitted.body, status_code=submitted.status)


@router.post("/reply/{email_id}")
async def reply(state: StateOf, caller: Sender, mailbox_id: str, email_id: str, body: ReplyBody) -> Response:
    """Submits a reply to an email; 409 for the same content within 60 seconds."""
    submitted = sending.reply(state, caller, mailbox_id, email_id, body.submission())
    return JsonAnswer(submitted.body, status_code=submitted.status)


@router.post("/emails/{email_id}/cancel")
async def cancel(state: StateOf, caller: Sender, mailbox_id: str, email_id: str) -> Response:
    """Cancels a submitted email before it is sent."""
    messages.find(state, email_id, mailbox_id)
    return JsonAnswer(sending.cancel(state, caller, email_id))


@router.patch("/emails/{email_id}/schedule")
async def edit_schedule(state: StateOf, caller: Sender, mailbox_id: str, email_id: str, body: ScheduleBody) -> Response:
    """Changes a scheduled email. New content is scanned again."""
    messages.find(state, email_id, mailbox_id)
    changes = {name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None}
    if "send_at" in changes:
        changes["send_at"] = moment(body.send_at)
        if changes["send_at"] is None or changes["send_at"] <= state.now_ms():
            raise ApiError(400, sending.IN_THE_PAST)
    return JsonAnswer(sending.edit_schedule(state, caller, email_id, changes))
