"""Signals as a program finds them when a user starts it, whatever started the tests."""

from __future__ import annotations

import signal


def stop_ignoring() -> list[signal.Signals]:
    """Has the programs that tests start begin with the default dispositions, and returns which signals were ignored.

    A program that is started inherits what is ignored (SIGHUP under nohup, SIGINT in a shell's background job), but
    not what is handled. So these signals get a handler here that does nothing: the tests still survive them.
    """
    ignored = []
    for number in signal.valid_signals():
        # Python itself ignores these two, and gives them back to whatever it starts.
        if number in (signal.SIGPIPE, signal.SIGXFSZ) or signal.getsignal(number) is not signal.SIG_IGN:
            continue
        signal.signal(number, lambda _number, _frame: None)
        ignored.append(signal.Signals(number))
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    return ignored
