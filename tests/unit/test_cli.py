"""The command line itself: help, usage, exit statuses, pipes, interruption, start-up cost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mm_tui import __version__, cli
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import Exit, of_failure
from mm_tui.commands.parser import build, parse
from mm_tui.store.connecting import NewerStore
from mm_tui.store.seal import StoreError
from tests.support.cli import Home
from tests.support.sandbox import running_sandbox

PYTHON = sys.executable


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def sqlite_fault(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("a fault")
    error.sqlite_errorcode = code
    return error


def loaded_by(*arguments: str) -> set[str]:
    """The top-level modules in memory after `mm-tui` ran with these arguments in a process of its own."""
    code = (
        "import sys; from mm_tui import cli\n"
        "try: cli.run(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([PYTHON, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stderr.split()}


def test_the_documentation_can_be_read_from_the_program(home: Home) -> None:
    listed = home.run("docs").out
    assert "safety" in listed and "configuration" in listed
    assert home.run("docs", "safety").out.startswith("# ")
    missing = home.run("docs", "../README")
    assert missing.status == Exit.NOT_FOUND and "mm-tui docs" in missing.err


@pytest.mark.parametrize("command", [["sync"], ["pending", "approve"], ["audit", "verify"], ["agent", "run"]])
def test_the_help_of_each_command_lists_its_exit_statuses(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        build().parse_args([*command, "--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert "Exit status: 0 done; " in words and "3 no such item; " in words
    assert ("8 a high risk" in words) == (command[0] == "pending")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["pending", "--help"], ["init", "--help"], ["nope"]])
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    heavy = {"textual", "rich", "httpx", "pydantic", "fastapi", "ai21", "sqlite3", "asyncio", "tomlkit", "shtab"}
    assert not loaded_by(*arguments) & heavy


def test_the_errors_of_the_gateway_load_no_http() -> None:
    code = "import mm_tui.gateway.errors, sys; assert not {'httpx', 'pydantic'} & set(sys.modules)"
    subprocess.run([PYTHON, "-c", code], check=True)


def test_services_and_rules_do_without_pydantic() -> None:
    of = "gateway.client", "sync.service", "decisions.service", "queue.entries", "assistant.drafts"
    services = ", ".join(f"mm_tui.{'' if name.startswith('gateway') else 'services.'}{name}" for name in of)
    code = f"import {services}, mm_tui.assist.tasks, sys; assert 'pydantic' not in sys.modules, 'it takes 10 MB'"
    subprocess.run([PYTHON, "-c", code], check=True)


def test_version(home: Home) -> None:
    done = home.run("--version")
    assert (done.status, done.out) == (0, f"mm-tui {__version__}\n")


@pytest.mark.parametrize("arguments", [["nope"], ["--profile"], ["audit"], ["audit", "list", "--limit", "0"]])
def test_usage_errors_exit_2_and_point_to_help(home: Home, arguments: list[str]) -> None:
    done = home.run(*arguments, status=Exit.USAGE)
    assert "--help" in done.err and not done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pendign"], "Did you mean pending? See `mm-tui --help`."),
        (["pending", "lsit"], "Did you mean list? See `mm-tui pending --help`."),
        (["pending", "list", "--risk", "high"], "--risk high See `mm-tui pending list --help`."),
        (["audit", "list", "--limt=3"], "Did you mean --limit? See `mm-tui audit list --help`."),
        (["pending"], "an action is missing, one of list, show, approve, reject, "),
        (["agent"], "an action is missing, one of run, "),
        (["pending", "show", ""], "is not the id of an email; `mm-tui pending list` shows those that wait"),
        (["pending", "show", ".."], "is not the id of an email"),
        (["spam", "a b"], "spam"),
        (["pending", "reject", "--filter", " ", "--reason", "No"], "is empty, and would select everything"),
        (["stats", "--days", "99999999999999999999"], "must be at most 36,500"),
        (["--nothing-like-it"], "--nothing-like-it See `mm-tui --help`."),
    ],
)
def test_a_wrong_argument_is_reported_with_the_nearest_name_and_the_help_of_its_command(
    home: Home, arguments: list[str], words: str
) -> None:
    done = home.run(*arguments)
    assert done.status == Exit.USAGE and words in " ".join(done.err.split())


def test_two_dashes_as_a_value_are_that_value() -> None:
    found = parse(["--profile=--", "pending", "reject", "x", "--digest=--", "--reason=--"])
    assert (found.profile, found.digest, found.reason) == ("--", "--", "--")


def test_common_options_may_precede_or_follow_the_command() -> None:
    parse = build().parse_args
    assert parse(["--profile", "a", "doctor"]).profile == "a"
    assert parse(["doctor", "--profile", "a"]).profile == "a"
    assert parse(["audit", "verify", "--debug"]).debug is True
    assert parse(["doctor"]).profile is None


def test_config_faults_exit_10_with_a_cure(home: Home) -> None:
    home.write_config("[review]\nhold_secs = 3\n")
    done = home.run("sync", status=Exit.CONFIG)
    assert "line 2" in done.err and "Did you mean hold_seconds?" in done.err
    assert len(done.err.splitlines()) == 2


def test_a_hostile_argument_is_cleaned(home: Home) -> None:
    done = home.run("\x1b]52;c;aGk=\x07nope", status=Exit.USAGE)
    assert "\x1b" not in done.err and "\x07" not in done.err


def test_a_fault_of_the_program_ends_in_one_line_and_a_report(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError("mm_live_secret in a mail")

    monkeypatch.setattr("mm_tui.commands.common.settings", breaks)
    done = home.run("audit", "verify", status=Exit.CRASH)
    assert len(done.err.splitlines()) == 1 and "ZeroDivisionError" in done.err
    assert "secret" not in done.err
    (report,) = (home.data / "reports").iterdir()
    assert report.stat().st_mode & 0o777 == 0o600
    assert "secret" not in report.read_text()


def test_a_reader_that_stops_ends_it_quietly(home: Home) -> None:
    done = subprocess.run(
        f"{PYTHON} -m mm_tui completion bash | head -n 1; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        env=home.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode in (0, Exit.PIPE)


def test_a_closed_pipe_is_its_own_status(home: Home) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [PYTHON, "-m", "mm_tui", "completion", "bash"], stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (Exit.PIPE, b"")


def test_ctrl_c_ends_it_without_a_traceback(home: Home) -> None:
    home.write_config('[profiles.p]\noversight_key_command = "sleep 60"\n')
    process = subprocess.Popen(
        [PYTHON, "-m", "mm_tui", "sync"],
        env=home.environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while process.poll() is None and not children.read_text().strip():
            pass
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, err) == (Exit.INTERRUPTED, "")


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LANG": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}, {}])
def test_any_locale_will_do(home: Home, locale: dict[str, str]) -> None:
    code = (
        "from mm_tui.commands.output import printing as emit; from mm_tui.text import OneLine\n"
        "emit.prepare(); emit.line(OneLine('\\xe4 \\u65e5\\u672c \\u00b7 \\u25b6\\u2500'))"
    )
    env = {name: value for name, value in home.environment().items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    done = subprocess.run([PYTHON, "-c", code], env={**env, **locale}, capture_output=True, check=True)
    assert done.stdout.decode("utf-8") in ("ä 日本 · ▶─\n", "\\xe4 \\u65e5\\u672c | >-\n")


def homeless(home: Path) -> dict[str, str]:
    """An environment in which only HOME says where things are."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MM_TUI_", "XDG_"))}
    return {**kept, "HOME": str(home)}


