"""Started with a stream that leads elsewhere: the app says so where a human sees it, and touches nothing."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from tests.support.pty import Terminal, plain_environment


@pytest.mark.parametrize(
    ("redirection", "words"),
    [("2>errors.txt", "draws on standard error"), (">out.txt", "not a terminal"), ("</dev/null", "not a terminal")],
)
def test_the_app_says_that_it_cannot_be_seen(tmp_path: Path, redirection: str, words: str) -> None:
    command = f"cd {shlex.quote(str(tmp_path))} && exec {shlex.quote(sys.executable)} -m mm_tui {redirection}"
    environment = plain_environment(tmp_path, MM_TUI_DATA=str(tmp_path / "data"))
    with Terminal(["sh", "-c", command], env=environment) as terminal:
        assert terminal.wait_exit() == 2
        assert words in " ".join(terminal.text.split())
    assert list((tmp_path / "data").glob("*.sqlite3")) == []
