"""Commands that print a key: what they say is seen while they are waited for, and nothing of it afterwards."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest

from mm_tui.settings.keys import printed_by
from tests.support.processes import MM_TUI
from tests.support.pty import Terminal, plain_environment
from tests.support.sandbox import Sandbox, running_sandbox, wait_until


def script(folder: Path, text: str) -> list[str]:
    path = folder / "key.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return [str(path)]


def lingering(folder: Path, key: str) -> list[str]:
    """Prints a key and leaves a process behind that holds both streams, and writes when the file `go` appears."""
    return script(
        folder,
        f"""echo 'unlocking' >&2
        (while [ ! -e {folder}/go ]; do sleep 0.02; done
         echo 'LATE NOISE' >&2; echo 'LATE NOISE'; touch {folder}/written) &
        echo {key}""",
    )


def test_the_first_line_and_the_status_are_given(tmp_path: Path) -> None:
    status, printed = printed_by(script(tmp_path, "echo key; echo more; exit 3"), 20)
    # What follows the first line need not have been read when the program ends.
    assert (status, printed.split(b"\n")[0]) == (3, b"key")


def test_what_it_says_is_shown_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed_by(script(tmp_path, r"printf 'pass\303\251: \033]52;c;eA==\007now' >&2; echo key"), 20)
    assert capsys.readouterr().err == "passé: now"


def test_what_it_leaves_running_is_neither_waited_for_nor_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed = printed_by(lingering(tmp_path, "mm_test_k"), 20)
    assert (status, printed) == (0, b"mm_test_k\n")
    assert capsys.readouterr().err == "unlocking\n"
    (tmp_path / "go").touch()
    # It writes without being killed for it.
    assert wait_until(lambda: (tmp_path / "written").exists())
    assert capsys.readouterr().err == ""


def test_a_flood_of_output_is_not_kept(tmp_path: Path) -> None:
    _, printed = printed_by(script(tmp_path, "echo key; head -c 3000000 /dev/zero"), 20)
    assert printed.startswith(b"key\n") and len(printed) < 100_000


def test_one_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    words = script(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 600")
    with pytest.raises(subprocess.TimeoutExpired):
        printed_by(words, 1)
    assert wait_until(lambda: not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists())


def test_it_can_ask_on_the_terminal_and_the_screen_stays_whole(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        words = lingering(tmp_path, sandbox.keys["oversight"])
        asking = tmp_path / "ask.sh"
        asking.write_text(f"#!/bin/sh\nprintf 'passphrase: ' >&2; read answer; [ $answer = open ] && exec {words[0]}\n")
        asking.chmod(0o700)
        check_screen(tmp_path, sandbox, asking)


def check_screen(folder: Path, sandbox: Sandbox, asking: Path) -> None:
    config = folder / "config.toml"
    config.write_text(f'[profiles.p]\nurl = "{sandbox.url}"\noversight_key_command = "{asking}"\n')
    env = plain_environment(folder, MM_TUI_CONFIG=str(config), MM_TUI_DATA=str(folder / "data"))
    with Terminal(MM_TUI, env=env) as terminal:
        terminal.wait_for("passphrase:")
        terminal.send("open\r")
        terminal.wait_for("● in sync")
        (folder / "go").touch()
        assert wait_until(lambda: (folder / "written").exists())
        terminal.press("2")
        terminal.wait_for("p · TEST")
        assert b"LATE NOISE" not in terminal.raw
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 0
        assert b"LATE NOISE" not in terminal.raw


def test_no_thread_is_left_when_everything_has_ended(tmp_path: Path) -> None:
    printed_by(script(tmp_path, "echo key"), 20)
    ends = time.monotonic() + 10
    while any(thread.name.startswith("key-command") for thread in threading.enumerate()):
        assert time.monotonic() < ends
