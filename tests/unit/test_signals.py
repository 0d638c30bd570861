"""Programs that tests start begin with the default signals, however the tests themselves were started."""

from __future__ import annotations

import subprocess
import sys

SAYS = (
    "import signal; print([number.name for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)"
    " if signal.getsignal(number) is signal.SIG_IGN], signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
)
UNDER_NOHUP = f"""
import signal, subprocess, sys
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
from tests.support.signals import stop_ignoring
assert len(stop_ignoring()) == 3
signal.raise_signal(signal.SIGHUP)
signal.raise_signal(signal.SIGINT)
subprocess.run([sys.executable, "-c", {SAYS!r}], check=True)
"""


def test_what_the_tests_caller_ignores_is_not_handed_on() -> None:
    done = subprocess.run([sys.executable, "-c", UNDER_NOHUP], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "set()"]
