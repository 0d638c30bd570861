"""Asks how the model should change a text: shorter, friendlier, or in the user's own words."""

from __future__ import annotations

from mm_tui.screens.dialogs.offers import OfferScreen

READY = ("shorter", "friendlier", "more formal")


class InstructScreen(OfferScreen):
    """Returns the instruction, or None."""

    def __init__(self) -> None:
        super().__init__("How should the model change the text?", READY)
