"""The worker as a process: killed at any moment, notified of the same thing many times, and ended properly."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from mm_tui import cli
from mm_tui.agent.listener import MAX_BODY, MOST, ConnectionLimits
from mm_tui.commands import agent_work
from tests.support.agents import (
    BODY,
    agent_process,
    assert_one_reply_each,
    deliver,
    environment,
    outbound_by_mail,
    tagged,
    wait_for_line,
)
from tests.support.processes import MM_TUI, free_port, is_running
from tests.support.sandbox import Sandbox, wait_until

SECRET = "whsec_made_up_7d1f"
HEAD = b"POST /hook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n"


def test_killed_again_and_again_it_makes_one_reply_each(sandbox: Sandbox, tmp_path: Path) -> None:
    ids = deliver(sandbox, 10)
    kills = 0
    # With few hands some mail is left for each moment.
    few_hands = environment(sandbox, tmp_path, MM_TUI_AGENT_CONCURRENCY="4")
    moments = [
        {"method": "POST", "path": "/reply/", "kind": "hang", "when": "after", "nth": 2, "seconds": 60},
        {"method": "POST", "path": "/reply/", "kind": "hang", "when": "before", "nth": 2, "seconds": 60},
        {"method": "PUT", "path": "/tags$", "kind": "hang", "when": "after", "nth": 2, "seconds": 60},
    ]
    for moment in moments:
        sandbox.clear_faults()
        sandbox.fault(**moment)
        with agent_process(few_hands, "--interval", "1") as process:
            wait_until(lambda: any(rule["hits"] for rule in sandbox.faults()) or process.poll() is not None, seconds=30)
            assert process.poll() is None
            process.kill()
            assert process.wait(10) == -signal.SIGKILL
            kills += 1
    assert kills == len(moments)
    sandbox.clear_faults()
    done = subprocess.run(
        [*MM_TUI, "agent", "run", "--once", "--json"],
        env=environment(sandbox, tmp_path), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    ended = json.loads(done.stdout.splitlines()[-1])
    assert (ended["waiting"], ended["failed"]) == (0, 0)
    assert_one_reply_each(sandbox, ids)
    for secret in (sandbox.keys["send"], sandbox.ai21_key):
        assert secret not in done.stdout + done.stderr


class Hook:
    """Sends events as the gateway would."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hook"
        self.http = httpx.Client(trust_env=False, timeout=10)

    def send(self, event: object, *, secret: str = SECRET, prefix: str = "") -> int:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        signature = prefix + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return self.http.post(self.url, content=body, headers={"X-MultiMail-Signature": signature}).status_code


def shapes(sandbox: Sandbox, mail_id: str) -> list[dict[str, Any]]:
    mail = sandbox.look(mail_id)
    content = {"thread_id": mail["thread_id"], "mailbox_id": mail["mailbox_id"]}
    return [
        {"id": f"e-{mail_id}", "type": "email.received", "data": {"email_id": mail_id, **content}},
        {"event_type": "message.received", "message_id": mail_id, "mailbox": sandbox.address, "timestamp": "x"},
    ]


def test_webhooks_replayed_in_both_shapes_make_one_reply_each(sandbox: Sandbox, tmp_path: Path) -> None:
    port = free_port()
    environ = environment(sandbox, tmp_path, MULTIMAIL_WEBHOOK_SECRET=SECRET)
    with agent_process(environ, "--listen", f"127.0.0.1:{port}", "--interval", "3600") as process:
        wait_for_line(process, "listening")
        hook = Hook(port)
        ids = deliver(sandbox, 4)
        for mail_id in ids:
            for event in shapes(sandbox, mail_id):
                assert hook.send(event) == 202
                assert hook.send(event, prefix="sha256=") == 200, "a replay"
        wait_until(lambda: all(outbound_by_mail(sandbox, ids).values()) and all(tagged(sandbox, one) for one in ids))
        for mail_id in ids:
            assert [hook.send(event) for event in shapes(sandbox, mail_id)] == [200, 200]

        # What is not for us, not from the gateway, or not to be held in memory.
        first = shapes(sandbox, ids[0])[0]
        assert hook.send(first, secret="whsec_wrong") == 401
        assert hook.http.post(hook.url, json=first).status_code == 401
        assert hook.http.post(hook.url, json=first, headers={b"X-MultiMail-Signature": b"\xe9"}).status_code == 401
        assert hook.send(b"x" * (MAX_BODY + 1)) == 413
        assert hook.send(b"not json") == 202
        assert hook.send(b"[" * 100_000) == 202
        assert hook.send([1]) == 202, "only a poll can tell"
        assert hook.send({"type": ["email.received"], "data": {}}) == 202
        assert hook.send({"type": "oversight.pending", "data": {}}) == 200
        assert hook.http.get(hook.url).status_code == 405
        for odd in (
            {"type": "email.received"},
            {"type": "email.received", "data": {"email_id": ["x"], "mailbox_id": sandbox.mailbox}},
            {"type": "email.received", "data": {"email_id": "a b\n", "mailbox_id": sandbox.mailbox}},
            {"type": "email.received", "data": {"email_id": ids[0], "mailbox_id": "elsewhere"}},
            {"event_type": "message.received", "message_id": "<rfc@id>", "mailbox": 7},
        ):
            assert hook.send(odd) == 202, "only a poll can tell"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert_one_reply_each(sandbox, ids)


