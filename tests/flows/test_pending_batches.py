"""Marks, batches and undo in the queue."""

from __future__ import annotations

from functools import partial
from unittest.mock import Mock

import pytest
from textual.widgets import TextArea

from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.services.decisions.view import Phase
from mm_tui.settings.sections import Review
from tests.support.app import drawn, settings_for, shown, until
from tests.support.queue import bodies, is_decided, open_editor, reading_queue, running_queue, seen
from tests.support.sandbox import Sandbox


async def test_undo_takes_back_what_is_held(sandbox: Sandbox) -> None:
    draft = sandbox.draft("It is on its way.")
    slow = settings_for(sandbox, review=Review(hold_seconds=60))
    undone = "undone, nothing was sent: email to anna@customer.example"
    async with reading_queue(slow, 1) as (app, pilot, screen):
        await pilot.press("a")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.HELD, "the hold")
        await pilot.press("u")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.UNDECIDED, "the undo")
        await until(pilot, lambda: undone in drawn(app), "a message")
        await until(pilot, lambda: not screen.gate.came_unasked, "the pause")
        await pilot.press("a")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.HELD, "the next hold")
        await until(pilot, lambda: undone not in drawn(app), "that the message, true no longer, is gone")
        await pilot.press("u")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.UNDECIDED, "the undo")
    assert sandbox.outbox() == []
    assert sandbox.status(draft) == "pending_send_approval"


async def test_an_undo_is_not_said_of_the_text_that_replaces_what_it_was_about(sandbox: Sandbox) -> None:
    draft = sandbox.draft("It is on its way.")
    async with reading_queue(settings_for(sandbox, review=Review(hold_seconds=60)), 1) as (app, pilot, screen):
        await pilot.press("a")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.HELD, "the hold")
        await pilot.press("u")
        await until(pilot, lambda: "○ undone: nothing was sent" in drawn(app), "the undo above the draft")
        await open_editor(app, pilot)
        app.screen.query_one("#body", TextArea).load_text("It arrives tomorrow.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is screen and "edited by you" in drawn(app), "the edit")
        assert "○ undone" not in drawn(app)


async def test_undo_takes_back_the_last_decision_only(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (sandbox.draft(f"Number {number}.") for number in range(3))
    slow = settings_for(sandbox, review=Review(hold_seconds=60))
    async with running_queue(slow, 3) as (_, pilot, screen):

        def phases() -> list[Phase | None]:
            views = [screen.decision_of(one) for one in (first, second)]
            return [view.phase if view is not None else None for view in views]

        for held in (first, second):
            await until(pilot, lambda: screen.current is not None and screen.current.item.complete, "the detail")
            await seen(pilot, screen)
            await pilot.press("a")
            await until(pilot, partial(is_decided, screen, held), "the hold")
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == third, "the third")
        came = Mock(wraps=screen.gate.came)
        monkeypatch.setattr(screen.gate, "came", came)
        await pilot.press("u")
        await until(pilot, lambda: phases() == [Phase.HELD, Phase.UNDECIDED], "the undo of the last")
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == second, "the undone one")
        await until(pilot, lambda: came.called, "the pause in which it cannot be decided")
    assert sandbox.outbox() == []


async def test_after_a_batch_the_cursor_stays_on_what_was_not_in_it_and_undo_gives_marks_and_cursor_back(
    sandbox: Sandbox,
) -> None:
    drafts = [sandbox.draft(f"Parcel {number} is on its way.") for number in range(4)]
    settings = settings_for(sandbox, review=Review(hold_seconds=30))
    async with running_queue(settings, 4) as (app, pilot, screen):
        order = [entry.item.id for entry in screen.listing.entries]
        assert sorted(order) == sorted(drafts)
        for _ in order[:2]:
            await seen(pilot, screen)
            await pilot.press("space")
            await pilot.pause(0.1)
            await pilot.press("j")
            await pilot.pause(0.5)
        marks = set(screen.marks)
        assert marks == set(order[:2])
        assert screen.current is not None and screen.current.item.id == order[2]
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the question")
        await pilot.press("A")
        await until(pilot, lambda: all(screen.decision_of(one) is not None for one in order[:2]), "the batch")
        await until(pilot, lambda: not screen.marks, "the marks taken")
        await pilot.pause(0.3)
        assert screen.current is not None and screen.current.item.id == order[2], "it was not decided on"
        await pilot.press("u")
        await until(pilot, lambda: set(screen.marks) == marks, "the marks given back")
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == order[0], "the first")
    assert not bodies(sandbox)


async def test_marks_that_no_longer_hold_are_reported(sandbox: Sandbox) -> None:
    draft = sandbox.draft("Number one.")
    async with reading_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await pilot.press("space")
        await until(pilot, lambda: len(screen.marks) == 1, "the mark")
        sandbox.change(draft, markdown="Number two.")
        await until(pilot, lambda: "no longer marked: to " in shown(app), "what became of the mark")
        assert not screen.marks
        # What was said about the text of before goes with it.
        await until(pilot, lambda: "What changed while you were reading" in shown(app), "the other text")
        await pilot.press("n")
        await until(pilot, lambda: "this is the last one listed" in shown(app), "why nothing moved")
        await pilot.press("p")
        await until(pilot, lambda: "this is the first one listed" in shown(app), "the same upwards")


async def test_a_batch_holds_only_what_was_read(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        sandbox.draft(f"Number {number}.")
    async with reading_queue(settings_for(sandbox), 3) as (app, pilot, screen):
        await pilot.press("space")
        await until(pilot, lambda: "+ marked · 1 of 3" in drawn(app), "that it is marked")
        await until(pilot, lambda: "A approve 1" in drawn(app), "the key for all that are marked")
        assert len(screen.marks) == 1
        with monkeypatch.context() as patched:
            patched.setattr("mm_tui.widgets.pager.DWELL_SECONDS", 60)  # however slow the machine
            await pilot.press("j", "space")
            assert len(screen.marks) == 1, "what has just appeared cannot be marked"
        await pilot.press("k", "j")
        await until(pilot, lambda: screen.current is not None and screen.current.item.complete, "the detail")
        await seen(pilot, screen)
        await pilot.press("space")
        await until(pilot, lambda: len(screen.marks) == 2, "two marked")
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the summary")
        await pilot.press("A")
        await until(pilot, lambda: len(bodies(sandbox)) == 2, "both releases")
    assert sorted(bodies(sandbox)) == ["Number 0.", "Number 1."]
