"""Routes: the queue of waiting emails, and decisions."""

from __future__ import annotations

from fastapi import APIRouter, Response

from mm_tui.sandbox.gateway import oversight
from mm_tui.sandbox.gateway.access import Answer, Overseer, StateOf
from mm_tui.sandbox.gateway.requests import DecideBody

router = APIRouter(prefix="/v1/oversight", tags=["oversight"])


@router.get("/pending")
async def pending(state: StateOf, caller: Overseer) -> Response:
    """All waiting emails, under `emails` as documented, and under `pending` for the retired Python client."""
    items = oversight.pending(state)
    return Answer({"emails": items, "pending": items})


@router.post("/decide")
async def decide(state: StateOf, caller: Overseer, body: DecideBody) -> Response:
    """Approves or rejects. Approved outbound mail is sent at once."""
    return Answer(oversight.decide(state, caller, body.email_id, body.action, body.reason))