def test_the_gateways_own_webhooks_reach_it(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.settings(webhook_approval=False)
    port = free_port()
    hook = {"url": f"http://127.0.0.1:{port}/", "events": ["email.received", "message.received"]}
    made = sandbox.call("POST", "/v1/webhooks", key="admin", json=hook)
    environ = environment(sandbox, tmp_path, MULTIMAIL_WEBHOOK_SECRET=made["signing_secret"])
    with agent_process(environ, "--listen", f"127.0.0.1:{port}", "--interval", "3600") as process:
        wait_for_line(process, "listening")
        ids = deliver(sandbox, 2)
        wait_until(lambda: all(outbound_by_mail(sandbox, ids).values()))
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert_one_reply_each(sandbox, ids)


def test_a_worker_that_lost_all_its_state_finishes_what_it_began(sandbox: Sandbox, tmp_path: Path) -> None:
    left_alone = str(sandbox.inbound(subject="Read by a human", body=BODY)["id"])
    sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{left_alone}", key="send")
    ids = deliver(sandbox, 8)
    # It opens some, and the model answers too late for any.
    sandbox.fault(method="POST", path="/chat/completions", kind="hang", count=0)
    with agent_process(environment(sandbox, tmp_path / "first"), "--interval", "1") as process:
        wait_until(lambda: sum(sandbox.look(one)["status"] == "read" for one in ids) >= 3)
        process.kill()
    sandbox.clear_faults()
    assert not any(tagged(sandbox, one) for one in ids)
    for folder in ("second", "third"):
        with agent_process(environment(sandbox, tmp_path / folder), "--once") as process:
            assert process.wait(60) == 0
        assert_one_reply_each(sandbox, ids)
    assert not tagged(sandbox, left_alone), "what it did not open is not its own"


@pytest.mark.parametrize(
    "sent", [b"", HEAD[:20], HEAD, b"\x16\x03no http\r\n\r\n"], ids=["nothing", "half a head", "no body", "no http"]
)
def test_half_sent_requests_do_not_keep_webhooks_out(sandbox: Sandbox, tmp_path: Path, sent: bytes) -> None:
    port = free_port()
    environ = environment(sandbox, tmp_path, MULTIMAIL_WEBHOOK_SECRET=SECRET)
    with ExitStack() as stack, agent_process(environ, "--listen", f"127.0.0.1:{port}", "--interval", "3600") as process:
        wait_for_line(process, "listening")
        opened = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(MOST + 40)]
        for connection in opened:
            with suppress(ConnectionError):
                connection.sendall(sent)
        (mail_id,) = deliver(sandbox, 1)
        hook = Hook(port)
        assert [hook.send(event) for event in shapes(sandbox, mail_id)] == [202, 202]
        wait_until(lambda: tagged(sandbox, mail_id))
        stack.close()
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert [line for line in process.stdout if not line.startswith("{")] == []


def test_a_request_that_never_ends_is_cut(tmp_path: Path) -> None:
    """Bytes that drip do not restart the time limit."""

    async def scene() -> None:
        app = FastAPI()
        config = uvicorn.Config(
            app, http=ConnectionLimits(most=4, seconds=0.5).protocol(), log_config=None, lifespan="off"
        )
        server = uvicorn.Server(config)
        door = socket.create_server(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[door]))
        reader, writer = await asyncio.open_connection(*door.getsockname())
        writer.write(b"POST / HTTP/1.1\r\n")

        async def drip() -> None:
            while True:
                writer.write(b"x: y\r\n")
                await asyncio.sleep(0.1)

        dripping = asyncio.create_task(drip())
        with suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        dripping.cancel()
        writer.close()
        server.should_exit = True
        await serving

    asyncio.run(scene())


@pytest.mark.parametrize("way", ["SIGTERM", "SIGHUP", "stdin"])
def test_it_ends_in_order_while_work_is_under_way(sandbox: Sandbox, tmp_path: Path, way: str) -> None:
    deliver(sandbox, 3)
    sandbox.fault(method="POST", path="/chat/completions", kind="delay", seconds=0.5, count=0)
    with agent_process(environment(sandbox, tmp_path), "--interval", "1", "--die-with-stdin") as process:
        assert process.stdin is not None
        wait_until(lambda: sandbox.calls("POST", "/chat/completions") or process.poll() is not None)
        if way == "stdin":
            process.stdin.close()
        else:
            process.send_signal(getattr(signal, way))
        assert process.wait(25) == 0
        assert process.stdout is not None
        events = [json.loads(line)["event"] for line in process.stdout.read().splitlines()]
        process.stdin = None
    assert events[-1] == "ended"


