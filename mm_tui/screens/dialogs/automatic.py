"""Switches automatic mode on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mm_tui.screens.dialogs.confirm import ConfirmScreen
from mm_tui.services.assistant.triage import AUTOMATIC_WARNING, NO_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App

    from mm_tui.session import Session


def toggle_automatic(app: App[Any], session: Session, say: Callable[[str], None]) -> None:
    """Switches automatic mode on, after a warning, or off; `say` shows the result."""
    triage = session.triage

    def answered(yes: bool | None) -> None:
        if yes and triage is not None:
            triage.set_automatic(True)
            say("the model now works on new mail automatically; {app.automatic} stops it")

    if triage is None:
        say(session.trouble or "still starting")
    elif not triage.has_key:
        say(NO_MODEL)
    elif triage.automatic:
        triage.set_automatic(False)
        say("the model now works only when asked")
    else:
        question = ConfirmScreen("Let the model work on new mail automatically?", AUTOMATIC_WARNING, yes="allow")
        app.push_screen(question, answered)
