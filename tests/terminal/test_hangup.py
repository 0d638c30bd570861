"""The terminal goes away, or another program says that this one shall end, stop or go on."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from pathlib import Path

import pytest

from mm_tui.commands.exits import Exit
from tests.support.pty import Terminal, plain_environment

APP = [sys.executable, "-m", "mm_tui"]


def app(folder: Path, argv: list[str] = APP) -> Terminal:
    return Terminal(argv, env=plain_environment(folder, MM_TUI_DATA=str(folder / "data")), cols=100, rows=30)


def processor_seconds(terminal: Terminal) -> float:
    fields = Path(f"/proc/{terminal.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.parametrize("deaf", [False, True], ids=["told", "SIGHUP ignored"])
def test_the_app_ends_with_its_terminal(tmp_path: Path, deaf: bool) -> None:
    quoted = " ".join(map(shlex.quote, APP))
    argv = ["sh", "-c", f"trap '' HUP; exec {quoted}"] if deaf else APP
    with app(tmp_path, argv) as terminal:
        terminal.wait_for("No mail on this machine yet")
        terminal.wait_quiet()
        before = processor_seconds(terminal)
        terminal.hang_up()
        spent = before
        ends = time.monotonic() + 30
        while not terminal.has_ended() and time.monotonic() < ends:
            spent = processor_seconds(terminal)
            time.sleep(0.05)
        assert terminal.status == Exit.HANGUP
        assert spent - before < 4, "it does not turn round and round until it notices"
    assert not list((tmp_path / "data").glob("reports/*"))


def test_told_to_end_it_gives_the_terminal_back(tmp_path: Path) -> None:
    with app(tmp_path) as terminal:
        terminal.wait_for("No mail on this machine yet")
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_exit() == Exit.TERMINATED
        assert terminal.raw.rindex(b"\x1b[?1049l") > terminal.raw.rindex(b"\x1b[?1049h")


def test_told_to_go_on_without_having_stopped_it_loses_no_key(tmp_path: Path) -> None:
    with app(tmp_path) as terminal:
        terminal.wait_for("No mail on this machine yet")
        for _ in range(3):
            terminal.kill(signal.SIGCONT)
        terminal.press("/")
        terminal.wait_for("words, from: to:")
        for letter in "the quick brown fox jumps":
            terminal.send(letter)
        terminal.wait_for("/ the quick brown fox jumps")


def test_stopped_and_told_to_go_on_it_is_there_again(tmp_path: Path) -> None:
    with app(tmp_path) as terminal:
        terminal.wait_for("No mail on this machine yet")
        terminal.kill(signal.SIGTSTP)
        stat = Path(f"/proc/{terminal.pid}/stat")
        ends = time.monotonic() + 20
        while stat.read_text().rsplit(")", 1)[1].split()[0] != "T":
            assert time.monotonic() < ends, "it did not stop"
            time.sleep(0.02)
        terminal.kill(signal.SIGCONT)
        terminal.wait_for("No mail on this machine yet")
        terminal.press("/")
        terminal.wait_for("words, from: to:")
        terminal.send("back again")
        terminal.wait_for("/ back again")
