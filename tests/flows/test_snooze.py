"""Snoozing through the app: out of sight, counted, back with a sign, also after a restart."""

from __future__ import annotations

from functools import partial

from textual.widgets import Input

from mm_tui.screens.dialogs.choice import CHOICE_KEYS
from mm_tui.screens.dialogs.form import FormScreen
from mm_tui.screens.pending.screen import PendingScreen
from tests.support.app import running_app, settings_for, shown, until
from tests.support.queue import queue, ready, running_queue, seen
from tests.support.sandbox import Sandbox


def _fewer(screen: PendingScreen, than: int) -> bool:
    return len(screen.listing.entries) < than


async def test_a_snoozed_email_is_out_of_sight_counted_and_comes_back(sandbox: Sandbox) -> None:
    draft, other = sandbox.draft("One."), sandbox.draft("Two.")
    settings = settings_for(sandbox)
    async with running_queue(settings, 2) as (app, pilot, screen):
        await seen(pilot, screen)
        await pilot.press("space")
        await until(pilot, lambda: len(screen.marks) == 1, "a mark")
        while left := len(screen.listing.entries):
            await pilot.press("Z")
            await until(pilot, lambda: isinstance(app.screen, FormScreen) and ready(pilot), "the form")
            assert app.screen.query_one("#field-0", Input).selected_text == "3h", "typing replaces it"
            await pilot.press("2", "d", "enter")
            await until(pilot, partial(_fewer, screen, left), "one out of sight")
        await until(pilot, lambda: "All waiting emails are snoozed." in shown(app), "why the list is empty")
        assert "2 snoozed" in shown(app) and "snoozed 2" in shown(app)
        assert not screen.marks, "what is out of sight is not approved with a batch"
    async with running_app(settings) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: "2 snoozed" in shown(app), "the count after a restart")
        screen = queue(app)
        names = [str(one.filter.name) for one in screen.listing.filters]
        await until(pilot, lambda: ready(pilot), "keys")
        await pilot.press("f", CHOICE_KEYS[names.index("snoozed")])
        await until(pilot, lambda: {entry.item.id for entry in screen.listing.entries} == {draft, other}, "the snoozed")
        await until(pilot, lambda: screen.current is not None and screen.current.item.complete, "the detail")
        await pilot.press("Z")
        await until(pilot, lambda: isinstance(app.screen, FormScreen) and ready(pilot), "the form")
        await pilot.press("backspace", "enter")
        await until(pilot, lambda: "snoozed 1" in shown(app), "one is taken back")
        await pilot.press("escape")
        await until(
            pilot, lambda: len(screen.listing.entries) == 1 and "1 snoozed" in shown(app), "the one that is not"
        )
        (last,) = screen.listing.entries
        await pilot.press("Z")
        await until(pilot, lambda: isinstance(app.screen, FormScreen) and ready(pilot), "the form")
        sandbox.decide(last.item.id, "reject", "mine")
        app.action_sync()
        await until(pilot, lambda: screen.listing.end_of(last.item.id), "the other's decision")
        await pilot.press("enter")
        await until(pilot, lambda: "not snoozed: rejected elsewhere" in shown(app), "why it is not snoozed")


async def test_what_comes_back_is_listed_first_with_a_sign(sandbox: Sandbox) -> None:
    sandbox.draft("One.")
    draft = sandbox.draft("Two.")
    async with running_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await pilot.press("j", "Z")
        await until(pilot, lambda: isinstance(app.screen, FormScreen) and ready(pilot), "the form")
        await pilot.press("backspace", "backspace", *"thread", "enter")
        await until(
            pilot,
            lambda: [entry.item.id for entry in screen.listing.entries] != [draft] and "1 snoozed" in shown(app),
            "it is out of sight",
        )
        sandbox.inbound(in_reply_to=sandbox.look(draft)["in_reply_to"], subject="Re: Where is my order?")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(screen.listing.entries) == 2, "it is back")
        assert screen.listing.entries[0].item.id == draft
        await until(pilot, lambda: " back " in shown(app), "the sign")
