"""Edits in the queue: written, saved, found again, and released in place of the draft."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import TextArea

from mm_tui.models import EditedDraft
from mm_tui.screens.dialogs.offers import ReasonScreen
from mm_tui.screens.pending.editor import EditScreen
from mm_tui.screens.pending.external_editor import ExternalEditing, run_editor
from mm_tui.screens.pending.saved_texts import SavedTextsScreen
from mm_tui.services.saved_texts.edits import Edits
from mm_tui.store.decisions.editor_files import EditorFile
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.text import ManyLine
from mm_tui.widgets import pager
from tests.support.app import drawn, running_app, settings_for, until
from tests.support.queue import bodies, open_editor, open_queue, ready, running_queue, seen, write_edit, write_elsewhere
from tests.support.sandbox import Sandbox


async def test_an_edit_replaces_the_draft_and_nothing_else_leaves(sandbox: Sandbox) -> None:
    original = sandbox.draft("We will refund it.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await write_edit(app, pilot, "We will look into it.")
        await until(pilot, lambda: screen.current is not None and screen.current.edit is not None, "the edit")
        await seen(pilot, screen)
        edited = screen.current
        assert edited is not None
        assert edited.shown_digest[:8] in drawn(app) and edited.digest[:8] not in drawn(app), "of what is on the screen"
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")
        await until(pilot, lambda: not screen.listing.entries, "the queue to be empty")
        await until(pilot, lambda: EditStore(app.session.database).all() == [], "the text to be gone once it left")
    assert bodies(sandbox) == ["We will look into it."]
    assert sandbox.status(original) == "rejected"


async def test_a_text_that_typing_has_saved_is_forced_to_the_disk_when_something_opens_in_front(
    sandbox: Sandbox,
) -> None:
    original = sandbox.draft("We will refund it.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, _):
        editor = await open_editor(app, pilot)
        editor.query_one("#body", TextArea).load_text("We will look into it.")
        await until(pilot, lambda: app.session.edits.get(original) is not None, "the saved text")
        statements: list[str] = []
        app.session.database.reader().set_trace_callback(statements.append)
        await pilot.press("f1")
        await until(pilot, lambda: app.screen is not editor, "the help")
        assert any("synchronous = FULL" in one for one in statements)


async def test_the_risks_are_those_of_what_would_leave(sandbox: Sandbox) -> None:
    sandbox.draft("Hello Anna, we give you a full refund of $240 today.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        entry = screen.current
        assert entry is not None and entry.assessment.asks_again

        def write(text: str) -> None:
            write_elsewhere(app, entry, text)
            screen.reload()

        write("Hello Anna, we have read your mail.")
        await until(pilot, lambda: screen.current and not screen.current.assessment.asks_again, "the risk to go")
        write("Hello {{name}}, we have read your mail.")
        await until(pilot, lambda: screen.current and screen.current.assessment.asks_again, "the edit's own risk")


async def test_what_is_typed_is_saved_and_found_again(sandbox: Sandbox) -> None:
    draft = sandbox.draft("We will refund it.")
    async with running_app(settings_for(sandbox)) as (app, pilot):
        await open_queue(app, pilot, 1)
        await open_editor(app, pilot)
        await pilot.press("O", "h")
        store = EditStore(app.session.database)
        await until(
            pilot, lambda: (edit := store.get(draft)) and edit.text.body.startswith("Oh"), "the saved edit", seconds=3
        )
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        assert screen.current is not None and screen.current.edit is not None
        assert screen.current.edit.text.body.startswith("Oh")


async def test_a_change_underneath_an_edit_must_be_looked_at(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = sandbox.draft("One.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await write_edit(app, pilot, "Mine.")
        # However slow the machine, nothing counts as read to its end until it is meant to.
        monkeypatch.setattr(pager, "DWELL_SECONDS", 600)
        sandbox.change(draft, markdown="Two.")
        await until(pilot, lambda: screen.current and screen.current.item.body.strip() == "Two.", "the changed draft")
        await until(pilot, lambda: screen.current and screen.current.item.complete, "its detail")
        await pilot.press("a")
        await pilot.pause(0.6)
        await pilot.press("a")
        assert screen.decision_of(draft) is None
        await open_editor(app, pilot)
        assert app.screen.query_one("#body", TextArea).text == "Mine."
        app.screen.query_one("#body", TextArea).load_text("Mine too.")
        await pilot.press("ctrl+s")
        kept = EditStore(app.session.database).get(draft)
        assert kept is not None and kept.base.body.strip() == "One.", "saving alone does not say that it was looked at"
        editor = app.screen
        assert isinstance(editor, EditScreen)
        monkeypatch.setattr(pager, "DWELL_SECONDS", 0.01)
        editor.query_one("#thread", pager.Pager).refresh()
        await until(pilot, lambda: editor._knows_the_change, "what changed to be read to its end")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is screen, "the queue")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")
    assert bodies(sandbox) == ["Mine too."]


async def test_the_text_for_a_mail_that_waits_no_more_is_found_again(sandbox: Sandbox) -> None:
    draft = sandbox.draft("We will refund it.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await open_editor(app, pilot)
        await pilot.press("O", "h")
        sandbox.decide(draft, "reject", "gone")
        await until(
            pilot, lambda: not screen.listing.entries or app.session.pending.get(draft) is None, "the queue to be empty"
        )
        await pilot.press("!", "ctrl+s")
        await until(pilot, lambda: app.screen is screen and not screen.listing.entries and ready(pilot), "the queue")
        await pilot.press("K")
        await until(
            pilot,
            lambda: isinstance(app.screen, SavedTextsScreen) and "Oh!We will refund it." in drawn(app),
            "the text",
        )
    assert sandbox.outbox() == []


async def test_two_windows_on_one_draft_lose_no_text(sandbox: Sandbox) -> None:
    draft = sandbox.draft("We will refund it.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await open_editor(app, pilot)
        entry = screen.current
        assert entry is not None
        EditStore(app.session.database).save(
            SavedEdit(
                draft,
                entry.item.mailbox_id,
                entry.digest,
                entry.item.raw,
                EditedDraft(("a@b.example",), "S", "From the other window."),
                app.session.clock.now(),
            )
        )
        app.screen.query_one("#body", TextArea).load_text("From this window.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is screen, "the queue")
        kept = EditStore(app.session.database).all()
    assert sorted(edit.text.body for edit in kept) == ["From the other window.", "From this window."]


async def test_without_a_send_key_an_edit_is_sent_back(sandbox: Sandbox) -> None:
    draft = sandbox.draft("We will refund it.")
    async with running_queue(settings_for(sandbox, without=("send",)), 1) as (app, pilot, screen):
        await open_editor(app, pilot)
        await until(pilot, lambda: "an edit cannot be submitted" in drawn(app), "what becomes of the text, beforehand")
        await pilot.press("escape")
        await write_edit(app, pilot, "We will look into it.")
        await until(pilot, lambda: screen.current is not None and screen.current.edit is not None, "the edit")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the note")
        await pilot.press("enter")
        await until(pilot, lambda: sandbox.status(draft) == "rejected", "the rejection")
        kept = EditStore(app.session.database).get(draft)
        assert kept is not None and kept.text.body == "We will look into it."
    reasons = [entry["metadata"].get("reason") for entry in sandbox.audit() if "reject" in entry["action"]]
    assert "We will look into it." in reasons[0]
    assert sandbox.outbox() == []


async def test_the_readers_own_editor_gives_the_text_back_cleaned(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.draft("We will refund it.")
    asked: list[ManyLine] = []

    def editor(file: EditorFile) -> ManyLine:
        asked.append(ManyLine(file.read()))
        return ManyLine("From my\x1b[2J editor.")

    monkeypatch.setattr(ExternalEditing, "editor", staticmethod(editor))
    async with running_app(settings_for(sandbox)) as (app, pilot):
        monkeypatch.setattr(app, "suspend", _nothing)
        await open_queue(app, pilot, 1)
        await open_editor(app, pilot)
        await pilot.press("ctrl+o")
        area = app.screen.query_one("#body", TextArea)
        await until(pilot, lambda: area.text == "From my editor.", "the text")
    assert asked == ["We will refund it."]


async def test_what_a_failing_editor_left_is_saved(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.draft("We will refund it.")
    script = tmp_path / "editor"
    script.write_text("#!/bin/sh\nprintf 'Half written' > \"$1\"\nexit 3\n")
    script.chmod(0o700)
    monkeypatch.setattr(
        ExternalEditing,
        "editor",
        staticmethod(lambda file: run_editor(file, {"EDITOR": str(script), "PATH": "/bin:/usr/bin"})),
    )
    async with running_app(settings_for(sandbox)) as (app, pilot):
        monkeypatch.setattr(app, "suspend", _nothing)
        await open_queue(app, pilot, 1)
        await open_editor(app, pilot)
        await pilot.press("ctrl+o")
        await until(
            pilot,
            lambda: [edit.text.body for edit in Edits(app.session.database).left_over()] == ["Half written"],
            "it",
        )
        assert app.screen.query_one("#body", TextArea).text == "We will refund it."


class _nothing:
    """Stands in for suspending a terminal that is not there."""

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...
