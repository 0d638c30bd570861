"""Reports inbound mail as spam, and undoes that."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from mm_tui.models import Direction, EmailSummary, Status
from mm_tui.services.events import MailChanged, Notify
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient

MARKED: frozenset[str] = frozenset({Status.SPAM_FLAGGED, Status.SPAM_QUARANTINED})
MOST_PAGES = 10
"""The most pages of a hundred emails that are read for each status."""


class NotMarked(Exception):
    """An email was not marked; says why."""


class SpamMarks:
    """Marks mail as spam at the gateway, journaled first, and stores the status. `gateway`: with a send key."""

    def __init__(self, database: Database, gateway: GatewayClient, notify: Notify) -> None:
        self._mail = MailStore(database)
        self._gateway = gateway
        self._notify = notify

    async def listed(self) -> tuple[list[EmailSummary], bool]:
        """All marked mail that the gateway lists, and whether there is more. The mailbox of an email is
        `UNKNOWN_MAILBOX` if neither the gateway nor the store tells it."""
        from mm_tui.gateway.shapes import pages_of

        found: dict[str, EmailSummary] = {}
        more = False
        for status in (Status.SPAM_FLAGGED, Status.SPAM_QUARANTINED):
            async for page in pages_of(partial(self._gateway.spam, status=str(status)), most=MOST_PAGES):
                found |= {mail.id: mail for mail in page.emails}
            more |= page.cursor is not None
        return await asyncio.to_thread(lambda: list(map(self._placed, found.values()))), more

    def _placed(self, mail: EmailSummary) -> EmailSummary:
        """The email with its mailbox, which the gateway's list need not name, from the store."""
        from mm_tui.gateway.client import UNKNOWN_MAILBOX

        if mail.mailbox_id != UNKNOWN_MAILBOX or (row := self._mail.row(mail.id)) is None:
            return mail
        return mail.replaced(mailbox_id=row.mailbox_id)

    async def mark(self, email_id: str, *, spam: bool) -> OneLine:
        """Reports an email as spam, or undoes that. Returns the result, in words. Raises NotMarked if it is to be
        restored, and the gateway does not list it as spam; GatewayError if it was refused, or its outcome is
        unknown."""
        if not spam:
            # The store may not know it, or not know that it waits or was rejected: restoring would let it in.
            known = await asyncio.to_thread(self._mail.summary, email_id)
            listed, more = await self.listed()
            may_be_listed = more and known is not None and known.status in MARKED
            if not may_be_listed and all(mail.id != email_id for mail in listed):
                raise NotMarked("the gateway does not list it as spam")
        status = await (self._gateway.report_spam if spam else self._gateway.not_spam)(email_id)
        summary = await asyncio.to_thread(self._mail.summary, email_id)
        if summary is not None:
            await asyncio.to_thread(self._mail.upsert, [summary.replaced(status=status)])
            self._notify(MailChanged(frozenset({email_id})))
        done = "reported as spam" if spam else "no longer marked as spam"
        return OneLine(f"{done}: its status is {status.replace('_', ' ')}")


def why_not(direction: str, status: str, *, spam: bool) -> str:
    """Why an email cannot be marked this way; empty if it can. A waiting email must be decided instead, because a mark
    would remove it from the queue without a decision."""
    if direction == Direction.OUTBOUND:
        return "only received mail can be spam"
    if status.startswith("pending_"):
        return "it waits for a decision: reject it instead"
    if spam and status == Status.SPAM_QUARANTINED:
        return "it is already in the spam quarantine"
    if not spam and status not in MARKED:
        return "it is not marked as spam"
    return ""
