"""Keeps what the pending screen says of time true: holds that count down, ages, due times, claims that end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_tui.screens.pending.words import place_words
from mm_tui.services.decisions.view import Phase

if TYPE_CHECKING:
    from mm_tui.screens.pending.host import QueueHost

HOLD_SECONDS = 0.5
"""How often the words about held decisions are looked at."""
AGES_SECONDS = 30.0
"""How often emails are looked at for having become due."""
CLAIMS_SECONDS = 3.0
"""How often claims that are shown are looked at for having ended, or having been seen too long ago."""


class Ageing:
    """Looks at the time at regular intervals, and has the screen draw what changed with it."""

    def __init__(self, screen: QueueHost) -> None:
        self._screen = screen

    def start(self) -> None:
        """Begins, once the screen is mounted."""
        self._screen.set_interval(HOLD_SECONDS, self._let_holds_count)
        self._screen.set_interval(AGES_SECONDS, self._let_emails_age)
        self._screen.set_interval(CLAIMS_SECONDS, self._let_claims_age)

    def draw_place(self) -> None:
        """Says where in the queue the email under the cursor stands, and how long it has waited."""
        screen, shown = self._screen, self._screen.queue_list
        if screen.current is not None:
            words = place_words(screen.current, shown.cursor, len(shown.keys), screen.session.clock.now())
            screen.pane.set_place(words)

    def _let_holds_count(self) -> None:
        """A hold counts down: its words change every second."""
        screen, entry = self._screen, self._screen.current
        if screen.listing.is_over(entry.item.id if entry is not None else None):
            screen.narrow()
        decisions = screen.session.decisions
        if decisions is None or not decisions.held():
            return
        screen.show_rows()
        view = screen.decision_of(entry.item.id) if entry is not None else None
        if view is not None and view.phase is Phase.HELD:
            screen.pane.tick(view)

    def _let_claims_age(self) -> None:
        """A claim ends by itself; one that was not seen with the last poll says when it was."""
        if any(entry.claim is not None for entry in self._screen.listing.waiting):
            self._screen.reload()

    def _let_emails_age(self) -> None:
        """Ages and due times change as time passes."""
        if any(entry.snoozed for entry in self._screen.listing.waiting):
            self._screen.reload()
        elif any(entry.due_at is not None for entry in self._screen.listing.waiting):
            self._screen.narrow()
        else:
            self.draw_place()
