"""The second reader as a service and as a command: asked once, paid once, quiet when it fails."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mm_tui import typed_json
from mm_tui.assist import errors
from mm_tui.assist.model import ChatModel, Completion, PromptTurn
from mm_tui.clock import SystemClock
from mm_tui.models import EmailDetail, PendingItem
from mm_tui.review.digest import digest_of
from mm_tui.review.risk.model import Assessment
from mm_tui.services.assistant.cards import CardPhase
from mm_tui.services.assistant.second_reader import SecondReader, SecondReaderState
from mm_tui.services.assistant.service import Assistant
from mm_tui.services.events import ServiceEvent
from mm_tui.services.knowledge.facts import HouseFacts
from mm_tui.services.queue.entry import QueueEntry, ThreadMail
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Assist, Profile, Settings
from mm_tui.store.assist import AssistStore
from mm_tui.store.database import Database
from tests.support.cli import Home
from tests.support.models import MODEL_KEY, completion, plain, raw_server, stand_in
from tests.support.sandbox import Sandbox
from tests.support.scripted_model import Scripted
from tests.support.second_reader import ASKED, BODY, answer, line


def a_mail(email_id: str, body: str, direction: str = "inbound") -> ThreadMail:
    detail = typed_json.from_values(
        EmailDetail,
        {
            "id": email_id,
            "mailbox_id": "box",
            "direction": direction,
            "status": "read" if direction == "inbound" else "sent",
            "sender": {"address": "anna@customer.example", "name": "Anna"},
            "to": [],
            "subject": "Room",
            "body": body,
            "received_at": datetime(2026, 3, 1, tzinfo=UTC),
            "raw": {"sender": "anna@customer.example", "body": body},
        },
    )
    return ThreadMail(detail, detail)


def an_entry(body: str = BODY, thread: tuple[ThreadMail, ...] | None = None) -> QueueEntry:
    item = typed_json.from_values(
        PendingItem,
        {
            "id": "d1",
            "mailbox_id": "box",
            "direction": "outbound",
            "status": "pending_send_approval",
            "sender": {"address": "us@company.example"},
            "to": [{"address": "anna@customer.example"}],
            "subject": "Re: Room",
            "body": body,
            "raw": {"sender": "us@company.example", "body": body},
            "complete": True,
        },
    )
    mails = (a_mail("m1", ASKED), a_mail("m2", "Room 12 costs $229 a night.", "outbound")) if thread is None else thread
    return QueueEntry(item, digest_of("d1", "box", "outbound", item.raw), Assessment(), thread=mails)


class Desk:
    """A second reader with its store, and the events it sent."""

    def __init__(
        self, model: ChatModel | None, *, assist: Assist | None = None, profile: Profile | None = None
    ) -> None:
        self.events: list[ServiceEvent] = []
        settings = Settings(assist=assist or Assist(), profile=profile or Profile())
        self.database = Database.open(None)
        self.assistant = Assistant(self.database, settings, SystemClock(), model=model)
        self.reader = SecondReader(self.assistant, HouseFacts(settings), self.events.append)

    async def read(self, entry: QueueEntry, **more: bool) -> SecondReaderState:
        return await self.reader.read(entry, "us@company.example", **more)


GOOD = answer(line("contradicted", "Friday 13 March", "Thursday 12 March"))


async def test_it_is_asked_once_for_the_same_draft_and_thread() -> None:
    model = Scripted(GOOD, answer())
    desk = Desk(model)
    state = await desk.read(an_entry())
    assert state.phase is CardPhase.DONE and [remark.kind for remark in state.remarks] == ["contradicted"]
    assert state.remarks[0].line == "contradicted: “Friday 13 March”; thread: “Thursday 12 March” (Anna)"
    assert await desk.read(an_entry()) == state and len(model.asked) == 1 and model.json == [True]
    assert desk.reader.state(an_entry()) == state
    again = SecondReader(desk.assistant, HouseFacts(Settings()), desk.events.append)
    assert await again.recall(an_entry(), "us@company.example") == state and len(model.asked) == 1
    other = await desk.read(an_entry(f"{BODY} Yours"))
    assert (
        len(model.asked) == 2
        and other.summary == "second reader jamba-mini: no remarks; this does not mean that all is well"
    )


async def test_what_was_dropped_is_reported() -> None:
    desk = Desk(Scripted(answer(line("contradicted", "never said", "Thursday 12 March"))))
    state = await desk.read(an_entry())
    assert "1 dropped: its quotes were not found" in state.summary


async def test_an_answer_without_form_is_reported_as_unreadable_and_asked_again_next_time() -> None:
    desk = Desk(Scripted("Looks good to me!", GOOD))
    state = await desk.read(an_entry())
    assert state.phase is CardPhase.FAILED and state.summary == "the second reader's answer could not be read"
    assert (await desk.read(an_entry())).remarks


async def test_nothing_is_opened_and_nothing_read_without_a_thread() -> None:
    model = Scripted()
    unopened = ThreadMail(a_mail("m1", ASKED).summary, None)
    state = await Desk(model).read(an_entry(thread=(unopened,)))
    assert (
        state.phase is CardPhase.FAILED and "no email of the thread has been opened" in state.words and not model.asked
    )
    half = await Desk(Scripted(answer())).read(an_entry(thread=(unopened, a_mail("m2", ASKED))))
    assert "1 of the thread not opened, so not read" in half.summary


async def test_what_was_not_sent_is_no_thread() -> None:
    unsent = a_mail("m3", "Thursday 12 March", "outbound")
    assert unsent.detail is not None
    rejected = unsent.detail.replaced(status="rejected")
    model = Scripted(answer())
    await Desk(model).read(an_entry(thread=(a_mail("m1", ASKED), ThreadMail(rejected, rejected))))
    assert model.asked[0][1].text.count("<<<MAIL") == 1


async def test_over_the_budget_only_who_asks_is_answered() -> None:
    desk = Desk(Scripted(GOOD), assist=Assist(daily_budget_usd=0))
    state = await desk.read(an_entry(), automatic=True)
    assert state.phase is CardPhase.OVER_BUDGET and "budget" in state.words
    assert (await desk.read(an_entry())).remarks


async def test_stopping_it_leaves_the_draft_unread() -> None:
    class Slow(Scripted):
        async def complete(self, messages: Sequence[PromptTurn], model: str, **more: object) -> Completion:
            del messages, model, more
            await asyncio.sleep(60)
            raise AssertionError

    desk = Desk(Slow())
    task = asyncio.create_task(desk.read(an_entry()))
    while desk.reader.state(an_entry()) is None:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert desk.reader.state(an_entry()) is None


async def test_a_failing_store_is_reported_and_can_be_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    desk = Desk(Scripted(GOOD, GOOD))
    with monkeypatch.context() as broken:
        broken.setattr(AssistStore, "put", full)
        state = await desk.read(an_entry())
    assert state.phase is CardPhase.FAILED and "disk is full" in state.words
    assert (await desk.read(an_entry())).remarks


async def test_without_a_key_it_says_so() -> None:
    state = await Desk(None).read(an_entry())
    assert state.phase is CardPhase.FAILED and "No AI21 key" in state.words


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, b'{"detail":"no"}', errors.AssistUnauthorized.default_words),
        (500, b"<html>", errors.AssistServerFault.default_words),
        (200, b"{", errors.Garbled.default_words),
        (200, completion(""), errors.Empty.default_words),
        (200, completion("x" * 300_000), errors.Garbled.default_words),
    ],
    ids=["unauthorized", "fault", "half", "empty", "endless"],
)
async def test_a_faulty_service_is_reported_quietly(status: int, body: bytes, words: str) -> None:
    async with raw_server(plain(status, body)) as server:
        desk = Desk(None, profile=Profile(ai21_key=Secret(MODEL_KEY), ai21_host=server.host))
        state = await desk.read(an_entry())
        await desk.assistant.aclose()
    assert state.phase is CardPhase.FAILED and words in state.words and not state.remarks


async def test_the_stand_in_compares_what_plain_rules_can_and_says_so() -> None:
    async with stand_in() as host:
        desk = Desk(None, profile=Profile(ai21_key=Secret(MODEL_KEY), ai21_host=host))
        wrong = await desk.read(an_entry("Hello Anna,\nroom 21 is yours, breakfast is in the price. Mara"))
        clean = await desk.read(an_entry("Hello Anna,\nyes, breakfast is in the price of room 12. Mara"))
        invented = await desk.read(an_entry("Hello Anna,\nroom 12 comes with breakfast, and you get $9 back. Mara"))
        await desk.assistant.aclose()
    assert [remark.line for remark in invented.remarks] == ["not found: “$9”; nearest: “$229” (Anna)"]
    assert [remark.line for remark in wrong.remarks] == ["contradicted: “room 21”; thread: “room 12” (Anna)"]
    assert wrong.stand_in and "(stand-in, not Jamba)" in wrong.summary
    assert clean.summary.endswith(": no remarks on numbers or questions") and not clean.remarks
    assert len(clean.summary) <= 78, "one line at 80 columns"


async def test_house_facts_are_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MM_TUI_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "prices.md").write_text("A double room costs 310 euros.", "utf-8")
    reported = answer(line("contradicted", "$249", "310 euros"))
    model = Scripted(reported)
    desk = Desk(model, assist=Assist(facts=("prices.md", "gone.md")))
    state = await desk.read(an_entry())
    assert "<<<FACTS prices.md\nA double room costs 310 euros.\nFACTS>>>" in model.asked[0][1].text
    assert state.remarks[0].source_name == "prices.md" and state.remarks[0].source_id == "prices.md"
    assert "gone.md cannot be read" in state.summary


def test_show_prints_what_the_second_reader_points_at(tmp_path: Path, sandbox: Sandbox) -> None:
    home = Home(tmp_path)
    home.write_profile(sandbox.url, sandbox.keys, ai21_key=sandbox.ai21_key, ai21_host=sandbox.ai21_url)
    mail = sandbox.inbound(subject="Order", body="Hello, where is order 88412? It was due on Monday. Anna")
    sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail['id']}", key="send")
    reply = sandbox.call(
        "POST",
        f"/v1/mailboxes/{sandbox.mailbox}/reply/{mail['id']}",
        key="send",
        json={"markdown": "Hello Anna, order 88421 leaves today, it was due on Monday. Mara"},
    )
    plainly = home.run("pending", "show", reply["id"], "--thread")
    assert plainly.status == 0 and "second reader" not in plainly.out
    read = home.run("pending", "show", reply["id"], "--thread", "--second-reader", status=0)
    assert "reader   second reader (stand-in, not Jamba): 1 remark on numbers or questions" in read.out
    assert "reader   contradicted: “order 88421”; thread: “order 88412”" in read.out
    before, after = plainly.out.splitlines(), read.out.splitlines()
    assert [one for one in after if not one.startswith("reader ")] == before, "no risk and no digest changes"
    reported = home.run("pending", "show", reply["id"], "--second-reader", "--json").json["second_reader"]
    assert reported["stand_in"] and reported["phase"] == "done"
    assert [(one["kind"], one["draft"]) for one in reported["lines"]] == [("contradicted", "order 88421")]


def test_without_a_key_show_says_so(home: Home, sandbox: Sandbox) -> None:
    draft = sandbox.draft("Hello Anna")
    reported = home.run("pending", "show", draft, "--second-reader", "--json").json["second_reader"]
    assert reported["lines"] is None and reported["phase"] == "failed"
