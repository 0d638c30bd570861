"""Alerts the reviewer through the terminal when the queue changes; `services.attention` decides what to say."""

from __future__ import annotations

from typing import Any

from textual.app import App

from mm_tui.services.attention import GIVE_TITLE_BACK, KEEP_TITLE, Attention, QueueLook
from mm_tui.services.events import PendingChanged, ServiceEvent
from mm_tui.session import Session
from mm_tui.textual_private import write_to_terminal

LOOK_SECONDS = 20.0
"""Seconds between checks without events, because mail becomes overdue with time."""


class Notifier:
    """Checks the queue in a thread whenever it changes, and writes to the terminal."""

    def __init__(self, app: App[Any], session: Session) -> None:
        self._app = app
        self._session = session
        settings = session.settings
        self._attention = Attention(session.database, settings.notice, settings.review, session.clock)
        self._title = ""
        self._is_due = False

    def start(self) -> None:
        """Makes the first check and continues."""
        if self._attention.sets_title:
            self._write(KEEP_TITLE)
        self._app.set_interval(LOOK_SECONDS, self.look)
        self.look()

    def handle_event(self, event: ServiceEvent) -> None:
        """Something changed. Callable from any thread."""
        # Many changes at once, as when a batch is undone, are looked at once.
        if isinstance(event, PendingChanged) and not self._is_due:
            self._is_due = True
            self._app.call_later(self.look)

    def look(self) -> None:
        self._is_due = False
        decisions = self._session.decisions
        ours = set(decisions.overview.edits_in_progress()) if decisions is not None else set[str]()

        def read() -> None:
            self._app.call_from_thread(self._looked, self._attention.look(ours))

        # Not exclusive: a check that started must finish, or its result would be lost.
        self._app.run_worker(read, thread=True, group="attention", exit_on_error=False)

    def _looked(self, look: QueueLook) -> None:
        self._write(self._attention.sequences(look, title_before=self._title))
        self._title = look.title

    def stop(self) -> None:
        """Restores the window's title."""
        if self._attention.sets_title:
            self._write(GIVE_TITLE_BACK)

    def _write(self, sequences: str) -> None:
        if sequences:
            write_to_terminal(self._app, sequences)
