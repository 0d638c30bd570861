"""Which keys of the pending screen apply to the email under the cursor, and what they are called there."""

from __future__ import annotations

from mm_tui import keymap
from mm_tui.services.queue.entry import Order, QueueEntry

WHILE_UNDECIDED = frozenset({
    "pending.approve", "pending.edit", "pending.reject", "pending.skip", "pending.mark", "pending.send_back",
    "pending.discard",
})  # fmt: skip
"""Actions on an email that nobody is deciding or has decided."""
WHILE_WAITING = frozenset({"pending.note", "pending.assign", "pending.snooze", "pending.second_reader"})
"""Actions on an email that still waits."""

FINDINGS = frozenset({"pending.next_finding", "pending.previous_finding"})
"""Actions on marked words."""
ON_AN_EMAIL = frozenset({
    *WHILE_UNDECIDED, *FINDINGS, "pending.note", "pending.assign", "pending.snooze", "pending.view", "pending.findings",
    "pending.thread", "pending.approve_marked",
})  # fmt: skip
"""Actions that need an email under the cursor."""
NAMES_ON_AN_EMAIL = frozenset(keymap.action(one).runs.partition("(")[0] for one in ON_AN_EMAIL)
"""Their names, by which Textual asks whether a key works."""


def label_here(
    action_id: str,
    label: str,
    entry: QueueEntry | None,
    busy: str,
    *,
    marked: int = 0,
    found: int = 0,
    remarks: bool = False,
    order: Order = Order.OLDEST,
) -> str:
    """What a key does to this email, in a word or two; empty if nothing, though pressing it says why. `found`: how
    many a filter or a search lists; all of them can then be rejected. `remarks`: the second reader remarked on words of
    it."""
    if action_id == "pending.approve_marked":
        return f"approve {marked}" if marked else ""
    if action_id == "pending.reject_marked":
        return f"reject {marked} marked" if marked else f"reject all {found:,}" if found else ""
    if action_id == "pending.order":
        return str(Order.RISKIEST if order is Order.OLDEST else Order.OLDEST)
    if entry is None:
        return label
    if action_id in FINDINGS and not (remarks or any(finding.spans for finding in entry.assessment.findings)):
        return ""
    if action_id in ("pending.send_back", "pending.discard") and entry.edit is None:
        return ""
    if action_id == "pending.edit" and entry.is_inbound:
        return ""
    if (busy and action_id in WHILE_UNDECIDED) or (entry.ended and action_id in WHILE_WAITING):
        return ""
    if action_id == "pending.approve" and entry.approvals.waits_for_other:
        return "take back"
    return "let in" if action_id == "pending.approve" and entry.is_inbound else label
