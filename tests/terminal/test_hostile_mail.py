"""Hostile text in every field of every object, through the real program on a pseudo-terminal.

The gateway is a real sandbox behind one that makes every text hostile. What the program writes must hold no control
sequence that Textual itself does not emit, nothing may crash, and nothing may happen that no human asked for. The same
walk with the walls taken down fails: so the walk does reach what the walls hold back.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.hostile_gateway import STRINGS, HostileGateway, hostile_gateway
from tests.support.processes import MM_TUI
from tests.support.pty import Terminal, plain_environment
from tests.support.sandbox import Sandbox, running_sandbox_process
from tests.support.terminal_output import strange_in_lines, strange_in_screen

ROOT = Path(__file__).parents[2]
NOBODY = "0" * 26
CONFIG = r"""
default_profile = "wo\u001b[31mrk\u202e [/x]"
[profiles."wo\u001b[31mrk\u202e [/x]"]
reviewer = "Re\u001b[31mviewer\u202e [/x]"
[assist]
labels = ["sup\u001b[31mport", "bil\u202eling", "[/]", "[@click=app.quit]other[/]"]
[profiles."a\u001b]52;c;eA==\u0007[/x]"]
mailbox = "b\u202ex\u001b[2J[@click=app.quit]c[/]"
[profiles."d\u009b2J[@click=app.quit]e[/]"]
"f\u001b[31mg[/x]" = 1
[review]
reasons = ["Wrong\u001b]52;c;eA==\u0007 tone", "[/x]", "\u009b2Jgone"]
"""


@dataclass
class Place:
    """A hostile gateway, what lies behind it, and how to reach it."""

    sandbox: Sandbox
    gateway: HostileGateway
    model: HostileGateway
    env: dict[str, str]
    data: Path

    def assert_nothing_happened(self) -> None:
        """No crash, and nothing was decided, sent or changed."""
        assert list((self.data / "reports").glob("*")) == []
        for log in (self.data / "logs").glob("*"):
            assert strange_in_lines(log.read_bytes()) == [], log
        # A key's scopes are found out with an id that cannot exist; opening the editor sets a presence tag.
        quiet = (NOBODY, "/v1/oversight/decide", "/tags")
        changing = [path for method, path in self.gateway.requests if method != "GET"]
        assert [path for path in changing if not any(part in path for part in quiet)] == []
        assert len(self.sandbox.pending()) == 40
        assert self.sandbox.outbox() == []


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        sandbox = stack.enter_context(running_sandbox_process(tmp_path, "--samples", "--no-agent"))
        gateway = stack.enter_context(hostile_gateway(sandbox.url))
        model_url, _, model_path = sandbox.ai21_url.partition("/studio")
        model = stack.enter_context(hostile_gateway(model_url))
        sandbox.inbound(subject="\x1b]52;c;cHduZWQ=\x07\u202eclip\x1b[2J", body="\x1b]52;c;cHduZWQ=\x07 x")
        config = tmp_path / "config.toml"
        config.write_text(CONFIG)
        config.chmod(0o600)
        env = plain_environment(
            tmp_path,
            PYTHONPATH=str(ROOT),
            MM_TUI_CONFIG=str(config),
            MM_TUI_DATA=str(tmp_path / "data"),
            MULTIMAIL_API_URL=gateway.url,
            MULTIMAIL_API_KEY=sandbox.keys["oversight"],
            MULTIMAIL_SEND_API_KEY=sandbox.keys["send"],
            MULTIMAIL_ADMIN_API_KEY=sandbox.keys["admin"],
            AI21_API_KEY=sandbox.ai21_key,
            AI21_API_HOST=f"{model.url}/studio{model_path}",
        )
        yield Place(sandbox, gateway, model, env, tmp_path / "data")


def press(terminal: Terminal, *keys: str) -> None:
    """Presses each key and waits until the screen stands still."""
    for key in keys:
        terminal.press(key)
        # What comes within a tenth of a second of an escape counts as one key with it.
        terminal.wait_quiet(0.2 if key == "escape" else 0.06)


def open_app(terminal: Terminal) -> None:
    """Waits until the lists are filled."""
    terminal.wait_for(r"Pending 40", timeout=60)
    terminal.wait_for(r"[0-9] threads", timeout=60)


def walk_inbox(terminal: Terminal) -> None:
    press(terminal, "1", *["pagedown"] * 5, "G", "g", "t", "t", "v", "v")
    press(terminal, "f", "down", "down", "escape", "m", "m", "m", "m")
    press(terminal, "slash", *"refund", "escape", "escape", "question_mark", "escape")


def walk_thread(terminal: Terminal, *, mails: int) -> None:
    press(terminal, "1", "g")
    for _ in range(mails):
        press(terminal, "enter", "o", "pagedown", "G", "n", "p")
        press(terminal, "m", "pagedown", "m", *["pagedown"] * 4)
        press(terminal, "l", "down", "escape", "f", "escape", "i", "escape", "v", "pagedown", "escape")
        press(terminal, "s", "escape", "j")
    press(terminal, "enter")
    terminal.wait_for("r reply")
    press(terminal, "r")
    terminal.wait_for("edit it, then")
    press(terminal, "escape", "escape", "escape")


def walk_pending(terminal: Terminal, *, items: int) -> None:
    press(terminal, "2", "g")
    for _ in range(items):
        press(terminal, "G", "n")
    press(terminal, "g", "enter", *["pagedown"] * 6, "m", *["pagedown"] * 3, "m", "escape")
    press(terminal, "g", "tab", "G", "tab", "i", "pagedown", "escape", "o", "f", "down", "escape")
    press(terminal, "enter", "pagedown", "escape", "t", "escape", "x", "escape", "e")
    press(terminal, *"hello", "escape", "escape", "question_mark", "escape")


def walk_audit(terminal: Terminal) -> None:
    press(terminal, "3", "ctrl+r", "pagedown", "G", "k", "v", "escape", "f", "down", "escape", "m", "m", "escape")
    press(terminal, "c", "escape", "w", "escape", "slash", *"mail", "escape", "escape")
    press(terminal, "g", "enter", "pagedown", "G", "escape", "question_mark", "escape")


def walk_mailboxes(terminal: Terminal) -> None:
    press(terminal, "4", "ctrl+r", "j", "k", "w", "w", "enter", "escape")
    for asks in ("r", "c", "d", "n"):
        press(terminal, asks, "escape", "escape")
    press(terminal, "h", "n", "escape", "escape", "escape", "question_mark", "escape")
    press(terminal, "ctrl+p", *"the", "down", "escape", "f9")


def walk_profiles(terminal: Terminal) -> None:
    # What follows a key that did nothing counts after a pause.
    terminal.wait_quiet(1.0)
    press(terminal, "1", "P")
    terminal.wait_for("Switch to which profile")
    press(terminal, "j", "j", "enter")
    terminal.wait_for("still on work")
    press(terminal, "P", "k", "escape")


def meet_errors(place: Place, terminal: Terminal) -> None:
    """Every request is answered with a hostile error for a while."""
    place.gateway.failing = {"/v1/"}
    press(terminal, "ctrl+r", "1", "g", "enter", "escape", "2", "n", "3", "ctrl+r", "4", "ctrl+r", "h", "escape")
    place.gateway.failing = set()


@pytest.mark.slow
@pytest.mark.parametrize(("cols", "rows", "items"), [(120, 40, 16), (80, 24, 2)])
def test_no_screen_lets_anything_through(place: Place, cols: int, rows: int, items: int) -> None:
    with Terminal(MM_TUI, env=place.env, cols=cols, rows=rows) as terminal:
        open_app(terminal)
        walk_inbox(terminal)
        walk_thread(terminal, mails=min(2, items // 4))
        walk_pending(terminal, items=items)
        walk_audit(terminal)
        walk_mailboxes(terminal)
        walk_profiles(terminal)
        meet_errors(place, terminal)
        leave(place, terminal)
        assert strange_in_screen(terminal.raw, cols, rows) == []
    place.assert_nothing_happened()
    assert place.model.requests
    assert len(place.gateway.used) > 0.9 * len(STRINGS)


def leave(place: Place, terminal: Terminal) -> None:
    """Quits, and expects that to go well."""
    press(terminal, "escape")
    terminal.press("ctrl+q")
    assert terminal.wait_exit() == 0, [path.read_text() for path in (place.data / "reports").glob("*")]


def short_walk(place: Place, *walls: str) -> list[str]:
    """What strange output there is after a look at inbox and queue, with `walls` taken down."""
    program = [sys.executable, "-m", "tests.support.unclean", ",".join(walls)] if walls else MM_TUI
    with Terminal(program, env=place.env, cwd=ROOT, cols=120, rows=40) as terminal:
        open_app(terminal)
        press(terminal, "pagedown", "pagedown", "2", "G", "n", "n")
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 0
        return strange_in_screen(terminal.raw, 120, 40)


@pytest.mark.slow
@pytest.mark.parametrize("wall", ["cleaning", "filter"])
def test_each_barrier_holds_alone(place: Place, wall: str) -> None:
    assert short_walk(place, wall) == []


@pytest.mark.slow
def test_without_walls_the_same_walk_fails(place: Place) -> None:
    with Terminal(
        [sys.executable, "-m", "tests.support.unclean", "cleaning,filter"], env=place.env, cwd=ROOT, cols=120, rows=40
    ) as terminal:
        # The screen is soon past reading; what counts is what was written.
        terminal.wait_written(b"]52;c;cHduZWQ=", timeout=60)
        press(terminal, "pagedown", "pagedown", "2", "G")
        strange = strange_in_screen(terminal.raw, 120, 40)
    for planted in ("]52;c;cHduZWQ=", "\\u202e", "[2J"):
        assert any(planted in line for line in strange), strange[:20]
    assert len(strange) > 50


@pytest.mark.slow
def test_no_command_lets_anything_through(place: Place) -> None:
    item = place.sandbox.pending()[0]["id"]
    commands = [
        ["sync"],
        ["pending", "list"],
        ["pending", "show", item],
        ["pending", "show", item, "--json"],
        ["pending", "approve", item, "--digest", "00000000"],
        ["pending", "reject", "no\x1b[31msuch", "--reason", "x\x07"],
        ["audit", "list"],
        ["audit", "list", "--json"],
        ["doctor"],
        ["profiles"],
        ["profiles", "--json"],
        ["--profile", "d\x9b2J[@click=app.quit]e[/]", "doctor"],
        ["--profile", "no\x1b]0;such\x07", "pending", "list"],
        ["pend\x1b[2Jing"],
    ]
    for command in commands:
        run_command(place, command)
    place.gateway.failing = {"/v1/"}
    for command in (["sync"], ["pending", "list"], ["audit", "list"], ["doctor"]):
        run_command(place, command)
    place.assert_nothing_happened()


def run_command(place: Place, command: list[str]) -> None:
    """Runs a plain command on a terminal; it must end in one of its own ways and write plain text."""
    with Terminal([*MM_TUI, *command], env=place.env, cols=120, rows=40) as terminal:
        status = terminal.wait_exit(60)
        assert strange_in_lines(terminal.raw) == [], command
        assert b"Traceback" not in terminal.raw, command
        assert status in (0, 2, 3, 4, 5, 6, 7, 8, 10), (command, terminal.text)
