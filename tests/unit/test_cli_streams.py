"""What becomes of a command whose output, store or network cannot be had: it says what, where and what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mm_tui.commands.output import printing
from mm_tui.commands.output.exits import Exit
from mm_tui.text import OneLine
from tests.support.cli import Home
from tests.support.sandbox import Sandbox

FULL = Path("/dev/full")


def shell(home: Home, command: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell command line in which `mm-tui` is the program."""
    words = f'mm() {{ "{sys.executable}" -m mm_tui "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", words], capture_output=True, text=True, env=home.environment(), timeout=60, check=False
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("command", "status"), [("docs", Exit.OK), ("pending list", Exit.AUTH)])
def test_a_command_works_without_a_stream(tmp_path: Path, closed: str, command: str, status: Exit) -> None:
    home = Home(tmp_path)
    done = shell(home, f"mm {command} {closed}")
    assert done.returncode == status, done.stderr
    assert "internal error" not in done.stderr and "Traceback" not in done.stderr
    for file in home.data.rglob("*.sqlite3"):
        assert file.read_bytes()[:15] == b"SQLite format 3", "nothing that was printed went into the store"


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", ["docs", "docs safety", "profiles", "--help", "pending --help", "--version"])
def test_an_output_that_accepts_nothing_is_reported(tmp_path: Path, command: str) -> None:
    done = shell(Home(tmp_path), f"mm {command} > /dev/full")
    assert done.returncode == Exit.OUTPUT, done.stderr
    assert "the output cannot be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_a_verdict_breaks_between_words_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "_columns", lambda _stream: 40)
    printing.verdict("ok", OneLine("keys.admin: not set, and optional: without it"))
    assert capsys.readouterr().out == "ok      keys.admin: not set, and\n        optional: without it\n"


def test_a_command_before_init_binds_the_store_to_no_gateway(tmp_path: Path, sandbox: Sandbox) -> None:
    home = Home(tmp_path / "home")
    assert home.run("pending", "list").status == Exit.AUTH
    keys = [word for scope, key in sandbox.keys.items() for word in (f"--{scope}-key", key)]
    assert home.run("init", "--url", sandbox.url, *keys).status == 0
    home.run("pending", "list", status=0)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("pending", "approve", "ID", "--digest", "12"), Exit.USAGE, "'12' is no digest"),
        (("pending", "approve", "ID", "--digest", "00000000"), Exit.CHANGED, "does not match the digest 00000000"),
        (("pending", "reject", "ID", "--digest", "00000000", "--reason", " "), Exit.USAGE, "needs a reason"),
        (("pending", "list", "--mailbox", "nobody"), Exit.NOT_FOUND, "There are: billing@"),
        (("audit", "list", "--email", "nope"), Exit.OK, "Nothing is logged about nope."),
        (("pending", "show", "x" * 100_000), Exit.USAGE, "too long"),
        (("audit", "list", "--by", "\udcff"), Exit.USAGE, "is not UTF-8 text"),
        (("pending", "assign", "ID", "x" * 41), Exit.USAGE, "a name has at most 40 characters"),
        (("pending", "list", "--profile", ""), Exit.USAGE, "--profile: is empty"),
        (("audit", "export", ""), Exit.USAGE, "FILE: is empty"),
        (("sandbox", "serve", "--mail", "\x1b[31mred"), Exit.USAGE, "--mail red: there is no such file"),
        (("demo",), Exit.USAGE, "the demo needs a terminal"),
        (("sandbox", "serve", "--port", "99999"), Exit.USAGE, "must be a port from 0 to 65535"),
        (("sandbox", "serve", "--data", "/proc/nowhere"), Exit.USAGE, "--data /proc/nowhere: No such file"),
    ],
)
def test_a_wrong_argument_is_reported_with_what_to_do(
    home: Home, sandbox: Sandbox, arguments: tuple[str, ...], status: Exit, words: str
) -> None:
    draft = sandbox.draft()
    done = home.run(*(draft if word == "ID" else word for word in arguments))
    assert (done.status, words in done.err) == (status, True), done.err[:500]
    reported = home.run("pending", "show", draft, "--json").json["digest"]
    assert reported[:8] not in done.err, "the right digest is read, not guessed"


def test_a_gateway_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.write_profile("http://127.0.0.1:9", {"oversight": "mm_test_made_up"})
    done = home.run("pending", "list")
    assert done.status == Exit.GATEWAY and "http://127.0.0.1:9: no connection to the gateway" in done.err
