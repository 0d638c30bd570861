"""The worker's own store: busy for a while, and damaged."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mm_tui.store.connecting import damage_mark
from tests.support.agents import deliver, desk, environment, outbound_by_mail
from tests.support.assistant import settings_for
from tests.support.cli import Home
from tests.support.sandbox import Sandbox
from tests.support.scripted_model import Answering


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program that writes; its rollback ends that."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


async def test_a_busy_store_stops_neither_the_loop_nor_the_work(sandbox: Sandbox, tmp_path: Path) -> None:
    ids, path = deliver(sandbox, 3), tmp_path / "agent.sqlite"
    async with desk(settings_for(sandbox), path, model=Answering()) as agent, asyncio.timeout(20):
        await agent.source.poll()
        with locked(path) as other:
            # If the loop waited for the store, this would not run before the store gives up.
            asyncio.get_running_loop().call_later(0.1, other.rollback)
            assert await agent.worker.once()
    assert all(len(found) == 1 for found in outbound_by_mail(sandbox, ids).values())


async def test_a_store_that_is_busy_for_long_ends_no_agent(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mm_tui.store.database.BUSY_MS", 20)
    ids, path = deliver(sandbox, 3), tmp_path / "agent.sqlite"
    async with desk(settings_for(sandbox), path, model=Answering()) as agent, asyncio.timeout(20):
        await agent.source.poll()
        with locked(path) as other:
            running = asyncio.create_task(agent.worker.run())
            while not agent.events("store failed") or not agent.events("poll failed"):
                await asyncio.sleep(0.01)
            other.rollback()
            while not all(outbound_by_mail(sandbox, ids).values()):
                await asyncio.sleep(0.01)
        agent.worker.stop()
        await running
        assert not agent.events("fault") and not agent.events("failed")


@pytest.mark.parametrize("damage", ["state = 'waitinf'", "why = CAST(x'ff' AS TEXT)", "due_at = 'soon'"])
def test_a_damaged_store_is_rebuilt_by_the_next_start(sandbox: Sandbox, home: Home, damage: str) -> None:
    deliver(sandbox, 2)
    path, env = home.data / "agent-store-default.sqlite3", environment(sandbox, home.folder)
    home.run("agent", "run", "--once", env=env, status=0)
    draft = sandbox.pending()[0]["id"]
    sandbox.decide(draft, "reject", "Wrong tone")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE agent_jobs SET {damage} WHERE reply_id = ?", (draft,))
    done = home.run("agent", "run", "--once", env=env, status=10)
    assert "is damaged" in done.err and damage_mark(path).exists()
    done = home.run("agent", "run", "--once", env=env, status=0)
    assert "was damaged" in done.err and not damage_mark(path).exists()
    assert list(home.data.glob("agent-*.damaged-*"))
