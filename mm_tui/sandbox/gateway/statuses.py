"""Words of the gateway: scopes, oversight modes, statuses, and which follow on which."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    SEND = "send"
    OVERSIGHT = "oversight"
    ADMIN = "admin"


class Mode(StrEnum):
    """A mailbox's place on the trust ladder, lowest first."""

    READ_ONLY = "read_only"
    GATED_ALL = "gated_all"
    GATED_SEND = "gated_send"
    MONITORED = "monitored"
    AUTONOMOUS = "autonomous"

    @property
    def rung(self) -> int:
        """How high on the ladder, from 0."""
        return list(Mode).index(self)

    @property
    def gates_sending(self) -> bool:
        """Outbound mail waits for a human."""
        return self in (Mode.GATED_ALL, Mode.GATED_SEND)


class Status(StrEnum):
    """Where an email stands."""

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


PENDING = (Status.PENDING_SEND_APPROVAL, Status.PENDING_INBOUND_APPROVAL)
"""Waits for a human."""
CANCELLABLE = (*PENDING, Status.PENDING_SCAN, Status.SCHEDULED)
SPAM = (Status.SPAM_FLAGGED, Status.SPAM_QUARANTINED)

SCAN_BLOCK = "X-SANDBOX-BLOCK-THIS-MAIL"
"""The threat scan fails an email whose subject or body holds this (as EICAR does for virus scanners)."""
BOUNCE_LOCAL_PART = "bounce"
"""Mail to an address whose local part starts so bounces, once released."""
SPAM_FLAG_SCORE = 5.0
SPAM_QUARANTINE_SCORE = 8.0


def spam_verdict(score: float | None) -> str | None:
    """What the scan says of an inbound mail: clean, flagged or quarantined; None when nothing was measured."""
    if score is None:
        return None
    if score >= SPAM_QUARANTINE_SCORE:
        return "quarantined"
    return "flagged" if score >= SPAM_FLAG_SCORE else "clean"
