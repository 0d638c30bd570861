"""Mail in a thread that nobody received: unsent drafts, and mail that did not arrive."""

from __future__ import annotations

from mm_tui.models import ARRIVED, LEFT, NOT_SENT, Direction, EmailSummary, Status

_OUTBOUND = {
    Status.PENDING_SEND_APPROVAL: "draft, waits for a decision",
    Status.PENDING_SCAN: "draft, is being scanned",
    Status.SCHEDULED: "scheduled, has not left",
    Status.REJECTED: "rejected, was not sent",
    Status.CANCELLED: "cancelled, was not sent",
    Status.SEND_FAILED: "failed, was not sent",
    Status.DELETED: "deleted, not known to have left",
}
_INBOUND = {
    Status.PENDING_INBOUND_APPROVAL: "came in, waits for a decision",
    Status.PENDING_SCAN: "came in, is being scanned",
    Status.SPAM_FLAGGED: "came in, flagged as spam",
    Status.SPAM_QUARANTINED: "came in, quarantined as spam",
    Status.REJECTED: "came in, was rejected",
    Status.CANCELLED: "came in, was cancelled",
}


def unsent_words(mail: EmailSummary) -> str:
    """The state of an email that neither arrived nor was sent, in words; empty for one that did."""
    return "" if mail.is_exchanged else state_words(str(mail.direction), str(mail.status))


def is_settled(direction: str, status: str) -> bool:
    """Whether the status alone says if an email arrived or was sent."""
    return direction == Direction.INBOUND or status in LEFT or status in NOT_SENT


def state_words(direction: str, status: str) -> str:
    """The state of an email from its status alone, in words; empty if the status says that it arrived or was sent."""
    inbound = direction == Direction.INBOUND
    if status in (ARRIVED if inbound else LEFT):
        return ""
    known = {str(one): words for one, words in (_INBOUND if inbound else _OUTBOUND).items()}
    status_words = status.replace("_", " ") or "no status"
    unknown = f"not known to have {'arrived' if inbound else 'left'} ({status_words})"
    return known.get(status, unknown)
