"""Quitting, undoing and having to wait, with a gateway that hangs, is slow, or refuses more calls."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from mm_tui.decision.state import Outcome, Question
from mm_tui.models import EmailDetail
from mm_tui.services.decisions import service
from mm_tui.services.decisions.service import Refused
from mm_tui.services.decisions.view import Phase
from tests.support.desk import Desk, at_desk, digest
from tests.support.sandbox import Sandbox

MANY = 12


class Line(httpx.AsyncHTTPTransport):
    """The real network, on which a test can hold calls up and look at what left."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[str] = []
        self.hangs: Callable[[str], bool] = lambda _: False
        self.seconds = 0.0
        self.free = asyncio.Event()
        self.answers: Callable[[str], httpx.Response | None] = lambda _: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = f"{request.method} {request.url.path}"
        self.begun.append(call)
        if (answer := self.answers(call)) is not None:
            return answer
        await asyncio.sleep(self.seconds)
        if self.hangs(call):
            await self.free.wait()
        return await super().handle_async_request(request)

    def acts(self) -> list[str]:
        """The calls that changed something, tags apart."""
        return [call for call in self.begun if not call.startswith("GET") and "/tags" not in call]


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    opened = Line()
    yield opened
    await opened.aclose()


@pytest.fixture
async def desk(tmp_path: Path, sandbox: Sandbox, line: Line) -> AsyncIterator[Desk]:
    async with at_desk(tmp_path, sandbox.url, sandbox.keys, transport=line, timeout=20) as opened:
        yield opened


async def drafts(desk: Desk, sandbox: Sandbox, count: int) -> list[EmailDetail]:
    return [await desk.read(sandbox.mailbox, sandbox.draft(f"Draft {n}")) for n in range(count)]


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)


def reading(call: str) -> bool:
    return call.startswith("GET")


@contextmanager
def slow_disk(desk: Desk, seconds: float) -> Iterator[None]:
    """Another program holds the store, so that every write waits."""
    assert desk.database.path is not None
    held, over = threading.Event(), threading.Event()
    path = desk.database.path

    def hold() -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        held.set()
        over.wait(seconds)
        connection.execute("COMMIT")
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("answers", ["while it is being closed", "never"])
async def test_readings_that_hang_release_nothing_after_a_quit(
    desk: Desk, sandbox: Sandbox, line: Line, answers: str
) -> None:
    mails = await drafts(desk, sandbox, MANY)
    line.hangs = reading
    await desk.decisions.approve_all([(mail, digest(mail)) for mail in mails], hold=0)
    await until(lambda: len([call for call in line.begun if "pending" in call]) >= 4)
    assert all(view.can_undo for view in desk.decisions.overview.states())
    desk.decisions.begin_closing()
    with pytest.raises(Refused):
        await desk.approve(mails[0])
    before = len(line.begun)
    if answers == "while it is being closed":
        line.free.set()
        await asyncio.sleep(0.3)
    await desk.decisions.aclose()
    line.free.set()
    await asyncio.sleep(0.2)
    assert line.acts() == []
    assert len(line.begun) <= before + 4, "what waited for a slot is not begun"
    assert sandbox.outbox() == []
    assert {view.outcome for view in desk.decisions.overview.states()} == {Outcome.FELL_BACK}
    assert desk.kinds() == ["held"] * MANY + ["fell_back"] * MANY


async def test_at_a_slow_gateway_no_call_begins_after_a_quit(desk: Desk, sandbox: Sandbox, line: Line) -> None:
    mails = await drafts(desk, sandbox, MANY)
    line.seconds = 0.15
    await desk.decisions.approve_all([(mail, digest(mail)) for mail in mails], hold=0)
    await until(lambda: len(line.acts()) >= 2)
    made = len(line.acts())
    begun = len(line.begun)
    desk.decisions.begin_closing()
    await desk.decisions.aclose()
    assert len(line.acts()) == made
    assert len(line.begun) == begun
    assert len(sandbox.outbox()) == made, "the answers to the calls under way were waited for"
    outcomes = [view.outcome for view in desk.decisions.overview.states()]
    assert outcomes.count(Outcome.FELL_BACK) == MANY - made


