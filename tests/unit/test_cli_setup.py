"""`mm-tui init` and `mm-tui profile`: what is asked, checked and written."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest

from bench import json_fields
from mm_tui.commands import config_writer
from mm_tui.commands.output.exits import Exit
from mm_tui.settings import keys as key_sources
from mm_tui.settings.sections import ConfigError
from tests.support.cli import Home, key_options
from tests.support.processes import MM_TUI
from tests.support.pty import Terminal
from tests.support.sandbox import Sandbox


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_init_by_options_writes_a_private_profile(home: Home, sandbox: Sandbox) -> None:
    done = home.run("init", *key_options(sandbox), "--mailbox", sandbox.address, "--json", status=0)
    assert set(done.json) == set(json_fields.OUTPUTS["init"])
    assert done.json["keys"]["send"] == {"kind": "test", "scopes": ["read", "send"]}
    assert sandbox.address in [box["address"] for box in done.json["mailboxes"]]
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.config.parent.stat().st_mode) == 0o700
    written = tomllib.loads(home.config.read_text())
    assert written["version"] == 1 and written["default_profile"] == "default"
    assert written["profiles"]["default"]["oversight_key"] == sandbox.keys["oversight"]
    assert written["profiles"]["default"]["live"] is False
    for key in sandbox.keys.values():
        assert key not in done.out + done.err
    assert home.run("pending", "list").status == 0


def test_init_says_what_each_key_can_do(home: Home, sandbox: Sandbox) -> None:
    done = home.run("init", *key_options(sandbox))
    assert "send key (TEST): read, send" in done.out
    assert f"mailbox {sandbox.address} (gated_send)" in done.out


def test_init_keeps_what_else_is_in_the_file(home: Home, sandbox: Sandbox) -> None:
    home.write_config('# mine\n[review]\nhold_seconds = 9 # slow\n\n[profiles.old]\nurl = "https://old.example"\n')
    home.run("init", "--profile", "new", *key_options(sandbox), status=0)
    text = home.config.read_text()
    assert "# mine" in text and "hold_seconds = 9 # slow" in text
    assert set(tomllib.loads(text)["profiles"]) == {"old", "new"}
    assert home.run("init", "--profile", "new", *key_options(sandbox)).status == Exit.CONFIG
    assert home.run("init", "--profile", "new", *key_options(sandbox), "--replace", "--default").status == 0
    assert tomllib.loads(home.config.read_text())["default_profile"] == "new"


def test_init_refuses_keys_that_cannot_do_their_work(home: Home, sandbox: Sandbox) -> None:
    crossed = home.run("init", "--url", sandbox.url, "--oversight-key", sandbox.keys["send"])
    assert crossed.status == Exit.AUTH and "lacks the scope oversight" in crossed.err
    unknown = home.run("init", "--url", sandbox.url, "--send-key", "mm_test_unknown")
    assert unknown.status == Exit.AUTH and "does not know the send key" in unknown.err
    assert "mm_test_unknown" not in unknown.err
    assert not home.config.exists()
    forced = home.run("init", "--url", sandbox.url, "--send-key", "mm_test_unknown", "--no-check")
    assert forced.status == 0 and home.config.exists()


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ([], Exit.USAGE, "no key was given"),
        (["--oversight-key", "a b"], Exit.USAGE, "oversight_key: is empty or has"),
        (["--oversight-key", "mm_test_a", "--url", "http://far.example"], Exit.USAGE, "plain http is allowed only"),
        (["--oversight-key", "mm_test_a", "--url", "http://127.0.0.1:9"], Exit.GATEWAY, "no connection"),
        (["--oversight-key", "@/no/such/file"], Exit.USAGE, "cannot be read"),
        (["--oversight-key", "-", "--send-key", "-"], Exit.USAGE, "only one key"),
        (["--oversight-key-command", "false"], Exit.CONFIG, "failed with exit status 1"),
    ],
)
def test_what_init_cannot_use_is_reported_and_nothing_is_written(
    home: Home, options: list[str], status: Exit, words: str
) -> None:
    done = home.run("init", *options)
    assert (done.status, words in done.err) == (status, True), done.err
    assert not home.config.exists()


def test_a_mailbox_that_does_not_exist_is_reported(home: Home, sandbox: Sandbox) -> None:
    done = home.run("init", *key_options(sandbox), "--mailbox", "nobody@acme.example")
    assert done.status == Exit.NOT_FOUND and not home.config.exists()


def test_keys_come_from_files_input_commands_and_environment(home: Home, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(sandbox.keys["admin"] + "\n")
    home.run(
        "init",
        "--url",
        sandbox.url,
        "--send-key",
        "-",
        "--admin-key-command",
        f"cat {file}",
        stdin=sandbox.keys["send"] + "\n",
        env={"MULTIMAIL_API_KEY": sandbox.keys["oversight"]},
        status=0,
    )
    written = tomllib.loads(home.config.read_text())["profiles"]["default"]
    assert written["admin_key_command"] == f"cat {file}" and "admin_key" not in written
    assert written["send_key"] == sandbox.keys["send"]
    assert written["oversight_key"] == sandbox.keys["oversight"]


def test_init_asks_on_a_terminal_and_shows_no_key(home: Home, sandbox: Sandbox) -> None:
    env = home.environment({"TERM": "xterm"})
    with Terminal([*MM_TUI, "init", "--url", sandbox.url], env=env) as terminal:
        for name in ("oversight", "send", "admin"):
            terminal.wait_for(f"{name} key:\\s*$")
            terminal.send(sandbox.keys[name] + "\r")
        terminal.wait_for("AI21 key")
        terminal.press("enter")
        terminal.wait_for("in the system's keyring")
        terminal.press("enter")
        assert terminal.wait_exit() == 0
        shown = terminal.text
    assert "written to" in shown
    for key in sandbox.keys.values():
        assert key not in shown


def test_init_says_at_once_that_a_key_is_wrong_and_keeps_the_other_answers(home: Home, sandbox: Sandbox) -> None:
    env = home.environment({"TERM": "xterm"})
    with Terminal([*MM_TUI, "init", "--url", sandbox.url], env=env) as terminal:
        terminal.wait_for("oversight key:\\s*$")
        terminal.send(sandbox.keys["oversight"] + "\r")
        terminal.wait_for("send key:\\s*$")
        for wrong, words in (
            (sandbox.keys["admin"], "lacks the scope send"),
            ("mm_test_nobody", "does not know the send key"),
            ("a b", "send_key"),
        ):
            terminal.send(wrong + "\r")
            # What is typed before the question is asked again would be lost.
            terminal.wait_for(f"{words}[\\s\\S]*send key:\\s*$")
        terminal.send(sandbox.keys["send"] + "\r")
        for name in ("admin", "AI21"):
            terminal.wait_for(f"{name} key")
            terminal.press("enter")
        terminal.wait_for("in the system's keyring")
        terminal.press("enter")
        assert terminal.wait_exit() == 0
    written = tomllib.loads(home.config.read_text())["profiles"]["default"]
    assert (written["oversight_key"], written["send_key"]) == (sandbox.keys["oversight"], sandbox.keys["send"])


def test_init_takes_a_command_in_place_of_a_key(home: Home, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(sandbox.keys["oversight"] + "\n")
    env = home.environment({"TERM": "xterm"})
    with Terminal([*MM_TUI, "init", "--url", sandbox.url], env=env) as terminal:
        terminal.wait_for("!pass show")
        terminal.wait_for("oversight key:\\s*$")
        terminal.send(f"!cat {file}\r")
        for name in ("send", "admin", "AI21"):
            terminal.wait_for(f"{name} key")
            terminal.press("enter")
        assert terminal.wait_exit() == 0
    written = tomllib.loads(home.config.read_text())["profiles"]["default"]
    assert written["oversight_key_command"] == f"cat {file}" and "oversight_key" not in written


def test_init_puts_keys_into_the_keyring_when_asked(
    home: Home, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[tuple[str, str], str] = {}
    monkeypatch.setattr(key_sources, "into_keyring", lambda p, n, k: kept.update({(p, n): k.get_secret_value()}))
    assert home.run("init", *key_options(sandbox), "--keyring").status == 0
    written = tomllib.loads(home.config.read_text())["profiles"]["default"]
    assert written["keyring"] is True and not any(name.endswith("_key") for name in written)
    assert kept["default", "send"] == sandbox.keys["send"] and len(kept) == 4


def test_a_config_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[review]\nhold_seconds = 3\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        config_writer.write_profile(path, "p", {"send_key": "k"}, default=True)
    assert path.read_text() == "[review]\nhold_seconds = 3\n"
    assert [file.name for file in tmp_path.iterdir()] == ["config.toml"]


def test_a_linked_config_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("")
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    config_writer.write_profile(link, "p", {"send_key": "k"}, default=True)
    assert link.is_symlink() and "send_key" in real.read_text()


def test_profiles_are_listed_with_live_or_test(home: Home) -> None:
    home.write_config(
        'default_profile = "prod"\n[profiles.try]\noversight_key = "mm_test_a"\nmailbox = "a@acme.example"\n'
        '[profiles.prod]\nlive = true\nsend_key_command = "touch ran"\n[profiles.odd]\nurl = "http://far.example"\n'
    )
    done = home.run("profiles", status=0)
    rows = [line.split() for line in done.out.splitlines()]
    assert rows.pop(0) == ["profile", "kind", "gateway", "mailbox"]
    assert [row[:2] for row in rows] == [["try", "TEST"], ["prod", "LIVE"], ["odd", "?"]]
    assert rows[1][-1] == "default" and "odd:" in done.err and "plain http" in done.err
    data = home.run("profiles", "--json", env={"MULTIMAIL_MAILBOX_ID": "01M"}).json
    assert [one["live"] for one in data["profiles"]] == [False, True, None]
    assert data["profiles"][0]["mailbox"] == "01M" and data["overriding"] == ["MULTIMAIL_MAILBOX_ID"]
    assert home.run("--config", "no-such-file", "profiles").status == Exit.CONFIG
