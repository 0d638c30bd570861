"""What left and should not have stands in the list and above the mail until it was looked at, also after a restart."""

from __future__ import annotations

import pytest

from mm_tui.app import MmTui
from mm_tui.decision.effects import Decide
from mm_tui.decision.events import Event
from mm_tui.screens.pending.pane import View
from mm_tui.services.decisions.calls import DecisionCalls
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.decisions.view import Phase
from tests.support.app import drawn, running_app, settings_for, until
from tests.support.queue import queue, running_queue, seen
from tests.support.sandbox import Sandbox


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """The agent rewrites a draft between the last reading and the call."""
    decide = DecisionCalls._decide

    async def after_a_change(self: DecisionCalls, live: ActiveDecision, effect: Decide) -> Event:
        sandbox.change(effect.email_id, markdown="Pay to another account.")
        return await decide(self, live, effect)

    monkeypatch.setattr(DecisionCalls, "_decide", after_a_change)


@pytest.mark.usefixtures("changes")
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_an_incident_stays_until_it_was_looked_at_also_after_a_restart(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr("mm_tui.services.decisions.listing.OUTCOME_SECONDS", 0.2)
    draft, other = sandbox.draft("Pay to the old account."), sandbox.draft("Another one.")
    settings = settings_for(sandbox)
    async with running_queue(settings, 2, size=size) as (app, pilot, screen):
        await pilot.press("enter")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.INCIDENT, "the incident")
        await until(
            pilot, lambda: [entry.item.id for entry in screen.listing.entries] == [other], "the queue without it"
        )
        await pilot.pause(1)
        assert draft in screen.queue_list.keys, "the row stays"
        screen.action_back()
        await until(pilot, lambda: "DIFFERENT TEXT WAS SENT" in drawn(app), "the row")
    async with running_app(settings, size=size) as (app, pilot):
        await until(pilot, lambda: f"incident: {draft}" in drawn(app), "the status line")
        await pilot.press("2")
        await until(pilot, lambda: screen_shows(app, draft), "the row after a restart")
        screen = queue(app)
        screen.queue_list.move_to(list(screen.queue_list.keys).index(draft))
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == draft, "the cursor on it")
        await until(pilot, lambda: app.keyboard.is_ready, "the queue to be drawn")
        await pilot.press("enter")
        await until(
            pilot, lambda: "DIFFERENT TEXT WAS SENT" in drawn(app) and "Pay to the old account." in drawn(app), "head"
        )
        screen.pane.show_view(View.DIFF)
        await until(pilot, lambda: "{+another+}" in drawn(app), "what left against what was seen")
        for key in ("a", "x", "e"):
            await pilot.press(key)
            await pilot.pause(0.2)
        assert app.screen is screen
        await pilot.press("n")
        await until(pilot, lambda: list(screen.queue_list.keys) == [other], "the row to go")
        await until(pilot, lambda: "incident:" not in drawn(app), "the status line to be free of it")
    async with running_queue(settings, 1, size=size) as (app, pilot, screen):
        assert list(screen.queue_list.keys) == [other]
        assert "incident" not in drawn(app)


def screen_shows(app: MmTui, email_id: str) -> bool:
    """Whether the queue lists that mail."""
    try:
        return email_id in queue(app).queue_list.keys
    except (StopIteration, AssertionError):
        return False


async def test_what_another_decided_before_us_stays_in_the_list_until_it_was_looked_at(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mm_tui.services.decisions.listing.OUTCOME_SECONDS", 0.2)
    draft, other = sandbox.draft("First."), sandbox.draft("Second.")
    decide = DecisionCalls._decide

    async def too_late(self: DecisionCalls, live: ActiveDecision, effect: Decide) -> Event:
        sandbox.decide(draft, "reject", "mine")
        return await decide(self, live, effect)

    monkeypatch.setattr(DecisionCalls, "_decide", too_late)
    async with running_queue(settings_for(sandbox), 2, size=(80, 24)) as (app, pilot, screen):
        await pilot.press("enter")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(
            pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.ELSEWHERE, "the colleague's act"
        )
        await until(
            pilot, lambda: [entry.item.id for entry in screen.listing.entries] == [other], "the queue without it"
        )
        await pilot.pause(1)
        assert list(screen.queue_list.keys) == [draft, other]
        await until(pilot, lambda: app.keyboard.is_ready, "the queue to be drawn")
        await pilot.press("p")
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == draft, "the mail again")
        await until(pilot, lambda: "rejected elsewhere" in drawn(app), "what the colleague did, above it")
        await pilot.press("n")
        await until(pilot, lambda: list(screen.queue_list.keys) == [other], "the row to go once it was looked at")
