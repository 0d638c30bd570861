"""Text of many scripts reaches the terminal unchanged, and the columns stay aligned beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import MM_TUI
from tests.support.pty import Terminal, plain_environment
from tests.support.sandbox import running_sandbox_process
from tests.support.scripts import SCRIPTS

RULE = "│"
COLS, ROWS = 140, 90


def is_straight(terminal: Terminal, heading: str) -> bool:
    """Whether the rule is drawn in one column from the line with this heading down to the key line."""
    top = next((row for row, line in enumerate(terminal.lines) if heading in line), ROWS)
    columns = [col for col in range(60) if top < ROWS and terminal.cell(top, col) == RULE]
    return len(columns) == 1 and all(terminal.cell(row, columns[0]) == RULE for row in range(top, ROWS - 2))


@pytest.mark.slow
def test_scripts_come_through_unchanged_and_aligned(tmp_path: Path) -> None:
    texts = [" ".join(text.split()) for text in SCRIPTS.values()]
    with running_sandbox_process(tmp_path, "--no-samples") as sandbox:
        for text in texts:
            sandbox.send(to=["anna@customer.example"], subject=text, markdown=text)
        env = plain_environment(tmp_path, sandbox)
        with Terminal(MM_TUI, env=env, cols=COLS, rows=ROWS) as terminal:
            terminal.wait_for(f"Pending {len(texts)}", timeout=60)
            terminal.press("2")
            terminal.wait_for(f"{len(texts)} waiting")
            # The rule between list and draft stands in one column all the way down, whatever stands left of it.
            terminal.wait_for(f"one two three *{RULE}")
            terminal.wait_until(lambda: is_straight(terminal, f"{len(texts)} waiting"), "a straight rule")
            for place in range(1, len(texts) + 1):
                terminal.wait_for(rf"\b{place} of {len(texts)}\b")
                terminal.press("n")
            terminal.press("ctrl+q")
            assert terminal.wait_exit() == 0
            written = terminal.raw.decode()
    assert [text for text in texts if text not in written] == []
