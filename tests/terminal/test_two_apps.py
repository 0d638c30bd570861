"""Two real programs on their terminals and a scripted second reviewer on one gateway: nothing leaves twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.support.processes import MM_TUI
from tests.support.pty import Terminal
from tests.support.reviewer import environment
from tests.support.sandbox import running_sandbox_process, wait_until

DRAFTS = 4


def approve(terminal: Terminal, draft: str) -> None:
    """Presses a until the decision about this draft has begun, or another's is shown."""
    terminal.wait_for(draft)

    def begun() -> bool:
        return any(words in terminal.text for words in ("u undo", "has been deciding", "elsewhere", "approved by"))

    terminal.press_until("a", begun, "a decision")


def leave(terminal: Terminal) -> None:
    """Quits, also when a decision was begun in the last moment: it falls back to undecided."""

    def asks() -> bool:
        return "y leave" in terminal.text

    # The question goes when the decision that it was about has ended meanwhile: then it takes another key to leave.
    while not terminal.ended:
        terminal.press_until("ctrl+q", lambda: terminal.ended or asks(), "the end or the question")
        if not terminal.ended:
            terminal.press("y")
            terminal.wait_until(lambda: terminal.ended or not asks(), "the end of the question", timeout=40)
    assert terminal.wait_exit() == 0


@pytest.mark.parametrize("one_machine", [True, False])
def test_what_two_reviewers_approve_at_once_leaves_once(tmp_path: Path, one_machine: bool) -> None:
    with running_sandbox_process(tmp_path, "--no-samples", "--no-agent") as sandbox:
        drafts = [sandbox.draft(f"Draft number {number}.") for number in range(DRAFTS)]
        homes = {"kim": tmp_path / "shared", "robin": tmp_path / ("shared" if one_machine else "other")}
        env = {name: environment(sandbox, home, reviewer=name, hold_seconds=2) for name, home in homes.items()}
        command = MM_TUI
        with (
            Terminal(command, env=env["kim"], cols=120, rows=30) as kim,
            Terminal(command, env=env["robin"], cols=120, rows=30) as robin,
        ):
            for terminal in (kim, robin):
                terminal.wait_for("Inbox")
                terminal.press("2")
                terminal.wait_for("Draft number 0")
            approve(kim, "Draft number 0")
            approve(robin, "Draft number")
            if sandbox.status(drafts[-1]) == "pending_send_approval":
                sandbox.decide(drafts[-1], "reject", "not needed")
            wait_until(lambda: len(sandbox.outbox()) >= 1, seconds=40)
            for terminal in (kim, robin):
                terminal.wait_gone("u undo", timeout=40)
                leave(terminal)
        left = Counter(mail["id"] for mail in sandbox.outbox())
        assert max(left.values()) == 1
        rejected = [draft for draft in drafts if sandbox.status(draft) == "rejected"]
        assert not set(rejected) & set(left)
        answered = Counter(call["status"] for call in sandbox.calls("POST", "/oversight/decide"))
        assert answered[200] == len(left) + len(rejected)
