"""One program, two gateways: changing to the other profile and back on a real terminal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.processes import MM_TUI
from tests.support.pty import Terminal, plain_environment
from tests.support.sandbox import Sandbox, running_sandbox

GENERAL = "[review]\nhold_seconds = 1\n[sync]\nactive_seconds = 1\n[assist]\nautomatic = false\n"


def profile(name: str, sandbox: Sandbox, more: str = "") -> str:
    keys = "".join(f'{scope}_key = "{key}"\n' for scope, key in sandbox.keys.items())
    return f'[profiles.{name}]\nurl = "{sandbox.url}"\n{keys}{more}'


def stores_open_in(pid: int) -> set[str]:
    """Names of the stores that the program has open."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(Path(os.readlink(link)).name)
        except FileNotFoundError:
            continue
    return {name for name in found if name.endswith(".sqlite3")}


def change(terminal: Terminal, key: str, name: str) -> None:
    terminal.press("P")
    terminal.wait_for("Switch to which profile")
    terminal.press(key)
    terminal.press("enter")
    terminal.wait_for(f"{name} · TEST")
    terminal.wait_for("● in sync")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at the program's open files")
def test_each_profile_has_its_own_mail_store_and_decisions(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "a") as one, running_sandbox(tmp_path / "b") as two:
        first, second = one.draft("Only in the first."), two.draft("Only in the second.")
        config = tmp_path / "config.toml"
        config.write_text(GENERAL + profile("one", one) + profile("two", two))
        config.chmod(0o600)
        env = plain_environment(tmp_path, MM_TUI_CONFIG=str(config), MM_TUI_DATA=str(tmp_path / "data"))
        with Terminal(MM_TUI, env=env, cols=120, rows=40) as terminal:
            terminal.wait_for("one · TEST")
            terminal.wait_for("● in sync")
            assert stores_open_in(terminal.pid) == {"store-one.sqlite3"}
            change(terminal, "j", "two")
            assert stores_open_in(terminal.pid) == {"store-two.sqlite3"}
            terminal.press("2")
            terminal.wait_for("Only in the second")
            assert "Only in the first" not in terminal.text
            terminal.press_until("a", lambda: "held for" in terminal.text, "a decision")
            two.wait_for(second, "sent", "delivered", "pending_send", "approved")
            terminal.wait_for("Decided today: 1")  # until then, leaving the profile would be a question
            change(terminal, "k", "one")
            assert stores_open_in(terminal.pid) == {"store-one.sqlite3"}
            terminal.press("2")
            terminal.wait_for("Only in the first")
            terminal.press("ctrl+q")
            assert terminal.wait_exit() == 0
        assert one.status(first) == "pending_send_approval" and one.outbox() == []
        assert len(two.outbox()) == 1
