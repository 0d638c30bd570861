"""`mm-tui sandbox serve` as a process: what it says, what it saves, and that it ends with its parent."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from mm_tui.sandbox.gateway.server import Server
from mm_tui.sandbox.gateway.state import SandboxState
from mm_tui.sandbox.run.child import Ready, SandboxChild, SandboxFailed
from mm_tui.system.private_files import replace_private
from tests.support.processes import MM_TUI, free_port, is_running
from tests.support.sandbox import Sandbox, file_part, running_sandbox, running_sandbox_process, wait_until

PARENT = """
import sys, time
from mm_tui.sandbox.run import seed
from mm_tui.sandbox.run.child import SandboxChild
child = SandboxChild("--no-samples", "--data", sys.argv[1])
child.start()
print(child.pid, child.ready.url, flush=True)
time.sleep(600)
"""


def test_the_ready_message_and_the_ready_file_are_the_same(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    arguments = [*MM_TUI, "sandbox", "serve", "--no-samples", "--ready-file", str(file)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        said = json.loads(line)
        assert json.loads(file.read_text()) == said
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert set(said) == {"url", "ai21_url", "ai21_key", "keys", "tutorial_key", "mailboxes"}
        assert set(said["keys"]) == {"oversight", "send", "admin"}
        assert len(said["mailboxes"]) == 3
        assert said["keys"]["send"] not in repr(Ready.parse(line))
        answer = httpx.post(
            f"{said['ai21_url']}/chat/completions",
            headers={"Authorization": f"Bearer {said['ai21_key']}"},
            json={"model": "jamba-mini", "messages": [{"role": "user", "content": "Hello"}]},
            trust_env=False,
        )
        assert answer.json()["choices"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_state_survives_a_restart(tmp_path: Path) -> None:
    with running_sandbox_process(tmp_path, "--no-samples") as before:
        keys, mailboxes = before.keys, before.mailboxes
        draft = before.draft(attachments=[file_part("a.bin", b"\x00\x01")], bcc=["b@c.example"], idempotency_key="k")
        released = before.draft("Out")
        before.decide(released)
        before.set_mode("monitored", mailboxes[1]["id"])
        audit = before.audit()
    with running_sandbox_process(tmp_path, "--no-samples") as after:
        assert after.keys == keys
        assert [box["id"] for box in after.mailboxes] == [box["id"] for box in mailboxes]
        assert after.mailboxes[1]["oversight_mode"] == "monitored"
        assert [item["id"] for item in after.pending()] == [draft]
        assert [mail["id"] for mail in after.outbox()] == [released]
        assert after.audit()[-len(audit) :] == audit
        assert after.send(idempotency_key="k")["status"] == "already_sent"
        after.decide(draft)
        assert after.outbox()[1]["bcc"] == ["b@c.example"]


def test_a_kill_in_the_middle_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    data = ("--no-samples", "--data", str(tmp_path / "data"), "--scan-delay", "0")
    child = SandboxChild(*data)
    child.start()
    sandbox = Sandbox(child.ready, tmp_path / "data")
    drafts = [sandbox.send(subject=str(number))["id"] for number in range(20)]
    os.kill(child.pid, signal.SIGKILL)
    child.stop()
    with SandboxChild(*data) as again:
        assert [item["id"] for item in Sandbox(again.ready, tmp_path / "data").pending()] == drafts


def test_the_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline().split()[0])
        assert is_running(pid)
        parent.kill()
        parent.wait()
        wait_until(lambda: not is_running(pid))


def test_the_child_ends_when_the_terminal_goes_away(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    out_read, out_write = os.pipe()
    parent = os.fork()
    if parent == 0:
        os.setsid()
        # Opening a terminal without having one makes it the controlling one, whose end then sends SIGHUP.
        os.close(os.open(os.ttyname(slave), os.O_RDWR))
        os.dup2(slave, 0)
        os.dup2(out_write, 1)
        os.execv(sys.executable, [sys.executable, "-c", PARENT, str(tmp_path)])
    os.close(slave)
    os.close(out_write)
    try:
        with os.fdopen(out_read) as out:
            pid = int(out.readline().split()[0])
        assert is_running(pid)
        os.close(master)
        wait_until(lambda: not is_running(pid))
    finally:
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)


def test_a_child_runs_no_file_of_the_current_folder_and_can_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "h11.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    child = SandboxChild("--no-samples", log=tmp_path / "log")
    url = child.start().url
    pid = child.pid
    child.stop()
    child.stop()
    assert not is_running(pid)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--host", "0.0.0.0"), "this machine only"),
        (("--mail", "/nowhere/at.all"), "no such file"),
        (("--port", "99999"), "--port"),
        (("--synthetic", "-1"), "--synthetic"),
    ],
)
def test_what_cannot_be_served_is_reported(arguments: tuple[str, ...], word: str) -> None:
    with pytest.raises(SandboxFailed, match=word):
        SandboxChild(*arguments).start()


def test_a_port_in_use_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SandboxFailed, match=f"port {port}"):
            SandboxChild("--no-samples", "--port", str(port)).start()


def test_a_folder_keeps_its_port_and_says_when_another_program_uses_it(tmp_path: Path) -> None:
    data = ("--no-samples", "--data", str(tmp_path))
    with SandboxChild(*data) as first:
        url = first.ready.url
    with SandboxChild(*data, "--port", str(free_port())) as elsewhere:
        assert elsewhere.ready.url != url
    # As an earlier version left it.
    with closing(sqlite3.connect(tmp_path / "sandbox.sqlite3")) as connection, connection:
        assert connection.execute("DELETE FROM facts WHERE name = 'port'").rowcount == 1
    replace_private(tmp_path / "ready.json", json.dumps({"url": url}))
    with SandboxChild(*data) as again:
        assert again.ready.url == url
    with (
        socket.create_server(("127.0.0.1", int(url.rpartition(":")[2]))),
        pytest.raises(SandboxFailed, match=r"Address already in use\. .* bound to that address\. End the program"),
    ):
        SandboxChild(*data).start()


def test_a_web_page_under_another_name_reads_nothing(sandbox: Sandbox) -> None:
    assert sandbox.http.get("/sandbox/outbox", headers={"Host": "evil.example"}).status_code == 400
    assert sandbox.http.get("/sandbox/outbox", headers={"Host": "localhost:1"}).status_code == 200


def test_it_serves_on_the_other_loopback_address_too(tmp_path: Path) -> None:
    state = SandboxState(tmp_path)
    try:
        server = Server(state, host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    finally:
        state.close()
    server.close()
    with running_sandbox_process(tmp_path, "--no-samples", "--host", "::1") as sandbox:
        assert sandbox.url.startswith("http://[::1]:")
        assert sandbox.inbound(subject="Over IPv6")["status"] == "unread"


def test_two_sandboxes_cannot_share_a_folder(tmp_path: Path) -> None:
    with running_sandbox(tmp_path), pytest.raises(SandboxFailed, match="Another sandbox"):
        SandboxChild("--data", str(tmp_path / "sandbox")).start()
