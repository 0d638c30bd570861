"""Decisions that took effect, from both logs: who made them, when, and what happened to the email."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.audit.journal import ABOUT, AT, EMAIL, IS_DECISION, KIND, WHO, inner
from mm_tui.store.database import Database
from mm_tui.text import OneLine

_JOURNALED = f"""
SELECT {KIND}, {AT}, {WHO}, {EMAIL}, {ABOUT}, {inner("details.note")}, mail.direction FROM journal
LEFT JOIN mail ON mail.email_id = {EMAIL}
WHERE {IS_DECISION} OR instr(entry, '"kind":"ended"') > 0 ORDER BY number DESC
"""
"""The decisions in the journal and how they ended, newest first."""
_SKEW = timedelta(days=1)
"""The journal is ordered by writing: setting the clock back by less than this hides no decision."""


class MadeOutcome(StrEnum):
    """What happened to an email that was decided."""

    SENT = "sent"
    """As it was written."""
    EDITED = "edited"
    """Sent with a reviewer's changes."""
    REJECTED = "rejected"
    LET_IN = "let in"
    """Inbound mail that was handed to the agent."""


_OUTCOMES = {
    "approved": MadeOutcome.SENT,
    "edit_released": MadeOutcome.EDITED,
    "rescheduled": MadeOutcome.EDITED,
    "rejected": MadeOutcome.REJECTED,
}


class MadeDecision(NamedTuple):
    at: datetime
    who: OneLine
    """A reviewer's name (journal), or the id of a key (the gateway's log); empty if unknown."""
    outcome: MadeOutcome
    here: bool
    """Made with this program's store; otherwise known only from the gateway's log."""


def made_since(database: Database, since: datetime) -> list[MadeDecision]:
    """The decisions since a moment, oldest first. It takes some milliseconds: call it in a thread. Rejecting the
    original of an edit is not counted as a separate decision."""
    ours: set[str] = set()
    found = list(_journaled(database, since, ours))
    for one in AuditStore(database).decided(since):
        if one.email_id in ours or one.at is None or one.retired:
            continue
        outcome = MadeOutcome.SENT if one.approved else MadeOutcome.REJECTED
        if one.approved and one.direction == "inbound":
            outcome = MadeOutcome.LET_IN
        found.append(MadeDecision(one.at, OneLine(one.key_id), outcome, False))
    return sorted(found, key=lambda one: one.at)


def _journaled(database: Database, since: datetime, ours: set[str]) -> Iterator[MadeDecision]:
    """The decisions in the journal; adds the ids of all emails that it decided to `ours`."""
    for kind, moment, who, email_id, about, note, direction in database.reader().execute(_JOURNALED):
        try:
            at = datetime.fromisoformat(str(moment))
        except ValueError:
            continue
        if at < since - _SKEW:
            break
        ours.update(str(one) for one in (email_id, about) if one)
        outcome = _OUTCOMES.get(str(note)) if kind == "ended" else None
        if outcome is None or at < since:
            continue
        if outcome is MadeOutcome.SENT and direction == "inbound":
            outcome = MadeOutcome.LET_IN
        yield MadeDecision(at, OneLine(str(who or "")), outcome, True)
