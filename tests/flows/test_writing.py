"""What a human wrote is never lost: not to a model, not to the next field, not to an editor that does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Input

from mm_tui.app import MmTui
from mm_tui.assist.errors import AssistError
from mm_tui.screens.dialogs.offers import InstructScreen
from mm_tui.screens.pending.editor import EditScreen
from mm_tui.screens.pending.external_editor import ExternalEditing, run_editor
from mm_tui.screens.thread.screen import ThreadScreen
from mm_tui.services.assistant.cards import DraftText
from mm_tui.services.saved_texts.edits import Edits, NotSaved
from mm_tui.settings.sections import SyncSettings
from mm_tui.store.decisions.edits import EditStore
from mm_tui.text import ManyLine
from mm_tui.widgets.draft_area import DraftArea
from tests.support.app import drawn, running_app, settings_for, until
from tests.support.queue import open_editor, open_queue
from tests.support.sandbox import Sandbox
from tests.support.typing import burst

MINE = "Dear Anna, these are my own words."


class Model:
    """Stands in for the model: writes half a text, and then does what the test asks."""

    has_key = True

    def __init__(self, ending: str) -> None:
        self._ending = ending
        self.asked = 0

    async def redraft(self, email_id: str, text: str, instruction: str) -> AsyncIterator[DraftText]:
        del email_id, text, instruction
        self.asked += 1
        yield DraftText(ManyLine("Half of a te"), done=False)
        if self._ending == "breaks":
            raise AssistError("the model is gone")
        if self._ending == "hangs":
            await asyncio.sleep(600)
        if self._ending == "writes":
            yield DraftText(ManyLine("A whole text."), done=True)

    def draft_reply(self, email_id: str, instruction: str = "") -> AsyncIterator[DraftText]:
        return self.redraft(email_id, "", instruction)


async def opened(where: str, app: MmTui, pilot: Pilot[Any], model: Model | None) -> DraftArea:
    """The editor of a draft, or of a reply, with a human's text in it."""
    if where == "edit":
        await open_queue(app, pilot, 1)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditScreen) and app.screen.query(DraftArea), "the editor")
    else:
        await until(pilot, lambda: "Where is my order" in drawn(app), "the inbox")
        await until(pilot, lambda: app.session.drafts is not None, "the services")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen) and app.screen.query(DraftArea), "the thread")
        app.session.drafts = None
        await pilot.press("r")
    area = app.screen.query_one(DraftArea)
    await until(pilot, lambda: area.has_focus, "the text")
    area.select_all()
    burst(app, MINE)
    await until(pilot, lambda: area.text == MINE, "the text")
    app.session.drafts = model  # type: ignore[assignment]  # only what the screens ask of it
    return area


def kept(app: MmTui) -> list[str]:
    return [edit.text.body for edit in Edits(app.session.database).left_over()]


@pytest.mark.parametrize("where", ["edit", "reply"])
async def test_a_redraft_can_be_taken_back_and_leaves_a_copy(sandbox: Sandbox, where: str) -> None:
    sandbox.inbound(subject="Where is my order", body="It has not come.") if where == "reply" else sandbox.draft("Hi.")
    async with running_app(settings_for(sandbox)) as (app, pilot):
        area = await opened(where, app, pilot, Model("writes"))
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(app.screen, InstructScreen), "the question")
        await pilot.press(*"be brief", "enter")
        await until(pilot, lambda: area.text == "A whole text." and not area.read_only, "the model's text")
        assert MINE in kept(app) and not app.session.unused_instructions
        await pilot.press("ctrl+z")
        await until(pilot, lambda: area.text == MINE, "the human's text")


async def test_a_models_reply_is_saved_only_once_a_human_changes_it(sandbox: Sandbox) -> None:
    sandbox.inbound(subject="Where is my order", body="It has not come.")
    async with running_app(settings_for(sandbox)) as (app, pilot):
        area, model = await opened("reply", app, pilot, None), Model("writes")
        area.select_all()
        await pilot.press("backspace", "escape")
        await until(pilot, lambda: not area.has_focus, "the editor to close")
        app.session.drafts = model  # type: ignore[assignment]
        for _ in range(2):
            await pilot.press("r")
            await until(pilot, lambda: area.text == "A whole text." and not area.read_only, "the model's text")
            assert "edit it, then submit" in drawn(app) and model.asked == 1, "it is not asked again"
            await pilot.press("escape")
            await until(pilot, lambda: not area.has_focus, "the editor to close")
            assert kept(app) == []
        await pilot.press("r")
        await until(pilot, lambda: area.text == "A whole text.", "the model's text once more")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(app.screen, InstructScreen), "the question")
        await pilot.press(*"be brief", "enter")
        await until(pilot, lambda: model.asked == 2 and not area.read_only, "the model's other text")
        await pilot.press("!", "escape")
        await until(pilot, lambda: not area.has_focus, "the editor to close")
        assert kept(app) == ["A whole text.!"]
        await pilot.press("r", "backspace", "escape")
        await until(pilot, lambda: not area.has_focus, "the editor to close")
        assert kept(app) == [], "what was typed is gone again"


