"""The real program is quit, hung up, asked to end or stopped during decisions: nothing is sent."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mm_tui.commands.output.exits import Exit
from tests.support.processes import MM_TUI
from tests.support.pty import Terminal, plain_environment
from tests.support.reviewer import environment
from tests.support.sandbox import Sandbox, running_sandbox_process, wait_until


@contextmanager
def deciding(folder: Path, hold: int, *, hangs: bool) -> Iterator[tuple[Terminal, Sandbox, str]]:
    """A program that has just approved the only draft; with `hangs`, the reading before the call gets no answer."""
    config = folder / "config.toml"
    config.write_text(
        f"[review]\nhold_seconds = {hold}\nclaim_minutes = 0\n"
        "[sync]\nactive_seconds = 60\n[assist]\nautomatic = false\n"
    )
    with running_sandbox_process(folder, "--no-samples", "--no-agent") as sandbox:
        draft = sandbox.draft("Draft number 0.")
        known = plain_environment(folder, sandbox, MM_TUI_CONFIG=str(config))
        with Terminal(MM_TUI, env=known, cols=120, rows=30) as terminal:
            terminal.wait_for("Inbox")
            terminal.press("2")
            terminal.wait_for("Draft number 0")
            if hangs:
                sandbox.fault(method="GET", path="oversight/pending", kind="delay", seconds=4)

            terminal.press_until("a", lambda: "u undo" in terminal.text, "a decision")
            if hangs:
                terminal.wait_for("checking that nothing changed")
            yield terminal, sandbox, draft


def by_key(terminal: Terminal) -> None:
    terminal.press("ctrl+q")
    terminal.wait_for("nothing will be sent")
    # An answer counts once the question has been there for a moment.
    terminal.press_until("y", terminal.has_ended, "the end")


def by_sigterm(terminal: Terminal) -> None:
    terminal.kill(signal.SIGTERM)


def by_hangup(terminal: Terminal) -> None:
    terminal.hang_up()


@pytest.mark.parametrize("leave", [by_key, by_sigterm, by_hangup])
def test_what_is_being_checked_does_not_leave_after_the_program_was_left(
    tmp_path: Path, leave: Callable[[Terminal], None]
) -> None:
    with deciding(tmp_path, 0, hangs=True) as (terminal, sandbox, draft):
        leave(terminal)
        wait_until(terminal.has_ended, seconds=40)
        if leave is by_sigterm:
            terminal.wait_for("mm-tui: One decision is still held or being checked: nothing will be sent")
        assert sandbox.calls("POST", "/oversight/decide") == []
        assert sandbox.status(draft) == "pending_send_approval"


def test_a_hold_that_was_slept_through_starts_again(tmp_path: Path) -> None:
    with deciding(tmp_path, 6, hangs=False) as (terminal, sandbox, draft):
        terminal.kill(signal.SIGSTOP)
        time.sleep(7)
        terminal.kill(signal.SIGCONT)
        terminal.wait_for(r"held for [3-6] s")
        assert sandbox.calls("POST", "/oversight/decide") == []
        terminal.press("u")
        terminal.wait_for("nothing was sent")
        assert sandbox.status(draft) == "pending_send_approval"


def test_an_end_by_damage_in_the_store_has_the_status_of_the_store(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.inbound(subject="Order 4471")
    app = MM_TUI
    with Terminal(app, env=environment(sandbox, tmp_path)) as terminal:
        terminal.wait_for("Order 4471")
        terminal.wait_quiet()
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 0
    (store,) = tmp_path.rglob("store-*.sqlite3")
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'threads'").fetchone()
    with store.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with Terminal(app, env=environment(sandbox, tmp_path)) as terminal:
        assert terminal.wait_exit() == Exit.CONFIG
        terminal.wait_for("malformed")
