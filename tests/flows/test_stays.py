"""What is on the screen stays there until the reader moves, whatever others do meanwhile."""

from __future__ import annotations

import pytest

from mm_tui.screens.dialogs.offers import ReasonScreen
from mm_tui.screens.inbox.screen import InboxScreen
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.services.decisions import listing
from mm_tui.settings.sections import Review
from tests.support.app import drawn, settings_for, until
from tests.support.queue import bodies, read_to_end, reading_queue, running_queue, seen, write_elsewhere
from tests.support.sandbox import Sandbox


def here(screen: PendingScreen) -> str:
    """The id of the mail under the cursor."""
    return screen.current.item.id if screen.current is not None else ""


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("verdict", ["approve", "reject"])
async def test_a_mail_that_another_decides_stays_with_who_and_when(
    sandbox: Sandbox, size: tuple[int, int], verdict: str
) -> None:
    first, second = sandbox.draft("First."), sandbox.draft("Second.")
    async with running_queue(settings_for(sandbox), 2, size=size) as (app, pilot, screen):
        await pilot.press("enter")
        await seen(pilot, screen)
        sandbox.decide(first, verdict, "mine")
        await until(pilot, lambda: [entry.item.id for entry in screen.listing.entries] == [second], "the news")
        await until(pilot, lambda: "by oversight key" in drawn(app), "who decided")
        assert f"{verdict}ed elsewhere at".replace("eed", "ed") in drawn(app)
        assert "First." in drawn(app) and "Second." not in drawn(app)
        for key in ("a", "x", "e", "space", "a"):
            await pilot.press(key)
            await pilot.pause(0.2)
        assert app.screen is screen, "no dialog, no editor"
        assert here(screen) == first
        assert screen.decision_of(first) is None and screen.decision_of(second) is None
        await pilot.press("n")
        await until(pilot, lambda: here(screen) == second and "Second." in drawn(app), "the next")
        await until(pilot, lambda: len(screen.queue_list.keys) == 1, "the row to go once it was left")


async def test_the_row_under_the_cursor_stays_in_the_list(sandbox: Sandbox) -> None:
    drafts = [sandbox.draft(f"Draft {number}.") for number in range(4)]
    async with running_queue(settings_for(sandbox), 4, size=(80, 24)) as (app, pilot, screen):
        await pilot.press("j", "j")
        await until(pilot, lambda: here(screen) == drafts[2], "the third")
        for draft in (drafts[2], drafts[0]):
            sandbox.decide(draft, "reject", "mine")
        await until(
            pilot, lambda: [entry.item.id for entry in screen.listing.entries] == [drafts[1], drafts[3]], "the news"
        )
        assert list(screen.queue_list.keys) == [drafts[1], drafts[2], drafts[3]]
        await until(pilot, lambda: "rejected elsewhere at" in drawn(app), "what became of it")
        await pilot.pause(1.2)  # more polls
        assert here(screen) == drafts[2]
        await pilot.press("j")
        await until(pilot, lambda: here(screen) == drafts[3], "the next")
        await until(pilot, lambda: list(screen.queue_list.keys) == [drafts[1], drafts[3]], "the row to go")


async def test_the_last_mail_that_another_decided_can_be_left(sandbox: Sandbox) -> None:
    draft = sandbox.draft("Only one.")
    async with reading_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        write_elsewhere(app, screen.listing.entries[0], "Edited, not sent.")
        screen.reload()
        await until(pilot, lambda: "Edited, not sent." in drawn(app), "the edit")
        sandbox.decide(draft, "approve", "mine")
        await until(pilot, lambda: not screen.listing.entries, "the news")
        assert here(screen) == draft
        await until(pilot, lambda: "your text was not sent" in drawn(app), "which text")
        await pilot.press("n")
        await until(pilot, lambda: "Nothing is waiting for you" in drawn(app), "the empty queue")
        await pilot.press("enter", "1")
        await until(pilot, lambda: isinstance(app.screen, InboxScreen), "the key after enter, which opens nothing here")


async def test_what_the_agent_takes_back_stays_and_its_new_draft_is_another_row(sandbox: Sandbox) -> None:
    first = sandbox.draft("We refund $20.")
    async with reading_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        sandbox.call("POST", f"/v1/mailboxes/{sandbox.mailbox}/emails/{first}/cancel", key="send")
        second = sandbox.draft("We refund $2,000.")
        await until(pilot, lambda: [entry.item.id for entry in screen.listing.entries] == [second], "the new draft")
        await pilot.press("a")
        await pilot.pause(0.6)
        await pilot.press("a")
        await pilot.pause(0.2)
        assert here(screen) == first
        assert screen.decision_of(second) is None
        assert "cancelled" in drawn(app)
    assert bodies(sandbox) == []