@pytest.mark.parametrize("ending", ["breaks", "hangs", "stops"])
@pytest.mark.parametrize("where", ["edit", "reply"])
async def test_half_a_text_of_a_model_never_stays(sandbox: Sandbox, where: str, ending: str) -> None:
    sandbox.inbound(subject="Where is my order", body="It has not come.") if where == "reply" else sandbox.draft("Hi.")
    async with running_app(settings_for(sandbox, snippets={"a few words": " Aq1u"})) as (app, pilot):
        area = await opened(where, app, pilot, Model(ending))
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(app.screen, InstructScreen), "the question")
        await pilot.press(*"be brief", "enter")
        if ending == "hangs":
            await until(pilot, lambda: area.text == "Half of a te", "half a text")
            if where == "edit":
                await pilot.press("ctrl+n")
                await until(pilot, lambda: "a few words" in drawn(app), "the snippets")
                await pilot.press("1")
            else:
                burst(app, " Aq1u")
            await until(pilot, lambda: area.text == f"{MINE} Aq1u", "both")
        await until(pilot, lambda: not area.read_only and area.text.startswith(MINE), "the human's text")
        # What the model did not do is offered again.
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(app.screen, InstructScreen), "the question again")
        assert app.screen.query_one(Input).value == "be brief"
        await pilot.press("escape")
        await until(pilot, lambda: area.has_focus, "the text")
        await pilot.press("!")
        assert area.text.endswith("!")
        await pilot.press("escape")
        await until(pilot, lambda: not area.has_focus, "the editor to close")
        stored = [edit.text.body for edit in EditStore(app.session.database).all()]
        assert any(body.startswith(MINE) and body.endswith("!") for body in stored)
        assert not any("Half of a te" in body for body in stored)


@pytest.mark.parametrize("where", ["edit", "reply"])
async def test_a_text_of_which_no_copy_can_be_saved_is_not_given_to_the_model(
    sandbox: Sandbox, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise NotSaved("the disk is full")

    sandbox.inbound(subject="Where is my order", body="It has not come.") if where == "reply" else sandbox.draft("Hi.")
    async with running_app(settings_for(sandbox)) as (app, pilot):
        area = await opened(where, app, pilot, Model("writes"))
        monkeypatch.setattr(Edits, "save_beside", full)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(app.screen, InstructScreen), "the question")
        await pilot.press("enter")
        await until(pilot, lambda: "the disk is full · your text is unchanged" in drawn(app), "why not")
        assert area.text == MINE and not area.read_only and "the model is writing" not in drawn(app)


async def test_text_typed_right_behind_reply_stops_the_model(sandbox: Sandbox) -> None:
    sandbox.inbound(subject="Where is my order", body="It has not come.")
    async with running_app(settings_for(sandbox)) as (app, pilot):
        await until(pilot, lambda: "Where is my order" in drawn(app), "the inbox")
        await until(pilot, lambda: app.session.drafts is not None, "the services")
        app.session.drafts = Model("hangs")  # type: ignore[assignment]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen) and app.screen.query(DraftArea), "the thread")
        burst(app, f"r{MINE}")
        area = app.screen.query_one(DraftArea)
        await until(pilot, lambda: area.text == MINE, "the words")


async def test_the_reply_names_the_address_that_it_goes_to(sandbox: Sandbox) -> None:
    sandbox.inbound(
        **{"from": "Ann <ann@shop.example>"}, subject="Where is my order", reply_to="ann@elsewhere.example", body="?"
    )
    async with running_app(settings_for(sandbox)) as (app, pilot):
        await opened("reply", app, pilot, None)
        await until(pilot, lambda: "reply to ann@elsewhere.example" in drawn(app), "the address")
        assert "not to the sender ann@shop.example" in drawn(app)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "needs approval" in drawn(app), "whether it is sent at once, where lines are short")


async def test_a_half_written_reply_outlives_a_program_that_keeps_no_mail(sandbox: Sandbox) -> None:
    sandbox.inbound(subject="Where is my order", body="It has not come.")
    forgetful = settings_for(sandbox, sync=SyncSettings(active_seconds=1, idle_seconds=1, memory=True))
    async with running_app(forgetful) as (app, pilot):
        await opened("reply", app, pilot, None)
        await pilot.press("escape")
        await until(pilot, lambda: kept(app) == [MINE], "the saved text")
    async with running_app(forgetful) as (app, pilot):
        await until(pilot, lambda: "Where is my order" in drawn(app), "the inbox, read again")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen) and app.screen.query(DraftArea), "the thread")
        await pilot.press("r")
        await until(pilot, lambda: app.screen.query_one(DraftArea).text == MINE, "the text from before")


