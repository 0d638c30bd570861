"""Reading the details of drafts that wait, against a real sandbox, in hurried time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mm_tui.clock import Clock
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.keys import Keys
from mm_tui.services.events import (
    FailureKind,
    PartState,
    PendingChanged,
    ServiceEvent,
    SyncChanged,
    SyncPart,
    SyncState,
)
from mm_tui.services.sync.service import Sync
from mm_tui.services.sync.waiting_details import FAILURES_IN_A_ROW, WaitingDetails
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import SyncSettings
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import OneLine
from tests.support.desk import HurriedClock
from tests.support.sandbox import Sandbox


class Reader:
    """The service with everything around it; lists come when the test asks for them."""

    def __init__(self, database: Database, sandbox: Sandbox, clock: Clock) -> None:
        keys = Keys(Secret(sandbox.keys["oversight"]), Secret(sandbox.keys["send"]), Secret(sandbox.keys["admin"]))
        self.gateway = GatewayClient(sandbox.url, keys)
        self.notices: list[ServiceEvent] = []
        self.pending = PendingStore(database)
        self.mail = MailStore(database)
        self.clock = clock
        self.sync = Sync(database, self.gateway, SyncSettings(), clock, self.notices.append)
        self.details = WaitingDetails(database, self.sync, clock, self.notices.append)

    async def list_queue(self) -> None:
        """Reads the queue as a poll does."""
        self.pending.replace(await self.gateway.pending(), self.clock.now())
        self.details.on_event(PendingChanged())

    async def fill(self) -> None:
        """Brings all lists into the store."""
        await self.sync.run_once()
        self.details.on_event(PendingChanged())

    def read(self) -> set[str]:
        """Which waiting mails have their details."""
        return {item.id for item in self.pending.items() if item.complete}


@asynccontextmanager
async def reading(sandbox: Sandbox, folder: Path, *, speed: float = 100.0) -> AsyncIterator[Reader]:
    with Database.open(folder / "store.db") as database:
        reader = Reader(database, sandbox, HurriedClock(speed))
        task = asyncio.create_task(reader.details.run())
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await reader.gateway.aclose()


async def until(condition: Callable[[], object], *, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def opened(sandbox: Sandbox) -> list[str]:
    """The mails whose details were asked for, in that order."""
    calls = [call for call in sandbox.calls("GET", "/emails/") if not call["path"].endswith("/tags")]
    return [str(call["path"]).rsplit("/", 1)[1] for call in calls]


async def test_all_drafts_are_read_those_on_the_screen_first_and_then_nothing_more_is_asked(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    drafts = [sandbox.send(subject=f"Offer {number}")["id"] for number in range(30)]
    async with reading(sandbox, tmp_path) as reader:
        reader.details.first([drafts[20], drafts[25]])
        await reader.list_queue()
        await until(lambda: reader.read() == set(drafts))
        assert opened(sandbox)[:2] == [drafts[20], drafts[25]]
        assert sorted(opened(sandbox)) == sorted(drafts), "each once"
        await asyncio.sleep(0.1)
        reported = len(reader.notices)
        assert reported <= 2 * len(drafts)
        sandbox.forget_calls()
        for _ in range(3):
            await reader.list_queue()
        await asyncio.sleep(0.3)
        assert not opened(sandbox) and len(reader.notices) == reported


async def test_a_long_queue_is_read_one_request_at_a_time_and_not_faster_than_the_gap(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    for number in range(25):
        sandbox.send(subject=f"Offer {number}")
    async with reading(sandbox, tmp_path, speed=5) as reader:
        begun = reader.clock.monotonic()
        await reader.list_queue()
        await until(lambda: len(reader.read()) == 25)
        assert reader.clock.monotonic() - begun >= 24 * 0.1


@pytest.mark.parametrize("status", [403, 500])
async def test_what_fails_stays_unread_with_its_reason_and_is_tried_again(
    sandbox: Sandbox, tmp_path: Path, status: int
) -> None:
    drafts = [sandbox.send(subject=f"Offer {number}")["id"] for number in range(6)]
    bad = drafts[2]
    sandbox.fault(method="GET", path=f"/emails/{bad}$", kind="status", status=status, count=0)
    async with reading(sandbox, tmp_path) as reader:
        await reader.list_queue()
        await until(lambda: reader.read() == set(drafts) - {bad} and reader.details.why_not(bad))
        assert opened(sandbox).count(bad) <= FAILURES_IN_A_ROW, "not again and again"
        assert not reader.details.why_not(drafts[0])
        sandbox.clear_faults()
        await until(lambda: bad in reader.read() and not reader.details.why_not(bad))


async def test_a_gateway_that_refuses_everything_is_left_alone_for_as_long_as_it_asks(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    drafts = [sandbox.send(subject=f"Offer {number}")["id"] for number in range(8)]
    sandbox.fault(method="GET", path="/emails/", kind="rate_limit", retry_after=60, count=1)
    async with reading(sandbox, tmp_path) as reader:
        begun = reader.clock.monotonic()
        await reader.list_queue()
        await until(lambda: reader.details.why_not(drafts[0]))
        for _ in range(5):
            await reader.list_queue()
        assert len(opened(sandbox)) == 1
        await until(lambda: reader.read() == set(drafts))
        assert reader.clock.monotonic() - begun >= 60


@pytest.mark.parametrize("by_hand", [True, False])
async def test_what_a_key_could_not_read_is_read_once_it_can(sandbox: Sandbox, tmp_path: Path, by_hand: bool) -> None:
    draft = sandbox.send(subject="Offer")["id"]
    sandbox.fault(method="GET", path="/emails/", kind="status", status=401, count=1)
    async with reading(sandbox, tmp_path, speed=1) as reader:
        await reader.list_queue()
        await until(lambda: reader.details.why_not(draft))
        if by_hand:
            reader.details.hurry()
        else:
            refused = PartState(SyncPart.MAIL, error=OneLine("mail: the key is refused"), kind=FailureKind.KEY)
            for parts in ((refused,), ()):
                reader.details.on_event(SyncChanged(SyncState(parts=parts)))
        await until(lambda: reader.read() == {draft})


async def test_a_failing_gateway_is_not_asked_for_every_mail(sandbox: Sandbox, tmp_path: Path) -> None:
    drafts = [sandbox.send(subject=f"Offer {number}")["id"] for number in range(12)]
    sandbox.fault(method="GET", path="/emails/", kind="status", status=503, count=0)
    async with reading(sandbox, tmp_path, speed=1) as reader:
        await reader.list_queue()
        await until(lambda: all(reader.details.why_not(draft) for draft in drafts))
        assert len(opened(sandbox)) == FAILURES_IN_A_ROW
        assert not reader.read()


async def test_mail_that_came_in_is_never_opened_while_it_waits_or_is_unread(sandbox: Sandbox, tmp_path: Path) -> None:
    seen = sandbox.inbound(subject="Order", body="Where is it?")
    sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{seen['id']}", key="send")
    draft = sandbox.reply(seen["id"], "On its way.")["id"]
    later = sandbox.inbound(subject="Re: Order", body="And now?", in_reply_to=seen["id"], thread_id=seen["thread_id"])
    sandbox.set_mode("gated_all")
    held = sandbox.inbound(subject="New", body="Hello")
    assert sandbox.status(held["id"]) == "pending_inbound_approval"
    sandbox.forget_calls()
    async with reading(sandbox, tmp_path) as reader:
        reader.details.first([held["id"], draft])
        await reader.fill()
        await until(lambda: reader.mail.detail(seen["id"]) is not None)
        assert reader.read() == {draft}
        assert set(opened(sandbox)) == {draft, seen["id"]}
    assert sandbox.status(later["id"]) == "unread" and sandbox.status(held["id"]) == "pending_inbound_approval"


async def test_a_draft_that_changed_is_read_again(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.send(subject="Offer")["id"]
    async with reading(sandbox, tmp_path) as reader:
        await reader.list_queue()
        await until(lambda: reader.read() == {draft})
        sandbox.change(draft, markdown="Another text", cc=["eve@elsewhere.example"])
        await reader.list_queue()
        await until(lambda: any(item.complete and item.cc for item in reader.pending.items()))


async def test_five_hundred_drafts_are_all_read(sandbox: Sandbox, database: Database) -> None:
    for number in range(500):
        sandbox.send(subject=f"Offer {number}", to=[f"buyer{number}@customer.example"])
    reader = Reader(database, sandbox, HurriedClock())
    await reader.list_queue()
    await reader.details.read_all(seconds=6000)
    assert len(reader.read()) == 500
    await reader.gateway.aclose()
