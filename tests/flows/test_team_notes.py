"""Notes and assignments through the app: asked for by keys, shown in the list and above the draft."""

from __future__ import annotations

from textual.widgets import Input

from mm_tui.screens.dialogs.form import FormScreen
from tests.support.app import settings_for, shown, until
from tests.support.queue import bodies, ready, running_queue
from tests.support.sandbox import Sandbox


async def test_a_note_and_an_assignment_are_set_by_keys_and_shown(sandbox: Sandbox) -> None:
    draft = sandbox.draft("One.")
    sandbox.draft("Two.")
    async with running_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == draft, "the first")
        await pilot.press("N")
        await until(pilot, lambda: isinstance(app.screen, FormScreen) and ready(pilot), "the form")
        sandbox.fault(method="PUT", path="/tags$", kind="status", status=400, when="before")
        await pilot.press(*"ax", "enter")
        await until(pilot, lambda: "; N offers your text again" in shown(app) and app.screen is screen, "why not")
        await pilot.press("N")
        await until(pilot, lambda: isinstance(app.screen, FormScreen) and ready(pilot), "the form, with the text")
        await pilot.press("enter")
        await until(pilot, lambda: ": ax" in shown(app) and app.screen is screen, "the note above the draft")
        assert sandbox.look(draft)["tags"]["review.note_by"] == "robin"
        sandbox.fault(method="PUT", path="/tags$", kind="status", status=400, when="before")
        for keys, offered in (("kim", "robin"), ("robin", "kim")):
            await pilot.press("W")
            await until(pilot, lambda: isinstance(app.screen, FormScreen) and ready(pilot), "the form")
            assert app.screen.query_one(Input).value == offered
            await pilot.press(*keys, "enter")
            words = "; W offers your text again" if keys == "kim" else "assigned to robin"
            await until(pilot, lambda: words in shown(app) and app.screen is screen, words)  # noqa: B023
        await until(pilot, lambda: "assigned to robin" in shown(app), "the assignment")
        await until(pilot, lambda: "for robin · note" in shown(app), "both in the list")
        assert [entry.item.id for entry in screen.listing.entries if entry.is_mine] == [draft]
        names = [str(one.filter.name) for one in screen.listing.filters]
        await pilot.press("f", str(names.index("mine") + 1))
        await until(pilot, lambda: [entry.item.id for entry in screen.listing.entries] == [draft], "mine alone")
        await pilot.press("N")
        await until(pilot, lambda: isinstance(app.screen, FormScreen) and ready(pilot), "the form")
        await pilot.press("backspace", "backspace", "enter")
        await until(pilot, lambda: "review.note" not in sandbox.look(draft)["tags"], "the note removed")
        await until(pilot, lambda: ready(pilot), "keys")
        await pilot.press("N")
        await until(pilot, lambda: isinstance(app.screen, FormScreen) and ready(pilot), "the form")
        sandbox.decide(draft, "reject", "mine")
        app.action_sync()
        await pilot.press("x")
        await until(pilot, lambda: screen.listing.end_of(draft), "the other's decision")
        await pilot.press("enter")
        await until(pilot, lambda: "not set: rejected elsewhere" in shown(app), "why it is not set")
        assert "review.note" not in sandbox.look(draft)["tags"]
    assert bodies(sandbox) == []


async def test_without_a_send_key_the_keys_say_what_is_missing(sandbox: Sandbox) -> None:
    sandbox.draft("One.")
    settings = settings_for(sandbox)
    settings = settings.replaced(profile=settings.profile.replaced(send_key=None))
    async with running_queue(settings, 1) as (app, pilot, screen):
        for key in ("N", "W"):
            await pilot.press(key)
            await until(pilot, lambda: "set send_key" in shown(app), "what is missing")
            assert app.screen is screen
