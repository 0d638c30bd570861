"""Mail in a thread that nobody received: unsent drafts, and mail that did not arrive."""

from __future__ import annotations

from collections.abc import Mapping

from mm_tui.models import ARRIVED, LEFT, NOT_SENT, Direction, EmailSummary, Status

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
