"""Signals: leaves cleanly when the terminal goes away or another program terminates this one, and lends ctrl+c."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_DRAWS = "textual-output"
"""Textual's thread that writes to the terminal."""
_GONE = frozenset({errno.EIO, errno.ENXIO, errno.EPIPE, errno.EBADF, errno.ENOTCONN, errno.ECONNRESET})
"""The error of a write when the terminal is gone."""


def handle_signals(
    leave: Callable[[int], None], hidden: Callable[[], object], came_back: Callable[[], object]
) -> Callable[[], None]:
    """Makes SIGTERM and SIGHUP leave the program cleanly. Call it in the event loop's thread.

    A signal that is ignored, as SIGHUP is under `trap '' HUP`, stays ignored. The handlers end with the loop. They run
    in the loop, not at an arbitrary point: an exception while a lock is being taken could keep the program from ending.

    Args:
        leave: called with the exit status, 128 plus the signal's number.
        hidden: called at once when the program is continued: meanwhile the terminal may have shown something else.
        came_back: called in the loop after that; after a SIGTSTP Textual reports it instead.

    Returns:
        A function to call every few seconds: it leaves if the terminal is gone, which nothing reports if SIGHUP is
        ignored.
    """
    loop = asyncio.get_running_loop()

    def ended_by(number: int) -> None:
        if number == signal.SIGHUP and not is_there():
            detach_streams()
        leave(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, ended_by, number)
    _resume_only_what_was_stopped(hidden, lambda: loop.is_closed() or loop.call_soon_threadsafe(came_back))
    was_there = is_there()

    def look() -> None:
        nonlocal was_there
        if was_there and not is_there():
            was_there = False
            ended_by(signal.SIGHUP)

    return look


def _resume_only_what_was_stopped(hidden: Callable[[], object], came_back: Callable[[], object]) -> None:
    """Lets Textual start again after SIGCONT only if SIGTSTP came before. A terminal that goes away sends it too, as
    may anybody; Textual would start its threads twice, and each of two key readers would get only some keys."""
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
        if not is_there():
            return
        # Before any key is read: what was typed for the shell is meant for nothing that stood here.
        hidden()
        in_front = _is_in_front()
        if stopped:
            # In the background it is stopped again at once, and continued when it returns to the foreground.
            stopped = not in_front
            go_on(number, frame)
        elif in_front:
            came_back()

    signal.signal(signal.SIGTSTP, on_stop)
    signal.signal(signal.SIGCONT, on_continue)


@contextmanager
def interrupts_left_to_others() -> Iterator[None]:
    """Ctrl+c ends only the program that has the terminal meanwhile, such as an editor, and not this one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A Python handler is not inherited, so the other program has its own.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def is_there() -> bool:
    """Whether standard input is a terminal that still answers."""
    try:
        termios.tcgetattr(0)
    except (termios.error, OSError):
        return False
    return True


def _is_in_front() -> bool:
    """Whether the program has the terminal, as always on one that does not control it: there are no jobs there."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return True


def outlives(failure: threading.ExceptHookArgs) -> bool:
    """Whether a thread failed only because the terminal is gone. The drawing thread must then continue, writing to
    nowhere, because the program would wait for ever for it. Call it in that thread."""
    error, thread = failure.exc_value, failure.thread
    if not isinstance(error, OSError) or error.errno not in _GONE or thread is None or thread.name != _DRAWS:
        return False
    detach_streams()
    thread.run()
    return True


def detach_streams() -> None:
    """Redirects the standard streams to nowhere. Otherwise each write would fail, and each read would return at once:
    the writing thread would die, and the reading one would use a whole processor."""
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            # Buffered output has nowhere to go.
            try:
                stream.flush()
            except OSError:
                continue
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
