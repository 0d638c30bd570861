"""What terminfo says of a terminal, read as curses reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mm_tui.terminal import compact_driver
from mm_tui.terminal.compact_driver import erases_in_colour

CURSES = """
import curses, os
try:
    curses.setupterm(os.environ["TERM"], 1)
    print(curses.tigetflag("bce") > 0)
except curses.error:
    print(False)
"""


@pytest.mark.parametrize(
    "name", ["xterm-256color", "screen-256color", "screen-256color-bce", "linux", "vt100", "none", "../x"]
)
def test_the_flag_is_the_one_that_curses_finds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", name)
    done = subprocess.run([sys.executable, "-c", CURSES], env=os.environ, capture_output=True, text=True, check=True)
    assert str(erases_in_colour()) == done.stdout.strip()


@pytest.mark.parametrize("entry", [b"", b"\x1a\x01", b"no entry at all"])
def test_a_damaged_entry_says_nothing(entry: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "own").write_bytes(entry)
    monkeypatch.setenv("TERMINFO", str(tmp_path))
    monkeypatch.setenv("TERM", "own")
    monkeypatch.setattr(compact_driver, "_PLACES", ())
    assert not erases_in_colour()
