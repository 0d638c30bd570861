"""The queue: reading a draft, what must be on the screen before a key decides, and deciding."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from textual.widgets import Input

from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.screens.dialogs.offers import ReasonScreen
from mm_tui.screens.inbox.words import GREETED, hint
from mm_tui.screens.pending import deciding
from mm_tui.screens.pending.reading import QueueRead, QueueReader
from mm_tui.services.audit.history import Histories
from mm_tui.services.audit.line import AuditLines
from mm_tui.services.decisions.log import DecisionLog
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.decisions.view import Phase
from mm_tui.services.sync import opening
from mm_tui.services.sync.service import Sync
from mm_tui.settings.sections import Review
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine
from mm_tui.widgets import pager
from tests.support.app import drawn, settings_for, until
from tests.support.queue import bodies, read_to_end, reading_queue, running_queue, seen
from tests.support.sandbox import Sandbox
from tests.support.seat import NOW, idle_session, mailbox, waiting


async def test_a_draft_is_approved_as_it_was_read(sandbox: Sandbox) -> None:
    draft = sandbox.draft("It is on its way.")
    async with reading_queue(settings_for(sandbox), 1) as (_, pilot, screen):
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")
        await until(pilot, lambda: not screen.listing.entries, "the queue to be empty")
    assert bodies(sandbox) == ["It is on its way."]
    assert sandbox.status(draft) in ("sent", "delivered")


@pytest.mark.parametrize("as_source", [False, True], ids=["rendered", "source"])
async def test_the_end_of_either_view_counts_as_read(sandbox: Sandbox, as_source: bool) -> None:
    source = "Hi **Ann**,\n\nsee [our page](https://acme.example/lamps).\n" + "\n- one more line" * 40
    sandbox.draft(source)
    async with running_queue(settings_for(sandbox), 1) as (_, pilot, screen):
        text = screen.pane.main.page.text
        assert "Hi Ann," in text and "our page ‹acme.example›" in text and "• one more" in text
        if as_source:
            await pilot.press("m")
            assert "Hi **Ann**," in screen.pane.main.page.text
        assert screen.current is not None and not screen.gate.has_seen(screen.current)
        await pilot.press("enter")
        await read_to_end(pilot, screen)
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")
    assert bodies(sandbox) == [source]


async def test_risky_words_are_marked_where_they_are_shown(sandbox: Sandbox) -> None:
    sandbox.draft("Hi **Ann**, as *agreed* we give you\na full **refund of $240** today.")
    async with reading_queue(settings_for(sandbox), 1) as (_, pilot, screen):
        for key in ("", "m"):
            if key:
                await pilot.press(key)
            page = screen.pane.main.page
            marked = [page.text[one.start : one.end] for one in page.marks if one.style in ("risk", "fail")]
            assert any("$240" in words for words in marked), marked
            assert not any("Ann" in words for words in marked), marked


async def test_a_draft_whose_end_was_not_on_screen_is_not_approved(sandbox: Sandbox) -> None:
    sandbox.draft("\n\n".join(f"Paragraph {number}." for number in range(60)))
    async with running_queue(settings_for(sandbox), 1) as (_, pilot, screen):
        await pilot.press("a")
        await pilot.press("G")  # jumping to the end is not reading
        await pilot.pause(0.6)
        await pilot.press("a")
        assert screen.pane.main.lines_unread > 0
        assert screen.current is not None and screen.decision_of(screen.current.item.id) is None
        await pilot.press("g")
        await read_to_end(pilot, screen)
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")


async def test_every_recipient_must_have_been_on_screen(sandbox: Sandbox) -> None:
    copies = [f"person{number}@elsewhere.example" for number in range(40)]
    draft = sandbox.draft("It is on its way.", cc=copies)
    async with running_queue(settings_for(sandbox), 1, size=(80, 24)) as (app, pilot, screen):
        for key in ("m", "tab"):
            await pilot.press(key)
            await until(pilot, lambda: "Draft │ Thread" in drawn(app), "what it would change, and its text")
            await pilot.press("escape")
            await until(pilot, lambda: "Draft │ Thread" not in drawn(app), "the list")
        await pilot.press("enter")
        await pilot.pause(0.6)
        assert "It is on its way." in drawn(app), "the text stands above a long list"
        assert screen.current is not None and not screen.gate.has_seen(screen.current)
        shown = await read_to_end(pilot, screen)
        await seen(pilot, screen)
        assert not [address for address in copies if address not in shown]
    assert sandbox.status(draft) == "pending_send_approval"


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_recipients_are_whole_above_the_text_or_in_it(sandbox: Sandbox, size: tuple[int, int]) -> None:
    copies = [f"somebody.with.a.name{number}@elsewhere.example" for number in range(3)]
    sandbox.draft("It is on its way.", cc=copies)
    async with running_queue(settings_for(sandbox), 1, size=size) as (_, pilot, screen):
        await pilot.press("enter")
        await pilot.pause(0.6)
        # Where the head has no room for them they begin the text, and count as read only with it.
        assert screen.current is not None and not (
            screen.pane.main.lines_unread and screen.gate.has_seen(screen.current)
        )
        shown = await read_to_end(pilot, screen)
        await seen(pilot, screen)
        shown = "".join(shown.split())
        assert not [address for address in copies if address not in shown]
        assert "bcc:notdisclosed" in shown or "bccnotdisclosedbythegateway" in shown


async def test_a_thread_is_opened_on_request_although_the_list_changes(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = sandbox.inbound(subject="Where is it?", body="It was due on Monday.")["id"]
    answer = sandbox.reply(question, "It is on its way.")["id"]
    sandbox.wait_for(answer, "pending_send_approval")
    asked, answers, open_mails = list[str](), asyncio.Event(), opening.open_mails

    async def slow(sync: Sync, mails: Sequence[tuple[str, str]]) -> OneLine:
        asked.extend(email_id for _, email_id in mails)
        await answers.wait()
        return await open_mails(sync, mails)

    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        monkeypatch.setattr(opening, "open_mails", slow)
        await pilot.press("t")
        await until(pilot, lambda: question in asked, "its opening")
        # As when the cursor has rested on another email.
        screen.opener._open([(sandbox.mailbox, answer)], "open-near")
        await until(pilot, lambda: answer in asked, "the opening of the other")
        answers.set()
        await until(pilot, lambda: "It was due on Monday." in drawn(app), "the thread")


async def test_a_key_on_its_way_when_a_draft_appears_does_not_decide_it(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.draft("First.")
    sandbox.draft("Second.")
    async with reading_queue(settings_for(sandbox), 2) as (_, pilot, screen):
        # However slow the machine, what appears now has not been on the screen for long enough.
        monkeypatch.setattr(pager, "DWELL_SECONDS", 60)
        await pilot.press("a", "a", "a")
        await until(pilot, lambda: bodies(sandbox), "the release")
        await until(pilot, lambda: len(screen.listing.entries) == 1, "the second alone")
    assert len(bodies(sandbox)) == 1


@contextmanager
def slow_journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No decision is written to the journal until the end."""
    over, begin_all = threading.Event(), DecisionLog.begin_all

    def wait(log: DecisionLog, *asked: Any, **more: Any) -> list[ActiveDecision]:
        over.wait(20)
        return begin_all(log, *asked, **more)

    monkeypatch.setattr(deciding, "BUSY_SECONDS", 0.01)
    monkeypatch.setattr(DecisionLog, "begin_all", wait)
    try:
        yield
    finally:
        over.set()


