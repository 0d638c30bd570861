"""Two reviewers at two machines on one sandbox: each sees what the other has open."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mm_tui.services.presence.tags import presence_in
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.services.queue.filter import QueueFilter
from mm_tui.session import Session
from mm_tui.settings.sections import Review
from mm_tui.store.database import Database
from tests.support.app import settings_for
from tests.support.sandbox import Sandbox


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets the presence of what is opened at once."""
    monkeypatch.setattr("mm_tui.services.presence.keeper.SETTLE_SECONDS", 0.01)


@asynccontextmanager
async def machine(
    sandbox: Sandbox, reviewer: str, *, without: tuple[str, ...] = (), store: Path | None = None, **review: Any
) -> AsyncIterator[Session]:
    """One machine: its own store, its own services, running."""
    settings = settings_for(sandbox, without=without, review=Review(hold_seconds=0, **review))
    named = settings.replaced(profile=settings.profile.replaced(reviewer=reviewer))
    session = Session(named, Database.open(store))
    session.build(lambda _notice: None)
    running = asyncio.create_task(session.run())
    try:
        yield session
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await session.aclose()


def entries(session: Session, shown: str = "") -> dict[str, QueueEntry]:
    queue = ReviewQueue(session.database, session.clock, session.settings.risk)
    shown_now = QueueFilter(shown, queue.filter_context())
    assert session.presence is not None
    return {entry.item.id: entry for entry in shown_now.select(queue.entries(seat=session.presence.seat))}


