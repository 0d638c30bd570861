"""Keys that were meant for something else decide nothing, and text typed too early is not lost."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import pytest
from textual import events
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, TextArea

from mm_tui.app import MmTui
from mm_tui.keyboard import dispatch as keyboard
from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.screens.dialogs.offers import ReasonScreen
from mm_tui.screens.pending.filtering import FilterActions
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.services.decisions.reasons import offered, remember
from mm_tui.settings.sections import Review, Ui
from mm_tui.store.database import Database
from mm_tui.widgets.keys_line import KeysLine
from tests.support.app import drawn, settings_for, until
from tests.support.queue import bodies, reading_queue, running_queue, seen
from tests.support.sandbox import Sandbox
from tests.support.typing import burst, key, pasted, typed

WORDS = ("2nd paragraph is a lie", "No 3 x", "1", "aaa", "yes, Y and A", "quit /all")


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses are those that a hand is asked for."""
    monkeypatch.setattr(keyboard, "QUIET_SECONDS", 0.4)
    monkeypatch.setattr(keyboard, "PAUSE_SECONDS", 0.8)


def decided(app: MmTui) -> list[str]:
    """Ids of the mails about which a decision was begun."""
    return (
        [view.email_id for view in app.session.decisions.overview.states()] if app.session.decisions is not None else []
    )


def typed_in(app: MmTui) -> str | None:
    """What stands in the field of the dialog that is in front, once there is one."""
    fields = app.screen.query(Input) if app.screen.is_modal else None
    return fields.first().value if fields else None


async def both_seen(pilot: object, screen: PendingScreen) -> None:
    """Both mails have been read to their end; the cursor is on the first."""
    for moving in ("j", "k"):
        await seen(pilot, screen)  # type: ignore[arg-type]
        await pilot.press(moving)  # type: ignore[attr-defined]
    await asyncio.sleep(keyboard.PAUSE_SECONDS)


@pytest.mark.usefixtures("hands")
@pytest.mark.parametrize("words", WORDS)
async def test_words_typed_right_behind_the_key_are_the_reason(sandbox: Sandbox, words: str) -> None:
    first, second = sandbox.draft("First."), sandbox.draft("Second.")
    async with running_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await both_seen(pilot, screen)
        pasted(app, f"x{words[0]}\n{words[1:]}\n")
        await until(pilot, lambda: typed_in(app) == words, "the pasted text in the dialog, which it does not answer")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "the queue")
        await asyncio.sleep(keyboard.PAUSE_SECONDS)
        burst(app, f"x{words}")
        await until(pilot, lambda: typed_in(app) == words, "the words in the dialog")
        assert decided(app) == []
        # What comes behind the answer was typed for no mail.
        burst(app, "\naaxx1")
        await until(pilot, lambda: sandbox.status(first) == "rejected", "the rejection")
        await asyncio.sleep(0.2)
        assert app.screen is screen
        assert decided(app) == [first]
        assert sandbox.status(second) == "pending_send_approval"
    reasons = [entry["metadata"].get("reason") for entry in sandbox.audit() if "reject" in entry["action"]]
    assert reasons == [words]


@pytest.mark.usefixtures("hands")
async def test_a_key_held_down_decides_once(sandbox: Sandbox) -> None:
    for number in range(3):
        sandbox.draft(f"Number {number}.")
    slow = settings_for(sandbox, review=Review(hold_seconds=30))
    async with reading_queue(slow, 3) as (app, pilot, screen):
        await asyncio.sleep(keyboard.QUIET_SECONDS)
        pauses = iter([0.66, *[0.035] * 60])  # so long a terminal waits before it repeats a key, and then
        await typed(app, "a" * 61, pause=lambda: next(pauses))
        assert len(decided(app)) == 1
        await until(pilot, lambda: screen.current is not None and screen.current.item.complete, "the next")
        await seen(pilot, screen)
        await asyncio.sleep(keyboard.PAUSE_SECONDS)
        await pilot.press("a")
        await until(pilot, lambda: len(decided(app)) == 2, "the second decision")


@pytest.mark.usefixtures("hands")
@pytest.mark.parametrize("keys", ["x\nx\n", "x1x1", "x2nd\nx2nd paragraph is a lie\n", "aaxa", "make a deal", "kaja"])
async def test_a_quick_hand_decides_about_no_mail_that_it_has_not_looked_at(sandbox: Sandbox, keys: str) -> None:
    sandbox.draft("First."), sandbox.draft("Second.")
    slow = settings_for(sandbox, review=Review(hold_seconds=30))
    async with running_queue(slow, 2) as (app, pilot, screen):
        await both_seen(pilot, screen)
        await typed(app, keys, pause=0.12)
        await asyncio.sleep(0.3)
        assert len(decided(app)) <= 1
        assert isinstance(app.screen, PendingScreen | ReasonScreen)


