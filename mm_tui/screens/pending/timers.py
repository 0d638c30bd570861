"""Keeps times on the pending screen up to date: countdowns of holds, ages, due times, expiring presence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.timer import Timer

from mm_tui.screens.pending.words import place_words
from mm_tui.services.decisions.view import Phase

if TYPE_CHECKING:
    from mm_tui.screens.pending.host import QueueHost

HOLD_SECONDS = 0.5
"""Seconds between updates of held decisions, and of those that ended and are still listed."""
AGES_SECONDS = 30.0
"""Seconds between checks for due emails."""
PRESENCE_SECONDS = 3.0
"""Seconds between checks for presence that ended or was seen too long ago."""


class ScreenTimers:
    """Checks the time at regular intervals, and redraws what depends on it. Each timer stops itself while there is
    nothing for it to do, because each wakes the process up."""

    def __init__(self, screen: QueueHost) -> None:
        self._screen = screen
        self._holds: Timer | None = None
        self._ages: Timer | None = None
        self._presence: Timer | None = None

    def start(self) -> None:
        self._holds = self._screen.set_interval(HOLD_SECONDS, self._update_holds)
        self._ages = self._screen.set_interval(AGES_SECONDS, self._update_ages)
        self._presence = self._screen.set_interval(PRESENCE_SECONDS, self._update_presence)

    def go_on(self) -> None:
        """Lets all timers run again; call it when the list or a decision has changed, or the screen has come back."""
        for timer in (self._holds, self._ages, self._presence):
            if timer is not None:
                timer.resume()

    def draw_place(self) -> None:
        """Shows the position in the queue of the email under the cursor, and how long it has waited."""
        screen, shown = self._screen, self._screen.queue_list
        if screen.current is not None:
            # Ended emails that stay listed for a while are not counted, as in the heading.
            ended = [at for at, entry in enumerate(screen.listing.listed.values()) if entry.ended]
            before = sum(at < shown.cursor for at in ended)
            listed = len(shown.keys) - len(ended) + bool(screen.current.ended)
            now, marked = screen.session.clock.now(), screen.current.item.id in screen.marks
            words = place_words(screen.current, shown.cursor - before, listed, now, marked=marked)
            screen.pane.set_place(words)

    def _update_holds(self) -> None:
        """Updates the countdown of holds every second."""
        screen, entry = self._screen, self._screen.current
        if screen.listing.is_over(entry.item.id if entry is not None else None):
            screen.update_list()
        decisions = screen.session.decisions
        if decisions is None or not decisions.overview.hold_ends():
            if not screen.is_open or not screen.listing.shows_ended:
                _pause(self._holds)
            return
        screen.show_rows()
        view = screen.decision_of(entry.item.id) if entry is not None else None
        if view is not None and view.phase is Phase.HELD:
            screen.pane.tick(view)

    def _update_presence(self) -> None:
        """Removes expired presence; what was not seen with the last poll gets its time."""
        if not self._screen.is_open or all(entry.presence is None for entry in self._screen.listing.waiting):
            _pause(self._presence)
        else:
            self._screen.reload()

    def _update_ages(self) -> None:
        if not self._screen.is_open:
            _pause(self._ages)
        elif any(entry.snoozed for entry in self._screen.listing.waiting):
            self._screen.reload()
        elif any(entry.due_at is not None for entry in self._screen.listing.waiting):
            self._screen.update_list()
        else:
            self.draw_place()


def _pause(timer: Timer | None) -> None:
    if timer is not None:
        timer.pause()
