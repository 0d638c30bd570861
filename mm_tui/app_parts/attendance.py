"""Whether somebody is using the program. While nobody does, it polls less often, and collects garbage. What is loaded
for the rules is let go when they are not used, and the system gets what reading lists again has freed."""

from __future__ import annotations

import asyncio

from mm_tui import startup
from mm_tui.services.events import ServiceEvent, SyncChanged
from mm_tui.session import Session

IDLE_AFTER_SECONDS = 60.0
LOOK_SECONDS = 5.0
"""Seconds between checks of what nothing reports: idleness, the store, and the terminal. They share a timer, because
each timer wakes up the process."""
COLLECT_SECONDS = 300.0
"""Seconds between two collections of all garbage, while nobody presses keys: each can take a fifth of a second."""


class Attendance:
    """Notes each input, and looks from time to time how long ago the last one was."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._last_input = self._collected_at = session.clock.monotonic()
        self._busy_at: float | None = self._last_input
        """When a key or a change last had something read; None once its memory was given back."""
        self._active = True

    @property
    def is_attended(self) -> bool:
        """Whether somebody has pressed a key lately."""
        return self._session.clock.monotonic() - self._last_input <= IDLE_AFTER_SECONDS

    def note_input(self) -> None:
        self._last_input = self._busy_at = self._session.clock.monotonic()
        if self._session.sync is not None:
            self._session.sync.note_input()
        self._set_active(True)

    def note_event(self, event: ServiceEvent) -> None:
        """Notes that lists are read again; each poll reports a `SyncChanged`, for which none is."""
        if not isinstance(event, SyncChanged):
            self._busy_at = self._session.clock.monotonic()

    def look(self) -> None:
        """Polls less often when nobody is there, and frees memory in breaks; call it every `LOOK_SECONDS`."""
        now = self._session.clock.monotonic()
        if not self.is_attended:
            self._set_active(False)
        if now - self._last_input >= LOOK_SECONDS and now - self._collected_at >= COLLECT_SECONDS:
            self._collected_at = now
            startup.collect_everything()
        self._free_unused(now)

    def _free_unused(self, now: float) -> None:
        """Frees the model of languages when it has not been used between two looks, and with it the phrases. It takes
        20 ms to load again. Where it was, reading the list of a million emails again leaves 4 MB that nothing else
        would give back."""
        from mm_tui.review.language import RECOGNISER
        from mm_tui.review.risk import phrases

        def free() -> None:
            if is_unused:
                RECOGNISER.unload()
                phrases.unload()
            startup.give_back_memory()

        is_unused = RECOGNISER.is_unused()
        is_quiet = self._busy_at is not None and now - self._busy_at >= LOOK_SECONDS
        if is_quiet:
            self._busy_at = None
        if is_unused or is_quiet:
            asyncio.get_running_loop().run_in_executor(None, free)

    def _set_active(self, active: bool) -> None:
        if self._session.sync is not None and self._active != active:
            self._active = active
            self._session.sync.set_active(active)
