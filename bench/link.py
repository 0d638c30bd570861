"""A slow link: bytes for each act on a terminal of 80 by 24, and how long until the last one has arrived."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.terminal import Program

COLUMNS, ROWS = 80, 24
ROUND_TRIP = 0.3
"""Seconds from a key to the first byte of its answer, without the program's own time."""
RATES = (1_200, 9_600)
"""Bytes a second: a bad mobile link, and a good one."""
QUIET = 1.2
"""Seconds without output after which an act is over. Longer than the program puts off what may wait."""


class Act(NamedTuple):
    """What is pressed, and the bytes that it may cost; None where there is no bound."""

    name: str
    keys: str
    bound: int | None = None


ACTS = (
    Act("a move", "j", 450),
    Act("a page down", "\x1b[6~"),
    Act("the queue", "2"),
    Act("a move in the queue", "j"),
    Act("opening a draft", "\r"),
    Act("the next draft", "n", 2_500),
    Act("the dialog of reasons", "x"),
    Act("closing it", "\x1b"),
    Act("the audit log", "3"),
    Act("help", "?"),
    Act("closing help", "\x1b"),
    Act("the inbox again", "1"),
)
FIRST_SCREEN_BOUND = 6_000
IDLE_MINUTE_BOUND = 60


class Cost(NamedTuple):
    """Bytes, and seconds until the last of them has arrived."""

    size: int
    seconds: float


class FarProgram(Program):
    """A program at the other end of a slow link: what it writes comes in at a rate, and each way takes its time."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], rate: int) -> None:
        super().__init__(command, environment, columns=COLUMNS, rows=ROWS)
        self._rate = rate
        self._answers_due: deque[tuple[float, bytes]] = deque()

    def answer(self, data: bytes) -> None:
        """Answers a question of the program, a round trip later."""
        self._answers_due.append((time.monotonic() + ROUND_TRIP, data))

    def read(self, seconds: float) -> bytes:
        """What comes in within so many seconds, a tenth of a second's worth at most."""
        end = time.monotonic() + seconds
        while True:
            while self._answers_due and self._answers_due[0][0] <= time.monotonic():
                self.send(self._answers_due.popleft()[1])
            left = end - time.monotonic()
            wait = min(left, self._answers_due[0][0] - time.monotonic()) if self._answers_due else left
            if chunk := self.read_at_most(self._rate // 10, max(0.0, wait)):
                time.sleep(len(chunk) / self._rate)
                return chunk
            if left <= 0:
                return b""

    def cost(self, keys: str) -> Cost:
        """Presses keys (none: waits for what a start writes) and reads until it is quiet."""
        begun = last = time.monotonic()
        size = 0
        if keys:
            time.sleep(ROUND_TRIP / 2)
            self.send(keys.encode())
        while chunk := self.read(QUIET if size else 20.0):
            size, last = size + len(chunk), time.monotonic()
        self.output = b""
        return Cost(size, last + ROUND_TRIP / 2 - begun)


def measure(command: Sequence[str], environment: Mapping[str, str], rate: int) -> tuple[Cost, list[Cost]]:
    """The first screen, and each act after it."""
    with FarProgram(command, environment, rate) as program:
        first = program.cost("")
        program.settle(QUIET * 2, timeout=30)
        return first, [program.cost(act.keys) for act in ACTS]


def idle_minute(program: Program, seconds: float) -> int:
    """Bytes that are written in so many seconds while nothing happens."""
    end, size = time.monotonic() + seconds, 0
    while (left := end - time.monotonic()) > 0:
        size += len(program.read(left))
    return size
