"""A terminal too small to show whom an email goes to, and some of its text: nothing is released on it."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.screens.dialogs.offers import ReasonScreen
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.services.decisions.approval_gate import NO_ROOM
from mm_tui.services.decisions.view import Phase
from mm_tui.settings.sections import Review
from tests.support.app import settings_for, shown, until
from tests.support.queue import bodies, reading_queue, seen
from tests.support.sandbox import Sandbox

TOO_SMALL = [(20, 5), (30, 6), (40, 9), (39, 24), (200, 6)]
ENOUGH = (40, 12)


async def resized(pilot: Pilot[Any], screen: PendingScreen, columns: int, lines: int) -> None:
    await pilot.resize_terminal(columns, lines)
    await until(pilot, lambda: screen.size == (columns, lines), "the size")
    await pilot.pause()


async def refused(pilot: Pilot[Any], screen: PendingScreen) -> None:
    await until(pilot, lambda: screen.refusal.words == NO_ROOM, "the refusal")
    screen.refusal.forget()


@pytest.mark.parametrize("size", TOO_SMALL)
async def test_no_key_releases_what_the_terminal_has_no_room_for(sandbox: Sandbox, size: tuple[int, int]) -> None:
    sandbox.draft("It is on its way.")
    sandbox.draft("Second.")
    async with reading_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await pilot.press("space")
        await until(pilot, lambda: len(screen.marks), "the mark")
        for reading in (False, True):
            screen.set_reading(reading)
            await resized(pilot, screen, *size)
            for key in ("a", "A"):
                await pilot.press(key)
                await refused(pilot, screen)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the reasons")
        await pilot.press("escape")
        await resized(pilot, screen, *ENOUGH)
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")


async def test_a_question_about_an_approval_closes_when_its_email_loses_its_room(sandbox: Sandbox) -> None:
    sandbox.draft("We refund $500 today, without limit.")
    async with reading_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the question")
        await resized(pilot, screen, 20, 5)
        await until(pilot, lambda: app.screen is screen, "the end of the question")
        assert "make the" in shown(app)
    assert bodies(sandbox) == []


@pytest.mark.parametrize("key", ["a", "x"])
async def test_a_question_about_a_rejection_is_answered_on_any_terminal(sandbox: Sandbox, key: str) -> None:
    draft = sandbox.draft("It is on its way.")
    async with reading_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        sandbox.fault(method="POST", path="decide$", kind="status", status=500, count=1)
        await pilot.press(key)
        if key == "x":
            await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the reasons")
            await pilot.press("enter")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.ASKING, "the question")
        await resized(pilot, screen, 36, 9)
        await pilot.press("y")
        if key == "a":
            await refused(pilot, screen)
        else:
            await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the answers")


async def test_the_smallest_terminal_that_decides_shows_recipient_and_text(sandbox: Sandbox) -> None:
    subject = "A rather long subject, as they are, which no narrow terminal has room for"
    mail = sandbox.inbound(sender="someone.with.a.long.name@longer-host.example", subject=subject, body="Well?")
    sandbox.reply(mail["id"], "It is on its way.\n" * 9)
    settings = settings_for(sandbox, review=Review(hold_seconds=30))
    async with reading_queue(settings, 1) as (app, pilot, screen):
        await pilot.press("enter")
        await resized(pilot, screen, *ENOUGH)
        await seen(pilot, screen)
        await pilot.press("G")
        lines = shown(app)
        assert "longer-host.example" in lines.replace("\n" + " " * 6, "") and "It is on its way." in lines, lines
        await pilot.press("a")
        await until(pilot, lambda: "u undo" in shown(app), "the hold")
