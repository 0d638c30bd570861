"""When the terminal goes away, or another program says that this one shall end: leaving in good order."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
import termios
import threading
from collections.abc import Callable
from types import FrameType

_DRAWS = "textual-output"
"""The thread of Textual that writes to the terminal."""
_GONE = frozenset({errno.EIO, errno.ENXIO, errno.EPIPE, errno.EBADF, errno.ENOTCONN, errno.ECONNRESET})
"""What a write says when nobody is behind the terminal any more."""
LOOK_SECONDS = 2.0
"""How often the terminal is looked for. Where SIGHUP is ignored, nothing else tells that it is gone."""


def heed(leave: Callable[[int], None]) -> Callable[[], None]:
    """From now on SIGTERM and SIGHUP have the program leave. Call it in the event loop's thread.

    A signal that is ignored, as SIGHUP is under `trap '' HUP`, stays so. The handlers go with the loop. They run in the
    loop and not wherever the program happens to be: an exception out of a half-taken lock would never let it end.

    Args:
        leave: called with the exit status, 128 and the signal's number.

    Returns:
        What to call every `LOOK_SECONDS`: it leaves when the terminal that was there is gone.
    """
    loop = asyncio.get_running_loop()

    def told(number: int) -> None:
        if number == signal.SIGHUP and not is_there():
            let_go()
        leave(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, told, number)
    _resume_only_what_was_stopped()
    was_there = is_there()

    def look() -> None:
        nonlocal was_there
        if was_there and not is_there():
            was_there = False
            told(signal.SIGHUP)

    return look


def _resume_only_what_was_stopped() -> None:
    """Keeps SIGCONT from the screen unless SIGTSTP came before.

    A terminal that goes away sends it too, as may anyone; Textual would start its threads a second time, and of two
    that read keys each gets some.
    """
    stop, go_on = signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)
    if not callable(stop) or not callable(go_on):
        return
    stopped = False

    def on_stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        stop(number, frame)

    def on_continue(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        if stopped and is_there():
            # In the background it is stopped again at once, and told to go on once more when it comes forth.
            stopped = os.tcgetpgrp(0) != os.getpgrp()
            go_on(number, frame)

    signal.signal(signal.SIGTSTP, on_stop)
    signal.signal(signal.SIGCONT, on_continue)


def is_there() -> bool:
    """Whether standard input is a terminal that still answers."""
    try:
        termios.tcgetattr(0)
    except (termios.error, OSError):
        return False
    return True


def outlives(failure: threading.ExceptHookArgs) -> bool:
    """Whether a thread failed only because the terminal is gone. The one that draws then goes on, to nowhere.

    It must: the program would wait for ever for a thread that takes what is to be drawn. Call it in that thread.
    """
    error, thread = failure.exc_value, failure.thread
    if not isinstance(error, OSError) or error.errno not in _GONE or thread is None or thread.name != _DRAWS:
        return False
    let_go()
    thread.run()
    return True


def let_go() -> None:
    """Lets the standard streams lead nowhere. What is gone would fail each write and give each read an end at once:
    the thread that writes would die, and the one that reads take a whole processor."""
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            # What is still in the buffers has nobody to be shown to.
            try:
                stream.flush()
            except OSError:
                continue
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
