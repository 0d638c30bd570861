"""What an email's status at the gateway means for a decision. The gateway may use statuses that are unknown here."""

from __future__ import annotations

from datetime import datetime

from mm_tui.decision.relatives import editor_in, is_edit, relatives_in
from mm_tui.decision.state import RemoteState, Snapshot
from mm_tui.models import Direction, EmailDetail
from mm_tui.review.digest import digest_of
from mm_tui.review.disclosure import late
from mm_tui.review.draft import fingerprint
from mm_tui.services.presence.approvals import NO_APPROVER, Approvals, Approver, approvals_in

_ALWAYS = {
    "pending_send_approval": RemoteState.PENDING,
    "pending_inbound_approval": RemoteState.PENDING,
    "pending_scan": RemoteState.SCANNING,
    "rejected": RemoteState.REJECTED,
    "cancelled": RemoteState.CANCELLED,
    "canceled": RemoteState.CANCELLED,
    "send_failed": RemoteState.FAILED,
}
_OUTBOUND = frozenset(
    {"approved", "approved_and_sent", "queued", "sending", "sent", "delivered", "deferred", "bounced", "complained"}
)
_INBOUND = frozenset({"approved", "unread", "read", "archived"})


def remote_state_of(status: str, direction: str, *, approved: bool = False) -> RemoteState:
    """The meaning of a status. `direction`: `inbound` or `outbound`; with anything else only what holds for both is
    used. `approved`: whether the gateway names a time or person of an approval. An approved email that is scheduled or
    has an unknown status may be sent at any time, so it counts as released."""
    if status in _ALWAYS:
        return _ALWAYS[status]
    if status == "scheduled":
        return RemoteState.RELEASED if approved else RemoteState.SCHEDULED
    released = _INBOUND if direction == Direction.INBOUND else _OUTBOUND
    return RemoteState.RELEASED if status in released or approved else RemoteState.UNCLEAR


def snapshot_of(
    mail: EmailDetail, direction: str, our_name: str = "", *, now: datetime, us: Approver = NO_APPROVER
) -> Snapshot:
    """The snapshot of an email that was just read.

    `direction`: when the human saw the email, used if the email states none. If it was unknown then, it is left out of
    the digest now too. `our_name`: under which the gateway records approvals with this program's key; empty if unknown.
    `now` tells a send time that has passed. `us`: this program's reviewer, as named in first approvals.
    """
    seen = direction and (mail.direction or direction)
    direction = mail.direction or direction
    approved = mail.approved_at is not None or bool(mail.approved_by)
    digest = digest_of(mail.id, mail.mailbox_id, seen, mail.raw)
    approvals = Approvals.of(approvals_in(mail.tags, digest), us, needed=False)
    return Snapshot(
        remote_state=remote_state_of(mail.status, direction, approved=approved),
        digest=digest,
        fingerprint=fingerprint(mail.raw),
        status=mail.status,
        decided_by=mail.approved_by,
        decided_at=mail.approved_at.isoformat() if mail.approved_at else "",
        is_ours=mail.approved_by == our_name if our_name and mail.approved_by else None,
        relatives=relatives_in(mail.tags, mail.id),
        edited_by=editor_in(mail.tags) if is_edit(mail.tags) else "",
        is_approved_by_us=approvals.ours is not None and approvals.ours.key_mark == us.key_mark,
        is_approved_by_other=approvals.other is not None,
        is_late=bool(late(mail.raw.send_at, now)),
    )
