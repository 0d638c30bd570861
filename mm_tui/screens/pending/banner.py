"""The line above an open email with the state of its decision."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from textual.content import Content

from mm_tui.clock import at_time
from mm_tui.decision.state import Outcome
from mm_tui.services.decisions.ended import tells_end
from mm_tui.services.decisions.view import Phase
from mm_tui.widgets.chrome import hint
from mm_tui.widgets.hanging import with_hints

if TYPE_CHECKING:
    from textual.screen import Screen

    from mm_tui.screens.pending.head import Opened

ALERT = "▲ "
SIGNS = {Phase.HELD: "◔ ", Phase.WORKING: "◑ ", Phase.WAITING: "◑ ", Phase.DONE: "✓ ", Phase.UNDECIDED: "○ "}


def banner(opened: Opened, today: date, screen: Screen[Any], width: int) -> Content:
    """What is to be said about the email's decision; empty if nothing is. All in the one colour of its ground. `today`:
    the reader's date: an earlier day is named. `screen`: where it is shown, for the keys that work there."""
    entry, decision, change = opened.entry, opened.decision, opened.change
    goes_on = hint(screen, "pending.next") if entry.ended else ""
    if entry.ended and not tells_end(decision, entry.item.id):
        return with_hints(Content.assemble(ALERT, (entry.ended, "bold")), [goes_on], width)
    if change is not None and entry.edit is None and (decision is None or decision.ended):
        at = at_time(change.at, today)
        words = f"changed {at} while you were reading: see what changed in Diff, the whole text in Draft"
        return Content.assemble(ALERT, (words, "bold"))
    if decision is not None and not decision.is_shown_by_tags(entry.item.id):
        asked = decision.question
        words = str(asked.words if asked is not None else decision.words)
        words += ": see Diff" if decision.outcome is Outcome.NOT_AS_SEEN else ""
        act = "pending.answer" if asked is not None else "app.undo" if decision.can_undo else ""
        told = Content.assemble(SIGNS.get(decision.phase, ALERT), (words, "bold"))
        return with_hints(told, [hint(screen, act) if act else "", goes_on], width)
    if entry.edit is not None and not entry.edit_is_current:
        words = "the draft changed since your edit began"
        return with_hints(Content.assemble(ALERT, (words, "bold")), [hint(screen, "pending.edit")], width)
    return Content("")
