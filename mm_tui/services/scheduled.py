"""Cancels an email that is scheduled and was not sent yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_tui.decision.state import RemoteState
from mm_tui.gateway import calls
from mm_tui.gateway.errors import GatewayError
from mm_tui.services.audit.act_journal import ActJournal
from mm_tui.services.decisions.remote_state import remote_state_of
from mm_tui.services.unsent import state_words
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.services.sync.service import Sync


class NotCancelled(Exception):
    """An email was not cancelled, or that is not known; says why, and how it stands."""


async def cancel(gateway: GatewayClient, sync: Sync, journal: ActJournal, mailbox_id: str, email_id: str) -> OneLine:
    """Cancels an email at the gateway, once, and reads it again. Returns the result in words.

    Args:
        gateway: with a send key.
        journal: gets the call before it is made.

    Raises:
        NotCancelled: the gateway refused it, or what became of it is not known.
        GatewayError: the journal cannot be written, so the call was not made.
    """
    place = {"mailbox_id": mailbox_id, "email_id": email_id}
    await journal.begins(calls.CANCEL, place, {})
    trouble = ""
    try:
        await gateway.cancel(mailbox_id, email_id)
    except GatewayError as error:
        trouble = f"{'it is not known whether it was' if error.may_have_happened else 'not'} cancelled: {error.message}"
        await journal.failed(calls.CANCEL, place, error)
    try:
        now = await sync.fetch_detail(mailbox_id, email_id)
    except GatewayError as error:
        raise NotCancelled(trouble or f"cancelled, but it could not be read again: {error.message}") from error
    if remote_state_of(now.status, now.direction) is RemoteState.CANCELLED:
        return OneLine("cancelled: it will not be sent")
    stands = state_words(str(now.direction), str(now.status)) or now.status
    raise NotCancelled(f"{trouble or 'the gateway did not cancel it'}. It is {stands} now")
