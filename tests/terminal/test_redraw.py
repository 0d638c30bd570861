"""`ctrl+l` draws again what another program wrote over; at the start everything is drawn once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import MM_TUI
from tests.support.pty import Terminal, plain_environment
from tests.support.sandbox import running_sandbox_process


@pytest.mark.slow
def test_every_cell_is_written_again_on_a_screen_and_under_a_dialog(tmp_path: Path) -> None:
    with running_sandbox_process(tmp_path, "--no-samples") as sandbox:
        sandbox.draft("Hi, your lamp is on its way.")
        env = plain_environment(tmp_path, sandbox)
        with Terminal(MM_TUI, env=env, cols=100, rows=30) as terminal:
            terminal.wait_for("Pending 1", timeout=60)
            terminal.press("?")
            terminal.wait_quiet()
            for _ in ("a dialog", "the screen beneath"):
                terminal.overwrite("\x1b[H" + "\r\n".join(["x" * 100] * 30))
                assert "Pending 1" not in terminal.text
                terminal.send("\x0c")
                terminal.wait_gone("xxx")
                terminal.wait_for("Pending 1")
                terminal.press("escape")
                terminal.wait_quiet()


def test_a_terminal_that_has_its_old_size_again_at_once_is_drawn_again(tmp_path: Path) -> None:
    env = plain_environment(tmp_path, MULTIMAIL_API_URL="http://127.0.0.1:9", MULTIMAIL_API_KEY="mm_test_made_up")
    with Terminal(MM_TUI, env=env, cols=100, rows=30) as terminal:
        terminal.wait_for("offline|not reached|retry|next try", timeout=60)
        terminal.wait_quiet()
        for _ in range(5):
            terminal.resize(100, 29)
            terminal.resize(100, 30)
            assert "4 Mailboxes" not in terminal.lines[0], "the emulator cuts it off at the top"
            terminal.wait_until(lambda: "4 Mailboxes" in terminal.lines[0], "all of it")
            terminal.wait_quiet()


def test_the_first_picture_is_written_once(tmp_path: Path) -> None:
    """Textual reports the terminal's size once more after it has painted."""
    env = plain_environment(tmp_path, MULTIMAIL_API_URL="http://127.0.0.1:9", MULTIMAIL_API_KEY="mm_test_made_up")
    with Terminal(MM_TUI, env=env, cols=100, rows=30) as terminal:
        terminal.wait_for("offline|not reached|retry|next try", timeout=60)
        terminal.wait_quiet()
        assert terminal.raw.count(b"4 Mailboxes") == 1
