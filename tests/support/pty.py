"""Runs a real program on a pseudo-terminal, presses its keys and reads its screen.

    with Terminal(MM_TUI, env=plain_environment(tmp_path)) as terminal:
        terminal.wait_for("Inbox")
        terminal.press("j", "enter")
        terminal.wait_for("from .*anna@")
        terminal.press("q")
        assert terminal.wait_exit() == 0

There are no blind sleeps: every wait is for text on the screen, a pause in output, or the end of the program.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import unicodedata
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import pyte
import wcwidth

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

DEFAULT_TIMEOUT = 60.0
"""Seconds. Generous: only a test that fails waits that long, and several test processes share the machine."""
PRESS_SECONDS = 1.0
"""Between two presses of the same key, more than `mm_tui.keyboard.dispatch.PAUSE_SECONDS`."""

KEYS: Mapping[str, bytes] = {
    "enter": b"\r",
    "escape": b"\x1b",
    "tab": b"\t",
    "shift+tab": b"\x1b[Z",
    "space": b" ",
    "backspace": b"\x7f",
    "delete": b"\x1b[3~",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
    **{f"f{number}": code for number, code in enumerate((b"\x1bOP", b"\x1bOQ", b"\x1bOR", b"\x1bOS"), start=1)},
    **{f"ctrl+{letter}": bytes([ord(letter) - 96]) for letter in "abcdefghijklmnopqrstuvwxyz"},
}
"""Textual's key names, and what a terminal sends for each."""

_ANSWERS: Mapping[bytes, bytes] = {
    b"\x1b[6n": b"\x1b[1;1R",
    b"\x1b[c": b"\x1b[?62;c",
    b"\x1b[0c": b"\x1b[?62;c",
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",
    b"\x1b[?2048$p": b"\x1b[?2048;0$y",
}
"""Terminal queries and our answers, so that no program waits for nothing."""
_QUESTION = re.compile(b"|".join(re.escape(question) for question in _ANSWERS))


def plain_environment(home: Path, sandbox: Sandbox | None = None, **more: str) -> dict[str, str]:
    """A small environment with its own home, none of the caller's variables but PATH, and a colour terminal.

    With a sandbox, the program uses it with its oversight key, and keeps its data in `home/data`.
    """
    if sandbox is not None:
        gateway = {"MULTIMAIL_API_URL": sandbox.url, "MULTIMAIL_API_KEY": sandbox.keys["oversight"]}
        more = {"MM_TUI_DATA": str(home / "data"), **gateway, **more}
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


class Screen(pyte.Screen):
    """pyte's screen, ignoring unknown sequences instead of raising, and able to stack marks."""

    def draw(self, data: str) -> None:
        """Draws text. pyte fails at zero-width marks without a combining class, such as Thai and Indic ones."""
        plain = ""
        for char in data:
            if wcwidth.wcwidth(char) != 0 or unicodedata.combining(char):
                plain += char
                continue
            super().draw(plain)
            plain = ""
            line, at = self.buffer[self.cursor.y], self.cursor.x - 1
            if at > 0 and not line[at].data:
                at -= 1
            if at >= 0:
                line[at] = line[at]._replace(data=line[at].data + char)
        super().draw(plain)

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name not in pyte.Stream.events or not callable(value):
            return value

        def tolerant(*args: Any, **kwargs: Any) -> Any:
            # Sequences with a marker that pyte takes for another command, such as the keyboard protocol's `CSI > 1 u`.
            if kwargs.get("private") and name not in ("set_mode", "reset_mode", "erase_in_display", "erase_in_line"):
                return None
            try:
                return value(*args, **kwargs)
            except (TypeError, IndexError, ValueError, KeyError):
                return None

        return tolerant


