"""The draft editor through the app: warnings, snippets, and the thread at hand."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from mm_tui.app import MmTui
from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.screens.dialogs.leave import LeaveScreen
from mm_tui.screens.pending.editor import EditScreen
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.screens.pending.words import TEXT_KEYS
from mm_tui.store.decisions.edits import EditStore
from mm_tui.widgets.draft_area import DraftArea
from tests.support.app import drawn, running_app, settings_for, shown, until
from tests.support.queue import bodies, open_editor, open_queue, running_queue, seen
from tests.support.sandbox import Sandbox


async def edit(app: MmTui, pilot: Pilot[Any]) -> EditScreen:
    """Opens the only draft in the editor."""
    await open_queue(app, pilot, 1)
    return await open_editor(app, pilot)


def shown_head(queue: PendingScreen) -> str:
    return str(queue.pane.head.render())


async def test_what_a_writer_forgets_is_shown_while_writing(sandbox: Sandbox) -> None:
    sandbox.draft("Hello Anna.")
    async with running_app(settings_for(sandbox), size=(80, 24)) as (app, pilot):
        screen = await edit(app, pilot)
        area = screen.query_one("#body", TextArea)
        loud = "We promise a full refund of $240 by tomorrow, dear {{name}}, at https://pay.example/x or pay@b.example."
        area.load_text(loud)
        await until(pilot, lambda: "{{name}}" in str(screen.query_one("#words").render()), "what the rules say")
        area.load_text(f"Please find the invoice attached. {loud}")
        await until(pilot, lambda: "but nothing is attached" in shown(app), "the missing attachment")
        screen.query_one("#subject", Input).value = ""
        await until(pilot, lambda: "the subject is empty" in shown(app), "the empty subject")
        assert "nothing is attached" in shown(app)
        # As many lines at either width, and every word in sight at both.
        line = "I have asked our colleagues about your order 4471 and will write again tomorrow."
        area.load_text(line)
        await until(pilot, lambda: "will write again" in shown(app), "the text")
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: all(word in shown(app).split() for word in line.split()), "every word")


async def test_a_snippet_is_inserted_at_the_cursor_cleaned_and_can_be_undone(sandbox: Sandbox) -> None:
    sandbox.draft("Hello Anna.")
    snippets = {"hours": "We are here from 9 to 17.\nOn weekdays.", "[/x]\x1b[2J": "See \x1b]0;x\x07you."}
    async with running_app(settings_for(sandbox, snippets=snippets)) as (app, pilot):
        screen = await edit(app, pilot)
        area = screen.query_one("#body", TextArea)
        await pilot.press("end", " ", "ctrl+n")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the choice")
        assert "hours: We are here" in shown(app)
        assert "[/x]: See you." in shown(app)
        await pilot.press("escape")
        assert area.text == "Hello Anna. "
        await pilot.press("ctrl+n")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the choice")
        await pilot.press("1")
        await until(pilot, lambda: app.screen is screen, "the editor")
        await pilot.press(" ", "B", "y", "e")
        assert area.text == "Hello Anna. We are here from 9 to 17.\nOn weekdays. Bye"
        await pilot.press("ctrl+n")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the choice")
        await pilot.press("2")
        await until(pilot, lambda: area.text.endswith("ByeSee you."), "the other snippet")
        await pilot.press("ctrl+z")
        await until(pilot, lambda: area.text.endswith("Bye"), "the undo")


async def test_without_snippets_the_key_says_where_they_come_from(sandbox: Sandbox) -> None:
    sandbox.draft("Hello Anna.")
    async with running_app(settings_for(sandbox)) as (app, pilot):
        await edit(app, pilot)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "under [snippets] in config.toml" in shown(app), "the words")
        # Nothing is there to stop, so its key cuts.
        area = app.screen.query_one("#body", TextArea)
        area.select_all()
        await pilot.press("ctrl+x")
        assert area.text == ""
        await pilot.press("ctrl+v")
        assert area.text == "Hello Anna."


@pytest.mark.parametrize("width", [80, 120])
async def test_the_thread_is_one_key_away_and_the_text_another(sandbox: Sandbox, width: int) -> None:
    sandbox.draft("Hello Anna.")
    async with running_app(settings_for(sandbox), size=(width, 24)) as (app, pilot):
        screen = await edit(app, pilot)
        area = screen.query_one("#body", TextArea)
        assert ("Thread, newest first" in shown(app)) is (width == 120)
        await pilot.press("O", "h", "ctrl+l")
        await until(pilot, lambda: "Thread, newest first" in shown(app), "the thread")
        assert ("OhHello Anna." in shown(app)) is (width == 120)
        assert screen.query_one("#thread").has_focus
        assert "It has not come." not in shown(app)
        await pilot.press("t")
        await until(pilot, lambda: "It has not come." in shown(app), "the thread's mail")
        await pilot.press("j", "x", "escape")
        await until(pilot, lambda: area.has_focus, "the text")
        await pilot.press("!")
        assert area.text == "Oh!Hello Anna."
        await pilot.press("shift+tab", "ctrl+l", "ctrl+l")
        await until(pilot, lambda: screen.query_one("#subject").has_focus, "where the cursor was")
        await pilot.press("ctrl+l")
        await pilot.resize_terminal(120 if width == 80 else 80, 24)
        await until(pilot, lambda: "Thread, newest first" in shown(app), "the thread")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is not screen, "the queue")


async def test_a_text_that_cannot_be_stored_is_saved_elsewhere_and_quitting_asks(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.draft("Hello Anna.")

    def full(*_: object, **__: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    async with running_app(settings_for(sandbox), size=(100, 30)) as (app, pilot):
        screen = await edit(app, pilot)
        monkeypatch.setattr(EditStore, "save", full)
        screen.query_one("#body", TextArea).load_text("Words that must not be lost.")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "What you wrote could not be saved" in shown(app), "the question")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "the editor")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, LeaveScreen), "the question")
        await pilot.press("y")
    (words,) = app.leaving.parting_words
    kept = Path(words.rpartition(" is in ")[2].removesuffix("."))
    assert kept.read_text().endswith("Words that must not be lost.")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len(list(kept.parent.glob("mm-tui-text-*"))) == 1


async def test_leaving_says_that_an_edit_is_saved(sandbox: Sandbox) -> None:
    sandbox.draft("Hello Anna.")
    async with running_app(settings_for(sandbox), size=(80, 24)) as (app, pilot):
        screen = await edit(app, pilot)
        screen.query_one("#body", TextArea).load_text("Something better.")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: app.leaving.parting_words, "the end")
    assert app.leaving.parting_words == ["1 edit is saved; it is offered when you open the draft again"]


@pytest.mark.parametrize("reopened", [False, True])
async def test_an_edit_taken_back_to_the_draft_is_none(sandbox: Sandbox, reopened: bool) -> None:
    draft = sandbox.draft("Hello Anna.\n\nIt is on its way.")
    async with running_app(settings_for(sandbox), size=(80, 24)) as (app, pilot):
        queue, store = await open_queue(app, pilot, 1), EditStore(app.session.database)
        await open_editor(app, pilot)
        await pilot.press("x")
        await until(pilot, lambda: store.get(draft) is not None, "the edit")
        if reopened:
            await pilot.press("ctrl+s")
            await until(pilot, lambda: app.screen is queue and "edited by you" in shown_head(queue), "the edit's mark")
            await open_editor(app, pilot)
            await pilot.press("delete")
        else:
            await pilot.press("backspace")
        await until(pilot, lambda: "● unchanged" in shown(app), "the sign")
        assert store.get(draft) is None
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is queue and "edited by you" not in shown_head(queue), "no edit")
        assert queue.current is not None and queue.current.edit is None
        await pilot.press("enter")
        await seen(pilot, queue)
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")
    assert sandbox.status(draft) in ("sent", "delivered")


async def test_the_editor_says_what_is_edited_and_what_is_saved_and_its_text_stays_in_its_place(
    sandbox: Sandbox,
) -> None:
    sandbox.draft("Dear Anna, it is on its way.")
    async with running_app(settings_for(sandbox), size=(80, 24)) as (app, pilot):
        await open_queue(app, pilot, 1)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditScreen) and "Edit the draft to" in drawn(app), "a title")
        screen = app.screen
        assert isinstance(screen, EditScreen)
        assert "anna@customer.example" in drawn(app) and "● unchanged" in drawn(app)
        await until(pilot, lambda: "nothing found by word rules" in drawn(app), "that the rules found nothing")
        place = screen.area.region
        await pilot.press(*"Hi {{name}} you get $5000 tomorrow")
        await until(pilot, lambda: "● saved" in drawn(app), "the sign")
        await until(pilot, lambda: "{{name}}" in str(screen.query_one("#words").render()), "what the rules say")
        assert screen.area.region == place, "findings came and the text stayed where it was"
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "no model is set up" in shown(app), "why nothing changes the text")
        await pilot.press("ctrl+home")
        assert screen.area.selection.end == (0, 0)
        await pilot.press("ctrl+shift+end")
        assert screen.area.selected_text == screen.area.text
        to = screen.query_one("#to", Input)
        to.focus()
        await pilot.press("end", *", a.very.long.name.of.somebody@a.long.domain.example, last@example.com")
        await until(pilot, lambda: "last@example.com" in drawn(app), "the end of a long line")
        await pilot.press("home")
        await until(pilot, lambda: "last@example.com" not in drawn(app), "its start")
        await pilot.press("f1")
        await until(pilot, lambda: "In the text" in drawn(app) or "Keys" in drawn(app), "the help")


def test_the_keys_that_the_help_names_are_those_of_the_text() -> None:
    bindings = [*TextArea.BINDINGS, *DraftArea.BINDINGS]
    known = {key for binding in bindings for key in binding.key.split(",")}  # type: ignore[union-attr]
    named = {key for keys, _ in TEXT_KEYS for key in keys.split()}
    plain = {"^←": "ctrl+left", "^→": "ctrl+right", "pgup": "pageup", "pgdn": "pagedown"}
    assert {plain.get(key, key.replace("^", "ctrl+")) for key in named} <= known


async def test_on_a_small_terminal_the_text_has_room_beside_what_the_rules_say(sandbox: Sandbox) -> None:
    sandbox.draft("Dear {{name}},\n\nYou will receive a full refund of $2,400 within 24 hours, we promise.\n\nBye")
    async with running_queue(settings_for(sandbox), 1, size=(40, 12)) as (app, pilot, _):
        await pilot.press("enter")
        screen = await open_editor(app, pilot)
        words = screen.query_one("#words")
        await until(pilot, lambda: screen.area.size.height >= 3, "the text")
        assert words.size.height == 1
        assert re.search(r"and \d more", str(words.render()))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: words.size.height == 4 and str(words.render()).count("\n") == 2, "all lines")