async def test_a_text_that_changes_while_it_is_read_is_unseen_and_says_what_differs(sandbox: Sandbox) -> None:
    draft = sandbox.draft("The parcel left the house.")
    async with reading_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        before = screen.current
        sandbox.change(draft, markdown="The parcel has left our house.")
        await until(pilot, lambda: screen.current is not None and "our house" in screen.current.item.body, "the change")
        assert before is not None and screen.current is not None
        assert not screen.gate.has_seen(screen.current)
        await until(pilot, lambda: "[-the-]" in drawn(app) and "{+our+}" in drawn(app), "what differs")
        assert "changed" in drawn(app)
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")
    assert bodies(sandbox) == ["The parcel has left our house."]


async def test_a_change_far_down_is_on_the_screen_at_once_and_all_of_it_is_still_to_be_seen(sandbox: Sandbox) -> None:
    lines = [f"Parcel {number} has left the house.\n\n" for number in range(40)]
    draft = sandbox.draft("".join(lines))
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await pilot.press("enter", "enter")
        await until(pilot, lambda: screen.current is not None and screen.current.item.complete, "the detail")
        lines[35] = "Parcel 35 is lost.\n\n"
        sandbox.change(draft, markdown="".join(lines))
        await until(pilot, lambda: "{+is lost+}" in drawn(app), "what differs")
        assert "Parcel 2 " not in drawn(app)
        assert screen.current is not None and not screen.gate.has_seen(screen.current)
        await read_to_end(pilot, screen)
        await seen(pilot, screen)


async def test_a_key_on_its_way_when_the_text_changes_decides_nothing(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = sandbox.draft("The parcel left the house.")
    async with reading_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        sandbox.change(draft, markdown="The parcel has left our house.")
        # Pressed all the time until the change is there, and once more right behind it.
        monkeypatch.setattr("mm_tui.widgets.pager.DWELL_SECONDS", 60)
        monkeypatch.setattr("mm_tui.services.decisions.approval_gate.DWELL_SECONDS", 60)
        await until(pilot, lambda: screen.current is not None and "our house" in screen.current.item.body, "the change")
        await until(pilot, lambda: screen.current is not None and screen.current.item.complete, "its details")
        await pilot.press("a", "x")
        await pilot.pause(0.3)
        assert not isinstance(app.screen, ReasonScreen)
        assert screen.decision_of(draft) is None


async def test_what_was_decided_here_stays_in_the_list_for_a_while(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = sandbox.draft("First."), sandbox.draft("Second.")
    monkeypatch.setattr(listing, "OUTCOME_SECONDS", 60)  # however slow the machine
    async with reading_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await pilot.press("a")
        await until(pilot, lambda: [entry.item.id for entry in screen.listing.entries] == [second], "the decision")
        assert here(screen) == second
        await until(pilot, lambda: list(screen.queue_list.keys) == [first, second], "both rows")
        assert "approved" in drawn(app)
        monkeypatch.setattr(listing, "OUTCOME_SECONDS", 0.1)
        await until(pilot, lambda: list(screen.queue_list.keys) == [second], "the row to go")
        assert here(screen) == second


async def test_an_edit_stays_with_its_original_until_the_reader_moves(sandbox: Sandbox) -> None:
    first, second = sandbox.draft("First."), sandbox.draft("Second.")
    settings = settings_for(sandbox, review=Review(hold_seconds=0))
    async with reading_queue(settings, 2) as (_, pilot, screen):
        await pilot.press("j")
        await seen(pilot, screen)
        assert here(screen) == second
        sandbox.decide(first, "approve", "mine")
        await until(pilot, lambda: [entry.item.id for entry in screen.listing.entries] == [second], "the news")
        assert list(screen.queue_list.keys) == [second], "what nobody looks at goes at once"
        assert here(screen) == second


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_an_empty_queue_says_what_was_done_today_and_what_comes_next(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(listing, "OUTCOME_SECONDS", 0.1)
    sandbox.draft("Only one.")
    settings = settings_for(sandbox, review=Review(hold_seconds=0))
    async with running_queue(settings, 1, size=size) as (app, pilot, screen):
        await pilot.press("enter")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: "Nothing is waiting for you" in drawn(app), "the empty queue")
        await until(pilot, lambda: "Decided today: 1" in drawn(app), "the day")
        assert "(you): 1 sent as written" in drawn(app)
        assert "Next: 1 opens the inbox" in drawn(app)
