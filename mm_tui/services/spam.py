"""Reports inbound mail as spam, and undoes that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mm_tui.models import Direction, Status
from mm_tui.services.events import MailChanged
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.services.events import Notify
    from mm_tui.store.database import Database

MARKED: frozenset[str] = frozenset({Status.SPAM_FLAGGED, Status.SPAM_QUARANTINED})


class SpamMarks:
    """Marks mail as spam at the gateway, and stores the resulting status.

    Args:
        gateway: with a send key; it journals each call first.
    """

    def __init__(self, database: Database, gateway: GatewayClient, notify: Notify) -> None:
        self._mail = MailStore(database)
        self._gateway = gateway
        self._notify = notify

    async def mark(self, email_id: str, *, spam: bool) -> OneLine:
        """Reports an email as spam, or undoes that.

        Returns:
            The result, in words.

        Raises:
            GatewayError: it was refused, or its outcome is unknown.
        """
        status = await (self._gateway.report_spam if spam else self._gateway.not_spam)(email_id)
        summary = await asyncio.to_thread(self._mail.summary, email_id)
        if summary is not None:
            await asyncio.to_thread(self._mail.upsert, [summary.replaced(status=status)])
            self._notify(MailChanged(frozenset({email_id})))
        done = "reported as spam" if spam else "no longer marked as spam"
        return OneLine(f"{done}: its status is {status.replace('_', ' ')}")


def why_not(direction: str, status: str, *, spam: bool) -> str:
    """Why an email cannot be marked this way; empty if it can.

    A waiting email must be decided instead, because a mark would remove it from the queue without a decision.
    """
    if direction == Direction.OUTBOUND:
        return "only received mail can be spam"
    if status.startswith("pending_"):
        return "it waits for a decision: reject it instead"
    if spam and status == Status.SPAM_QUARANTINED:
        return "it is already in the spam quarantine"
    if not spam and status not in MARKED:
        return "it is not marked as spam"
    return ""
