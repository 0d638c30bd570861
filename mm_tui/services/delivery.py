"""Explains why a sent email did not arrive, from the gateway's list of suppressed addresses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mm_tui.gateway.errors import GatewayError
from mm_tui.models import Direction, EmailSummary, Status
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient

_FAILED = frozenset({Status.BOUNCED, Status.SEND_FAILED})


def may_be_suppressed(mail: EmailSummary) -> bool:
    """Whether to check the list: for outbound mail without a delivery receipt, or that bounced."""
    if str(mail.direction) != Direction.OUTBOUND:
        return False
    return mail.bounced_at is not None or (mail.delivered_at is None and str(mail.status) != Status.DELIVERED)


async def why_not_arrived(
    gateway: GatewayClient | None, mail: EmailSummary, addresses: Iterable[str]
) -> tuple[OneLine, ...]:
    """One sentence for each recipient that the gateway does not send to, or that an admin key is needed to
    know; empty without a connection. The list is read only if the email `may_be_suppressed`."""
    if gateway is None or not may_be_suppressed(mail):
        return ()
    failed = mail.bounced_at is not None or str(mail.status) in _FAILED
    try:
        listed = await gateway.suppression()
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
