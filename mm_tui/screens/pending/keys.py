"""Which keys of the pending screen apply to the email under the cursor, and what they are called there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mm_tui.services.decisions.view import DecisionView
    from mm_tui.services.queue.entry import QueueEntry

DECIDES = frozenset({
    "pending.approve", "pending.edit", "pending.reject", "pending.mark", "pending.send_back", "pending.discard",
})  # fmt: skip
"""Actions on an email that nobody is deciding or has decided."""
WHILE_WAITING = frozenset({"pending.note", "pending.assign", "pending.snooze", "pending.second_reader"})
"""Actions on an email that still waits."""


def applies(
    action: str, entry: QueueEntry | None, view: DecisionView | None, *, marked: int, filtered: bool = False
) -> bool:
    """Whether an action can apply to the email under the cursor; otherwise its key is hidden.

    Args:
        action: the act's name.
        entry: the email.
        view: the newest decision about it.
        marked: how many emails are marked.
        filtered: whether the queue is filtered; everything listed can then be rejected.
    """
    if action in ("approve_marked", "reject_marked"):
        return bool(marked) or (filtered and action == "reject_marked")
    if action == "answer":
        return view is not None and view.question is not None
    if action in ("send_back", "discard"):
        return entry is not None and entry.edit is not None
    if action == "edit":
        return entry is not None and not entry.is_inbound
    if action in ("approve", "reject", "skip", "mark", "next_view", "findings", "thread", "note", "assign", "snooze"):
        return entry is not None
    return True


def label_here(act_id: str, label: str, entry: QueueEntry | None, busy: str) -> str:
    """What a key does to this email, in a word or two; empty if nothing, though pressing it says why.

    Args:
        act_id: the action's id.
        label: its usual label.
        entry: the email.
        busy: why nothing can be decided about it now.
    """
    if entry is None:
        return label
    if (busy and act_id in DECIDES) or (entry.ended and act_id in WHILE_WAITING):
        return ""
    if act_id == "pending.approve" and entry.approvals.waits_for_other:
        return "take back"
    return "let in" if act_id == "pending.approve" and entry.is_inbound else label
