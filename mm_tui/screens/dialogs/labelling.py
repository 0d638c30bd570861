"""Labels the email under the cursor, on any screen. No model overwrites a human's label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.screens.base import BaseScreen


def say_why_not(screen: BaseScreen) -> None:
    screen.say(screen.session.trouble or "the assistant is not ready yet", "warning")


def ask_label(screen: BaseScreen, email_id: str, label: str) -> None:
    """Asks for the label of an email and sets it; `label` is its current one, empty if it has none."""
    # Imported late: the first frame needs no dialogs.
    from textual.content import Content

    from mm_tui.screens.dialogs.dialog import Line, ListDialog, ask

    if (triage := screen.session.triage) is None:
        say_why_not(screen)
        return

    def chosen(label: str) -> None:
        # A worker of the app, which goes on if the reader leaves the screen meanwhile.
        screen.app.run_worker(triage.set_label(email_id, label), group="label", exit_on_error=False)

    labels = screen.session.settings.assist.labels
    lines = [Line(Content.assemble(("• " if one == label else "  ", "$accent"), OneLine(one)), one) for one in labels]
    at = labels.index(label) if label in labels else None
    ask(screen.app, ListDialog("Label", lines, choose="label it", at=at), chosen)
