"""Undoing a decision while it is held, and what to say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mm_tui.services.decisions.service import Decisions


class Undone(NamedTuple):
    """What became of it."""

    words: str
    too_late: bool = False
    """Something had left already."""


async def undo(decisions: Decisions | None, wanted: str | None) -> Undone:
    """Takes back a decision of which nothing has left, and its batch with it.

    Args:
        decisions: None while they are not ready.
        wanted: the email under the cursor; where its decision is not held, the last one that is held is taken back.
    """
    held = decisions.held() if decisions is not None else ()
    if decisions is None or not held:
        return Undone("nothing to undo: a decision can be undone only while it is held")
    view = next((view for view in held if view.email_id == wanted), held[-1])
    size = decisions.batch_size(view.batch)
    taken = await decisions.undo(view.email_id)
    if taken == size:
        what = "undone" if size == 1 else f"all {size} decisions of the batch undone"
        return Undone(f"{what}; nothing was sent")
    if taken:
        return Undone(f"{taken} of {size} decisions undone; it was too late for the others", too_late=True)
    return Undone("too late to undo: the decision is already with the gateway", too_late=True)
