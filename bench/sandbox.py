"""A sandbox gateway in a process of its own, and a profile folder that points at it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BenchSandbox:
    """A running sandbox."""

    url: str
    keys: Mapping[str, str]
    mailboxes: tuple[str, ...]

    def environment(self, folder: Path, **more: str) -> dict[str, str]:
        """The environment in which mm-tui works on this sandbox with its files under `folder`."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **kept,
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "MM_TUI_DATA": str(folder),
            "MM_TUI_CONFIG": str(folder / "config.toml"),
            "MULTIMAIL_API_URL": self.url,
            "MULTIMAIL_API_KEY": self.keys["oversight"],
            "MULTIMAIL_SEND_API_KEY": self.keys["send"],
            "MULTIMAIL_ADMIN_API_KEY": self.keys["admin"],
            **more,
        }


@contextmanager
def running_sandbox(folder: Path, mails: int) -> Iterator[BenchSandbox]:
    """Starts a sandbox with so many made-up mails; it ends with the block, or with this process."""
    ready = folder / f"ready-{mails}.json"
    ready.unlink(missing_ok=True)
    child = subprocess.Popen(
        [
            sys.executable, "-m", "mm_tui", "sandbox", "serve", "--synthetic", str(mails),
            "--data", str(folder / f"sandbox-{mails}"), "--ready-file", str(ready),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 180 + mails / 1000
        while not ready.exists():
            if child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.05)
        reported = json.loads(ready.read_text())
        yield BenchSandbox(reported["url"], reported["keys"], tuple(box["id"] for box in reported["mailboxes"]))
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(20)
