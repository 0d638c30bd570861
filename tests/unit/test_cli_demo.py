"""The demo as a real process on a terminal: it shows mail, uses no key of the user's, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from mm_tui.commands.demo import DATA, clear, make_known, use, write_settings
from mm_tui.models import EditedDraft
from mm_tui.screens.status import assistant
from mm_tui.services.assistant.cards import Spend
from mm_tui.services.knowledge.facts import HouseFacts
from mm_tui.services.saved_texts.edits import Edits
from mm_tui.settings.file import load
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import SavedEdit
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import OneLine
from tests.support.cli import Home
from tests.support.fake_gateway import make_pending
from tests.support.processes import MM_TUI
from tests.support.pty import Terminal, plain_environment
from tests.support.sandbox import Sandbox, wait_until
from tests.support.seat import NOW
from tests.support.web_server import Page, web_server

MAIL = (
    b"From: Ann <ann@x.example>\r\nTo: me@y.example\r\nSubject: A mail of my own\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n"
)


def demo(folder: Path, *arguments: str, **more: str) -> Terminal:
    own = {"MULTIMAIL_API_KEY": "mm_live_mine", "MM_TUI_PROFILE": "mine", **more}
    env = plain_environment(folder, None, TMPDIR=str(folder / "tmp"), **own)
    (folder / "tmp").mkdir(exist_ok=True)
    return Terminal([*MM_TUI, "demo", *arguments], env=env, cols=100, rows=30)


def processes_naming(text: str) -> list[int]:
    """Ids of the running processes whose arguments contain the text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if text.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_the_demo_shows_mail_that_it_was_given_and_ends_everything(tmp_path: Path) -> None:
    (tmp_path / "own.eml").write_bytes(MAIL)
    with demo(tmp_path, "--no-agent", "--mail", str(tmp_path / "own.eml")) as terminal:
        terminal.wait_for("TEST")
        terminal.wait_for("A mail of my own", timeout=60)
        assert "Demo: your mail" in terminal.text and "made-up" not in terminal.text
        terminal.press("I")
        terminal.wait_for("1 email imported")
        terminal.wait_for("1 email: no date")
        terminal.press("escape")
        assert processes_naming(str(tmp_path / "tmp"))
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 0
    wait_until(lambda: not processes_naming(str(tmp_path / "tmp")))
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_demo_ends_with_its_terminal(tmp_path: Path) -> None:
    with demo(tmp_path, "--no-agent") as terminal:
        terminal.wait_for("Re: ", timeout=60)
        assert processes_naming(str(tmp_path / "tmp"))
        os.kill(terminal.pid, signal.SIGHUP)
        terminal.wait_exit()
    wait_until(lambda: not processes_naming(str(tmp_path / "tmp")))
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_killed_demo_leaves_no_process_and_keeps_its_data_if_asked_to(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with demo(tmp_path, "--no-agent", "--data", str(kept)) as terminal:
        terminal.wait_for("Re: ", timeout=60)
        assert processes_naming(str(kept / "sandbox"))
        os.kill(terminal.pid, signal.SIGKILL)
        terminal.wait_exit()
    wait_until(lambda: not processes_naming(str(kept / "sandbox")))
    assert list((kept / "app").glob("store-*.sqlite3"))
    assert kept.stat().st_mode & 0o777 == 0o700


def test_a_folder_without_mail_is_an_error_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "notes.txt").write_text("Buy lamps.")
    with demo(tmp_path, "--mail", str(tmp_path / "box")) as terminal:
        assert terminal.wait_exit() == 2
        # The terminal breaks a long path anywhere.
        said = "".join(terminal.text.split())
        assert said.count("nomailfound") == said.count("notes.txt:notanemail") == 1
        assert "thedemodidnotstart:seeabove" in said


def test_a_terminal_that_cannot_show_the_app_is_refused_before_a_sandbox_starts(tmp_path: Path) -> None:
    with demo(tmp_path, TERM="dumb") as terminal:
        assert terminal.wait_exit() == 2
        assert "TERM=dumb" in terminal.text and "Starting" not in terminal.text


