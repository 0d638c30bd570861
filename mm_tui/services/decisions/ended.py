"""Emails that no longer wait but are still listed: how they were decided, and their place in the list."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from mm_tui.clock import at_time
from mm_tui.decision.state import Outcome
from mm_tui.models import Status
from mm_tui.services.audit.key_names import NO_NAMES, actor_words, key_words
from mm_tui.services.decisions.record import UnreadableDecision, meta_of, state_of
from mm_tui.services.decisions.view import DecisionView, Phase
from mm_tui.store.audit.actions import Meaning, meaning
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.decisions.records import DecisionStore
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.services.queue.entry import QueueEntry

UNKNOWN_END = OneLine("no longer waiting: decided or withdrawn elsewhere")
_MEANINGS = {
    Meaning.APPROVED: "approved elsewhere",
    Meaning.REJECTED: "rejected elsewhere",
    Meaning.CANCELLED: "cancelled",
    Meaning.BLOCKED: "blocked by the scan",
}
_STATUSES: Mapping[str, str] = {
    Status.APPROVED: "approved elsewhere",
    Status.SENT: "approved elsewhere, sent",
    Status.DELIVERED: "approved elsewhere, delivered",
    Status.BOUNCED: "approved elsewhere, bounced",
    Status.SEND_FAILED: "approved elsewhere, could not be sent",
    Status.REJECTED: "rejected elsewhere",
    Status.CANCELLED: "cancelled",
    Status.UNREAD: "approved elsewhere",
    Status.READ: "approved elsewhere",
}
"""Statuses that say what happened. With any other, all that is known is that the email no longer waits (R16)."""
_MADE_HERE = {
    Outcome.APPROVED: "approved",
    Outcome.REJECTED: "rejected",
    Outcome.EDIT_RELEASED: "edited and approved",
    Outcome.RESCHEDULED: "rescheduled",
}
"""Outcomes of decisions that took effect by a call of ours."""


def how_it_ended(
    mail: MailStore,
    audit: AuditStore,
    decisions: DecisionStore,
    reviewer: str,
    email_id: str,
    today: date | None = None,
    names: Mapping[str, str] = NO_NAMES,
) -> OneLine:
    """Says how an email that no longer waits was decided, when and by whom, as far as this is known. `decisions`: those
    of all programs on this store, such as another window or the command line. `reviewer`: the reader, who is addressed
    as "you". `today`: the reader's date: an earlier day is named. `names`: the names of keys, by their ids."""
    if made_here := _made_here(decisions, reviewer, email_id, today):
        return made_here
    for entry in reversed(audit.of(email_id)):
        if (found := meaning(entry.action, entry.metadata)) is not None:
            at = f" {at_time(entry.created_at, today)}" if entry.created_at is not None else ""
            by = f" by {key_words(entry.actor_key_id, names)}" if entry.actor_key_id else ""
            return OneLine(f"{_MEANINGS[found]}{at}{by}")
    detail = mail.detail(email_id)
    if detail is not None and detail.approved_at is not None:
        by = f" by {actor_words(detail.approved_by, names)}" if detail.approved_by else ""
        return OneLine(f"approved elsewhere {at_time(detail.approved_at, today)}{by}")
    summary = mail.summary(email_id)
    if summary is not None and (summary.delivered_at or summary.bounced_at) is not None:
        return OneLine(f"approved elsewhere, {'bounced' if summary.bounced_at is not None else 'delivered'}")
    return OneLine(_STATUSES.get(summary.status, UNKNOWN_END)) if summary is not None else UNKNOWN_END


def _made_here(decisions: DecisionStore, reviewer: str, email_id: str, today: date | None) -> OneLine:
    """Describes a decision that a program on this machine made with effect; empty if there is none."""
    for row in reversed(decisions.family(email_id)):
        try:
            meta, outcome = meta_of(row), state_of(row).outcome
        except UnreadableDecision as error:
            return OneLine(str(error))
        words = _MADE_HERE.get(outcome) if outcome is not None else None
        if words is None or email_id not in (row.item_id, row.replacement_id):
            continue
        by = "you" if meta.reviewer in ("", reviewer) else meta.reviewer
        where = "from this machine's command line" if meta.by_command else "in another window on this machine"
        return OneLine(f"{words} by {by} {at_time(row.updated_at, today)}, {where}")
    return OneLine("")


def says_how_it_ended(decision: DecisionView | None, email_id: str) -> bool:
    """Whether a decision of this program says what happened to its email."""
    no_end = (Phase.UNDECIDED, Phase.CHANGED)
    return decision is not None and decision.phase not in no_end and not decision.is_shown_by_tags(email_id)


def with_ended(waiting: Sequence[QueueEntry], listed: Sequence[str], ended: Sequence[QueueEntry]) -> list[QueueEntry]:
    """Inserts emails that no longer wait at their old places among those that wait: each follows the nearest email
    before it that is still there. `listed`: the ids that were listed before, in order. `ended`: emails that were listed
    before and stay in the list."""
    place = {key: at for at, key in enumerate(listed)}
    # The old places of the emails that are still there; the order of the others may have changed.
    stood = sorted(at for entry in waiting if (at := place.get(entry.item.id)) is not None)
    behind: dict[str | None, list[QueueEntry]] = {}
    for entry in sorted(ended, key=lambda one: place[one.item.id]):
        nearest = bisect_left(stood, place[entry.item.id])
        behind.setdefault(listed[stood[nearest - 1]] if nearest else None, []).append(entry)
    found = behind.get(None, [])
    for entry in waiting:
        found.append(entry)
        found += behind.get(entry.item.id, ())
    return found
