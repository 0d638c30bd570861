"""`mm-tui doctor`: what it finds wrong with settings, keys, gateway, clock, store and terminal."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import sqlite3
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mm_tui.commands import checks
from mm_tui.commands.checks import Check, Result
from mm_tui.commands.output.exits import Exit
from mm_tui.models import EditedDraft, RawContent
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.store.seal import Head, write_head
from tests.support.agents import environment
from tests.support.cli import Done, Home, key_options
from tests.support.sandbox import Sandbox


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def found_by(done: Done) -> dict[str, Mapping[str, str]]:
    return {check["check"]: check for check in done.json["checks"]}


def test_doctor_finds_nothing_wrong_after_init(home: Home, sandbox: Sandbox) -> None:
    home.run("init", *key_options(sandbox))
    done = home.run("doctor", "--json", status=0)
    assert done.json["ok"] is True
    assert {check["result"] for check in done.json["checks"]} == {"ok"}
    assert {"config", "config.mode", "keys.kind", "keys.send", "gateway", "clock", "assistant", "data", "store"} <= set(
        found_by(done)
    )
    text = home.run("doctor")
    assert "ok      gateway:" in text.out and "0 warnings, 0 problems" in text.out


def test_doctor_without_settings_says_where_to_begin(home: Home) -> None:
    done = home.run("doctor", "--json", status=Exit.AUTH)
    assert "mm-tui init" in found_by(done)["keys"]["cure"]


def test_doctor_on_broken_settings(home: Home) -> None:
    home.write_config("[review]\nhold = 1\n")
    done = home.run("doctor", "--json", status=Exit.CONFIG)
    assert "line 2" in found_by(done)["config"]["words"]


def test_doctor_on_settings_without_the_effect_that_is_meant(home: Home) -> None:
    home.write_config('[keys]\n"pending.aprove" = "x"\n[agent]\nreply_labels = ["Support"]\n')
    found = found_by(home.run("doctor", "--json"))
    assert found["keys.bindings"]["result"] == found["agent.reply_labels"]["result"] == "warning"
    assert "there is no such id" in found["keys.bindings"]["words"]
    assert "support" in found["agent.reply_labels"]["cure"]


def test_doctor_on_modes_that_let_others_read(home: Home, sandbox: Sandbox) -> None:
    home.write_profile(sandbox.url, sandbox.keys)
    home.config.chmod(0o644)
    home.data.mkdir(mode=0o755)
    found = found_by(home.run("doctor", "--json"))
    assert found["config.mode"]["result"] == "warning" and "chmod 600" in found["config.mode"]["cure"]
    assert found["data.mode"]["result"] == "warning" and "chmod 700" in found["data.mode"]["cure"]
    assert found["data"]["result"] == "ok"


def test_doctor_on_keys(home: Home, sandbox: Sandbox) -> None:
    home.write_profile(
        sandbox.url,
        {"oversight": sandbox.keys["send"], "send": "mm_live_unknown"},
        mailbox="nobody@acme.example",
    )
    done = home.run("doctor", "--json")
    found = found_by(done)
    assert done.status == Exit.AUTH
    assert "lacks the scope oversight" in found["keys.oversight"]["words"]
    assert "does not know the send key" in found["keys.send"]["words"]
    assert "are mixed" in found["keys.kind"]["words"]
    assert found["keys.admin"]["result"] == "ok" and "audit log cannot be read" in found["keys.admin"]["words"]
    assert re.search(r"\d ok, 2 warnings, 2 problems", home.run("doctor").out)
    home.write_profile(sandbox.url, {"admin": sandbox.keys["admin"]}, mailbox="nobody@acme.example")
    found = found_by(home.run("doctor", "--json"))
    assert found["keys.oversight"]["result"] == found["keys.send"]["result"] == "warning"
    assert "there is no mailbox nobody@acme.example" in found["mailbox"]["words"]
    assert sandbox.address in found["mailbox"]["cure"]


def test_doctor_counts_unsent_edits(home: Home, sandbox: Sandbox) -> None:
    home.write_profile(sandbox.url, sandbox.keys)
    raw = RawContent(sender="a@x.example")
    now = datetime.now(UTC)
    with Database.open(home.data / "store-default.sqlite3") as database:
        EditStore(database).save(SavedEdit("01E", "01M", "d" * 64, raw, EditedDraft(("b@x.example",), "s", "b"), now))
    assert "1 unsent edit is saved" in found_by(home.run("doctor", "--json"))["edits"]["words"]


def test_doctor_on_a_failing_key_command(home: Home) -> None:
    home.write_config('[profiles.p]\nsend_key_command = "false"\n')
    done = home.run("doctor", "--json")
    assert done.status == Exit.AUTH and "exit status 1" in found_by(done)["keys"]["words"]


def test_doctor_on_the_gateway(home: Home, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_profile("http://127.0.0.1:9", sandbox.keys)
    gone = home.run("doctor", "--json")
    assert gone.status == Exit.GATEWAY and "no connection" in found_by(gone)["gateway"]["words"]

    home.write_profile(sandbox.url, sandbox.keys)
    sandbox.settings(healthy=False)
    degraded = home.run("doctor", "--json")
    assert degraded.status == Exit.GATEWAY and found_by(degraded)["gateway"]["result"] == "problem"
    sandbox.settings(healthy=True)

    sandbox.fault(path="^/health$", kind="malformed", body='{"status":"degraded"}', count=0)
    assert "degraded" in found_by(home.run("doctor", "--json"))["gateway"]["words"]
    sandbox.clear_faults()

    monkeypatch.setattr(checks, "SLOW_MS", -1)
    assert found_by(home.run("doctor", "--json"))["gateway"]["result"] == "warning"
    monkeypatch.undo()

    sandbox.fault(path="^/v1/mailboxes$", kind="rate_limit", key="send")
    sandbox.fault(path="^/v1/mailboxes$", kind="status", status=500, key="admin")
    found = found_by(home.run("doctor", "--json"))
    assert found["keys.send"]["result"] == "warning" and found["keys.admin"]["result"] == "problem"


@pytest.mark.parametrize(
    ("skew", "result", "words"),
    [
        (None, "ok", "not compared"),
        (0.4, "ok", "agrees"),
        (-3600.0, "warning", "60 min ahead"),
        (90.0, "warning", "90 s behind"),
    ],
)
def test_doctor_on_clocks(skew: float | None, result: str, words: str) -> None:
    check = checks._clocks(skew)
    assert (check.result, words in check.words) == (result, True)


def test_doctor_on_a_clock_that_is_an_hour_off(home: Home, sandbox: Sandbox) -> None:
    home.write_profile(sandbox.url, sandbox.keys)
    assert "agrees" in found_by(home.run("doctor", "--json"))["clock"]["words"]
    sandbox.advance(3600)
    done = home.run("doctor", "--json", status=0)
    clock = found_by(done)["clock"]
    assert clock["result"] == "warning" and "60 min behind" in clock["words"] and "timedatectl" in clock["cure"]


def test_doctor_on_the_assistant(home: Home, sandbox: Sandbox) -> None:
    home.write_profile(sandbox.url, sandbox.keys)
    assert "no AI21 key" in found_by(home.run("doctor", "--json"))["assistant"]["words"]
    home.write_profile(sandbox.url, sandbox.keys, ai21_key="k", ai21_host="http://127.0.0.1:9")
    assert "cannot be reached" in found_by(home.run("doctor", "--json"))["assistant"]["words"]
    home.write_profile(sandbox.url, sandbox.keys, ai21_key="k", ai21_host=sandbox.ai21_url)
    assert found_by(home.run("doctor", "--json"))["assistant"]["result"] == "ok"
    sandbox.fault(path="^/studio/v1", kind="status", status=503)
    assert "503" in found_by(home.run("doctor", "--json"))["assistant"]["words"]


def test_doctor_on_the_store_and_the_journal(home: Home, sandbox: Sandbox) -> None:
    home.write_profile(sandbox.url, sandbox.keys)
    draft_id = sandbox.draft()
    digest = home.run("pending", "show", draft_id, "--json").json["digest"]
    home.run("pending", "approve", draft_id, "--digest", digest)
    found = found_by(home.run("doctor", "--json"))
    assert found["store"]["result"] == found["journal"]["result"] == "ok"

    store = home.data / "store-default.sqlite3"
    with contextlib.closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("DROP TRIGGER journal_is_never_changed")
        connection.execute("UPDATE journal SET entry = replace(entry, 'approve', 'reject') WHERE number = 1")
    done = home.run("doctor", "--json")
    assert done.status == Exit.CHANGED and found_by(done)["journal"]["result"] == "problem"

    with contextlib.closing(sqlite3.connect(store)) as connection:
        connection.executescript("CREATE TABLE later (x); PRAGMA user_version = 9999")
    newer = home.run("doctor", "--json")
    assert newer.status == Exit.CONFIG and "newer" in found_by(newer)["store"]["words"]

    store.write_bytes(b"this is no database" * 1000)
    for beside in home.data.glob("store-default.sqlite3-*"):
        beside.unlink()
    broken = home.run("doctor", "--json")
    assert broken.status == Exit.CONFIG and found_by(broken)["store"]["result"] == "problem"
    assert store.exists(), "doctor changes nothing"


def test_doctor_on_the_agents_store(home: Home, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mm_tui.store.database.BUSY_MS", 20)
    home.write_profile(sandbox.url, sandbox.keys)
    path = home.data / "agent-store-default.sqlite3"

    def said() -> str:
        found = found_by(home.run("doctor", "--json"))
        assert not {"agent.journal", "agent.edits"} & set(found)
        return " ".join(found["agent.store"].values())

    assert "none yet" in said()
    Database.open(path).close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.executescript("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
        assert "warning" in said() and "is busy" in said()
    home.run("agent", "run", "--once", env=environment(sandbox, home.folder), status=0)
    assert said() == f"agent.store ok {path} "
    with Database.open(path) as database:
        Journal(database).write("held", "rita", "one", datetime(2026, 3, 2, tzinfo=UTC), {})
        write_head(path, Head(2, "0" * 64))
    found = found_by(home.run("doctor", "--json"))
    assert "entry 2 was written before" in found["agent.store.head"]["words"]
    verify, accept = re.findall("`mm-tui ([^`]+)`", found["agent.store.head"]["cure"])
    assert home.run(*shlex.split(verify)).status == Exit.CHANGED
    assert home.run(*shlex.split(accept)).status == 0
    write_head(path, Head(2, "0" * 64))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE later (x); PRAGMA user_version = 9999")
    assert "newer" in said() and "Update" in said()
    path.write_bytes(b"this is no database" * 1000)
    assert "problem" in said() and "Start the agent" in said()


def test_doctor_on_a_data_folder_that_cannot_be_used(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.folder.mkdir(exist_ok=True)
    home.data.write_text("a file")
    done = home.run("doctor", "--json")
    assert found_by(done)["data"]["result"] == "problem" and "MM_TUI_DATA" in found_by(done)["data"]["cure"]
    home.data.unlink()
    monkeypatch.setattr(checks, "LOW_SPACE", 1 << 60)
    assert "MiB are free" in found_by(home.run("doctor", "--json"))["data"]["words"]
    monkeypatch.undo()
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "cannot be written" in found_by(home.run("doctor", "--json"))["data"]["words"]


class OnTerminal:
    """Standard output as a terminal of this size and encoding."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self.encoding = encoding

    def isatty(self) -> bool:
        return True


