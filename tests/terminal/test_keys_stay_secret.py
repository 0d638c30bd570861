"""A key in every place where one can be set appears nowhere after a crash anywhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import MM_TUI
from tests.support.pty import Terminal, plain_environment
from tests.support.sandbox import Sandbox, running_sandbox_process, wait_until

ROOT = Path(__file__).parents[2]
KEYS = {
    "profile": "mm_test_in_the_profile_0001",
    "environment": "mm_test_in_the_environment_0002",
    "command": "mm_test_out_of_a_command_0003",
    "model": "ai21_test_for_the_model_0004",
}
CONFIG = f"""
[profiles.default]
oversight_key = "{KEYS["profile"]}"
admin_key_command = "echo {KEYS["command"]}"
"""

SCREEN_PLACES = [
    "mm_tui.session:Session.open",
    "mm_tui.session:Session.build",
    "mm_tui.app:MmTui.on_mount",
    "mm_tui.screens.inbox.screen:InboxScreen.compose_body",
    "mm_tui.screens.inbox.screen:InboxScreen.handle_event",
    "mm_tui.screens.inbox.screen:InboxScreen.action_toggle_folded",
    "mm_tui.widgets.virtual_list:VirtualList.render_line",
    "mm_tui.store.mail.mails:MailStore.rows",
    "mm_tui.services.sync.service:Sync.run",
    "mm_tui.gateway.http:Wire.call",
]
COMMAND_PLACES = [
    ("mm_tui.settings.file:load", ["pending", "list"]),
    ("mm_tui.store.database:Database.open", ["sync"]),
    ("mm_tui.gateway.http:Wire.call", ["pending", "list"]),
    ("mm_tui.gateway.client:GatewayClient.pending", ["sync"]),
    ("mm_tui.gateway.http:Wire.__init__", ["audit", "list"]),
]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox_process(tmp_path_factory.mktemp("gateway"), "--synthetic", "5") as running:
        yield running


def environment(home: Path, sandbox: Sandbox) -> dict[str, str]:
    config = home / "config.toml"
    config.write_text(CONFIG)
    config.chmod(0o600)
    return plain_environment(
        home,
        PYTHONPATH=str(ROOT),
        PLANTED_KEYS=" ".join(KEYS.values()),
        MM_TUI_CONFIG=str(config),
        MM_TUI_DATA=str(home / "data"),
        MULTIMAIL_API_URL=sandbox.url,
        MULTIMAIL_SEND_API_KEY=KEYS["environment"],
        AI21_API_KEY=KEYS["model"],
        AI21_API_HOST=sandbox.ai21_url,
    )


def assert_no_key(home: Path, output: bytes) -> None:
    """Neither on the terminal nor in any file but the settings."""
    texts = {"the terminal": output}
    for path in home.rglob("*"):
        if path.is_file() and path.name != "config.toml":
            texts[str(path.relative_to(home))] = path.read_bytes()
    for where, data in texts.items():
        for key in KEYS.values():
            assert key.encode() not in data, f"{key} in {where}"
        assert b"Traceback" not in data, where


def reports(home: Path) -> list[Path]:
    return list((home / "data" / "reports").glob("*"))


@pytest.mark.slow
@pytest.mark.parametrize("place", SCREEN_PLACES)
def test_a_crash_of_the_screen_shows_no_key(tmp_path: Path, sandbox: Sandbox, place: str) -> None:
    program = [sys.executable, "-m", "tests.support.crashing", place, "--debug"]
    with Terminal(program, env=environment(tmp_path, sandbox), cwd=ROOT, cols=100, rows=30) as terminal:
        terminal.wait_for("Inbox|crash|internal error|stopped", timeout=60)

        def broke() -> bool:
            """Something drew, synced or acted until the broken function was called. A gateway's fault is only shown."""
            for key in ("j", "t", "2", "1"):
                terminal.press(key)
                terminal.wait_quiet(0.2)
            reported = place == "mm_tui.gateway.http:Wire.call" and "offline" in terminal.text
            return reported or terminal.ended or bool(reports(tmp_path))

        wait_until(broke, seconds=60)
        if terminal.ended:
            status = terminal.wait_exit()
            assert status != 0
            assert str(reports(tmp_path)[0]) in terminal.raw.decode().replace("\r\n", "")
        else:
            terminal.press("ctrl+q")
            status = terminal.wait_exit()
        assert_no_key(tmp_path, terminal.raw)
        assert reports(tmp_path) or place == "mm_tui.gateway.http:Wire.call", terminal.text
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in reports(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize(("place", "command"), COMMAND_PLACES)
def test_a_crash_of_a_command_shows_no_key(tmp_path: Path, sandbox: Sandbox, place: str, command: list[str]) -> None:
    program = [sys.executable, "-m", "tests.support.crashing", place, "--debug", *command]
    with Terminal(program, env=environment(tmp_path, sandbox), cwd=ROOT, cols=200, rows=30) as terminal:
        assert terminal.wait_exit(60) == 1
        (report,) = reports(tmp_path)
        assert str(report) in terminal.raw.decode()
        assert report.stat().st_mode & 0o777 == 0o600
        assert_no_key(tmp_path, terminal.raw)


@pytest.mark.slow
def test_a_key_command_that_fails_and_prints_the_key_shows_none(tmp_path: Path, sandbox: Sandbox) -> None:
    env = environment(tmp_path, sandbox)
    command = f"echo {KEYS['command']}; exit 3"
    (tmp_path / "config.toml").write_text(f"[profiles.default]\noversight_key_command = \"sh -c '{command}'\"\n")
    with Terminal([*MM_TUI, "pending", "list"], env=env, cols=200, rows=30) as terminal:
        assert terminal.wait_exit(60) != 0
        assert_no_key(tmp_path, terminal.raw)
