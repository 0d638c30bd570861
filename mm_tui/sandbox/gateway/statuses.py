"""The gateway's scopes, oversight modes and statuses, and their transitions."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """A scope of an API key: what calls the key may make."""

    READ = "read"
    SEND = "send"
    OVERSIGHT = "oversight"
    ADMIN = "admin"


class Mode(StrEnum):
    """The steps of the trust ladder, lowest first."""

    READ_ONLY = "read_only"
    GATED_ALL = "gated_all"
    GATED_SEND = "gated_send"
    MONITORED = "monitored"
    AUTONOMOUS = "autonomous"

    @property
    def rung(self) -> int:
        """The step's number, from 0."""
        return list(Mode).index(self)

    @property
    def gates_sending(self) -> bool:
        """Whether outbound mail waits for a human."""
        return self in (Mode.GATED_ALL, Mode.GATED_SEND)


class SandboxStatus(StrEnum):
    """The statuses of an email, from its submission or arrival to its end."""

    UNREAD = "unread"
    READ = "read"
    ARCHIVED = "archived"
    DELETED = "deleted"
    PENDING_INBOUND_APPROVAL = "pending_inbound_approval"
    SPAM_FLAGGED = "spam_flagged"
    SPAM_QUARANTINED = "spam_quarantined"
    PENDING_SCAN = "pending_scan"
    PENDING_SEND_APPROVAL = "pending_send_approval"
    SCHEDULED = "scheduled"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    SEND_FAILED = "send_failed"


PENDING = (SandboxStatus.PENDING_SEND_APPROVAL, SandboxStatus.PENDING_INBOUND_APPROVAL)
"""The statuses in which an email waits for a human."""
CANCELLABLE = (*PENDING, SandboxStatus.PENDING_SCAN, SandboxStatus.SCHEDULED)
SPAM = (SandboxStatus.SPAM_FLAGGED, SandboxStatus.SPAM_QUARANTINED)

SCAN_BLOCK = "X-SANDBOX-BLOCK-THIS-MAIL"
"""The threat scan blocks an email with this in its subject or body (like EICAR for virus scanners)."""
BOUNCE_LOCAL_PART = "bounce"
"""Released mail to an address with this prefix bounces."""
SPAM_FLAG_SCORE = 5.0
SPAM_QUARANTINE_SCORE = 8.0


def spam_verdict(score: float | None) -> str | None:
    """The scan's verdict on an inbound email: clean, flagged or quarantined; None without a score."""
    if score is None:
        return None
    if score >= SPAM_QUARANTINE_SCORE:
        return "quarantined"
    return "flagged" if score >= SPAM_FLAG_SCORE else "clean"