async def test_rejecting_takes_a_reason_and_offers_it_next_time(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = sandbox.draft("First."), sandbox.draft("Second.")
    written = StateStore.set

    def full(store: StateStore, name: str, value: str | None) -> None:
        if name in (GREETED, "review.reasons"):
            raise sqlite3.OperationalError("database or disk is full")
        written(store, name, value)

    async with running_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the dialog")
        await pilot.press("escape")
        assert screen.decision_of(first) is None
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the dialog")
        app.screen.query_one(Input).value = "2 much"
        with slow_journal(monkeypatch):
            await pilot.press("enter")
            await until(pilot, lambda: "not held yet: the store" in drawn(app), "what it waits for")
        await until(pilot, lambda: "not held yet" not in drawn(app), "the hold")
        await until(pilot, lambda: sandbox.status(first) == "rejected", "the rejection")
        await until(pilot, lambda: len(screen.listing.entries) == 1, "the second alone")
        await until(pilot, lambda: not screen.gate.came_unasked, "time to see what came under the cursor")
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the dialog")
        assert "f7  2 much" in drawn(app)
        await pilot.press("up")
        # What only makes things easier may be lost: it does not end the program.
        app.session.state.set(GREETED, None)
        monkeypatch.setattr(StateStore, "set", full)
        assert hint(app.session)
        app.screen.query_one(Input).value = "3 much"
        await pilot.press("enter")
        await until(pilot, lambda: sandbox.status(second) == "rejected", "the rejection")
        await until(pilot, lambda: not screen.listing.entries, "the empty queue")
    reasons = [entry["metadata"].get("reason") for entry in sandbox.audit() if "reject" in entry["action"]]
    assert reasons == ["3 much", "2 much"]
    assert sandbox.outbox() == []


async def test_another_reviewers_decision_is_shown_and_not_overwritten(sandbox: Sandbox) -> None:
    draft = sandbox.draft("It is on its way.")
    slow = settings_for(sandbox, review=Review(hold_seconds=1))
    async with reading_queue(slow, 1) as (_, pilot, screen):
        await pilot.press("a")
        sandbox.decide(draft, "reject", "not this one")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.ELSEWHERE, "the word")
    assert sandbox.outbox() == []


