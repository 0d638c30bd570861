"""Mail in a thread that nobody received: unsent drafts, and mail that did not arrive, with what the gateway tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from mm_tui.models import ARRIVED, LEFT, NOT_SENT, Direction, EmailSummary, Status
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient

_OUTBOUND: Mapping[str, str] = {
    Status.PENDING_SEND_APPROVAL: "draft, waits for a decision",
    Status.PENDING_SCAN: "draft, is being scanned",
    Status.SCHEDULED: "scheduled, not sent yet",
    Status.REJECTED: "rejected, was not sent",
    Status.CANCELLED: "cancelled, was not sent",
    Status.SEND_FAILED: "failed, was not sent",
    Status.DELETED: "deleted, not known to have been sent",
}
_INBOUND: Mapping[str, str] = {
    Status.PENDING_INBOUND_APPROVAL: "received, waits for a decision",
    Status.PENDING_SCAN: "received, is being scanned",
    Status.SPAM_FLAGGED: "received, flagged as spam",
    Status.SPAM_QUARANTINED: "received, quarantined as spam",
    Status.REJECTED: "received, was rejected",
    Status.CANCELLED: "received, was cancelled",
}
_FAILED = frozenset({Status.BOUNCED, Status.SEND_FAILED})


def unsent_words(mail: EmailSummary) -> str:
    """The state of an email that neither arrived nor was sent, in words; empty for one that did."""
    return "" if mail.is_exchanged else state_words(str(mail.direction), str(mail.status))


def is_scheduled(direction: str, status: str) -> bool:
    """Whether an email is to be sent later, so that it can be cancelled."""
    return (direction, status) == (Direction.OUTBOUND, Status.SCHEDULED)


def is_settled(direction: str, status: str) -> bool:
    """Whether the status alone says if an email arrived or was sent."""
    return direction == Direction.INBOUND or status in LEFT or status in NOT_SENT


def state_words(direction: str, status: str) -> str:
    """The state of an email from its status alone, in words; empty if the status says that it arrived or was sent."""
    inbound = direction == Direction.INBOUND
    if status in (ARRIVED if inbound else LEFT):
        return ""
    known = _INBOUND if inbound else _OUTBOUND
    status_words = status.replace("_", " ") or "no status"
    return known.get(status) or f"not known to have {'arrived' if inbound else 'been sent'} ({status_words})"


def may_be_suppressed(mail: EmailSummary) -> bool:
    """Whether to check the list: for outbound mail without a delivery receipt, or that bounced."""
    if str(mail.direction) != Direction.OUTBOUND:
        return False
    return mail.bounced_at is not None or (mail.delivered_at is None and str(mail.status) != Status.DELIVERED)


async def why_not_arrived(
    gateway: GatewayClient | None, mail: EmailSummary, addresses: Iterable[str]
) -> tuple[OneLine, ...]:
    """Why a sent email did not arrive, from the gateway's list of suppressed addresses: one sentence for each recipient
    that it does not send to, or that an admin key is needed to know; empty without a connection. The list is read only
    if the email `may_be_suppressed`."""
    from mm_tui.gateway.errors import GatewayError

    if gateway is None or not may_be_suppressed(mail):
        return ()
    failed = mail.bounced_at is not None or str(mail.status) in _FAILED
    try:
        listed = await gateway.account.suppression()
    except GatewayError as error:
        return (OneLine(f"suppressed addresses are not known: {error.message}"),) if failed else ()
    wanted = {address.strip().lower() for address in addresses}
    found: list[OneLine] = []
    for one in listed:
        if one.address.lower() in wanted:
            since = f" since {one.created_at.astimezone():%d %b %Y}" if one.created_at is not None else ""
            reason = f" ({one.reason.replace('_', ' ')})" if one.reason else ""
            found.append(OneLine(f"{'bounced: ' if failed else ''}{one.address} is suppressed{since}{reason}"))
    if failed and not found:
        found.append(OneLine("no recipient is on the gateway's list of suppressed addresses"))
    return tuple(found)