def test_a_missing_email_is_reported(tmp_path: Path) -> None:
    with demo(tmp_path, "--mail", str(tmp_path / "absent")) as terminal:
        assert terminal.wait_exit() == 3
        # The terminal breaks the line wherever the path makes it too long.
        assert "thereisnosuchfile" in "".join(terminal.text.split())


def test_the_app_opens_on_a_running_sandbox_with_the_line_that_it_prints(tmp_path: Path) -> None:
    env = plain_environment(tmp_path, MULTIMAIL_API_KEY="mm_live_mine")
    box = tmp_path / "a box"
    command = [*MM_TUI, "sandbox"]
    with Terminal([*command, "serve", "--data", str(box)], env=env, cols=200, rows=30) as serving:
        serving.wait_for(f"mm-tui sandbox open '{box}'")
        serving.wait_for(r"Address and keys for programs: .*ready\.json")
        assert "ai21_key" not in serving.text and "mm_test_" not in serving.text
        with Terminal([*command, "open", str(box)], env=env, cols=100, rows=30) as terminal:
            terminal.wait_for("sandbox · TEST")
            terminal.wait_for("Re: Invoice 2291")
            assert "Sandbox: nothing is sent" in terminal.text
            terminal.press("ctrl+q")
            assert terminal.wait_exit() == 0
    assert (box / "app").is_dir() and not (tmp_path / ".local" / "share" / "mm-tui").exists()


def test_a_folder_that_no_sandbox_serves_is_refused(tmp_path: Path) -> None:
    command = [*MM_TUI, "sandbox", "open", str(tmp_path)]
    with Terminal(command, env=plain_environment(tmp_path), cols=100, rows=30) as terminal:
        terminal.wait_for("no sandbox or demo has used")
        assert terminal.wait_exit() == 3


def test_a_new_demo_has_settings_to_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MM_TUI_CONFIG", str(tmp_path / "config.toml"))
    write_settings(tmp_path)
    settings = load()
    facts = HouseFacts(settings).of("support@acme.multimail.example")
    assert settings.snippets and [file.name for file in facts.files] == ["house-facts.md"] and not facts.problems
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    (tmp_path / "config.toml").write_text("version = 1\n")
    write_settings(tmp_path)
    assert not load().snippets, "the reader's own file"


def test_a_newcomer_without_keys_learns_how_to_run_commands_on_the_open_demo(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, demo_folder = Home(tmp_path / "home"), tmp_path / "mm-tui-demo-1"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    alone = home.run("pending", "list")
    assert alone.status == 4 and "sandbox run" not in alone.err
    ready = {**asdict(sandbox.ready), "mailboxes": []}
    (demo_folder / "sandbox").mkdir(parents=True)
    (demo_folder / "sandbox" / "ready.json").write_text(json.dumps(ready))
    reported = home.run("pending", "list")
    assert reported.status == 4 and f"mm-tui sandbox run {demo_folder} pending list" in reported.err
    (tmp_path / "mm-tui-demo-2").symlink_to("mm-tui-demo-2")
    kept = demo_folder.rename(tmp_path / "kept")
    with ExitStack() as open_demo:
        make_known(kept, open_demo)
        assert f"mm-tui sandbox run {kept} pending list" in home.run("pending", "list").err
    assert "sandbox run" not in home.run("pending", "list").err
    kept.rename(demo_folder)
    draft = str(sandbox.send(subject="Offer")["id"])
    sandbox.wait_for(draft, "pending_send_approval")
    listed = home.run("sandbox", "run", str(demo_folder), "pending", "list", "--json")
    assert [item["id"] for item in listed.json["pending"]] == [draft]
    assert (demo_folder / "app" / "store-demo.sqlite3").exists() and not list(home.data.glob("store-demo*"))
    alone = home.run("sandbox", "run", str(demo_folder))
    assert alone.status == 2 and f"mm-tui sandbox open {demo_folder}" in alone.err
    unnamed = home.run("sandbox", "run", "pending", "list")
    assert unnamed.status == 3 and f"mm-tui sandbox run {demo_folder} COMMAND" in unnamed.err
    home.write_config("version = 1\n")
    assert "sandbox run" not in home.run("pending", "list").err


def test_on_a_sandbox_the_secret_of_a_webhook_stays_and_your_keys_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"MULTIMAIL_WEBHOOK_SECRET": "whsec_1", "MULTIMAIL_API_KEY": "mine", "AI21_API_KEY": "mine"}
    monkeypatch.setattr(os, "environ", environ)
    use({"MULTIMAIL_API_KEY": "of the sandbox"}, tmp_path, tmp_path / "app")
    assert environ["MULTIMAIL_WEBHOOK_SECRET"] == "whsec_1"
    assert environ["MULTIMAIL_API_KEY"] == "of the sandbox" and "AI21_API_KEY" not in environ


