"""The bar of `mm-tui sync` on a real terminal: it tells how the initial sync goes, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mm_tui.commands.output.exits import Exit
from mm_tui.sandbox.gateway.state import SandboxState
from mm_tui.sandbox.run.synthetic import fill_synthetic
from tests.support.cli import Home
from tests.support.processes import MM_TUI
from tests.support.pty import Terminal
from tests.support.sandbox import Sandbox, running_sandbox

COMMAND = [*MM_TUI, "sync"]


def _filled(state: SandboxState) -> None:
    with state.write():
        fill_synthetic(state, 900)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path, fill=_filled) as running:
        running.fault(method="GET", path="emails$", kind="delay", seconds=0.3, count=200)
        yield running


def test_the_bar_says_how_far_the_initial_sync_is(home: Home) -> None:
    with Terminal(COMMAND, env=home.environment()) as terminal:
        terminal.wait_for(r"\[\.*#{4}\.*\] initial sync, \d of 3 mailboxes, [1-9]\d+ emails")
        assert terminal.wait_exit(60) == 0
        assert "mailboxes," in terminal.text
        assert "initial sync" not in terminal.text and "##" not in terminal.text


def test_ctrl_c_takes_the_bar_away(home: Home) -> None:
    with Terminal(COMMAND, env=home.environment()) as terminal:
        terminal.wait_for("initial sync")
        terminal.press("ctrl+c")
        assert terminal.wait_exit() == Exit.INTERRUPTED
        assert "initial sync" not in terminal.text and "Traceback" not in terminal.text
