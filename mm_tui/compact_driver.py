"""A Textual driver that writes only the difference from what the terminal shows."""

from __future__ import annotations

import os
from functools import cache
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from mm_tui.terminal_output import ShownCells

if TYPE_CHECKING:
    from textual.driver import Driver

_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
"""Markers around output that the terminal should show at once."""


def erases_in_colour() -> bool:
    """Whether, according to terminfo, erased cells get the background colour."""
    try:
        import curses
    except ImportError:
        return False
    try:
        curses.setupterm(fd=1)
        return curses.tigetflag("bce") > 0
    except (OSError, ValueError, curses.error):
        return False


@cache
def compacting(driver_class: type[Driver]) -> type[Driver]:
    """A subclass of the driver that writes only the difference from what the terminal shows."""

    class CompactDriver(driver_class):  # type: ignore[valid-type, misc]  # the class depends on the system
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._cells = ShownCells(erases_in_colour=erases_in_colour())
            self._forgotten_at = 0.0
            self._held = ""
            """The pending start marker of an update without output yet."""
            self._writing = Lock()
            """A lock, because the thread that reads keys writes too."""

        def write(self, data: str) -> None:
            with self._writing:
                if data == _BEGIN:
                    self._held = data
                elif data == _END and self._held:
                    self._held = ""
                elif compact := self._difference(data):
                    super().write(self._held + compact)
                    self._held = ""

        def _difference(self, data: str) -> str:
            try:
                size = os.get_terminal_size(self._file.fileno())
            except (AttributeError, OSError, ValueError):
                return data
            return self._cells.difference(data, (size.columns, size.lines))

        def forget_shown(self, at: float | None = None) -> None:
            """Has the next paint written in full, because something else may have written to the terminal. `at`: when
            that was, by the monotonic clock; None for now. What is known was all written after the last forgetting."""
            with self._writing:
                if at is None or at > self._forgotten_at:
                    self._cells.forget()
                    self._forgotten_at = monotonic()

    return CompactDriver