def test_it_ends_with_its_parent(sandbox: Sandbox, tmp_path: Path) -> None:
    """The parent is killed; only the pipe tells the child."""
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'mm_tui', 'agent', 'run', '--die-with-stdin'],"
        " stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], env=environment(sandbox, tmp_path), stdout=subprocess.PIPE, text=True
    )
    try:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_until(lambda: sandbox.calls("GET", "/v1/mailboxes"))
        parent.kill()
        wait_until(lambda: not is_running(child), seconds=20)
    finally:
        parent.kill()
        parent.communicate()
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize(
    ("changes", "arguments", "status", "words"),
    [
        ({"MULTIMAIL_SEND_API_KEY": "oversight"}, (), 4, "may decide"),
        ({"MULTIMAIL_SEND_API_KEY": "mm_test_made_up"}, (), 4, "invalid API key"),
        ({"MULTIMAIL_SEND_API_KEY": ""}, (), 4, "scope send"),
        ({"AI21_API_KEY": ""}, (), 4, "No AI21 key"),
        ({"AI21_API_KEY": "wrong"}, (), 4, "does not accept the key"),
        ({"MULTIMAIL_API_URL": "http://127.0.0.1:1"}, (), 5, "no connection to the gateway"),
        ({}, ("--listen", "127.0.0.1:0"), 10, "MULTIMAIL_WEBHOOK_SECRET"),
        ({}, ("--listen", "nonsense"), 2, "HOST:PORT"),
        ({}, ("--interval", "-1"), 2, "above 0"),
        ({}, ("--once", "--listen", "127.0.0.1:0"), 2, "not allowed with"),
    ],
)  # fmt: skip
def test_what_it_refuses(
    sandbox: Sandbox,
    tmp_path: Path,
    changes: dict[str, str],
    arguments: tuple[str, ...],
    status: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    deliver(sandbox, 1)
    key = changes.get("MULTIMAIL_SEND_API_KEY")
    if key in sandbox.keys:
        changes = {"MULTIMAIL_SEND_API_KEY": sandbox.keys[key or ""]}
    for name, value in environment(sandbox, tmp_path, **changes).items():
        monkeypatch.setenv(name, value)
    assert ended_with(arguments) == status
    out, err = capfd.readouterr()
    assert words in err
    for value in (*sandbox.keys.values(), sandbox.ai21_key):
        assert value not in out + err


def ended_with(arguments: tuple[str, ...]) -> int:
    try:
        return cli.run(["agent", "run", *arguments])
    except SystemExit as ended:
        return int(ended.code or 0)


def test_a_gateway_that_stumbles_at_the_start_is_asked_again(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = deliver(sandbox, 1)
    sandbox.fault(method="GET", path="/oversight/pending$", kind="status", status=503, count=2)
    for name, value in environment(sandbox, tmp_path).items():
        monkeypatch.setenv(name, value)
    assert ended_with(("--once",)) == 0
    assert_one_reply_each(sandbox, ids)
    sandbox.clear_faults()
    sandbox.fault(method="GET", path="/oversight/pending$", kind="status", status=503, count=0)
    monkeypatch.setattr(agent_work, "CHECK_PAUSES", (0.01,))
    assert ended_with(("--once",)) == 5, "what is not known is not taken for a no"


def test_a_dry_run_touches_nothing_and_lists_what_a_run_finds(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ids = deliver(sandbox, 2)
    ended = subprocess.run(
        [*MM_TUI, "agent", "run", "--dry-run", "--json"],
        env=environment(sandbox, tmp_path, AI21_API_KEY=""), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert {json.loads(line)["email_id"] for line in ended.stdout.splitlines()} == set(ids)
    assert [sandbox.status(mail_id) for mail_id in ids] == ["unread", "unread"]
    assert {call["method"] for call in sandbox.calls()} == {"GET"}
    assert not (tmp_path / "data").exists() or not list((tmp_path / "data").rglob("*.sqlite*"))
    # An agent whose state was lost has opened both: they are read, and have its tag.
    for mail_id in ids:
        where = f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail_id}"
        sandbox.call("GET", where, key="send")
        sandbox.call("PUT", f"{where}/tags", key="send", json={"tags": {"assist.opened": "1"}})
    for name, value in environment(sandbox, tmp_path).items():
        monkeypatch.setenv(name, value)
    assert ended_with(("--dry-run",)) == 0
    listed = capfd.readouterr().out
    assert all(f"would work email_id={mail_id}" in listed for mail_id in ids)
    assert ended_with(("--once",)) == 0
    assert_one_reply_each(sandbox, ids)
    capfd.readouterr()
    assert ended_with(("--dry-run",)) == 0
    assert capfd.readouterr().out.endswith(" nothing to do\n")
