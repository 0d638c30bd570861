"""The demo as a real process on a terminal: it shows mail, uses no key of the user's, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.support.pty import Terminal, plain_environment
from tests.support.sandbox import wait_until

MAIL = (
    b"From: Ann <ann@x.example>\r\nTo: me@y.example\r\nSubject: A mail of my own\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n"
)


def demo(folder: Path, *arguments: str) -> Terminal:
    env = plain_environment(folder, TMPDIR=str(folder / "tmp"), MULTIMAIL_API_KEY="mm_live_mine", MM_TUI_PROFILE="mine")
    (folder / "tmp").mkdir(exist_ok=True)
    return Terminal([sys.executable, "-m", "mm_tui", "demo", *arguments], env=env, cols=100, rows=30)


def processes_naming(text: str) -> list[int]:
    """Ids of the running processes whose arguments contain the text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if text.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_the_demo_shows_mail_that_it_was_given_and_ends_everything(tmp_path: Path) -> None:
    (tmp_path / "own.eml").write_bytes(MAIL)
    with demo(tmp_path, "--no-agent", "--mail", str(tmp_path / "own.eml")) as terminal:
        terminal.wait_for("TEST")
        terminal.wait_for("A mail of my own", timeout=60)
        assert "Demo: your mail" in terminal.text and "made-up" not in terminal.text
        terminal.press("I")
        terminal.wait_for("1 mail imported")
        terminal.wait_for("odd: no date: 1")
        terminal.press("escape")
        assert processes_naming(str(tmp_path / "tmp"))
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 0
    wait_until(lambda: not processes_naming(str(tmp_path / "tmp")))
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_demo_ends_with_its_terminal(tmp_path: Path) -> None:
    with demo(tmp_path, "--no-agent") as terminal:
        terminal.wait_for("Re: ", timeout=60)
        assert processes_naming(str(tmp_path / "tmp"))
        os.kill(terminal.pid, signal.SIGHUP)
        terminal.wait_exit()
    wait_until(lambda: not processes_naming(str(tmp_path / "tmp")))
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_killed_demo_leaves_no_process_and_keeps_its_data_where_told(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with demo(tmp_path, "--no-agent", "--data", str(kept)) as terminal:
        terminal.wait_for("Re: ", timeout=60)
        assert processes_naming(str(kept / "sandbox"))
        os.kill(terminal.pid, signal.SIGKILL)
        terminal.wait_exit()
    wait_until(lambda: not processes_naming(str(kept / "sandbox")))
    assert list((kept / "app").glob("store-*.sqlite3"))
    assert kept.stat().st_mode & 0o777 == 0o700


def test_a_folder_without_mail_is_an_error_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "notes.txt").write_text("Buy lamps.")
    with demo(tmp_path, "--mail", str(tmp_path / "box")) as terminal:
        assert terminal.wait_exit() != 0
        said = " ".join(terminal.text.split())
        assert "no mail found" in said and "notes.txt: not an email" in said


def test_mail_that_is_not_there_is_told(tmp_path: Path) -> None:
    with demo(tmp_path, "--mail", str(tmp_path / "absent")) as terminal:
        assert terminal.wait_exit() == 3
        assert "there is no such file" in terminal.text.replace("\n", "")


def test_the_app_opens_on_a_running_sandbox_with_the_line_that_it_prints(tmp_path: Path) -> None:
    env = plain_environment(tmp_path, MULTIMAIL_API_KEY="mm_live_mine")
    box = tmp_path / "a box"
    command = [sys.executable, "-m", "mm_tui", "sandbox"]
    with Terminal([*command, "serve", "--data", str(box)], env=env, cols=200, rows=30) as serving:
        serving.wait_for(f"mm-tui sandbox open '{box}'")
        with Terminal([*command, "open", str(box)], env=env, cols=100, rows=30) as terminal:
            terminal.wait_for("sandbox · TEST")
            terminal.wait_for("Re: Invoice 2291")
            terminal.press("ctrl+q")
            assert terminal.wait_exit() == 0
    assert (box / "app").is_dir() and not (tmp_path / ".local" / "share" / "mm-tui").exists()


def test_a_folder_that_no_sandbox_serves_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mm_tui", "sandbox", "open", str(tmp_path)]
    with Terminal(command, env=plain_environment(tmp_path), cols=100, rows=30) as terminal:
        terminal.wait_for("no sandbox has served")
        assert terminal.wait_exit() == 3
