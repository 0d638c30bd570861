"""Lists scheduled emails, and cancels one that was not sent yet."""

from __future__ import annotations

from collections.abc import Iterable

from mm_tui.decision.state import RemoteState
from mm_tui.gateway import calls
from mm_tui.gateway.client import GatewayClient, first_pages
from mm_tui.gateway.errors import GatewayError
from mm_tui.gateway.shapes import EmailFilter
from mm_tui.models import EmailSummary, Status
from mm_tui.services.audit.change_journal import ChangeJournal
from mm_tui.services.decisions.remote_state import remote_state_of
from mm_tui.services.mail.unsent import is_scheduled, state_words
from mm_tui.services.sync.service import Sync
from mm_tui.text import OneLine

MOST_PAGES = 10
"""The most pages of a hundred emails that are read for each mailbox."""


class NotCancelled(Exception):
    """An email was not cancelled, or that is not known; says why, and how it stands."""


async def listed(gateway: GatewayClient, mailbox_ids: Iterable[str]) -> tuple[list[EmailSummary], bool]:
    """The scheduled emails of these mailboxes, and whether there may be more."""
    found: dict[str, EmailSummary] = {}
    more = False
    wanted = EmailFilter(status=Status.SCHEDULED)
    for mailbox_id in mailbox_ids:
        async for page in first_pages(gateway, mailbox_id, wanted, most=MOST_PAGES):
            found |= {mail.id: mail for mail in page.emails if is_scheduled(mail.direction, mail.status)}
        more |= page.cursor is not None
    return list(found.values()), more


async def cancel(gateway: GatewayClient, sync: Sync, journal: ChangeJournal, mailbox_id: str, email_id: str) -> OneLine:
    """Cancels an email at the gateway, once, and reads it again. Returns the result in words. Raises NotCancelled if
    the gateway refused it (its cause is then the gateway's error), or what became of it is not known; GatewayError if
    the journal cannot be written, so that the call was not made."""
    place = {"mailbox_id": mailbox_id, "email_id": email_id}
    await journal.begins(calls.CANCEL, place, {})
    trouble, failed = "", None
    try:
        await gateway.cancel(mailbox_id, email_id)
    except GatewayError as error:
        failed = error
        trouble = f"{'it is not known whether it was' if error.may_have_happened else 'not'} cancelled: {error.message}"
        await journal.failed(calls.CANCEL, place, error)
    try:
        now = await sync.fetch_detail(mailbox_id, email_id)
    except GatewayError as error:
        words = trouble or f"cancelled, but it could not be read again: {error.message}"
        raise NotCancelled(words) from failed or error
    if remote_state_of(now.status, now.direction) is RemoteState.CANCELLED:
        return OneLine("cancelled: it will not be sent")
    stands = state_words(str(now.direction), str(now.status)) or now.status
    raise NotCancelled(f"{trouble or 'the gateway did not cancel it'}. Its state: {stands}") from failed
