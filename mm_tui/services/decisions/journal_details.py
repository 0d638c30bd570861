"""The details of a decision in the journal, beside its kind and email. Never content."""

from __future__ import annotations

from mm_tui.decision.effects import Entry, Journal
from mm_tui.decision.state import Act, Outcome, State
from mm_tui.review.diff import compare
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.queue.resubmitted import ASKS_REDRAFT, SENT_BACK, SUGGESTED

_LONGEST = 200
"""The most characters of a gateway's or a human's words in the journal."""


def details_of(live: ActiveDecision, state: State, entry: Journal) -> dict[str, str]:
    case, content = live.state.case, live.content
    details = {"release": live.release_id, "act": str(case.act), "digest": case.digest}
    if entry.about:
        details["about"] = entry.about
    if entry.note:
        details["note"] = entry.note[:_LONGEST]
    if state.outcome is Outcome.NOT_AS_SEEN and state.sighting is not None and not state.sent:
        details["left"] = state.sighting.digest
    if case.act is Act.REJECT and content is not None:
        # The text that the reviewer would have sent is content.
        reason, suggested, _ = content.reason.partition(SUGGESTED)
        details["reason"] = reason[:_LONGEST]
        if suggested:
            details[SENT_BACK] = "yes"
        if live.facts.asks_redraft:
            details[ASKS_REDRAFT] = "yes"
    if entry.entry is Entry.HELD:
        details |= _evidence(live)
    return details


def _evidence(live: ActiveDecision) -> dict[str, str]:
    """What the track record of a mailbox is computed from: where, when, and how much a human changed."""
    facts, content, act = live.facts, live.content, live.state.case.act
    found = {"mailbox": facts.mailbox_id, "direction": facts.direction}
    if facts.received_at is not None:
        found["received"] = facts.received_at.isoformat()
    if facts.found:
        found["found"] = facts.found
    if facts.by_command:
        found["with"] = "command line"
    if facts.author:
        found |= {"written_by": facts.author, "written_by_known_from": "journal" if facts.author_proven else "tag"}
    if content is not None and act in (Act.APPROVE, Act.RELEASE_EDIT):
        difference = compare(content.base.body, content.edit.body if content.edit is not None else content.base.body)
        total = difference.words_before + difference.words_after
        found["words_changed"] = f"{total - 2 * difference.words_kept} of {total}"
    if facts.with_examples:
        found["with_examples"] = "yes"
    return found
