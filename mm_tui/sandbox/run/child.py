"""A sandbox as a child process that always ends with its parent. Imports nothing but the standard library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

STOP_SECONDS = 5.0
READY_FILE = "ready.json"
"""The file in the data folder with the ready message of the last sandbox that served it."""


class SandboxFailed(Exception):
    """The sandbox ended before it was ready. The message is its last output; `status` its exit status, 2 if it refused
    its arguments."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Ready:
    """Where a sandbox listens, and its keys (`oversight`, `send`, `admin`)."""

    url: str
    ai21_url: str
    ai21_key: str
    keys: Mapping[str, str]
    mailboxes: tuple[tuple[str, str], ...]
    """(id, address) of each."""
    import_report: tuple[str, ...] = ()
    """The report on imported mail, line by line; empty if none was imported."""
    tutorial_key: str = ""
    """The key for the tutorial's calls."""

    def __repr__(self) -> str:
        return f"<Ready {self.url}>"

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Parses the JSON object printed by `mm-tui sandbox serve`."""
        found = json.loads(text)
        boxes = tuple((box["id"], box["address"]) for box in found["mailboxes"])
        report = tuple(map(str, found.get("import_report", ())))
        keys, tutorial_key = found["keys"], str(found.get("tutorial_key", ""))
        return cls(found["url"], found["ai21_url"], found["ai21_key"], keys, boxes, report, tutorial_key)

    def environment(self) -> dict[str, str]:
        """The variables that point `mm-tui` at this sandbox."""
        return {
            "MULTIMAIL_API_URL": self.url,
            "MULTIMAIL_API_KEY": self.keys["oversight"],
            "MULTIMAIL_SEND_API_KEY": self.keys["send"],
            "MULTIMAIL_ADMIN_API_KEY": self.keys["admin"],
            "AI21_API_HOST": self.ai21_url,
            "AI21_API_KEY": self.ai21_key,
        }


class SandboxChild:
    """Starts `mm-tui sandbox serve` as a child.

    ```python
    with SandboxChild("--agent") as sandbox:
        sandbox.ready.url
    ```

    Args:
        arguments: those of `mm-tui sandbox serve`.
        notes: receives its standard error until it is ready, such as the progress of an import; None discards it.
            Afterwards it goes to `log`, because the app may be using the terminal.
        log: a file for its standard error once it is ready; None discards it.
    """

    ready: Ready
    """Its address and keys; only once started."""

    def __init__(self, *arguments: str, notes: BinaryIO | None = None, log: Path | None = None) -> None:
        self._arguments = arguments
        self._notes = notes
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = threading.Event()
        self._last = b""
        self._pump: threading.Thread | None = None

    @property
    def pid(self) -> int:
        """Its process id; only once started."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> Ready:
        """Starts it and waits until it listens. Raises SandboxFailed if it ended first."""
        self._process = start_supervised(
            ("sandbox", "serve", *self._arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._pump = threading.Thread(target=self._pump_notes, args=(self._process.stderr,), daemon=True)
        self._pump.start()
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            self._pump.join(STOP_SECONDS)
            self.stop()
            raise SandboxFailed(self._last.decode("utf-8", "replace").strip() or "the sandbox did not start", status)
        self._is_ready.set()
        self.ready = Ready.parse(line)
        return self.ready

    def stop(self) -> None:
        """Stops it and waits until it has ended. Harmless if it has."""
        process, self._process = self._process, None
        if process is None:
            return
        end(process)
        if self._pump is not None:
            self._pump.join(STOP_SECONDS)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _pump_notes(self, stream: BinaryIO) -> None:
        """Reads its output, so that it never waits for a full pipe."""
        log = self._log.open("ab") if self._log else None
        try:
            while chunk := os.read(stream.fileno(), 65536):
                self._last = (self._last + chunk)[-4000:]
                target = log if self._is_ready.is_set() else self._notes
                if target is not None:
                    with suppress(OSError, ValueError):
                        target.write(chunk)
                        target.flush()
        except (OSError, ValueError):
            # The stream was closed by `stop` while a descendant still held its other end.
            return
        finally:
            if log is not None:
                log.close()


def start_supervised(
    arguments: Sequence[str],
    *,
    stdout: int | BinaryIO = subprocess.DEVNULL,
    stderr: int | BinaryIO = subprocess.DEVNULL,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts `python -m mm_tui arguments…` as a supervised process: it runs for as long as its `stdin` is kept open."""
    return subprocess.Popen(  # noqa: S603 - this interpreter and our own modules
        # -P: files of the current folder that are named like modules are not run.
        [sys.executable, "-P", "-m", "mm_tui.sandbox.run.supervised", "mm_tui", *arguments],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        env=None if environment is None else dict(environment),
        # Its own session: the parent handles Ctrl-C, and then stops the child cleanly.
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a supervised process: first by closing its standard input, then outright."""
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
