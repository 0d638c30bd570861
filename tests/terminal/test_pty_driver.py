"""The driver of the pty tests itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.pty import Terminal, plain_environment, python_program

PROGRAM = """
from textual.app import App
from textual.widgets import Input, Static
class Small(App):
    CSS = "Static { height: 1; }"
    BINDINGS = [("ctrl+q", "quit")]
    def compose(self):
        yield Static("size unknown", id="size")
        yield Input()
        yield Static("", id="said")
    def on_resize(self, event):
        self.query_one("#size").update(f"size {event.size.width}x{event.size.height}")
    def on_input_submitted(self, event):
        self.query_one("#said").update(f"said <{event.value}>")
Small().run()
"""


def test_a_textual_program_is_driven_and_read(tmp_path: Path) -> None:
    with Terminal(python_program(PROGRAM), env=plain_environment(tmp_path)) as terminal:
        terminal.wait_for("size 80x24")
        terminal.send("日本 aé")
        terminal.press("enter")
        assert terminal.wait_for("said <(.*)>")[1] == "日本 aé"
        terminal.resize(100, 30)
        terminal.wait_for("size 100x30")
        terminal.wait_quiet()
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 0
        assert terminal.raw.startswith(b"\x1b[?1049h") or b"\x1b[?1049h" in terminal.raw


def test_the_exit_status_and_last_words_are_seen(tmp_path: Path) -> None:
    code = "import sys; print('last words'); sys.exit(7)"
    with Terminal(python_program(code), env=plain_environment(tmp_path)) as terminal:
        assert terminal.wait_exit() == 7
        assert "last words" in terminal.text


def test_a_wait_in_vain_shows_the_screen(tmp_path: Path) -> None:
    code = "print('here I am', flush=True); input()"
    with (
        Terminal(python_program(code), env=plain_environment(tmp_path)) as terminal,
        pytest.raises(AssertionError, match=re.compile("waited for 'never'.*here I am", re.DOTALL)),
    ):
        terminal.wait_for("here")
        terminal.wait_for("never", timeout=0.2)


def test_only_the_given_environment_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIMAIL_API_KEY", "mm_test_made_up")
    code = "import os; print(sorted(name for name in os.environ if name != 'LC_CTYPE'))"
    with Terminal(python_program(code), env={"PATH": "/bin", "TERM": "xterm"}) as terminal:
        terminal.wait_exit()
        assert "['PATH', 'TERM']" in terminal.text