async def test_an_edit_on_its_way_goes_no_further_after_a_quit(
    tmp_path: Path, sandbox: Sandbox, desk: Desk, line: Line
) -> None:
    (mail,) = await drafts(desk, sandbox, 1)
    line.hangs = lambda call: reading(call) and bool(line.acts())
    await desk.release_edit(mail, "My words")
    await until(lambda: line.acts() and line.begun[-1].startswith("GET"))
    desk.decisions.begin_closing()
    line.free.set()
    await asyncio.sleep(0.3)
    await desk.decisions.aclose()
    assert len(line.acts()) == 1
    assert sandbox.outbox() == []
    assert sandbox.status(mail.id) == "pending_send_approval"
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as again:
        await again.decisions.resume()
        view = await again.settled(mail.id)
        assert view.question is not None
        assert view.question.question is Question.GO_ON


async def test_an_edit_that_is_being_prepared_is_not_submitted_after_a_quit(
    desk: Desk, sandbox: Sandbox, line: Line
) -> None:
    (mail,) = await drafts(desk, sandbox, 1)
    line.hangs = lambda call: "/threads/" in call
    await desk.release_edit(mail, "My words")
    await until(lambda: line.begun and "/threads/" in line.begun[-1])
    desk.decisions.begin_closing()
    line.free.set()
    await desk.decisions.aclose()
    assert line.acts() == []
    assert desk.kinds() == ["held", "submitting", "fell_back"]


@pytest.mark.parametrize("act", ["quit", "undo"])
async def test_a_call_that_is_announced_in_the_journal_can_still_be_stopped(
    desk: Desk, sandbox: Sandbox, line: Line, act: str
) -> None:
    (mail,) = await drafts(desk, sandbox, 1)
    line.hangs = reading
    await desk.approve(mail)
    await until(lambda: line.begun and "pending" in line.begun[-1])
    decision = desk.decisions._active.of(mail.id)
    assert decision is not None
    with slow_disk(desk, 3):
        line.free.set()
        await until(decision.lock.locked)
        if act == "quit":
            desk.decisions.begin_closing()
        else:
            taking = asyncio.create_task(desk.decisions.undo(mail.id))
            await asyncio.sleep(0)
    if act == "undo":
        assert await taking == 1
    else:
        await desk.decisions.aclose()
    assert line.acts() == []
    assert desk.kinds() == ["held", "deciding", "undone" if act == "undo" else "fell_back"]


async def test_what_is_being_checked_can_be_taken_back(desk: Desk, sandbox: Sandbox, line: Line) -> None:
    (mail,) = await drafts(desk, sandbox, 1)
    line.hangs = reading
    await desk.approve(mail)
    view = await desk.reaches(mail.id, Phase.WORKING)
    assert view.can_undo
    assert await desk.decisions.undo(mail.id) == 1
    line.free.set()
    await asyncio.sleep(0.2)
    assert line.acts() == []
    assert desk.kinds() == ["held", "undone"]
    assert await desk.decisions.undo(mail.id) == 0


async def test_what_has_to_wait_can_be_undone_and_delays_nobody(desk: Desk, sandbox: Sandbox, line: Line) -> None:
    mails = await drafts(desk, sandbox, 9)
    reported = 0

    def busy(call: str) -> httpx.Response | None:
        nonlocal reported
        if call == "GET /v1/oversight/pending" and reported < 8:
            reported += 1
            return httpx.Response(429, headers={"Retry-After": "86400"}, json={"error": "slow down"})
        return None

    line.answers = busy
    for mail in mails[:8]:
        await desk.approve(mail)
    await until(lambda: reported == 8)
    await desk.approve(mails[8])
    assert (await desk.settled(mails[8].id)).phase is Phase.DONE
    view = desk.decisions.overview.state(mails[0].id)
    assert view is not None
    assert view.can_undo
    assert "asks to wait" in view.words
    assert await desk.decisions.undo(mails[0].id) == 1
    # Who asks for news does not wait for what the gateway wanted.
    desk.decisions.hurry()
    for mail in mails[1:8]:
        assert (await desk.settled(mail.id)).phase is Phase.DONE
    assert len(sandbox.outbox()) == 8
    assert sandbox.status(mails[0].id) == "pending_send_approval"


