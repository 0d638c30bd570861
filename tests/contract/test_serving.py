"""`mm-tui sandbox serve` as a process: what it says, what it keeps, and that it ends with its parent."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import pty
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from mm_tui.sandbox.gateway import lifecycle, messages
from mm_tui.sandbox.gateway.mail import IncomingMail, TimedMail
from mm_tui.sandbox.gateway.server import Server
from mm_tui.sandbox.gateway.state import SandboxState
from mm_tui.sandbox.gateway.statuses import SandboxStatus
from mm_tui.sandbox.run import seed
from mm_tui.sandbox.run.child import Ready, SandboxChild, SandboxFailed
from mm_tui.sandbox.run.demo_agent import DemoActivity, redraft
from mm_tui.sandbox.run.serve import fill
from mm_tui.sandbox.run.synthetic import fill_synthetic
from mm_tui.sandbox.samples import load_samples
from mm_tui.system.private_files import replace_private
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


MBOX = """\
From anna Fri Mar  1 10:00:00 2024
From: Anna <anna@customer.example>
To: support@acme.multimail.example
Subject: Weather
Date: Fri, 1 Mar 2024 10:00:00 +0000
Message-ID: <w1@customer.example>

It rains.

From tom Sat Mar  2 10:00:00 2024
From: Tom <tom@customer.example>
To: support@acme.multimail.example
Subject: Re: Weather
Date: Sat, 2 Mar 2024 10:00:00 +0000
Message-ID: <w2@customer.example>
In-Reply-To: <w1@customer.example>

