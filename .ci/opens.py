"""Fails unless the program named by the argument opens its app on a terminal, shows the queue, and ends in order."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.pty import Terminal


def main() -> int:
    """Opens, looks, leaves."""
    env = {**os.environ, "TERM": "xterm-256color"}
    with Terminal([sys.argv[1]], env=env) as terminal:
        terminal.wait_for("Inbox")
        terminal.press("2")
        terminal.wait_for(r"[1-9]\d* waiting")
        print(terminal.text)
        terminal.press("ctrl+q")
        return terminal.wait_exit()


if __name__ == "__main__":
    sys.exit(main())