async def until(condition: Any, what: str) -> None:
    """Waits up to 10 s."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"never came: {what}")


def tags(sandbox: Sandbox, draft: str) -> dict[str, str]:
    found: dict[str, str] = sandbox.look(draft)["tags"]
    return found


async def test_what_one_reviewer_has_open_is_shown_to_the_other_until_it_is_left(sandbox: Sandbox) -> None:
    draft, other = sandbox.draft("One."), sandbox.draft("Two.")
    async with machine(sandbox, "anna") as anna, machine(sandbox, "robin") as robin:
        assert anna.presence is not None
        assert robin.presence is not None
        await until(lambda: len(entries(robin)) == 2 and len(entries(anna)) == 2, "the queue")
        anna.presence.open(sandbox.mailbox, draft)
        await until(lambda: tags(sandbox, draft).get("review.claimed_by") == "anna", "the presence")
        assert entries(anna)[draft].presence is None, "one's own presence is no warning"
        assert not entries(anna, "is:mine"), "reading it makes it nobody's"
        robin.presence.open(sandbox.mailbox, draft)
        await until(lambda: entries(robin)[draft].presence is not None, "anna's presence")
        presence = entries(robin)[draft].presence
        assert presence is not None
        assert presence.by == "anna"
        assert "anna has it open since " in presence.words
        assert list(entries(robin, "is:claimed")) == [draft]
        assert tags(sandbox, draft)["review.claimed_by"] == "anna", "a presence keeps its owner"
        anna.presence.open(sandbox.mailbox, other)
        await until(lambda: "review.claimed_by" not in tags(sandbox, draft), "the end of the presence")
        await until(lambda: tags(sandbox, other).get("review.claimed_by") == "anna", "the next presence")
    assert not [one for one in (draft, other) if "review.claimed_by" in tags(sandbox, one)], "leaving removes it"


OTHER_RUN = """
import sys
from pathlib import Path
from mm_tui.services.presence.runs import ended_runs
from mm_tui.store.database import Database
ended_runs(Database.open(Path(sys.argv[1])), "other-run")
print("remembered", flush=True)
sys.stdin.read()
"""


async def test_the_presence_that_an_earlier_session_stored_is_not_anothers(sandbox: Sandbox, tmp_path: Path) -> None:
    draft, store = sandbox.draft("One."), tmp_path / "store.sqlite3"
    async with machine(sandbox, "anna", store=store) as anna:
        assert anna.presence is not None
        await until(lambda: entries(anna), "the queue")
        anna.presence.watch.watch(sandbox.mailbox, draft)
        anna.presence.open(sandbox.mailbox, draft)
        await until(lambda: "review.claim" in tags(sandbox, draft), "the presence")
        await anna.presence.watch.refresh()
    assert "review.claim" not in tags(sandbox, draft)
    async with machine(sandbox, "anna", store=store) as anna:
        assert entries(anna)[draft].presence is None


async def test_what_a_killed_run_left_is_nobodys_and_what_a_living_one_has_is_shown(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    draft, store = sandbox.draft("One."), tmp_path / "store.sqlite3"
    Database.open(store).close()
    until_at = (datetime.now(UTC) + timedelta(minutes=9)).isoformat()
    left = {"review.claimed_by": "anna", "review.claimed_until": until_at, "review.claim": "other-run"}
    path = f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft}/tags"
    sandbox.call("PUT", path, key="send", json={"tags": left})
    command = [sys.executable, "-c", OTHER_RUN, str(store)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline()
        async with machine(sandbox, "anna", store=store) as anna:
            assert anna.presence is not None
            anna.presence.open(sandbox.mailbox, draft)
            await until(lambda: (found := entries(anna).get(draft)) and found.presence, "the other window")
        other.kill()
    async with machine(sandbox, "anna", store=store) as anna:
        assert anna.presence is not None
        assert entries(anna)[draft].presence is None
        anna.presence.open(sandbox.mailbox, draft)
        await until(lambda: tags(sandbox, draft)["review.claim"] != "other-run", "its own presence")


async def test_a_presence_is_renewed_while_the_email_is_open_and_then_ends(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = sandbox.draft("One.")
    # A third of this is when it is renewed first.
    monkeypatch.setattr("mm_tui.services.presence.keeper.RENEWALS", 600)
    async with machine(sandbox, "anna", claim_minutes=1) as anna:
        assert anna.presence is not None
        await until(lambda: entries(anna), "the queue")
        anna.presence.open(sandbox.mailbox, draft)
        await until(lambda: "review.claimed_until" in tags(sandbox, draft), "the presence")
        first = tags(sandbox, draft)
        await until(lambda: tags(sandbox, draft)["review.claimed_until"] > first["review.claimed_until"], "the renewal")
        renewed = tags(sandbox, draft)
        assert renewed["review.claimed_at"] == first["review.claimed_at"], "since when stays"
        detail = await anna.sync.fetch_detail(sandbox.mailbox, draft) if anna.sync is not None else None
        assert detail is not None
        now = anna.clock.now()
        assert presence_in(detail.tags, now) is not None
        assert presence_in(detail.tags, now + timedelta(minutes=2)) is None


async def test_without_a_send_key_presence_is_read_but_not_set(sandbox: Sandbox) -> None:
    draft = sandbox.draft("One.")
    async with machine(sandbox, "anna") as anna, machine(sandbox, "robin", without=("send",)) as robin:
        assert anna.presence is not None
        assert robin.presence is not None
        await until(lambda: entries(robin), "the queue")
        anna.presence.open(sandbox.mailbox, draft)
        await until(lambda: "review.claimed_by" in tags(sandbox, draft), "the presence")
        robin.presence.open(sandbox.mailbox, draft)
        await until(lambda: entries(robin)[draft].presence is not None, "anna's presence")
        anna.presence.close()
        await until(lambda: tags(sandbox, draft) == {}, "the end of the presence")
        robin.presence.close()
    assert tags(sandbox, draft) == {}
    assert len(sandbox.calls("PUT", "/tags")) == 2, "anna's presence, and its end"


async def test_no_presence_is_set_when_it_is_off_or_an_email_is_only_passed(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, passed = sandbox.draft("One."), sandbox.draft("Two.")
    async with machine(sandbox, "anna", claim_minutes=0) as anna:
        assert anna.presence is not None
        await until(lambda: len(entries(anna)) == 2, "the queue")
        anna.presence.open(sandbox.mailbox, draft)
        await until(lambda: (found := entries(anna).get(draft)) and found.item.complete, "the detail")
    async with machine(sandbox, "anna") as anna:
        assert anna.presence is not None
        await until(lambda: len(entries(anna)) == 2, "the queue")
        monkeypatch.setattr("mm_tui.services.presence.keeper.SETTLE_SECONDS", 60)
        anna.presence.open(sandbox.mailbox, passed)
        await asyncio.sleep(0)
        monkeypatch.setattr("mm_tui.services.presence.keeper.SETTLE_SECONDS", 0.01)
        anna.presence.open(sandbox.mailbox, draft)
        await until(lambda: "review.claimed_by" in tags(sandbox, draft), "the presence")
        assert tags(sandbox, passed) == {}


async def test_a_presence_that_cannot_be_set_prevents_no_decision(sandbox: Sandbox) -> None:
    draft = sandbox.draft("One.")
    sandbox.fault(path="/tags$", kind="status", status=500, count=0)
    async with machine(sandbox, "anna") as anna:
        assert anna.presence is not None
        assert anna.decisions is not None
        await until(lambda: entries(anna), "the queue")
        anna.presence.open(sandbox.mailbox, draft)
        await until(lambda: sandbox.calls("GET", "/tags"), "the failed presence")
        await until(lambda: entries(anna)[draft].item.complete, "the detail")
        entry = entries(anna)[draft]
        await anna.decisions.approve(entry.item, entry.digest)
        await until(lambda: sandbox.outbox(), "the release")
        anna.presence.close()
    assert [message["body"].strip() for message in sandbox.outbox()] == ["One."]