class Terminal:
    """A program on its own pseudo-terminal, as a user sees it."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        cols: int = 80,
        rows: int = 24,
    ) -> None:
        """Starts `argv` (found through PATH) with exactly the environment `env` on `cols` × `rows` cells."""
        self.raw = b""
        """Every byte the program wrote so far."""
        self.status: int | None = None
        """Exit status once it has ended; negative for the signal that ended it."""
        self._screen = Screen(cols, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._changed_at = time.monotonic()
        self._answered = 0
        """The index in `raw` up to which queries have been answered."""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
                if cwd is not None:
                    os.chdir(cwd)
                os.execvpe(argv[0], list(argv), dict(env))
            except OSError as error:
                os.write(2, f"cannot start {argv[0]}: {error}".encode())
            finally:
                os._exit(127)
        self.resize(cols, rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kills the program if it still runs."""
        if self.status is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                os.kill(self.pid, signal.SIGKILL)
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def overwrite(self, text: str) -> None:
        """Writes over the screen, like another program on the same terminal."""
        self._stream.feed(text.encode())

    def resize(self, cols: int, rows: int) -> None:
        """Changes the size, as dragging a window does."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        self._screen.resize(rows, cols)

    @property
    def lines(self) -> list[str]:
        """The screen's current lines."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        """The screen as one string."""
        return "\n".join(self.lines)

    def cell(self, row: int, col: int) -> str:
        """The content of one cell, both counted from 0; empty for the right half of a wide character."""
        return str(self._screen.buffer[row][col].data)

    @property
    def title(self) -> str:
        """The window title that the program set."""
        return str(self._screen.title)

    @property
    def ended(self) -> bool:
        """True once the program has ended."""
        return self.has_ended()

    def send(self, data: str | bytes) -> None:
        """Types `data` unchanged; ignored after the program has ended."""
        rest = data.encode() if isinstance(data, str) else data
        while rest:
            self._pump(0)
            try:
                rest = rest[os.write(self._fd, rest[:512]) :]
            except OSError:
                if not self.ended:
                    raise
                return

    def press(self, *keys: str) -> None:
        """Presses keys one after the other, each a name of `KEYS` or one character."""
        for key in keys:
            self.send(KEYS.get(key) or key)

    def press_until(self, key: str, condition: Callable[[], bool], what: str, timeout: float = 60) -> None:
        """Presses a key until it has its effect: a key that decides counts only after what it is about has been read.

        Between two presses passes more time than tells a key that is pressed from one that is held down.
        """
        deadline = time.monotonic() + timeout
        self._pump_for(PRESS_SECONDS)
        while not condition():
            if time.monotonic() > deadline or (self.ended and not condition()):
                raise AssertionError(f"pressed {key!r} for {what}, in vain. The screen:\n{self.text}")
            self.press(key)
            again = time.monotonic() + PRESS_SECONDS
            while time.monotonic() < again and not condition():
                self._pump_for(0.02)

    def _pump_for(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self._pump(left)
            if self._fd < 0 or self.has_ended():
                return

    def wait_for(self, pattern: str, timeout: float = DEFAULT_TIMEOUT) -> re.Match[str]:
        """Waits until `pattern` (a regular expression, multi-line) is on the screen, and returns the match."""
        expression = re.compile(pattern, re.MULTILINE)
        self._wait(lambda: expression.search(self.text) is not None, timeout, f"{pattern!r} on the screen")
        match = expression.search(self.text)
        assert match is not None
        return match

    def wait_written(self, data: bytes, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Waits until the program has written `data`, whatever became of it on the screen."""
        self._wait(lambda: data in self.raw, timeout, f"{data!r} in the output")

    def wait_until(self, condition: Callable[[], bool], what: str, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Waits until the condition holds, which may look at all that is on the screen or was written."""
        self._wait(condition, timeout, what)

    def wait_gone(self, pattern: str, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Waits until `pattern` is no longer on the screen."""
        self._wait(lambda: re.search(pattern, self.text, re.MULTILINE) is None, timeout, f"{pattern!r} to go")

    def wait_quiet(self, seconds: float = 0.15, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Waits until nothing was written for `seconds`: the program has finished painting, or has ended."""
        self._changed_at = time.monotonic()
        what = f"{seconds} s without output"
        self._wait(lambda: time.monotonic() - self._changed_at >= seconds, timeout, what, alive=False)

    def wait_exit(self, timeout: float = DEFAULT_TIMEOUT) -> int:
        """Waits for the end of the program and returns its exit status."""
        self._wait(self.has_ended, timeout, "the end of the program", alive=False)
        while self._pump(0):
            pass
        assert self.status is not None
        return self.status

    def hang_up(self) -> None:
        """Closes the terminal, like a lost connection. The program continues until it notices."""
        os.close(self._fd)
        self._fd = -1

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Sends a signal only to the program."""
        os.kill(self.pid, number)

    def has_ended(self) -> bool:
        """Whether the program has ended; `status` says how."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def _wait(self, condition: Callable[[], bool], timeout: float, what: str, *, alive: bool = True) -> None:
        deadline = time.monotonic() + timeout
        while True:
            while self._pump(0):
                pass
            if condition():
                return
            over = alive and self.has_ended() and not self._pump(0)
            if over and condition():
                return
            if over or time.monotonic() > deadline:
                why = f"the program ended with {self.status}" if over else f"{timeout} s went by"
                raise AssertionError(f"waited for {what}, but {why}. The screen:\n{self.text}")
            self._pump(0.02)

    def _pump(self, timeout: float) -> bool:
        """Reads available output; False if there was none."""
        if self._fd < 0 or not select.select([self._fd], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # the way Linux says that the other end is closed
            return False
        if not data:
            return False
        self._take(data, lambda answer: os.write(self._fd, answer))
        return True

    def _take(self, data: bytes, answer: Callable[[bytes], object]) -> None:
        """Draws what the program wrote and answers its questions."""
        self.raw += data
        self._changed_at = time.monotonic()
        self._stream.feed(data)
        while found := _QUESTION.search(self.raw, self._answered):
            self._answered = found.end()
            answer(_ANSWERS[found[0]])


class FarTerminal(Terminal):
    """A terminal on a slow connection, once `slow_down` was called. Its screen is what the user sees."""

    _delay = 0.0
    _rate = 0.0

    def slow_down(self, *, bytes_per_second: float, round_trip: float) -> None:
        """Makes the connection slow from now on."""
        self._rate, self._delay = bytes_per_second, round_trip / 2
        self._coming: deque[tuple[float, bytes]] = deque()
        self._going: deque[tuple[float, bytes]] = deque()
        self._free_at = 0.0

    @property
    def is_drawn(self) -> bool:
        """Whether all output has arrived."""
        return not self._coming and not select.select([self._fd], [], [], 0)[0]

    def send(self, data: str | bytes) -> None:
        if not self._rate:
            super().send(data)
            return
        self._going.append((time.monotonic() + self._delay, data.encode() if isinstance(data, str) else data))

    def _pump(self, timeout: float) -> bool:
        if not self._rate:
            return super()._pump(timeout)
        while select.select([self._fd], [], [], timeout)[0]:
            try:
                data = os.read(self._fd, 65536)
            except OSError:  # the way Linux says that the other end is closed
                break
            timeout = 0
            for at in range(0, len(data), 32):
                piece = data[at : at + 32]
                self._free_at = max(self._free_at, time.monotonic() + self._delay) + len(piece) / self._rate
                self._coming.append((self._free_at, piece))
        now = time.monotonic()
        while self._going and self._going[0][0] <= now:
            os.write(self._fd, self._going.popleft()[1])
        if not self._coming or self._coming[0][0] > now:
            return False
        self._take(self._coming.popleft()[1], self.send)
        return True


def python_program(code: str) -> list[str]:
    """The command line that runs `code` in this interpreter."""
    return [sys.executable, "-c", code]
