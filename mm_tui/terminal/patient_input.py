"""A Textual driver whose keyboard thread sleeps until there is something to read.

Textual's own thread checks ten times a second for an incomplete escape sequence and for the end of the program, which
is most of the cost of an idle program.
"""

from __future__ import annotations

import os
import select
import time
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Event, RLock
from typing import Any

from textual import constants
from textual.driver import Driver

TICK_SECONDS = 0.1
"""Seconds between checks for an incomplete escape sequence, as in Textual."""
LISTENING_SECONDS = 1.0
"""Seconds after the last key, and after the parser's longest wait, for which the checks continue."""
READ_BYTES = 4096


class WakingEvent(Event):
    """An event that also wakes up a thread waiting in `select`."""

    def __init__(self) -> None:
        super().__init__()
        self._writer: int | None = None
        # The program may be stopped, which sets the event, while it is being set.
        self._lock = RLock()

    @contextmanager
    def descriptor(self) -> Iterator[int]:
        """A file descriptor that becomes readable when the event is set."""
        reader, writer = os.pipe()
        self._writer = writer
        try:
            yield reader
        finally:
            with self._lock:
                self._writer = None
            os.close(writer)
            os.close(reader)

    def set(self) -> None:
        super().set()
        with self._lock:
            if self._writer is not None:
                os.write(self._writer, b"\0")


@cache
def patient(driver_class: type[Driver]) -> type[Driver]:
    """A subclass of the driver whose thread sleeps until a key comes; the class itself if it has no such thread."""
    from textual.drivers import linux_driver

    if not issubclass(driver_class, linux_driver.LinuxDriver):
        return driver_class

    class PatientDriver(driver_class):  # type: ignore[valid-type, misc]  # the class depends on the system
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.exit_event: WakingEvent = WakingEvent()

        def run_input_thread(self) -> None:
            # Looked up now: `pasting.install` sets the parser here.
            parser = linux_driver.XTermParser(self._debug)  # type: ignore[attr-defined]
            decode = getincrementaldecoder("utf-8")("replace").decode
            ticking = constants.ESCAPE_DELAY + LISTENING_SECONDS
            last = time.monotonic()
            with self.exit_event.descriptor() as ending:
                while not self.exit_event.is_set():
                    seconds = TICK_SECONDS if time.monotonic() - last < ticking else None
                    if self.fileno in select.select([self.fileno, ending], [], [], seconds)[0]:
                        last = time.monotonic()
                        if text := decode(os.read(self.fileno, READ_BYTES)):
                            for message in parser.feed(text):
                                self.process_message(message)
                        else:
                            # The terminal is gone, or only part of a character has arrived.
                            self.exit_event.wait(TICK_SECONDS / 10)
                    for message in parser.tick():
                        self.process_message(message)

    return PatientDriver
