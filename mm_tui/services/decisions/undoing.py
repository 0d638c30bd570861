"""Undoes a held decision, and says what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mm_tui.services.decisions.service import Decisions


class Undone(NamedTuple):
    """The result of an undo."""

    words: str
    too_late: bool = False
    """Whether it was too late."""


async def undo(decisions: Decisions | None, wanted: str | None) -> Undone:
    """Undoes a decision that has not been sent, together with its batch.

    Args:
        decisions: the service; None while it is starting.
        wanted: the email under the cursor. If its decision is not held, the newest held one is undone.
    """
    view = decisions.undoable(wanted) if decisions is not None else None
    if decisions is None or view is None:
        return Undone("nothing to undo: a decision can be undone only while it is held")
    size = decisions.batch_size(view.batch)
    taken = await decisions.undo(view.email_id)
    if taken == size:
        if size > 1:
            return Undone(f"all {size} decisions of the batch undone; nothing was sent")
        waits = f"the email {view.about} waits again, " if view.about else ""
        return Undone(f"undone: {waits}nothing was sent")
    if taken:
        return Undone(f"{taken} of {size} decisions undone; it was too late for the others", too_late=True)
    return Undone("too late to undo: the decision is already with the gateway", too_late=True)
