"""Runs a module as a process that ends with its parent, however the parent ends.

`python -m mm_tui.sandbox.run.supervised MODULE ARGUMENT…` runs MODULE as `python -m MODULE ARGUMENT…` would. Its
standard input must be a pipe from the parent. When the parent is gone, even by `kill -9`, the pipe ends; this process
then gets SIGTERM, and is killed if it does not stop soon.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 3.0


def _end_with_parent() -> None:
    """Reads the pipe until it ends, then ends this process."""
    try:
        while os.read(0, 1024):
            pass
    except OSError:
        # A closed or broken pipe means the same as one that has ended.
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def main() -> None:
    """Runs the module named by the arguments until its parent ends."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m mm_tui.sandbox.run.supervised MODULE [ARGUMENT ...]")
    sys.argv = sys.argv[1:]
    threading.Thread(target=_end_with_parent, name="watch-parent", daemon=True).start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
