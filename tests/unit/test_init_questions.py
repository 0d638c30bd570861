"""What `init` asks on a terminal: a wrong answer of any kind is asked again, and the other answers stay."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mm_tui.commands.output.exits import Exit
from tests.support.cli import Home
from tests.support.processes import MM_TUI
from tests.support.pty import Terminal
from tests.support.sandbox import Sandbox
from tests.support.web_server import Page, web_server

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def asked(home: Home, *options: str) -> Terminal:
    return Terminal([*MM_TUI, "init", *options], env=home.environment({"TERM": "xterm"}))


def answer(terminal: Terminal, prompt: str, text: str, then: str) -> None:
    """Types an answer at its prompt, and waits for what is said to it."""
    terminal.wait_for(rf"{prompt}:\s*\Z")
    terminal.overwrite("\x1b[2J\x1b[H")  # what is said next is not mistaken for what was said before
    terminal.send(text + "\r")
    terminal.wait_for(then)


def written(home: Home) -> dict[str, object]:
    profile: dict[str, object] = tomllib.loads(home.config.read_text("utf-8"))["profiles"]["default"]
    return profile


def test_a_wrong_gateway_address_is_asked_again(home: Home, sandbox: Sandbox) -> None:
    with web_server(Page(200)) as pages, asked(home, "--url", NOBODY, "--ai21-host", sandbox.ai21_url) as terminal:
        terminal.wait_for("the address could not be tried")
        for wrong, words in (
            (pages, "does not speak the MultiMail"),
            ("gateway.example", "url"),
            ("http://gateway.example", "url"),
            (pages.replace("http:", "https:"), "could not be tried"),
            (f"{sandbox.url}/elsewhere", "does not speak the MultiMail"),
        ):
            answer(terminal, r"Gateway \[.*\]", wrong, words)
        answer(terminal, r"Gateway \[.*\]", sandbox.url, "oversight key")
        answer(terminal, "oversight key", sandbox.keys["oversight"], "send key")
        answer(terminal, "send key", "", "admin key")
        answer(terminal, "admin key", "", "AI21 key")
        answer(terminal, "AI21 key .*", "wrong", "AI21 does not accept the key")
        answer(terminal, "AI21 key .*", sandbox.ai21_key, "keyring instead")
        terminal.press("enter")
        assert terminal.wait_exit() == 0
    got = written(home)
    assert (got["url"], got["oversight_key"], got["ai21_key"]) == (
        sandbox.url,
        sandbox.keys["oversight"],
        sandbox.ai21_key,
    )


def test_no_key_at_all_a_failing_command_and_a_wrong_mailbox_are_asked_again(home: Home, sandbox: Sandbox) -> None:
    options = ("--url", sandbox.url, "--mailbox", "nobody@acme.example", "--ai21-host", NOBODY + "/studio/v1")
    with asked(home, *options) as terminal:
        answer(terminal, "oversight key", "", "send key")
        answer(terminal, "send key", "", "admin key")
        answer(terminal, "admin key", "", r"at least one of these keys \(ctrl\+c ends")
        answer(terminal, "oversight key", "!false", "oversight_key_command: failed with exit status 1")
        answer(terminal, "oversight key", f"!echo {sandbox.keys['oversight']}", "send key")
        answer(terminal, "send key", "", "admin key")
        answer(terminal, "admin key", "", "AI21 key")
        answer(
            terminal,
            "AI21 key .*",
            "any",
            "could not be tried and is kept: AI21 cannot be reached(.|\n)*there is no mailbox nobody@acme",
        )
        answer(terminal, r"Mailbox to show first \[all\]", sandbox.address, "keyring instead")
        terminal.press("enter")
        assert terminal.wait_exit() == 0
    got = written(home)
    assert got["mailbox"] == sandbox.address and got["ai21_key"] == "any"
    assert got["oversight_key_command"] == f"echo {sandbox.keys['oversight']}" and "oversight_key" not in got


def test_the_end_of_the_input_leaves_nothing_behind(home: Home, sandbox: Sandbox) -> None:
    with asked(home, "--url", sandbox.url) as terminal:
        terminal.wait_for(r"oversight key:\s*$")
        terminal.send("\x04")
        assert terminal.wait_exit() == Exit.USAGE
        assert "Nothing was written" in terminal.text
    assert not home.config.exists()


def test_a_place_that_cannot_be_written_is_reported_before_any_question(home: Home, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    with asked(home, "--config", str(blocked / "config.toml")) as terminal:
        assert terminal.wait_exit() == Exit.CONFIG
        assert "Not a directory" in terminal.text and "Gateway" not in terminal.text


def test_options_with_a_wrong_ai21_key_write_nothing(home: Home, sandbox: Sandbox) -> None:
    options = ("--url", sandbox.url, "--oversight-key", sandbox.keys["oversight"], "--ai21-key", "wrong")
    refused = home.run("init", *options, "--ai21-host", sandbox.ai21_url)
    assert (refused.status, "AI21 does not accept the key" in refused.err) == (Exit.AUTH, True)
    assert not home.config.exists()
    doubtful = home.run("init", *options, "--ai21-host", NOBODY)
    assert (doubtful.status, "could not be tried" in doubtful.err) == (Exit.OK, True)