async def test_a_reply_that_two_windows_write_loses_no_text(sandbox: Sandbox) -> None:
    sandbox.inbound(subject="Where is my order", body="It has not come.")
    async with running_app(settings_for(sandbox)) as (app, pilot):
        area = await opened("reply", app, pilot, None)
        await until(pilot, lambda: kept(app) == [MINE], "the saved text")
        (saved,) = Edits(app.session.database).left_over()
        other = replace(saved, text=replace(saved.text, body="From another window."))
        EditStore(app.session.database).save(other)
        burst(app, "!")
        await until(pilot, lambda: f"{MINE}!" in kept(app), "the text that was written on")
        await until(pilot, lambda: "another window is writing this reply too" in drawn(app), "the words")
        assert "(K in Pending)" in drawn(app)
        assert sorted(kept(app)) == sorted([f"{MINE}!", "From another window."])
        await pilot.press("escape")
        await until(pilot, lambda: not area.has_focus, "the editor to close")
        assert len(kept(app)) == 2, "what was said once is not said, or copied, again"


async def test_another_windows_text_stays_the_reply_where_only_a_model_wrote(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="Where is my order", body="It has not come.")["id"]
    async with running_app(settings_for(sandbox)) as (app, pilot):
        area = await opened("reply", app, pilot, None)
        await until(pilot, lambda: kept(app) == [MINE], "the saved text")
        (saved,) = Edits(app.session.database).left_over()
        EditStore(app.session.database).save(replace(saved, text=replace(saved.text, body="From another window.")))
        app.session.untouched_replies[mail] = DraftText(ManyLine(MINE), done=True)
        await pilot.press("escape")
        await until(pilot, lambda: not area.has_focus, "the editor to close")
        await until(pilot, lambda: "its text is saved as the reply" in drawn(app), "where it is")
        assert kept(app) == ["From another window."]


async def test_tab_goes_round_and_replaces_nothing(sandbox: Sandbox) -> None:
    sandbox.draft("Hello Anna.")
    async with running_app(settings_for(sandbox)) as (app, pilot):
        await open_queue(app, pilot, 1)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditScreen) and app.screen.query(DraftArea), "the editor")
        screen = app.screen
        before = screen.query_one("#to", Input).value, screen.query_one("#subject", Input).value

        def focused() -> str | None:
            return app.focused.id if app.focused is not None else None

        round_ = ["thread", "to", "subject", "body"]
        for key, names in (("tab", round_), ("shift+tab", [*round_[2::-1], "body"])):
            for name in names:
                await pilot.press(key)
                await until(pilot, lambda name=name: focused() == name, f"{name} with {key}")  # type: ignore[misc]
                if name in ("to", "subject"):
                    await pilot.press("X", "backspace")
        assert (screen.query_one("#to", Input).value, screen.query_one("#subject", Input).value) == before
        await pilot.press("f1")
        await until(pilot, lambda: "the next field: To, subject, text" in drawn(app), "the help")


async def test_an_editor_that_does_not_wait_loses_nothing(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.draft("We will refund it.")
    script, go = tmp_path / "code", tmp_path / "go"
    # Moved into its place: the file is never empty.
    written = 'printf "From the window." > "$1.new"; mv "$1.new" "$1"'
    script.write_text(f"#!/bin/sh\n(while [ ! -e {go} ]; do sleep 0.05; done; {written}) >/dev/null 2>&1 &\n")
    script.chmod(0o700)
    environ = {"EDITOR": str(script), "PATH": "/bin:/usr/bin"}
    monkeypatch.setattr(ExternalEditing, "editor", staticmethod(lambda file: run_editor(file, environ)))
    async with running_app(settings_for(sandbox)) as (app, pilot):
        monkeypatch.setattr(app, "suspend", nullcontext)
        await open_queue(app, pilot, 1)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditScreen) and app.screen.query(DraftArea), "the editor")
        area = app.screen.query_one(DraftArea)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "code --wait" in drawn(app), "the words")
        file = next((tmp_path / "data" / "editing").glob("*/*/draft.md"))
        assert str(file.name) in drawn(app).replace("\n", "")
        go.touch()
        await until(pilot, lambda: area.text == "From the window.", "the text")
        assert file.exists()
        await pilot.press("ctrl+z")
        await until(pilot, lambda: area.text == "We will refund it.", "the text from before")
        # Its window stays open while this screen is left and opened again, and while another one is opened.
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, EditScreen), "the queue")
        await open_editor(app, pilot)
        area = app.screen.query_one("#body", DraftArea)
        file.write_text("From the window, later.")
        await until(pilot, lambda: "your editor saved its text" in drawn(app), "the words")
        assert "From the window, later." in [edit.text.body for edit in app.session.edits.left_over()]
        await pilot.press("ctrl+o")
        await until(pilot, lambda: len(list((tmp_path / "data" / "editing").glob("*/*/draft.md"))) == 2, "the second")
        file.write_text(area.text + " And more.")
        await until(
            pilot,
            lambda: any("And more." in edit.text.body for edit in app.session.edits.left_over()),
            "what the first window saved",
        )
