"""Asks for the reason of a rejection."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from mm_tui.screens.dialogs.offers import OfferScreen
from mm_tui.text import OneLine


class ReasonScreen(OfferScreen):
    """Asks for a reason; None goes back without deciding.

    Args:
        title: what is about to be done.
        what: the email it is done to.
        reasons: templates.
        asking: those that ask the agent for another draft.
        over: as for `OfferScreen`.
    """

    def __init__(
        self,
        title: str,
        what: OneLine,
        reasons: Sequence[str],
        asking: Collection[str] = (),
        *,
        over: Callable[[], str] | None = None,
    ) -> None:
        notes = dict.fromkeys(asking, "↻ another draft")
        super().__init__(title, reasons, what=what, back="go back without deciding", notes=notes, over=over)
