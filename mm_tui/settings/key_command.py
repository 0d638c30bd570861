"""Runs a command that prints a key and may ask something on the terminal.

Its standard error reaches the terminal only until it ends: a process that it leaves running (such as a password
manager's agent) must not write over the screen that is drawn afterwards.
"""

from __future__ import annotations

import codecs
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import IO

from mm_tui.text import ManyLine

LONGEST_OUTPUT = 64 * 1024
"""The most bytes of output to keep; the key is on the first line."""
GRACE_SECONDS = 1.0
"""Seconds to wait for the first line after the command has ended."""


class _Printed:
    """The command's output, read to its end by a thread; `first_line` is set once there is one."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.first_line = threading.Event()
        self.bytes = bytearray()
        threading.Thread(target=self._read, args=(stream,), name="key-command-output", daemon=True).start()

    def _read(self, stream: IO[bytes]) -> None:
        for piece in _pieces(stream):
            if len(self.bytes) < LONGEST_OUTPUT:
                self.bytes += piece
            if b"\n" in piece:
                self.first_line.set()
        self.first_line.set()


class _Said:
    """The command's messages, shown cleaned until `hush`; reading continues after that, so that no process blocks."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._lock = threading.Lock()
        self._hushed = False
        self.thread = threading.Thread(target=self._relay, args=(stream,), name="key-command-words", daemon=True)
        self.thread.start()

    def _relay(self, stream: IO[bytes]) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for piece in _pieces(stream):
            with self._lock:
                if not self._hushed:
                    sys.stderr.write(str(ManyLine(decoder.decode(piece))))
                    sys.stderr.flush()

    def hush(self) -> None:
        """Stops showing messages."""
        self.thread.join(GRACE_SECONDS / 10)
        with self._lock:
            self._hushed = True


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        while piece := os.read(stream.fileno(), 4096):
            yield piece


def run(words: Sequence[str], seconds: float) -> tuple[int, bytes]:
    """Runs a command without a shell and waits for it, for so many seconds, after which it is killed. Its standard
    input is ours, so that it can ask. Returns its exit status, and its output, at most `LONGEST_OUTPUT`; later output
    of processes that it left running is ignored. Raises OSError if it cannot be started, subprocess.TimeoutExpired if
    it took too long."""
    process = subprocess.Popen(list(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603 - the user's own command, without a shell
    assert process.stdout is not None and process.stderr is not None
    printed, said = _Printed(process.stdout), _Said(process.stderr)
    try:
        status = process.wait(seconds)
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        said.hush()
    printed.first_line.wait(GRACE_SECONDS)
    return status, bytes(printed.bytes)
