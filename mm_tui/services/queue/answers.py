"""Finds other answers of ours to the email that a draft answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mm_tui.decision.relatives import REPLACED_BY, REPLACES
from mm_tui.models import NOT_SENT, Direction, EmailDetail, EmailSummary, Status
from mm_tui.review.risk.model import OtherAnswer

if TYPE_CHECKING:
    from mm_tui.models import PendingItem
    from mm_tui.store.decisions.records import DecisionStore

WAITING = frozenset({Status.PENDING_SCAN, Status.PENDING_SEND_APPROVAL, Status.SCHEDULED})
GONE = NOT_SENT - WAITING | {Status.DELETED}
"""Statuses of drafts that will not be sent, unless they were sent already."""


def other_answers(
    item: PendingItem, others: Sequence[EmailSummary], family: Callable[[], Iterable[str]]
) -> tuple[OtherAnswer, ...]:
    """The other answers to the email that `item` answers, oldest first.

    Args:
        item: a waiting draft; inbound mail answers nothing.
        others: the other emails of its thread, opened where they were, oldest first.
        family: returns the ids of emails that replace the draft or are replaced by it. These are no second answer while
            they wait, but are one once sent.
    """
    if str(item.direction) == Direction.INBOUND:
        return ()
    answered = _answered(item, others)
    found = [one for one in others if _answers(one, item, answered)]
    if any(not one.is_exchanged for one in found):
        related = set(family())
        found = [one for one in found if one.is_exchanged or one.id not in related]
    return tuple(OtherAnswer(one.status, _left_at(one), one.is_exchanged) for one in found)


def family_of(item_id: str, decisions: DecisionStore, details: Iterable[EmailDetail]) -> set[str]:
    """The ids of a draft's edits and originals, from our decisions and from other reviewers' tags."""
    found = {item_id}
    for record in decisions.family(item_id):
        found.update(filter(None, (record.item_id, record.replacement_id)))
    for detail in details:
        tags = {str(name): str(value) for name, value in detail.tags.items()}
        linked = {tags[name] for name in (REPLACES, REPLACED_BY) if tags.get(name)}
        if detail.id == item_id:
            found |= linked
        elif item_id in linked:
            found.add(detail.id)
    return found


def _answered(item: PendingItem, others: Iterable[EmailSummary]) -> EmailSummary | None:
    """The email that a draft answers, judging by times: the newest that had arrived when it was written."""
    before = [
        one
        for one in others
        if str(one.direction) == Direction.INBOUND and one.is_exchanged and not _is_later(one, item.received_at)
    ]
    return before[-1] if before else None


def _answers(other: EmailSummary, item: PendingItem, answered: EmailSummary | None) -> bool:
    if str(other.direction) == Direction.INBOUND or (str(other.status) in GONE and not other.is_exchanged):
        return False
    if answered is not None and not _reaches(other, item, answered):
        return False
    named = str(other.in_reply_to) if isinstance(other, EmailDetail) else ""
    if item.in_reply_to and named:
        return named == str(item.in_reply_to)
    return answered is not None and _is_later(other, answered.received_at)


def _reaches(other: EmailSummary, item: PendingItem, answered: EmailSummary) -> bool:
    """Whether it went to whom the draft goes or answers, and not only to colleagues whom we asked."""
    copies = other.cc if isinstance(other, EmailDetail) else ()
    went = {str(party.address).lower() for party in (*other.to, *copies)}
    meant = {str(party.address).lower() for party in (answered.sender, *item.to, *item.cc)}
    return not went or bool(went & meant)


def _is_later(mail: EmailSummary, moment: datetime | None) -> bool:
    return moment is not None and mail.received_at is not None and mail.received_at > moment


def _left_at(mail: EmailSummary) -> datetime | None:
    approved = mail.approved_at if isinstance(mail, EmailDetail) else None
    return approved or mail.delivered_at or mail.received_at
