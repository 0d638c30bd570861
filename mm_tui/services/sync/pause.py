"""The initial sync pauses for a moment after each key, so that whoever uses the program goes first."""

from __future__ import annotations

import asyncio
import time

PAUSE_SECONDS = 0.06
"""Without this pause a cursor move takes two to three times as long during the initial sync, because pages are parsed
between its steps. A held key repeats sooner than this, so the sync then reads one page in each pause."""


class InputPause:
    """Knows when a key was last pressed."""

    def __init__(self) -> None:
        self._ends_at = float("-inf")

    def note_input(self) -> None:
        """Begins or prolongs the pause; called for each key."""
        self._ends_at = time.monotonic() + PAUSE_SECONDS

    async def wait(self) -> None:
        """Lets other tasks run, and waits for the end of the pause that the last key began. Keys pressed meanwhile do
        not prolong it."""
        await asyncio.sleep(max(0.0, self._ends_at - time.monotonic()))