@pytest.mark.parametrize("disk", ["a fast disk", "a slow disk"])
async def test_a_batch_is_taken_back_as_a_whole_however_late(
    tmp_path: Path, sandbox: Sandbox, line: Line, disk: str
) -> None:
    async with at_desk(tmp_path, sandbox.url, sandbox.keys, transport=line, speed=1) as desk:
        mails = await drafts(desk, sandbox, 40)
        await desk.decisions.approve_all([(mail, digest(mail)) for mail in mails], hold=0.6)
        ends = time.monotonic() + 0.6
        with slow_disk(desk, 1.0 if disk == "a slow disk" else 0.0):
            await asyncio.sleep(ends - 0.15 - time.monotonic())
            taken = await desk.decisions.undo(mails[7].id)
        assert taken == 40
        await asyncio.sleep(0.5)
        assert line.acts() == []
        assert desk.kinds() == ["held"] * 40 + ["undone"] * 40


async def test_only_what_was_taken_back_is_counted(desk: Desk, sandbox: Sandbox, line: Line) -> None:
    mails = await drafts(desk, sandbox, 8)
    line.hangs = lambda call: call.startswith("POST") or len(line.acts()) > 1
    await desk.decisions.approve_all([(mail, digest(mail)) for mail in mails], hold=0)
    await until(lambda: len(line.acts()) >= 2)
    # A call may be on its way from the journal to the line at this moment: what counts is what has left in the end.
    taken = await desk.decisions.undo(mails[0].id)
    line.free.set()
    for mail in mails:
        await desk.settled(mail.id)
    assert 4 <= taken <= 6
    assert len(sandbox.outbox()) == 8 - taken


async def test_undo_needs_no_room_on_the_disk(desk: Desk, sandbox: Sandbox, line: Line) -> None:
    (mail,) = await drafts(desk, sandbox, 1)
    await desk.approve(mail, hold=30)
    journal = desk.decisions._driver.journal
    write = journal._put
    full = True

    def refused(writes: object) -> None:
        if full:
            raise sqlite3.OperationalError("database or disk is full")
        write(writes)  # type: ignore[arg-type]  # passed on

    journal._put = refused  # type: ignore[method-assign]  # a full disk
    async with asyncio.timeout(5):
        assert await desk.decisions.undo(mail.id) == 1
    view = desk.decisions.overview.state(mail.id)
    assert view is not None
    assert view.outcome is Outcome.UNDONE
    assert "disk is full" in view.words
    full = False
    await until(lambda: desk.kinds() == ["held", "undone"])
    assert line.acts() == []


async def test_a_full_disk_does_not_prevent_quitting_while_saving_is_retried(desk: Desk, sandbox: Sandbox) -> None:
    (mail,) = await drafts(desk, sandbox, 1)
    await desk.approve(mail, hold=30)
    journal, tries, go_on = desk.decisions._driver.journal, [0], threading.Event()

    def refused(writes: object) -> None:
        tries[0] += 1
        if tries[0] > 1:
            go_on.wait(20)
        raise sqlite3.OperationalError("database or disk is full")

    journal._put = refused  # type: ignore[method-assign]  # a full disk
    try:
        assert await desk.decisions.undo(mail.id) == 1
        await until(lambda: tries[0] == 2)
        written = asyncio.create_task(journal.written())
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.wait_for(written, 5)
    finally:
        go_on.set()


async def test_a_store_that_is_gone_does_not_prevent_quitting(
    desk: Desk, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LAST_WORDS", 0.05)
    draft = sandbox.draft()
    sandbox.fault(method="POST", path="decide$", kind="close", count=1)
    await desk.approve(await desk.read(sandbox.mailbox, draft))
    assert (await desk.settled(draft)).question is not None
    assert desk.database.path is not None
    desk.database.path.unlink()
    await desk.decisions.aclose()