It does.
"""


def fill_with(count: int) -> Callable[[SandboxState], None]:
    def fill(state: SandboxState) -> None:
        assert fill_synthetic(state, count) == count

    return fill


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_the_ready_message_and_the_ready_file_are_the_same(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    arguments = [sys.executable, "-m", "mm_tui", "sandbox", "serve", "--no-samples", "--ready-file", str(file)]
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


def test_samples_are_filled_in_once(tmp_path: Path) -> None:
    counts = []
    for _ in range(2):
        with running_sandbox_process(tmp_path) as sandbox:
            pages = [
                sandbox.call("GET", f"/v1/mailboxes/{box['id']}/emails", key="send", limit=100)["emails"]
                for box in sandbox.mailboxes
            ]
            assert sandbox.pending()
            counts.append([len(page) for page in pages])
    assert counts[0] == counts[1]
    assert all(counts[0])


def test_a_folder_of_a_reader_s_own_mail_is_not_filled_with_samples_later(tmp_path: Path) -> None:
    (tmp_path / "own.mbox").write_text(MBOX)
    state = SandboxState(tmp_path / "sandbox")
    try:
        fill(state, [tmp_path / "own.mbox"], 0, None)
        held = state.db.execute("SELECT count(*) FROM emails").fetchone()[0]
        fill(state, [], 0, None)
        assert state.db.execute("SELECT count(*) FROM emails").fetchone()[0] == held
        assert not seed.was_done(state, "samples")
        fill(state, [], 0, True)
        assert state.db.execute("SELECT count(*) FROM emails").fetchone()[0] > held
        assert seed.was_done(state, "samples")
    finally:
        state.close()


def test_mail_is_filled_into_the_first_mailbox_once(tmp_path: Path) -> None:
    mbox = tmp_path / "own.mbox"
    mbox.write_text(MBOX)
    for _ in range(2):
        with running_sandbox_process(tmp_path, "--mail", str(mbox)) as sandbox:
            page = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="send")
            found = [(item["subject"], item["received_at"][:10], item["status"]) for item in page["emails"]]
            assert found == [("Re: Weather", "2024-03-02", "unread"), ("Weather", "2024-03-01", "unread")]
            assert len({item["thread_id"] for item in page["emails"]}) == 1
            assert sandbox.pending() == []


def test_a_hundred_thousand_synthetic_mails_are_there_in_seconds(tmp_path: Path) -> None:
    # The processor's time, which other work on the machine does not stretch.
    started = time.process_time()
    with running_sandbox(tmp_path, fill=fill_with(100_000)) as sandbox:
        assert time.process_time() - started < 40
        page = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="send", limit=100)
        assert len(page["emails"]) == 100
        assert len(sandbox.pending()) > 5
        unread = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="send", status="unread", limit=100)
        assert len(unread["emails"]) == 100


def test_synthetic_mail_is_all_there_page_by_page(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, fill=fill_with(2_345)) as sandbox:
        assert count_of(sandbox) == 2_345


def count_of(sandbox: Sandbox) -> int:
    """How many mails a walk over all pages finds, by id."""
    seen: set[str] = set()
    cursor: str | None = None
    while True:
        params = {"cursor": cursor} if cursor else {}
        page = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="send", limit=100, **params)
        seen.update(item["id"] for item in page["emails"])
        cursor = page["cursor"]
        if cursor is None:
            return len(seen)


def test_synthetic_mail_is_the_same_every_time(tmp_path: Path) -> None:
    seen = []
    for name in ("one", "two"):
        with running_sandbox(tmp_path / name, fill=fill_with(200)) as sandbox:
            page = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="send", limit=100)
            seen.append([(item["from"], item["subject"], item["status"]) for item in page["emails"]])
    assert seen[0] == seen[1]


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


def test_stopping_while_it_is_still_filling_leaves_nothing_behind(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "mm_tui", "sandbox", "serve", "--synthetic", "2000000"]
    with subprocess.Popen(arguments, env={**os.environ, "TMPDIR": str(tmp_path)}) as process:
        wait_until(lambda: list(tmp_path.glob("*/sandbox.sqlite3")))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


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


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


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


def test_the_agent_sees_its_own_key_and_none_of_the_users(tmp_path: Path) -> None:
    state = SandboxState(tmp_path)
    server = Server(state)
    try:
        own = {"PATH": "/bin", "MULTIMAIL_API_KEY": "mm_live_mine", "AI21_API_KEY": "mine", "MM_TUI_PROFILE": "acme"}
        seen = DemoActivity(state, server, works=True).agent_environment(own)
    finally:
        server.close()
        state.close()
    assert seen["PATH"] == "/bin"
    assert seen["MULTIMAIL_SEND_API_KEY"] == state_keys(tmp_path)["send"]
    assert "MULTIMAIL_API_KEY" not in seen and "MM_TUI_PROFILE" not in seen
    assert "mine" not in seen.values()


def state_keys(folder: Path) -> dict[str, str]:
    state = SandboxState(folder)
    try:
        return state.keys()
    finally:
        state.close()


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_agent_ends_with_the_sandbox(tmp_path: Path, number: signal.Signals) -> None:
    child = SandboxChild("--agent", "--data", str(tmp_path))
    child.start()
    try:
        (agent,) = wait_until(lambda: children_of(child.pid))
        os.kill(child.pid, number)
        wait_until(lambda: not is_running(agent))
    finally:
        child.stop()


def test_each_sample_draft_is_rewritten_for_a_reviewer_who_asks(tmp_path: Path) -> None:
    state = SandboxState(tmp_path)
    try:
        with state.write():
            seed.fill_samples(state, load_samples(datetime.now(UTC)).mailboxes)
        drafts = [row["id"] for row in state.db.execute("SELECT id FROM emails WHERE status = 'pending_send_approval'")]
        reasons = ("Wrong tone", "Wrong facts", "Shorter", "")
        for draft, reason in zip(drafts, itertools.cycle(reasons), strict=False):
            lifecycle.set_status(state, draft, SandboxStatus.REJECTED)
            wanted = [(draft, "review.redraft", "now"), (draft, "review.reason", reason)]
            state.db.executemany("INSERT INTO tags VALUES (?, ?, ?)", wanted)
        words = json.dumps("Dear Anna, it leaves on Monday.")
        parts = [(drafts[0], "review.suggestion", words[:9]), (drafts[0], "review.suggestion.2", words[9:])]
        state.db.executemany("INSERT INTO tags VALUES (?, ?, ?)", parts)
        assert redraft(state) == len(drafts) >= 40
        assert redraft(state) == 0
        follows = state.db.execute("SELECT value, email_id FROM tags WHERE name = 'assist.follows'").fetchall()
        others = {row["value"]: row["email_id"] for row in follows}
        assert set(others) == set(drafts)
        assert messages.body(state, others[drafts[0]]) == "Dear Anna, it leaves on Monday."
        for draft, other in others.items():
            assert messages.body(state, other).split() != messages.body(state, draft).split()
            assert messages.find(state, other)["thread_id"] == messages.find(state, draft)["thread_id"]
    finally:
        state.close()


async def test_a_failure_in_the_demo_is_reported_once_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state, tries, enough = SandboxState(tmp_path), [0], asyncio.Event()

    def fails(_state: SandboxState) -> int:
        tries[0] += 1
        if tries[0] == 3:
            enough.set()
        raise ValueError("not a number")

    monkeypatch.setattr("mm_tui.sandbox.run.demo_agent.redraft", fails)
    monkeypatch.setattr("mm_tui.sandbox.run.demo_agent.REDRAFT_SECONDS", 0)
    server = Server(state)
    running = asyncio.create_task(DemoActivity(state, server, works=True, mail_arrives=False).run())
    try:
        async with asyncio.timeout(30):
            await enough.wait()
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.close()
        state.close()
    assert capsys.readouterr().err == "Another draft could not be written: ValueError\n"


async def test_mail_arrives_while_the_demo_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (
        TimedMail(0, local, IncomingMail("anna@customer.example", (), f"To {local}", "Hello"))
        for local in ("billing", "support")
    )
    monkeypatch.setattr("mm_tui.sandbox.run.demo_agent.arrivals", lambda now, *, seed: iter([first, second]))
    state = SandboxState(tmp_path)
    server = Server(state)
    try:
        # Among a reader's own mail nothing made up arrives.
        await DemoActivity(state, server, works=True, mail_arrives=False).let_mail_arrive()
        for works in (False, True):
            await DemoActivity(state, server, works=works).let_mail_arrive()
            filed = [row["subject"] for row in state.db.execute("SELECT subject FROM emails ORDER BY id")]
            assert filed == (["To billing", "To support"] if works else [])
    finally:
        server.close()
        state.close()
