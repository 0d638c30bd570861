"""A Textual driver that writes only the difference from what the terminal shows."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

from textual.driver import Driver

from mm_tui.terminal.output import ShownCells

_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
"""Markers around output that the terminal should show at once."""


_PLACES = ("/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo")
"""Where systems have their terminfo entries, if no variable names another folder."""
_BCE = 28
"""The place of `bce` among an entry's flags."""


def erases_in_colour() -> bool:
    """Whether, according to terminfo, erased cells get the background colour."""
    # Read here, because curses takes 0.5 MB for this one flag.
    asked = os.environ.get
    own = (asked("TERMINFO", ""), asked("HOME", "") + "/.terminfo", *asked("TERMINFO_DIRS", "").split(":"))
    for place in (*own, *_PLACES):
        with suppress(OSError, ValueError):
            return _has_bce(_entry(place, asked("TERM", "")))
    try:
        import curses
    except ImportError:
        return False
    try:
        curses.setupterm(fd=1)
        return curses.tigetflag("bce") > 0
    except (OSError, ValueError, curses.error):
        return False


def _entry(place: str, name: str) -> bytes:
    """A terminal's compiled entry in a folder. Raises OSError, or ValueError if that is not a name."""
    if not place or not name or "/" in name:
        raise ValueError(name)
    return Path(place, name[0], name).read_bytes()


def _has_bce(entry: bytes) -> bool:
    # A magic number and the lengths of the names and of the flags, three more lengths, the names, the flags.
    magic, names, flags = (int.from_bytes(entry[at : at + 2], "little") for at in (0, 2, 4))
    if magic not in (0o432, 0o1036):
        raise ValueError(magic)
    return flags > _BCE and entry[12 + names + _BCE : 13 + names + _BCE] == b"\1"


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