def test_a_missing_home_is_no_obstacle(tmp_path: Path) -> None:
    env = homeless(tmp_path / "absent")
    done = subprocess.run(
        [PYTHON, "-m", "mm_tui", "audit", "verify"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "0 entries" in done.stdout


def test_a_home_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    env = homeless(tmp_path / "home")
    done = subprocess.run(
        [PYTHON, "-m", "mm_tui", "audit", "verify"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == Exit.CONFIG
    assert "Traceback" not in done.stderr and str(tmp_path / "home") in done.stderr


def test_a_full_disk_is_reported(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/data/store.sqlite3")

    monkeypatch.setattr("mm_tui.store.database.Database.open", full)
    done = home.run("audit", "verify", status=Exit.CONFIG)
    assert "/data/store.sqlite3: No space left on device" in done.err


# A limit on the size of files is as near to a full disk as any user can come.
FULL = "import resource, sys; from mm_tui import cli; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); "


@pytest.mark.parametrize("is_filled", [True, False])
@pytest.mark.parametrize("command", ["sync", "pending list", "pending show ID"])
def test_every_command_reports_a_disk_that_is_really_full(tmp_path: Path, command: str, is_filled: bool) -> None:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        home = Home(tmp_path)
        home.write_profile(sandbox.url, sandbox.keys)
        if is_filled:
            assert home.run("sync").status == 0
        words = [sandbox.draft() if word == "ID" else word for word in command.split()]
        sandbox.draft("Dear Anna. " * 2000)
        code = f"{FULL}sys.exit(cli.run({words!r}))"
        done = subprocess.run(
            [PYTHON, "-c", code], env=home.environment(), capture_output=True, text=True, check=False, timeout=60
        )
    assert done.returncode in (Exit.CONFIG, Exit.GATEWAY), done.stderr
    assert "store" in done.stderr and "Check" in done.stderr
    assert "internal error" not in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (StoreError("the store is closed"), Exit.CONFIG),
        (NewerStore(Path("/s"), 99), Exit.CONFIG),
        (sqlite_fault(sqlite3.SQLITE_FULL), Exit.CONFIG),
        (sqlite_fault(sqlite3.SQLITE_READONLY_DBMOVED), Exit.CONFIG),
        (sqlite_fault(sqlite3.SQLITE_BUSY), Exit.CONFIG),
        (sqlite_fault(sqlite3.SQLITE_ERROR), None),
        (sqlite3.IntegrityError("twice"), None),
    ],
)
def test_a_store_that_cannot_be_used_is_no_fault_of_the_program(fault: Exception, status: Exit | None) -> None:
    found = of_failure(fault)
    assert (found[0] if found else None) == status


@pytest.mark.parametrize("command", [["audit", "verify"], ["doctor"], ["pending", "list"], []])
def test_folders_that_are_made_are_for_the_user_alone(tmp_path: Path, command: list[str]) -> None:
    home = Home(tmp_path)
    data = tmp_path / "share" / "data"
    home.run(*command, env={"MM_TUI_DATA": str(data)})
    assert data.stat().st_mode & 0o777 == 0o700


# Output


def test_only_clean_text_is_printed() -> None:
    with pytest.raises(TypeError, match="clean text"):
        emit.line("plain")  # type: ignore[arg-type]  # the point of the test


def test_data_is_cleaned_all_the_way_down(capsys: pytest.CaptureFixture[str]) -> None:
    emit.data({"a\x1b[2J": ["x\x07", {"b": "c\u202e"}], "n": 1, "t": True, "none": None})
    out = capsys.readouterr().out
    assert (
        out == '{\n  "a": [\n    "x",\n    {\n      "b": "c"\n    }\n  ],\n  "n": 1,\n  "t": true,\n  "none": null\n}\n'
    )


def test_columns_align_by_cells(capsys: pytest.CaptureFixture[str]) -> None:
    emit.table([["日本", "x"], ["a", "y"]])
    assert capsys.readouterr().out == "日本  x\na     y\n"


def test_colour_only_on_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert emit.coloured("ok") == "ok     "
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert emit.coloured("ok") == "\x1b[32mok     \x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert emit.coloured("ok") == "ok     "
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert emit.coloured("ok") == "ok     "


def test_main_exits_with_the_status() -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["nope"])
    assert caught.value.code == Exit.USAGE