ANSWER = json.dumps({
    "id": "1", "model": "jamba-mini-2", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "support"}, "finish_reason": "stop"}
    ], "usage": {"prompt_tokens": 90_000, "completion_tokens": 1000, "total_tokens": 91_000},
})  # fmt: skip


@pytest.mark.parametrize("answer", ["y", "n"])
def test_with_a_key_for_the_real_models_the_demo_asks_before_it_uses_them(tmp_path: Path, answer: str) -> None:
    paid: list[str] = []
    with web_server(Page(200, "application/json", ANSWER.encode()), asked=paid) as url:
        own = {"AI21_API_KEY": "made-up-key-of-the-user", "AI21_API_HOST": f"{url}/studio/v1"}
        with demo(tmp_path, "--no-agent", **own) as terminal:
            terminal.wait_for("each answer costs money")
            terminal.wait_for("1.00 are spent in this run")
            terminal.wait_for("its drafts are not Jamba's")
            terminal.wait_for("Use Jamba")
            terminal.press(*answer, "enter")
            terminal.wait_for("Re: ", timeout=60)
            assert not paid, "nothing is paid for before the answer"
            terminal.wait_for("Jamba reads it" if answer == "y" else "nothing is sent")
            terminal.wait_for("in sync", timeout=60)
            terminal.press("s")
            if answer == "y":
                terminal.wait_for(r"jamba-mini-2 .0\.\d\d of .1\.00 today", timeout=60)
                assert paid
            else:
                terminal.wait_for("Please tell", timeout=60)  # the summary of the newest email
                assert not paid
            terminal.press("ctrl+q")
            assert terminal.wait_exit() == 0


@pytest.mark.parametrize(("model", "words"), [("jamba-mini-2", "jamba-mini-2 $0.12 of $1.00 today"),
                                              ("local-rules-0", "stand-in model $0.12 today")])  # fmt: skip
def test_what_may_be_spent_is_on_the_screen_where_money_is_spent(model: str, words: str) -> None:
    spend = Spend(0.12, 1, 1, 1.0, OneLine(model))
    session: Any = SimpleNamespace(triage=SimpleNamespace(has_key=True, spend=lambda: spend))
    assert assistant(session).plain == words
    spend = replace(spend, rests_for=54.2)
    assert assistant(session).plain == f"{words}, failed: next try in 54 s"
    session.triage.has_key = False
    assert assistant(session).plain == "no model set up"


def test_a_demo_with_an_edit_is_kept_and_says_how_to_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, edits in (("plain", 0), ("edited", 1)):
        folder = tmp_path / name
        (folder / DATA).mkdir(parents=True)
        with Database.open(folder / DATA / "store-demo.sqlite3") as database:
            item = make_pending(1)
            PendingStore(database).replace([item], NOW)
            if edits:
                text = EditedDraft(("anna@x.example",), "Re: Order", "changed")
                Edits(database).save(SavedEdit(item.id, "mb1", "ab" * 32, item.raw, text, NOW))
        clear(folder)
        assert folder.exists() is bool(edits)
    assert f"mm-tui demo --data {tmp_path / 'edited'}" in capsys.readouterr().err
    store = tmp_path / "edited" / DATA / "store-demo.sqlite3"
    store.write_bytes(b"broken" * 1000)
    clear(tmp_path / "edited")
    assert store.exists() and "may have edits of yours" in capsys.readouterr().err
