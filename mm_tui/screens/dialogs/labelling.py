"""Labels the email under the cursor, on any screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mm_tui.screens.base import BaseScreen


class Labelling:
    """Asks for a label and sets it."""

    def __init__(self, screen: BaseScreen) -> None:
        self._screen = screen

    def say_why_not(self) -> None:
        """Says that the assistant is not ready yet."""
        self._screen.say(self._screen.session.trouble or "the assistant is not ready yet", "warning")

    def ask(self, email_id: str, label: str) -> None:
        """Asks for the label of an email.

        Args:
            label: its current label; empty if it has none.
        """
        from mm_tui.screens.dialogs.dialog import ask
        from mm_tui.screens.dialogs.labels import LabelScreen

        if (triage := self._screen.session.triage) is None:
            self.say_why_not()
            return

        def chosen(label: str) -> None:
            self._screen.run_worker(triage.set_label(email_id, label), group="label", exit_on_error=False)

        ask(self._screen.app, LabelScreen(self._screen.session.settings.assist.labels, label), chosen)
