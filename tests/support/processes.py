"""The program as a command, and processes and ports that a test looks at."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

MM_TUI = (sys.executable, "-m", "mm_tui")
"""The command line that starts the program; arguments follow."""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
