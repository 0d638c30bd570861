"""What an email's status at the gateway means for a release. The gateway's set of statuses is open."""

from __future__ import annotations

from mm_tui.decision.relatives import editor_in, is_edit, relatives_in
from mm_tui.decision.state import RemoteState, Snapshot
from mm_tui.models import Direction, EmailDetail
from mm_tui.review.digest import digest_of
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


def standing_of(status: str, direction: str, *, approved: bool = False) -> RemoteState:
    """The meaning of a status.

    Args:
        status: in the gateway's word.
        direction: `inbound` or `outbound`; anything else knows only what holds for both.
        approved: the gateway names a time or a person of the approval. A scheduled mail so named can leave by
            itself and counts as released, as does one with a status that we do not know.
    """
    if status in _ALWAYS:
        return _ALWAYS[status]
    if status == "scheduled":
        return RemoteState.RELEASED if approved else RemoteState.SCHEDULED
    let_go = _INBOUND if direction == Direction.INBOUND else _OUTBOUND
    return RemoteState.RELEASED if status in let_go or approved else RemoteState.UNCLEAR


def sighting_of(mail: EmailDetail, direction: str, our_name: str = "", *, us: Approver = NO_APPROVER) -> Snapshot:
    """An email as it was read just now.

    Args:
        mail: what the gateway gave.
        direction: as it was when the human saw the email. It counts where the email states none; and where it was not
            known then, it is left out of the digest now, as it was then.
        our_name: under which the gateway records what is approved with this program's key; empty when not known.
        us: this program's reviewer, as first approvals know them.
    """
    seen = direction and (mail.direction or direction)
    direction = mail.direction or direction
    approved = mail.approved_at is not None or bool(mail.approved_by)
    digest = digest_of(mail.id, mail.mailbox_id, seen, mail.raw)
    approvals = Approvals.of(approvals_in(mail.tags, digest), us, needed=False)
    return Snapshot(
        standing=standing_of(mail.status, direction, approved=approved),
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
    )
