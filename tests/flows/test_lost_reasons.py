"""Questions and notices go, or say so, when the world has taken their reason away."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.screens.dialogs.leave import LeaveScreen
from mm_tui.screens.dialogs.offers import ReasonScreen
from mm_tui.services.events import SyncPhase
from mm_tui.settings.sections import Review
from tests.support.app import running_app, settings_for, shown, until
from tests.support.queue import bodies, reading_queue, running_queue
from tests.support.sandbox import Sandbox

RISKY = "You will receive a full refund of $2,400 within 24 hours, we promise."


async def test_the_question_before_leaving_goes_when_nothing_is_held_any_more(sandbox: Sandbox) -> None:
    sandbox.draft("First."), sandbox.draft("Second.")
    settings = settings_for(sandbox, review=Review(hold_seconds=3))
    async with reading_queue(settings, 2) as (app, pilot, screen):
        await pilot.press("a")
        await until(pilot, lambda: "held for" in shown(app), "the hold")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, LeaveScreen), "the question")
        assert "One decision is still held" in " ".join(shown(app).split())
        await until(pilot, lambda: bodies(sandbox), "the decision")
        await until(pilot, lambda: app.screen is screen, "the question to go")
        await until(pilot, lambda: "not left: what was in progress has ended" in " ".join(shown(app).split()), "why")
        assert app.is_running


@pytest.mark.parametrize("change", ["decided", "changed"])
async def test_a_question_about_a_draft_goes_when_the_draft_is_another_s_business(
    sandbox: Sandbox, change: str
) -> None:
    first = sandbox.draft(RISKY)
    sandbox.draft("Second.")
    async with reading_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await pilot.pause(0.5)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the question")
        if change == "decided":
            sandbox.decide(first, "reject", "mine")
        else:
            sandbox.change(first, markdown="We promise $4,800 within 24 hours.")
        await until(pilot, lambda: app.screen is screen, "the question to go")
        words = {"decided": "rejected elsewhere at", "changed": "changed while you were asked"}[change]
        await until(pilot, lambda: words in shown(app), "why")
    assert bodies(sandbox) == []


async def test_a_reason_that_is_being_typed_stays_and_says_that_nothing_is_left_to_reject(sandbox: Sandbox) -> None:
    first, second = sandbox.draft("First."), sandbox.draft("Second.")
    async with reading_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await pilot.pause(0.5)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the question")
        await pilot.press(*"wrong a")
        sandbox.decide(first, "approve", "mine")
        await until(pilot, lambda: "▲ approved elsewhere at" in " ".join(shown(app).split()), "who decided")
        # The rest of the word comes into the field, not upon the queue.
        await pilot.press(*"mount", "enter")
        await pilot.press("f2")
        await pilot.pause(0.3)
        assert isinstance(app.screen, ReasonScreen)
        assert "wrong amount" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "the queue")
        assert screen.decision_of(first) is None and screen.decision_of(second) is None


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 10)])
async def test_a_long_notice_moves_nothing_above_it(sandbox: Sandbox, size: tuple[int, int]) -> None:
    sandbox.draft("First."), sandbox.draft("Second.")
    async with running_queue(settings_for(sandbox), 2, size=size) as (app, pilot, screen):
        await until(pilot, lambda: all(entry.is_checked for entry in screen.listing.entries), "every detail")
        await until(
            pilot, lambda: app.session.sync is not None and app.session.sync.state.phase is SyncPhase.LIVE, "sync"
        )
        before = shown(app).splitlines()
        app.say("word " * (3 * size[0] // 10), "warning")
        await until(pilot, lambda: "▲ word" in shown(app), "the notice")
        assert shown(app).splitlines()[:-2] == before[:-2]
        app.say("short")
        await until(pilot, lambda: "· short" in shown(app), "the next notice")
        assert shown(app).splitlines()[-1] == before[-1], "the keys are back"
        app.unsay("short")
        await until(pilot, lambda: shown(app).splitlines() == before, "all as it was")
        for other in ((120, 40), size):
            await pilot.resize_terminal(*other)
            await until(pilot, lambda: "? help" in shown(app).splitlines()[-1], "the keys on the last line")
            await until(pilot, lambda: shown(app).splitlines()[-2].strip() != "", "the state on the one above it")


async def test_asking_the_gateway_is_shown_until_it_has_answered(sandbox: Sandbox) -> None:
    async with running_app(settings_for(sandbox)) as (app, pilot):
        await until(pilot, lambda: "in sync" in shown(app), "the first sync")
        app.action_sync()
        await until(pilot, lambda: "contacting the gateway" in shown(app), "the notice")
        await until(pilot, lambda: "up to date with the gateway" in shown(app), "the answer")


async def test_counts_that_change_push_no_other_words_about(sandbox: Sandbox) -> None:
    async with running_app(settings_for(sandbox), size=(80, 24)) as (app, pilot):
        await until(pilot, lambda: "in sync" in shown(app), "the first sync")

        async def places(waiting: int) -> list[int]:
            await until(pilot, lambda: f"2 Pending {waiting} " in shown(app), "the count")
            top = shown(app).splitlines()[0]
            return [top.index(word) for word in ("Inbox", "Pending", "Audit", "Mailboxes", "TEST")]

        sandbox.draft("Number 0.")
        before = await places(1)
        for number in range(1, 10):
            sandbox.draft(f"Number {number}.")
        assert await places(10) == before


async def test_the_field_of_a_dialog_stays_in_sight_when_the_terminal_becomes_small(sandbox: Sandbox) -> None:
    draft = sandbox.draft("First.")
    async with reading_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await pilot.pause(0.5)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the question")
        await pilot.resize_terminal(40, 10)
        await pilot.press(*"my reason")
        await until(pilot, lambda: "my reason" in shown(app), "what is typed")
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "Reject: give a reason" in shown(app) and "my reason" in shown(app), "all of it")
        # The gateway refuses: the reason is offered again, and typing replaces it.
        sandbox.fault(method="POST", path="/decide$", kind="status", status=403, when="before")
        await pilot.press("enter")
        await until(pilot, lambda: (view := screen.decision_of(draft)) is not None and view.failed, "the refusal")
        for keys, value in (((), "my reason"), (("n", "o"), "no")):
            await pilot.press("x")
            await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the question again")
            await pilot.press(*keys)
            await until(pilot, lambda: app.screen.query_one(Input).value == value, value)  # noqa: B023
            await pilot.press("escape")