async def test_high_risk_asks_again(sandbox: Sandbox) -> None:
    sandbox.draft("Hi {{name}}, we give you a full refund of $240 today.")
    async with reading_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        assert screen.current is not None and screen.current.assessment.asks_again
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the question")
        await pilot.resize_terminal(60, 11)
        words = ("Approve despite high risk?", "to anna@", "Y  approve anyway", "scroll")
        await until(pilot, lambda: all(one in drawn(app) for one in words), "its title, its email and its keys")
        await pilot.resize_terminal(80, 24)
        await pilot.press("a", "y", "enter", "space", "escape")
        await pilot.pause()
        assert sandbox.outbox() == []
        await pilot.press("space")
        assert not screen.marks, "high risk is never in a batch"
        app.say("a long message " * 6 + "ends here")
        await until(pilot, lambda: "ends here" in (end := drawn(app).split("\n")[-1]) and "? help" in end, "keys too")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the question")
        await pilot.press("Y")
        await until(pilot, lambda: bodies(sandbox), "the release")
        database = app.session.database
        history = Histories(database, AuditLines(database)).of(sandbox.outbox()[0]["id"])
        assert any("despite promise_money (high)" in event.more for event in history.events)


@pytest.mark.parametrize(
    ("columns", "draft", "thread"), [(99, False, False), (100, True, False), (179, True, False), (180, True, True)]
)
async def test_the_queue_shows_draft_and_thread_beside_the_list_where_there_is_room(
    sandbox: Sandbox, columns: int, draft: bool, thread: bool
) -> None:
    sandbox.draft("It is on its way.")
    async with running_queue(settings_for(sandbox), 1, size=(columns, 30)) as (_, pilot, screen):
        main, side = screen.pane.main, screen.pane.side
        assert screen.shows_email is draft
        await until(pilot, lambda: (main.region.width > 0, side.region.width > 0) == (draft, thread), "the panes")
        await pilot.press("enter")
        await until(pilot, lambda: main.region.width > 0, "the draft")
        await pilot.press("escape")
        await pilot.resize_terminal(99, 30)
        await until(pilot, lambda: not screen.shows_email and main.region.width == 0, "the list alone")
        await pilot.resize_terminal(120, 30)
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the approval")


@pytest.mark.parametrize("opens", [False, True])
async def test_who_wants_the_last_email_of_a_queue_gets_it_unless_another_is_being_read(
    monkeypatch: pytest.MonkeyPatch, opens: bool
) -> None:
    session = idle_session(boxes=[mailbox()])
    session.pending.replace([waiting(number, "Dear Anna,") for number in range(4)], NOW)
    async with running_queue(session, 4) as (_, pilot, screen):
        monkeypatch.setattr(QueueReader, "read", lambda _: None)
        entries = session.queue.entries()
        screen.on_queue_read(QueueRead(entries[:2], 0, {}, expected=4))
        screen.queue_list.action_last()
        if opens:
            screen.read_item()
            await until(pilot, lambda: not screen.queue_list.has_focus, "the email")
        assert screen.queue_list.cursor == 1
        screen.on_queue_read(QueueRead(entries[:3], 0, {}, expected=4))
        screen.on_queue_read(QueueRead(entries, 0, {}))
        assert screen.queue_list.cursor == (1 if opens else 3)
        assert screen.gate.came_unasked == (not opens), "a key may be meant for the email before"