def terminal_checks(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], size: tuple[int, int] = (120, 40), encoding: str = "utf-8"
) -> dict[str, Check]:
    monkeypatch.setattr(sys, "stdout", OnTerminal(encoding))
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size(size))
    found = {check.name: check for check in checks.terminal(env)}
    monkeypatch.undo()
    return found


@pytest.mark.parametrize(
    ("env", "more", "name", "result", "words"),
    [
        ({"COLORTERM": "truecolor"}, {}, "terminal.colours", Result.OK, "millions"),
        ({"TERM": "xterm-256color"}, {}, "terminal.colours", Result.OK, "256"),
        ({"NO_COLOR": "1"}, {}, "terminal.colours", Result.OK, "NO_COLOR"),
        ({"TERM": "xterm"}, {}, "terminal.colours", Result.WARNING, "only 16"),
        ({}, {"size": (79, 24)}, "terminal.size", Result.WARNING, "79×24"),
        ({}, {"size": (80, 24)}, "terminal.size", Result.OK, "80×24"),
        ({}, {"encoding": "latin-1"}, "terminal.text", Result.WARNING, "latin-1"),
        ({}, {}, "terminal.text", Result.OK, "UTF-8"),
        ({}, {}, "terminal.clipboard", Result.OK, "OSC 52"),
        ({"STY": "1"}, {}, "terminal.clipboard", Result.WARNING, "screen"),
        ({"TERM": "dumb"}, {}, "terminal.environment", Result.PROBLEM, "TERM=dumb"),
        ({"TEXTUAL_PRESS": "a"}, {}, "terminal.environment", Result.PROBLEM, "TEXTUAL_PRESS"),
    ],
)
def test_doctor_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], more: dict[str, Any], name: str, result: Result, words: str
) -> None:
    check = terminal_checks(monkeypatch, env, **more)[name]
    assert (check.result, words in check.words) == (result, True)


@pytest.mark.parametrize(("answer", "result"), [("on", Result.OK), ("off", Result.WARNING), (None, Result.WARNING)])
def test_doctor_on_tmux(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str | None, result: Result) -> None:
    if answer is not None:
        program = tmp_path / "tmux"
        program.write_text(f"#!/bin/sh\necho {answer}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin" if answer else str(tmp_path))
    assert checks._tmux().result is result


def test_doctor_without_a_terminal(home: Home) -> None:
    assert "not a terminal" in found_by(home.run("doctor", "--json"))["terminal"]["words"]
