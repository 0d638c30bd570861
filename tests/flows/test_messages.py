"""How long the messages on the status line stay."""

from __future__ import annotations

import pytest
from textual.content import Content

from mm_tui.screens import lines
from mm_tui.screens.dialogs.choice import ChoiceScreen, DialogChoice
from mm_tui.screens.inbox.screen import InboxScreen
from mm_tui.screens.thread.screen import ThreadScreen
from mm_tui.services.decisions.view import Phase
from mm_tui.settings.sections import Review
from tests.support.app import drawn, running_app, settings_for, shown, until
from tests.support.clock import FakeClock
from tests.support.queue import reading_queue, seen
from tests.support.sandbox import Sandbox
from tests.support.seat import NOW, idle_session, mailbox, summary


async def test_a_message_that_could_be_read_goes_with_the_next_key_and_a_warning_does_not() -> None:
    clock = FakeClock(NOW)
    session = idle_session(clock=clock, boxes=[mailbox()], mails=[summary(number) for number in range(5)])
    async with running_app(session) as (app, pilot):
        for severity, goes in (("information", True), ("warning", False), ("error", False)):
            app.say("done as you wished", severity)
            await until(pilot, lambda: "done as you wished" in shown(app), "the message")
            await pilot.press("j")
            assert "done as you wished" in shown(app), "there was no time to read it"
            clock.advance(7)
            await pilot.press("k")
            await pilot.pause()
            assert ("done as you wished" not in shown(app)) == goes, severity
            app.unsay("done as you wished")


@pytest.mark.parametrize("severity", ["warning", "error"])
async def test_a_plain_message_waits_until_what_went_wrong_could_be_read(
    monkeypatch: pytest.MonkeyPatch, severity: str
) -> None:
    monkeypatch.setattr(lines, "READING_SECONDS", 0.2)
    monkeypatch.setattr(lines, "CELLS_A_SECOND", 1_000)
    clock = FakeClock(NOW)
    async with running_app(idle_session(clock=clock)) as (app, pilot):
        app.say("the disk is full", severity)
        app.say("done as you wished")
        app.say("done as you also wished")
        await until(pilot, lambda: "the disk is full" in shown(app), "what went wrong")
        assert "done as you" not in shown(app)
        await until(pilot, lambda: "done as you also wished" in shown(app), "what came after it")
        app.say("the disk is full", severity)
        app.say("done as you wished")
        app.unsay("the disk is full")
        await until(pilot, lambda: "done as you wished" in shown(app), "it at once, if that is no longer true")
        app.say("the disk is full", severity)
        app.say("done as you wished")
        app.unsay("done as you wished")
        await pilot.pause(0.4)
        assert "the disk is full" in shown(app), "nothing takes its place"
        clock.advance(7)
        app.say("it is full still", severity)
        await until(pilot, lambda: "it is full still" in shown(app), "the newer of two")
        clock.advance(7)
        app.say("done as you wished")
        await until(pilot, lambda: "done as you wished" in shown(app), "a message at once after it could be read")


async def test_a_message_goes_with_its_screen() -> None:
    clock = FakeClock(NOW)
    session = idle_session(clock=clock, boxes=[mailbox()], mails=[summary(1)])
    async with running_app(session) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen), "the thread")
        app.say("done as you wished")
        await until(pilot, lambda: "done as you wished" in shown(app), "the message")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, InboxScreen), "the inbox")
        clock.advance(7)
        await pilot.press("j")
        await pilot.pause()
        assert app.is_running


async def test_a_key_that_answers_no_question_is_told_which_do() -> None:
    async with running_app(idle_session()) as (app, pilot):
        answers: list[bool | None] = []
        choice = DialogChoice("Y", "approve anyway", True)
        await app.push_screen(ChoiceScreen("Really?", Content("It is a question."), [choice]), answers.append)
        await pilot.press("enter")
        await until(pilot, lambda: "to answer, press Y; esc goes back" in shown(app), "which key does")
        await pilot.press("y")
        await until(pilot, lambda: "to answer, press a capital Y" in shown(app), "that it is a capital")
        assert not answers
        await pilot.press("Y")
        await until(pilot, lambda: answers == [True], "the answer")


async def test_a_message_about_a_decision_goes_when_it_is_decided_again(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "FLASH_SECONDS", 600)
    draft = sandbox.draft("First.")
    async with reading_queue(settings_for(sandbox, review=Review(hold_seconds=1)), 1) as (app, pilot, screen):
        sandbox.fault(method="POST", path="decide$", kind="status", status=403, count=1)
        await pilot.press("a")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.UNDECIDED, "the refusal")
        reported = "▲ not approved: email to anna@customer.example: the gateway refused"
        await until(pilot, lambda: reported in drawn(app), "the message")
        await seen(pilot, screen)
        await until(pilot, lambda: not screen.gate.came_unasked, "the pause")
        await pilot.press("a")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.HELD, "the next hold")
        await until(pilot, lambda: reported not in drawn(app), "that the message, true no longer, is gone")