@pytest.mark.usefixtures("hands")
async def test_words_that_began_before_a_dialog_had_closed_are_no_keys(sandbox: Sandbox) -> None:
    sandbox.draft("First."), sandbox.draft("Second.")
    slow = settings_for(sandbox, review=Review(hold_seconds=30))
    async with running_queue(slow, 2) as (app, pilot, screen):
        await both_seen(pilot, screen)
        burst(app, "xwrong")
        await until(pilot, lambda: typed_in(app) == "wrong", "the words in the dialog")
        burst(app, "\nx")
        at = monotonic()
        await until(pilot, lambda: app.screen is screen and app.keyboard.is_ready, "the queue")
        await typed(app, "1st paragraph is a lie", pause=0.05, at=at + 0.05)
        await until(pilot, lambda: app.keyboard.is_ready, "the last key")
        assert app.screen is screen
        assert app.current_mode == "pending"
        assert len(decided(app)) == 1


@pytest.mark.usefixtures("hands")
async def test_words_behind_a_refused_key_are_no_keys(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.draft("First.")
    async with reading_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await asyncio.sleep(keyboard.PAUSE_SECONDS)
        monkeypatch.setattr(screen.deciding, "service", lambda: screen.say("still starting"))
        await typed(app, "x2nd 1 paragraph is a lie", pause=0.05)
        await until(pilot, lambda: keyboard.TOO_QUICK[:30] in drawn(app), "why the key for a decision did nothing")
        assert app.screen is screen
        assert app.current_mode == "pending"
        await asyncio.sleep(keyboard.PAUSE_SECONDS)
        await typed(app, "\x1b1", pause=0.1)
        await until(pilot, lambda: app.current_mode == "inbox", "the inbox: escape came after a pause")


async def test_text_typed_with_the_key_that_opens_comes_into_what_it_opens(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.draft("Hello Anna.")
    searched: list[str] = []
    search = FilterActions.search

    def counted(filtering: FilterActions, typed: str) -> None:
        searched.append(typed)
        search(filtering, typed)

    monkeypatch.setattr(FilterActions, "search", counted)
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        burst(app, "/aq1 from:")
        await until(pilot, lambda: screen.listing.typed == "aq1 from:", "the query")
        letters = "many words " * 200
        pasted(app, letters)
        await until(pilot, lambda: screen.listing.typed == f"aq1 from:{letters}", "the text")
        assert len(searched) < len(letters) / 10, "there was a search for each letter"
        burst(app, "\x1b\x1b")
        await until(pilot, lambda: not screen.listing.typed and not isinstance(app.focused, Input), "the queue")
        await until(pilot, lambda: app.keyboard.is_ready, "its picture")
        burst(app, "e1. a quick word\n2. q")
        await until(pilot, lambda: app.screen.query("#body"), "the editor")
        area = app.screen.query_one("#body", TextArea)
        await until(pilot, lambda: area.text == "1. a quick word\n2. qHello Anna.", "the text")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is screen, "the queue")
        assert decided(app) == []


@pytest.mark.usefixtures("hands")
async def test_an_answer_typed_before_the_question_was_seen_does_not_count(sandbox: Sandbox) -> None:
    draft = sandbox.draft("You will receive a full refund of $240 within 24 hours.")
    async with reading_queue(settings_for(sandbox), 1) as (app, pilot, _):
        await asyncio.sleep(keyboard.PAUSE_SECONDS)
        burst(app, "aY")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen) and app.keyboard.is_ready, "the question")
        await until(pilot, lambda: "that key came too soon" in drawn(app), "why the answer does not count")
        assert sandbox.status(draft) == "pending_send_approval"
        await asyncio.sleep(keyboard.QUIET_SECONDS)
        pasted(app, "Y")
        await pilot.pause()
        assert isinstance(app.screen, ChoiceScreen) and decided(app) == []
        await asyncio.sleep(keyboard.PAUSE_SECONDS)
        # The rest of a text that holds an end marker.
        app.post_message(events.Paste("as agreed"))
        app.post_message(key("Y"))
        await pilot.pause()
        assert isinstance(app.screen, ChoiceScreen) and decided(app) == []
        await asyncio.sleep(keyboard.PAUSE_SECONDS)
        await pilot.press("Y")
        await until(pilot, lambda: sandbox.status(draft) != "pending_send_approval", "the release")


async def test_offers_keep_their_places() -> None:
    database, configured = Database.open(None), ("Wrong facts", "Wrong tone")
    for words in ("one", "two", "three", "four", "one"):
        remember(database, words, configured)
    assert offered(database, configured) == [*configured, "one", "two", "three", "four"]
    remember(database, "Wrong tone", configured)
    remember(database, "five", configured)
    assert offered(database, configured) == [*configured, "one", "five", "three", "four"]


