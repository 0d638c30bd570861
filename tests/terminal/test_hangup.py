"""The terminal goes away, or another program says that this one shall end, stop or go on."""

from __future__ import annotations

import errno
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import Mock

import pytest

from mm_tui.commands.output.exits import Exit
from mm_tui.terminal import hangup
from tests.support.processes import MM_TUI
from tests.support.pty import Terminal, plain_environment
from tests.support.reviewer import environment
from tests.support.sandbox import Sandbox


def app(folder: Path, argv: Sequence[str] = MM_TUI) -> Terminal:
    return Terminal(argv, env=plain_environment(folder, MM_TUI_DATA=str(folder / "data")), cols=100, rows=30)


def processor_seconds(terminal: Terminal) -> float:
    fields = Path(f"/proc/{terminal.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.parametrize("ignores", [False, True], ids=["notified", "SIGHUP ignored"])
def test_the_app_ends_with_its_terminal(tmp_path: Path, ignores: bool) -> None:
    quoted = " ".join(map(shlex.quote, MM_TUI))
    argv = ["sh", "-c", f"trap '' HUP; exec {quoted}"] if ignores else MM_TUI
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


DRAWS = """
import os, pty, sys, threading, time
from pathlib import Path
from textual.drivers._writer_thread import WriterThread
from mm_tui import crash
from mm_tui.terminal import hangup

reports = Path(sys.argv[1])
crash.install_hooks(reports)
outer, inner = pty.openpty()
for descriptor in (0, 1, 2):
    os.dup2(inner, descriptor)
os.close(inner)
thread = WriterThread(sys.__stderr__)
thread.start()
thread.write("there")
assert os.read(outer, 100) == b"there"
os.close(outer)
for number in range(500):
    thread.write(f"frame {number}")  # waits for ever when nobody takes them
thread.stop()
reports.joinpath("done").touch()
"""


def test_what_draws_goes_on_to_nowhere_when_the_terminal_goes_first(tmp_path: Path) -> None:
    tmp_path.joinpath("reports").mkdir(mode=0o700)
    reports = tmp_path / "reports"
    subprocess.run([sys.executable, "-c", DRAWS, str(reports)], check=True, timeout=60, start_new_session=True)
    assert [path.name for path in reports.iterdir()] == ["done"]


def test_a_request_to_end_restores_the_terminal(tmp_path: Path) -> None:
    with app(tmp_path) as terminal:
        terminal.wait_for("No mail on this machine yet")
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_exit() == Exit.TERMINATED
        assert terminal.raw.rindex(b"\x1b[?1049l") > terminal.raw.rindex(b"\x1b[?1049h")


def test_continuing_without_having_stopped_loses_no_key(tmp_path: Path) -> None:
    with app(tmp_path) as terminal:
        terminal.wait_for("No mail on this machine yet")
        for _ in range(3):
            terminal.kill(signal.SIGCONT)
        terminal.press("/")
        terminal.wait_for("words, from: to:")
        for letter in "the quick brown fox jumps":
            terminal.send(letter)
        terminal.wait_for("/ the quick brown fox jumps")


def test_after_stop_and_continue_it_is_back_and_takes_no_key_meant_for_the_shell(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.draft("Draft number 0.")
    with Terminal(MM_TUI, env=environment(sandbox, tmp_path)) as terminal:
        terminal.wait_for("Inbox")
        terminal.press("2")
        terminal.wait_for("1 waiting")
        terminal.press("enter")
        terminal.wait_for("Draft number 0")
        stat = Path(f"/proc/{terminal.pid}/stat")
        for stop in (signal.SIGTSTP, signal.SIGSTOP):
            terminal.wait_quiet(1.5)
            terminal.kill(stop)
            ends = time.monotonic() + 20
            while stat.read_text().rsplit(")", 1)[1].split()[0] != "T":
                assert time.monotonic() < ends, "it did not stop"
                time.sleep(0.02)
            terminal.wait_quiet()
            terminal.overwrite("\x1b[2J")  # what was there is not shown meanwhile
            terminal.send("a")
            terminal.kill(signal.SIGCONT)
            terminal.wait_for("your terminal has not shown all of this yet")
            terminal.wait_for("Draft number 0")
            assert not sandbox.calls("POST", "/decide")
        terminal.press_until("a", lambda: bool(sandbox.calls("POST", "/decide")), "a decision")


def test_it_continues_under_a_terminal_that_does_not_control_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[str] = []
    monkeypatch.setattr(hangup, "is_there", lambda: True)
    monkeypatch.setattr(os, "tcgetpgrp", Mock(side_effect=OSError(errno.ENOTTY, "Inappropriate ioctl for device")))
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTSTP, signal.SIGCONT)}
    try:
        hangup._resume_only_what_was_stopped(lambda: reported.append("hidden"), lambda: reported.append("came back"))
        signal.raise_signal(signal.SIGCONT)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert reported == ["hidden", "came back"]
