"""Labels the email under the cursor, on any screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mm_tui.screens.base import BaseScreen


def say_why_not(screen: BaseScreen) -> None:
    """Says that the assistant is not ready yet."""
    screen.say(screen.session.trouble or "the assistant is not ready yet", "warning")


def ask_label(screen: BaseScreen, email_id: str, label: str) -> None:
    """Asks for the label of an email and sets it; `label` is its current one, empty if it has none."""
    from mm_tui.screens.dialogs.dialog import ask
    from mm_tui.screens.dialogs.labels import LabelScreen

    if (triage := screen.session.triage) is None:
        say_why_not(screen)
        return

    def chosen(label: str) -> None:
        screen.run_worker(triage.set_label(email_id, label), group="label", exit_on_error=False)

    ask(screen.app, LabelScreen(screen.session.settings.assist.labels, label), chosen)
