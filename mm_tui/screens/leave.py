"""Leaving while decisions are held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from mm_tui.messages import Services


def held_ids(services: Services) -> list[str]:
    """Ids of the mails whose decision is held and can still be undone."""
    if services.releases is None:
        return []
    return [view.email_id for view in services.releases.states() if view.can_undo]


class LeaveScreen(ConfirmScreen):
    """Asks whether to leave. True: leave; what is held falls back to undecided.

    Args:
        held: how many decisions are held.
    """

    def __init__(self, held: int) -> None:
        what = "One decision is still held" if held == 1 else f"{held} decisions are still held"
        words = "If you leave now, nothing is sent: held decisions fall back to undecided."
        super().__init__(what, words, yes="leave", no="stay")
