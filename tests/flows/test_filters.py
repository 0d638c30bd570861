"""Saved filters and search in the queue and the inbox, through the app: by key, by mouse, by palette."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.widgets import Input

from mm_tui.app import MmTui
from mm_tui.keyboard import dispatch
from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.screens.inbox.screen import InboxScreen
from mm_tui.screens.pending.filtering import FilterStrip, window
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.services.queue.stored import StoredQueue
from mm_tui.settings.sections import Filters
from mm_tui.widgets.keys_line import KeysLine
from tests.support.app import running_app, settings_for, shown, until
from tests.support.queue import queue, reading_queue, running_queue
from tests.support.sandbox import Sandbox
from tests.support.seat import NOW, idle_session, mailbox, waiting

OWN = Filters(queue={"money, out": "flag:promise_money is:outbound"}, inbox={"about parcels": "subject:parcel"})


def bodies(screen: PendingScreen) -> list[str]:
    return [str(entry.item.body).strip() for entry in screen.listing.entries]


def counts(screen: PendingScreen) -> dict[str, int]:
    return {str(one.filter.name): one.number for one in screen.listing.filters}


async def test_filters_are_counted_and_chosen_by_key_list_mouse_and_palette(sandbox: Sandbox) -> None:
    sandbox.draft("It is on its way.")
    sandbox.draft("You get a full refund of $900.")
    async with running_queue(settings_for(sandbox, filters=OWN), 2) as (app, pilot, screen):
        assert {"all": 2, "money, out": 1, "high risk": 1, "drafts": 2, "inbound": 0}.items() <= counts(screen).items()
        assert "all 2   money, out 1   high risk 1   drafts 2" in shown(app)
        await pilot.press("l")
        assert str(screen.listing.filter.name) == "money, out"
        assert bodies(screen) == ["You get a full refund of $900."]
        assert "1 of 2 waiting" in shown(app)
        await pilot.press("right")
        assert str(screen.listing.filter.name) == "high risk", "what selects nothing is passed over"
        await pilot.press("h", "left")
        assert len(screen.listing.entries) == 2
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the list of filters")
        await pilot.press("2")
        await until(pilot, lambda: len(screen.listing.entries) == 1, "the filter")
        await pilot.press("escape")
        assert len(screen.listing.entries) == 2
        at = shown(app).splitlines()[1].index("money, out")
        await pilot.click(FilterStrip, offset=(at, 0))
        await until(pilot, lambda: len(screen.listing.entries) == 1, "the filter that was clicked on")
        await pilot.press("escape", "ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette), "the palette")
        await pilot.press(*"only money")
        await until(pilot, lambda: "flag:promise_money is:outbound" in shown(app), "the filter in the palette")
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(screen.listing.entries) == 1, "the filter from the palette")


def footer(app: MmTui) -> str:
    """The line of keys."""
    return str(app.screen.query_one(KeysLine).render())


async def test_search_narrows_as_it_is_typed_and_the_letters_decide_nothing(sandbox: Sandbox) -> None:
    sandbox.draft("It is on its way.")
    sandbox.draft("You get a full refund of $900.")
    async with reading_queue(settings_for(sandbox, filters=OWN), 2) as (app, pilot, screen):
        await pilot.press("slash", *"axe")
        assert "No waiting email matches “axe”." in shown(app)
        assert app.screen is screen, "no key of the queue was heard"
        for _ in "axe":
            await pilot.press("backspace")
        assert footer(app) == "enter done  esc show all  f1 help"
        await pilot.press(*"risk:high fu")
        assert bodies(screen) == ["You get a full refund of $900."]
        await pilot.press(*"ll is:foo")
        assert "▲ there is no is:foo; ignored" in shown(app)
        await until(pilot, lambda: "the operators" in shown(app), "what to do, on a second line")
        for _ in " is:foo":
            await pilot.press("backspace")
        await pilot.press("enter")
        assert app.focused is screen.queue_list
        await pilot.press("l")
        assert "1 of 1 in money, out" in shown(app), "inside which filter"
        await pilot.press("escape")
        assert screen.query_one("#search", Input).value == ""
        assert str(screen.listing.filter.name) == "money, out" and "1 of 2 waiting" in shown(app), (
            "the search alone ends"
        )
        assert "esc show all" in footer(app)
        await pilot.press("escape")
        assert len(screen.listing.entries) == 2 and "esc" not in footer(app)
        await pilot.press("enter")
        assert "esc back" in footer(app)
        assert app.session.decisions is not None and app.session.decisions.overview.states() == ()


async def test_marks_outlive_another_filter_and_the_summary_shows_them_all(sandbox: Sandbox) -> None:
    sandbox.draft("It is on its way.")
    sandbox.draft("You get a full refund of $900.")
    async with reading_queue(settings_for(sandbox, filters=OWN), 2) as (app, pilot, screen):
        await pilot.press("space")
        await until(pilot, lambda: screen.marks, "the mark")
        await pilot.press("l")
        assert "1 marked" in shown(app)
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the summary")
        assert "Approve 1 marked email?" in shown(app)
        assert "1 marked email is not listed now." in " ".join(shown(app).split())
        await pilot.press("A")
        await until(pilot, lambda: len(sandbox.outbox()) == 1, "the release")


async def test_a_key_meant_for_one_mail_does_not_hit_the_one_that_a_filter_brings(sandbox: Sandbox) -> None:
    sandbox.draft("It is on its way.")
    sandbox.draft("You get a full refund of $900.")
    async with reading_queue(settings_for(sandbox, filters=OWN), 2) as (app, _, screen):
        screen.action_filter_step(1)
        screen.action_reject()
        assert app.screen is screen, "another mail has just come under the cursor"
        assert queue(app) is screen


async def test_the_inbox_has_saved_filters_too(sandbox: Sandbox) -> None:
    sandbox.inbound(subject="My parcel", body="Where is it?")
    sandbox.inbound(subject="A question", body="What is it?")
    async with running_app(settings_for(sandbox, filters=OWN)) as (app, pilot):
        inbox = app.screen
        assert isinstance(inbox, InboxScreen)
        await until(pilot, lambda: len(inbox.mails.keys) == 2, "the mails")
        await pilot.press("f")
        await until(pilot, lambda: "about parcels" in shown(app), "the filters")
        await pilot.press("end", "up", "up", "up", "enter")
        await until(pilot, lambda: len(inbox.mails.keys) == 1, "the filter")
        assert "/ subject:parcel" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: len(inbox.mails.keys) == 2, "all")


@pytest.mark.parametrize(
    ("at", "room", "expected"),
    [
        (0, 100, (0, 5)),
        (0, 12, (0, 1)),
        (4, 20, (3, 5)),
        (2, 18, (2, 3)),
        (2, 20, (1, 3)),
        (2, 28, (0, 3)),
        (0, 3, (0, 1)),
    ],
)
def test_the_strip_always_shows_the_current_filter(at: int, room: int, expected: tuple[int, int]) -> None:
    assert window([6, 6, 6, 6, 6], at, room) == expected


def test_the_strip_of_nothing_is_nothing() -> None:
    nothing: list[Any] = []
    assert window(nothing, 0, 10) == (0, 0)


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_all_filters_of_three_mailboxes_fit_on_a_small_screen(sandbox: Sandbox, size: tuple[int, int]) -> None:
    sandbox.draft("It is on its way.")
    async with running_queue(settings_for(sandbox), 1, size=size) as (app, pilot, _):
        await pilot.press("f")
        await until(pilot, lambda: "a  not checked" in shown(app), "the filters")
        assert "scroll" not in shown(app) and "esc keep the filter" in shown(app)


async def test_the_filters_can_be_chosen_while_the_queue_is_still_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    session, go_on = idle_session(boxes=[mailbox()]), threading.Event()
    monkeypatch.setattr(dispatch, "PAUSE_SECONDS", 0)
    session.pending.replace([waiting(1, "Hello Anna."), waiting(2, "Hello Tom.")], NOW)
    read = StoredQueue.ids
    monkeypatch.setattr(StoredQueue, "ids", lambda *asked: read(*asked) if go_on.wait(30) else [])
    async with running_app(session) as (app, pilot):
        try:
            await pilot.press("2")
            await until(pilot, lambda: "loading the queue" in shown(app), "an empty list")
            await pilot.press("a")
            await until(pilot, lambda: "a does nothing yet: the queue is still loading" in shown(app), "why")
            await pilot.press("z")
            await until(pilot, lambda: "z does nothing here" in shown(app), "that it never does")
            await pilot.press("n", "p", "f")
            assert isinstance(app.screen, ChoiceScreen)
            assert re.search(r"high risk +\?", shown(app)) and "one listed" not in shown(app)
        finally:
            go_on.set()
        await pilot.press("escape")
        await until(pilot, lambda: len(queue(app).listing.entries) == 2, "the queue")
