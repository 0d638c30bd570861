"""Keys in the system's keyring, with the real package and a backend that keeps them in a file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from mm_tui.commands.output.exits import Exit
from tests.support.cli import Home
from tests.support.processes import MM_TUI
from tests.support.pty import Terminal
from tests.support.sandbox import Sandbox

ROOT = Path(__file__).parents[2]


class Desk:
    """A home whose keyring is a file."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.file = folder / "keyring.json"

    def terminal(self, *arguments: str, backend: str = "tests.support.file_keyring.FileKeyring") -> Terminal:
        env = self.home.environment(
            {
                "TERM": "xterm-256color",
                "PYTHONPATH": str(ROOT),
                "PYTHON_KEYRING_BACKEND": backend,
                "FILE_KEYRING": str(self.file),
            }
        )
        return Terminal([*MM_TUI, *arguments], env=env, cols=160, rows=40)

    def set_up(self, sandbox: Sandbox, answer: str) -> str:
        """Sets up a profile by answering questions; returns what was shown."""
        with self.terminal("init", "--url", sandbox.url) as terminal:
            for name in ("oversight", "send", "admin"):
                terminal.wait_for(f"{name} key:\\s*$")
                terminal.send(sandbox.keys[name] + "\r")
            terminal.wait_for("AI21 key")
            terminal.press("enter")
            terminal.wait_for("in the system's keyring")
            terminal.send(answer + "\r")
            assert terminal.wait_exit() == 0, terminal.text
            return terminal.text


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_init_offers_the_keyring_and_every_command_reads_it(desk: Desk, sandbox: Sandbox) -> None:
    shown = desk.set_up(sandbox, "y")
    profile = tomllib.loads(desk.home.config.read_text())["profiles"]["default"]
    assert profile["keyring"] is True and not any(name.endswith("_key") for name in profile)
    assert json.loads(desk.file.read_text()) == {f"mm-tui/default {scope}": key for scope, key in sandbox.keys.items()}
    with desk.terminal("doctor") as terminal:
        assert terminal.wait_exit() == 0
        assert "ok      keys.send: read, send" in terminal.text
        shown += terminal.text
    with desk.terminal() as terminal:
        terminal.wait_for("default · TEST")
        terminal.wait_for("● in sync")
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 0
    assert not any(key in shown for key in sandbox.keys.values())


def test_without_it_the_keys_are_in_the_file(desk: Desk, sandbox: Sandbox) -> None:
    desk.set_up(sandbox, "")
    profile = tomllib.loads(desk.home.config.read_text())["profiles"]["default"]
    assert profile["send_key"] == sandbox.keys["send"] and "keyring" not in profile
    assert not desk.file.exists()


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("tests.support.file_keyring.WrongPassword", r"cannot be read \(ValueError\)"),
        ("keyring.backends.fail.Keyring", r"cannot be read \(NoKeyringError\)[^$]*No keyring is running"),
        ("no_such_module.Keyring", r"cannot be read \(ModuleNotFoundError\)"),
    ],
)
def test_a_failing_keyring_is_reported_without_its_contents(
    desk: Desk, sandbox: Sandbox, backend: str, words: str
) -> None:
    desk.set_up(sandbox, "y")
    for arguments, status in ((("doctor",), Exit.AUTH), (("pending", "list"), Exit.CONFIG), ((), Exit.CONFIG)):
        with desk.terminal(*arguments, backend=backend) as terminal:
            terminal.wait_for(words)
            assert terminal.wait_exit() == status
            assert not any(key.encode() in terminal.raw for key in sandbox.keys.values())
    assert not (desk.home.data / "reports").exists()
