"""Drives a program on a pseudo-terminal and takes times. It draws what it reads only when the program is quiet."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import pyte

COLUMNS, ROWS = 120, 40
A_LIST = 2500
"""Bytes that a repaint of the list needs, and no repaint of some lines."""
QUIET = 0.05
"""Seconds without output after which a reaction counts as complete."""

_ANSWERS = {
    b"\x1b[6n": b"\x1b[1;1R",
    b"\x1b[c": b"\x1b[?62;c",
    b"\x1b[0c": b"\x1b[?62;c",
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",
    b"\x1b[?2048$p": b"\x1b[?2048;0$y",
}
_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[(?:[<=>][0-9;]*u|[0-9;]*t)")
_SEQUENCE = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")


class Reaction(NamedTuple):
    """What one key caused."""

    milliseconds: float
    """From the key to the last output before it was quiet."""
    first: float | None
    """From the key to the first repaint of the list, in milliseconds; None without one."""
    size: int
    """Bytes written to the terminal."""


class Spread(NamedTuple):
    """Figures over many reactions."""

    median: float
    p95: float
    size: float
    """Median of bytes."""

    @classmethod
    def of(cls, reactions: Sequence[Reaction]) -> Self:
        times = sorted(reaction.milliseconds for reaction in reactions)
        return cls(
            statistics.median(times),
            times[min(len(times) - 1, int(0.95 * len(times)))],
            statistics.median(reaction.size for reaction in reactions),
        )


class Program:
    """A program on a terminal, of 120 by 40 where nothing else is said."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], *, columns: int = COLUMNS, rows: int = ROWS
    ) -> None:
        self.started = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], list(command), dict(environment))
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.output = b""
        self._undrawn = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)

    def read(self, seconds: float) -> bytes:
        """What the program writes within so many seconds, at the first chunk; empty for nothing."""
        return self.read_at_most(65536, seconds)

    def read_at_most(self, size: int, seconds: float) -> bytes:
        """The same, and no more than so many bytes of it."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return b""
        try:
            chunk = os.read(self._fd, size)
        except OSError:
            raise RuntimeError(f"the program ended: {self.plain()[-600:]!r}") from None
        for asked, answer in _ANSWERS.items():
            if asked in chunk:
                self.answer(answer)
        self.output += chunk
        self._undrawn += chunk
        return chunk

    def send(self, data: bytes) -> None:
        """Types it."""
        os.write(self._fd, data)

    def answer(self, data: bytes) -> None:
        """Answers a question of the program."""
        self.send(data)

    def plain(self) -> bytes:
        """All output without its control sequences."""
        return _SEQUENCE.sub(b"", self.output)

    def wait_for(self, mark: str, timeout: float = 60) -> float:
        """Waits for a text in the output, or on the screen once it is quiet; returns seconds since the start."""
        wanted = mark.encode()
        seen = 0
        while time.perf_counter() - self.started < timeout:
            if not self.read(0.02) and self.shows(mark):
                return time.perf_counter() - self.started
            if len(self.output) > seen:
                # From a little before what was looked at already, because a text may be cut in two.
                if wanted in _SEQUENCE.sub(b"", self.output[max(0, seen - 400) :]):
                    return time.perf_counter() - self.started
                seen = len(self.output)
        raise TimeoutError(f"{mark!r} did not appear: {self.plain()[-600:]!r}")

    def shows(self, text: str) -> bool:
        """Whether a text stands on the screen: of one that was changed only the changed letters were written."""
        if self._undrawn:
            self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", self._undrawn))
            self._undrawn = b""
        return any(text in line for line in self._screen.display)

    def settle(self, quiet: float = 0.5, timeout: float = 30) -> None:
        """Reads until it is quiet for so many seconds."""
        end = time.perf_counter() + timeout
        while time.perf_counter() < end and self.read(quiet):
            pass
        self.output = b""

    def press(self, key: str, *, quiet: float = QUIET) -> Reaction:
        """Presses a key and waits until its reaction is complete."""
        size, last = 0, 0.0
        first: float | None = None
        begun = time.perf_counter()
        self.send(key.encode())
        while chunk := self.read(quiet if last else 2.0):
            last = time.perf_counter()
            size += len(chunk)
            if first is None and size > A_LIST:
                first = (last - begun) * 1000
        self.output = b""
        return Reaction((last - begun) * 1000, first, size)

    def first_answer(self, key: str, size: int = 1) -> float:
        """Milliseconds from a key to the first so many bytes, where something else may be written all the time."""
        while self.read(0):
            pass
        begun, written = time.perf_counter(), 0
        self.send(key.encode())
        while written < size:
            chunk = self.read(2.0)
            if not chunk:
                raise TimeoutError(f"no answer to {key!r}")
            written += len(chunk)
        taken = (time.perf_counter() - begun) * 1000
        self.output = b""
        return taken

    def press_all(self, keys: str, *, quiet: float = QUIET) -> list[Reaction]:
        """Presses one key after the other; those without any reaction are left out."""
        reactions = [self.press(key, quiet=quiet) for key in keys]
        return [reaction for reaction in reactions if reaction.size]

    def memory(self, kind: str = "VmRSS") -> float:
        """Resident memory in MB: all, or with `RssAnon` without the mapped files, which programs share."""
        with open(f"/proc/{self.pid}/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith(f"{kind}:"))

    def cpu_seconds(self) -> float:
        """Processor time used so far, to the microsecond: that in /proc is too coarse for an idle program."""
        return time.clock_gettime((~self.pid << 3) | 2)


def in_turns(programs: Sequence[Program], keys: str, turns: int) -> list[Spread]:
    """Presses the keys in each program, one after the other, and so on: so that a slow moment is every one's."""
    reactions: list[list[Reaction]] = [[] for _ in programs]
    for _ in range(turns):
        for program, its in zip(programs, reactions, strict=True):
            its += program.press_all(keys)
    return [Spread.of(its) for its in reactions]
