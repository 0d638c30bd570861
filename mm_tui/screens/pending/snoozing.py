"""Snoozes the email under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_tui.screens.dialogs.dialog import ask
from mm_tui.screens.dialogs.form import Field, FormScreen
from mm_tui.screens.pending.words import about_line
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.services.queue.snooze import FORMS, NotATime, Snoozes, time_named
from mm_tui.store.seal import STORE_FAULTS
from mm_tui.text import OneLine, system_words

if TYPE_CHECKING:
    from mm_tui.screens.pending.deciding import Deciding
    from mm_tui.screens.pending.host import QueueHost

USUAL = "3h"
ONLY_HERE = OneLine("On this machine only; it keeps waiting.")


class Snoozing:
    """Asks until when, and snoozes the email."""

    def __init__(self, screen: QueueHost, deciding: Deciding) -> None:
        self._screen = screen
        self._deciding = deciding

    def ask(self, typed: str = USUAL, trouble: str = "") -> None:
        """Asks until when; an empty line ends a snooze."""
        entry = self._screen.current
        if entry is None or entry.ended or self._screen.refuses(self._screen.gate.why_busy, entry):
            return
        held = entry.snoozed or entry.woken
        ask(
            self._screen.app,
            FormScreen(
                "Snooze until",
                [Field(f"{FORMS} (something arrives in it)", "", typed, not trouble)],
                words=about_line(entry, digest=False),
                lines=[OneLine(f"{held}; an empty line ends the snooze") if held else ONLY_HERE],
                yes="snooze it",
                trouble=trouble,
            ),
            lambda answer: self._answered(entry, answer[0]),
        )

    def _answered(self, entry: QueueEntry, typed: str) -> None:
        session = self._screen.session
        if ended := self._screen.listing.end_of(entry.item.id):
            self._screen.say(OneLine(f"not snoozed: {ended}"), "warning")
            return
        snoozes, who = Snoozes(session.database, session.clock), session.reviewer
        try:
            if not typed.strip():
                words = snoozes.end(entry.item.id, who) if entry.snoozed or entry.woken else OneLine("")
            else:
                words = snoozes.snooze(entry, time_named(typed, session.clock.now()), who)
        except NotATime as error:
            self.ask(typed, str(error))
            return
        except STORE_FAULTS as error:
            self._screen.say(f"not snoozed: {system_words(error)}", "error")
            return
        if typed.strip():
            # What is out of sight must not be approved with a batch.
            self._screen.marks.remove(entry.item.id)
            if self._screen.is_under_cursor(entry.item.id):
                self._deciding.go_to_next_undecided()
            words = OneLine(f"{words}; {{pending.filter}} lists it under “snoozed”")
        if words:
            self._screen.say(words)
            self._screen.reload()
