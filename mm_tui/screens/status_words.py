"""What the screens say of an email's status, in a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mm_tui.store.mail.mails import MailRow

FAILED = frozenset({"bounced", "send_failed", "spam_quarantined"})
WAITING = frozenset({"pending_send_approval", "pending_inbound_approval", "pending_scan"})
STATUS_WORDS = {
    "pending_send_approval": "waiting",
    "pending_inbound_approval": "waiting",
    "pending_scan": "in scan",
    "send_failed": "failed",
    "spam_flagged": "spam?",
    "spam_quarantined": "spam",
}
LEFT, ACCEPTED = frozenset({"sent", "delivered"}), "accepted"
PLAIN_STATUSES = frozenset({"unread", "read"})
NO_STATUS = "no status"


def chip(row: MailRow, *, is_test: bool = False) -> tuple[str, str]:
    """A row's chip and its style: the status if it is informative, otherwise the label. `is_test`: with a test key the
    gateway only accepts what is sent, and delivers nothing."""
    if not row.status:
        return row.label or NO_STATUS, "dim"
    if is_test and row.status in LEFT:
        return ACCEPTED, "dim"
    if row.status not in PLAIN_STATUSES:
        word = STATUS_WORDS.get(row.status, row.status.replace("_", " "))
        if row.status in FAILED:
            return word, "fail"
        if row.status in WAITING:
            return word, "row"
        return word, "risk" if row.status.startswith("spam") else "dim"
    return row.label, "dim"
