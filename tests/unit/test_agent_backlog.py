"""A backlog of thousands: listed a part at a time, worked a few at a time, held on disk and not in memory."""

from __future__ import annotations

import asyncio
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from mm_tui.agent.boxes import Boxes
from mm_tui.agent.jobs import Job, Jobs, JobState
from mm_tui.agent.log import Log
from mm_tui.agent.source import UNREAD_PAGES, MailSource
from mm_tui.agent.work import Work
from mm_tui.agent.worker import Worker, WorkerPace
from mm_tui.clock import SystemClock
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.shapes import EmailFilter, EmailPage, Listing
from mm_tui.models import EmailSummary, Mailbox, Party
from mm_tui.settings.sections import Agent
from mm_tui.store.database import Database
from mm_tui.text import OneLine

HANDS = 4
START = datetime(2026, 3, 1, tzinfo=UTC)


class Gateway:
    """Lists unread mail, as many as there are left; notes how much was listed at once."""

    def __init__(self, count: int) -> None:
        self.account = self
        self.unread = dict.fromkeys(range(count))
        self.count = count
        self.working = 0
        self.listed_meanwhile = 0

    async def mailboxes(self) -> tuple[Mailbox, ...]:
        return (Mailbox(id="box", address=OneLine("support@us.example"), oversight_mode=OneLine("gated_send")),)

    async def emails(
        self, mailbox_id: str, *, filter: EmailFilter | None = None, limit: int = 100, cursor: str | None = None
    ) -> EmailPage:
        if filter is None or filter.status != "unread":
            return EmailPage(Listing())
        if cursor is None and len(self.unread) < self.count:
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    while self.unread and not self.working:
                        await asyncio.sleep(0)
        self.listed_meanwhile += cursor is None and self.working > 0
        numbers = [number for number in reversed(self.unread) if cursor is None or number < int(cursor)]
        shown = numbers[:limit]
        mails = Listing(
            EmailSummary(
                id=f"01{number:06}",
                mailbox_id=mailbox_id,
                sender=Party(address=OneLine("a@c.example")),
                status=OneLine("unread"),
                received_at=START + timedelta(seconds=number),
            )
            for number in shown
        )
        return EmailPage(mails, str(shown[-1]) if len(numbers) > limit else None)


class Hand:
    """Stands in for the work: marks the mail read and finishes the job."""

    def __init__(self, gateway: Gateway, jobs: Jobs) -> None:
        self.gateway = gateway
        self.jobs = jobs
        self.now = 0
        self.most = 0
        self.done: list[str] = []
        self.most_waiting = 0

    async def look_at_tags(self) -> None:
        """There are none."""

    async def do(self, job: Job) -> None:
        self.now += 1
        self.gateway.working = self.now
        self.most = max(self.most, self.now)
        while self.most < HANDS:
            await asyncio.sleep(0)
        del self.gateway.unread[int(job.email_id.removeprefix("01"))]
        await asyncio.to_thread(self.jobs.finish, job.email_id, JobState.DONE, "")
        self.done.append(job.email_id)
        if len(self.done) % 50 == 0:
            self.most_waiting = max(self.most_waiting, self.jobs.counts()["waiting"])
        self.now -= 1
        self.gateway.working = self.now


@pytest.mark.parametrize("way", ["once", "run"])
async def test_a_backlog_is_worked_off_a_part_at_a_time(tmp_path: Path, way: str) -> None:
    count = 2000
    gateway = Gateway(count)
    database = Database.open(tmp_path / "agent.sqlite")
    jobs = Jobs(database)
    hand = Hand(gateway, jobs)
    clock = SystemClock()
    client = cast(GatewayClient, gateway)
    boxes = Boxes(client, Agent(), clock)
    worker = Worker(
        MailSource(client, jobs, boxes, clock),
        cast(Work, hand),
        jobs,
        clock,
        Log(clock, print),
        WorkerPace(interval=60, concurrency=HANDS),
    )
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    if way == "once":
        assert await worker.once()
    else:
        running = asyncio.create_task(worker.run())
        async with asyncio.timeout(60):
            while len(hand.done) < count:
                await asyncio.sleep(0.01)
        worker.stop()
        await running
    held = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    database.close()
    assert sorted(hand.done) == [f"01{number:06}" for number in range(count)]
    assert hand.most == HANDS
    assert gateway.listed_meanwhile >= 3, "the hands stand still while more is listed"
    assert hand.most_waiting <= UNREAD_PAGES * 100 + 100
    assert held < 8 * 2**20, f"{held / 2**20:.1f} MiB"
