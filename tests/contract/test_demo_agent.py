"""The agent of the demo: its key, its end, its drafts, and mail that arrives meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mm_tui.sandbox.gateway import lifecycle, messages
from mm_tui.sandbox.gateway.mail import IncomingMail, TimedMail
from mm_tui.sandbox.gateway.server import Server
from mm_tui.sandbox.gateway.state import SandboxState
from mm_tui.sandbox.gateway.statuses import SandboxStatus
from mm_tui.sandbox.run import seed
from mm_tui.sandbox.run.child import SandboxChild
from mm_tui.sandbox.run.demo_agent import DemoActivity, redraft
from mm_tui.sandbox.samples import load_samples
from tests.support.processes import children_of, is_running
from tests.support.sandbox import wait_until


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