async def test_the_words_of_an_undone_rejection_are_offered_again(sandbox: Sandbox) -> None:
    draft = sandbox.draft("First.")
    slow = settings_for(sandbox, review=Review(hold_seconds=30))
    async with running_queue(slow, 1) as (app, pilot, screen):
        burst(app, "xmy own words\n")
        await until(pilot, lambda: decided(app) == [draft] and app.keyboard.is_ready, "the hold")
        await pilot.press("u")
        await until(pilot, lambda: (view := screen.decision_of(draft)) is not None and view.ended, "the undo")
        await pilot.press("x")
        await until(pilot, lambda: typed_in(app) == "my own words", "the words once more")
        assert "f2  Wrong recipient" in drawn(app)
        await until(pilot, lambda: app.keyboard.is_ready, "the dialog to be drawn")
        await pilot.press("enter")
        await until(pilot, lambda: (view := screen.decision_of(draft)) is not None and not view.ended, "the hold")
    assert sandbox.status(draft) == "pending_send_approval"


@pytest.mark.usefixtures("hands")
async def test_keys_work_on_a_keyboard_without_latin_letters(sandbox: Sandbox) -> None:
    sandbox.draft("First.")
    async with reading_queue(settings_for(sandbox, ui=Ui(layout="ru")), 1) as (app, pilot, screen):
        await asyncio.sleep(keyboard.PAUSE_SECONDS)
        await pilot.press("ч")  # on the key of x
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the dialog for the reason")
        burst(app, "нет")
        await until(pilot, lambda: typed_in(app) == "нет", "the words as they were typed")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "the queue")
        await seen(pilot, screen)
        await asyncio.sleep(keyboard.PAUSE_SECONDS)
        await pilot.press("ф")  # on the key of a
        await until(pilot, lambda: len(decided(app)) == 1, "the approval")


async def choose_in_palette(pilot: Pilot[Any], words: str, pause: float) -> None:
    """Opens the palette, types, and chooses the first after a pause."""
    app = pilot.app
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(app.screen, CommandPalette), "the palette")
    await pilot.press(*words)
    await until(pilot, lambda: app.screen.query_one(OptionList).option_count, "its offers")
    await pilot.pause(pause)
    await pilot.press("enter")
    await until(pilot, lambda: not isinstance(app.screen, CommandPalette), "the palette to close")


@pytest.mark.usefixtures("hands")
@pytest.mark.parametrize("disturbed", ["not at all", "typed and chosen in one burst", "keys behind it"])
async def test_an_act_of_the_palette_decides_as_its_key_does(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, disturbed: str
) -> None:
    first, second = sandbox.draft("First."), sandbox.draft("Second.")
    async with reading_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        monkeypatch.setattr(keyboard, "QUIET_SECONDS", 1.0)
        await choose_in_palette(pilot, "approve", 0 if disturbed.startswith("typed") else 1.2)
        if disturbed == "keys behind it":
            # However slow the machine is, they come before the pause has passed.
            monkeypatch.setattr(keyboard, "QUIET_SECONDS", 30.0)
            await pilot.press("enter", "enter")
        if disturbed == "not at all":
            await until(pilot, lambda: bodies(sandbox) == ["First."], "the release")
        else:
            await until(pilot, lambda: keyboard.TOO_QUICK[:30] in drawn(app), "the refusal")
            monkeypatch.setattr(keyboard, "QUIET_SECONDS", 1.0)
            await pilot.pause(1.5)
            assert screen.decision_of(first) is None
            await pilot.press("a")
            await until(pilot, lambda: screen.decision_of(first) is not None, "the decision")
            assert keyboard.TOO_QUICK[:30] not in drawn(app), "the reason has gone"
        assert screen.decision_of(second) is None


@pytest.mark.usefixtures("hands")
async def test_a_click_on_a_key_of_the_footer_decides_as_the_key_does(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        sandbox.draft(f"Draft {number}.")
    async with reading_queue(settings_for(sandbox), 3) as (_, pilot, screen):
        await pilot.pause(keyboard.QUIET_SECONDS + 0.1)
        # However slow the machine is, the clicks come as quickly as those of a double click.
        monkeypatch.setattr(keyboard, "PAUSE_SECONDS", 30.0)
        at = str(screen.query_one(KeysLine).render()).index("approve")
        for _ in range(3):
            await pilot.click(KeysLine, offset=(at + 2, 0))
        await until(pilot, lambda: bodies(sandbox) == ["Draft 0."], "the first")
        await pilot.pause(1)
        assert bodies(sandbox) == ["Draft 0."]
