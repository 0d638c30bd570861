"""The gateway's client: one method for each call, typed answers, errors told apart (`mm_tui.gateway.errors`). It never
repeats a call. httpx is imported, off the event loop, when the first call is made."""

from __future__ import annotations

from mm_tui.gateway import calls, values, wire
from mm_tui.gateway.account_calls import AccountCalls
from mm_tui.gateway.base import given
from mm_tui.gateway.mail_calls import MailCalls
from mm_tui.gateway.shapes import AuditPage, DecideAction, Listing
from mm_tui.models import DecideReceipt, PendingItem
from mm_tui.text import OneLine


class GatewayClient(MailCalls, AccountCalls):
    """The MultiMail gateway, as seen with a reviewer's keys. An async context manager; belongs to one event loop. Every
    method raises a `GatewayError` and nothing else when the call does not succeed."""

    # Oversight

    async def pending(self) -> Listing[PendingItem]:
        """All emails waiting for a human, without cc, attachments and thread (`complete` is False)."""
        names = ("emails", "pending", "messages")
        return await self._ask(
            calls.PENDING, lambda answer: _told_apart(values.listing(answer, names, wire.pending_item))
        )

    async def decide(self, email_id: str, action: DecideAction, reason: str | None = None) -> DecideReceipt:
        """Approves or rejects. Approved outbound mail is sent at once. If the outcome is unknown, read it back; never
        repeat the call."""
        return await self._ask(
            calls.DECIDE,
            lambda answer: wire.decide_receipt(values.about(email_id, values.single(answer))),
            body=given(email_id=email_id, action=action, reason=reason),
        )

    async def audit_log(self, *, limit: int = 100, cursor: str | None = None) -> AuditPage:
        """A page of the gateway's audit log, newest first; `limit` 1 to 100."""
        return await self._ask(
            calls.AUDIT_LOG,
            lambda answer: AuditPage(
                values.listing(answer, ("entries", "audit_log"), wire.audit_entry), values.cursor(answer)
            ),
            params=given(limit=str(limit), cursor=cursor),
        )


def _told_apart(listed: Listing[PendingItem]) -> Listing[PendingItem]:
    """The emails that an id is enough to name, because decide names no mailbox; the others are among `refused`."""
    boxes: dict[str, set[str]] = {}
    for item in listed:
        boxes.setdefault(item.id, set()).add(item.mailbox_id)
    same = {email_id for email_id, found in boxes.items() if len(found) > 1}
    if not same:
        return listed
    refused = [OneLine(f"{len(boxes[one])} mailboxes have a waiting email with the id {one}") for one in sorted(same)]
    return Listing((item for item in listed if item.id not in same), (*listed.refused, *refused))
