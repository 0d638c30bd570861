"""What a terminal is sent that has few colours, or not every character, and one whose reader wants no colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import MM_TUI
from tests.support.pty import Terminal, plain_environment
from tests.support.sandbox import Sandbox, running_sandbox_process

SGR = re.compile(rb"\x1b\[([0-9;:]*)m")
RGB = re.compile(rb"(?:38|48);2;(\d+);(\d+);(\d+)")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox_process(tmp_path_factory.mktemp("colours"), "--no-samples") as running:
        running.draft("Hi {{name}}, we give you a full refund of $240 today.")
        yield running


def written(sandbox: Sandbox, folder: Path, **variables: str) -> bytes:
    """All that the program wrote for a walk through list and draft."""
    env = plain_environment(folder, sandbox)
    env.pop("COLORTERM")
    with Terminal(MM_TUI, env={**env, **variables}, cols=120, rows=30) as terminal:
        terminal.wait_for("Pending 1", timeout=60)
        terminal.press("2")
        terminal.wait_for(r"!!.*template is not filled in", timeout=60)
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 0
        return terminal.raw


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["mm-dark", "terminal"])
def test_a_terminal_of_16_colours_is_sent_no_others(sandbox: Sandbox, tmp_path: Path, theme: str) -> None:
    raw = written(sandbox, tmp_path, TERM="xterm", MM_TUI_UI_THEME=theme)
    found = SGR.findall(raw)
    assert found
    assert not [code for code in found if re.search(rb"(?:^|;)(?:38|48)[;:]", code)]


@pytest.mark.slow
def test_no_color_is_respected(sandbox: Sandbox, tmp_path: Path) -> None:
    raw = written(sandbox, tmp_path, COLORTERM="truecolor", NO_COLOR="1")
    greys = RGB.findall(raw)
    assert greys
    assert all(red == green == blue for red, green, blue in greys)
    plain = [code for code in SGR.findall(raw) if re.search(rb"(?:^|;)(?:3[1-6]|4[1-6]|9[1-6]|10[1-6])(?:;|$)", code)]
    assert not [code for code in plain if not RGB.search(code)]


@pytest.mark.slow
def test_a_terminal_without_utf_8_gets_ascii_signs_and_a_notice(sandbox: Sandbox, tmp_path: Path) -> None:
    raw = written(sandbox, tmp_path, PYTHONIOENCODING="ascii", TZ="UTC+25")
    assert raw.isascii()
    assert b"\\u" not in raw and b"|" in raw
    assert b"encoding is ascii" in raw and b"TZ=UTC+25 is no time zone" in raw
