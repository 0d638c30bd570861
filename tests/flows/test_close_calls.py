"""Keys that come a moment too late, texts that look the same, and words too long to stand where they should."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from mm_tui.app import MmTui
from mm_tui.screens import lines, status
from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.screens.pending.diff_pages import change_name
from mm_tui.screens.pending.editor import EditScreen
from mm_tui.screens.pending.pane import View
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.services.decisions import approval_gate
from mm_tui.settings.sections import Review
from mm_tui.store.decisions.edits import EditStore
from tests.support.app import drawn, settings_for, until
from tests.support.queue import (
    bodies,
    is_decided,
    open_editor,
    read_to_end,
    reading_queue,
    running_queue,
    seen,
    write_edit,
    write_elsewhere,
)
from tests.support.sandbox import Sandbox, running_sandbox


async def test_a_key_meant_for_a_mail_that_went_away_decides_no_other(sandbox: Sandbox) -> None:
    first, second = sandbox.draft("First."), sandbox.draft("Second.")
    async with reading_queue(settings_for(sandbox), 2) as (_, pilot, screen):
        await pilot.press("j")
        await seen(pilot, screen)
        await pilot.press("k")
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == first, "the first")
        # Somebody else decides the first: the second, read before, must not take its place while the finger comes down.
        sandbox.decide(first, "reject", "mine")
        await until(pilot, lambda: [entry.item.id for entry in screen.listing.entries] == [second], "the news")
        await pilot.press("a")
        await pilot.pause(0.6)
        await pilot.press("a")
        await pilot.pause(0.2)
        assert screen.current is not None and screen.current.item.id == first
        assert screen.decision_of(second) is None
        await pilot.press("n", "a")
        await until(pilot, lambda: bodies(sandbox), "the release")


async def test_a_key_pressed_twice_decides_once(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = sandbox.draft("First."), sandbox.draft("Second.")
    slow = settings_for(sandbox, review=Review(hold_seconds=30))
    async with reading_queue(slow, 2) as (_, pilot, screen):
        await pilot.press("j")
        await seen(pilot, screen)
        await pilot.press("k")
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == first, "the first")
        monkeypatch.setattr(approval_gate, "DWELL_SECONDS", 60)  # however slow the machine
        await pilot.press("a")
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == second, "the second")
        await pilot.press("a")
        await pilot.pause(0.2)
        assert screen.decision_of(first) is not None
        assert screen.decision_of(second) is None


async def test_a_new_edit_is_read_again_though_an_older_one_was_saved_as_often(sandbox: Sandbox) -> None:
    draft = sandbox.draft("It is on its way.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        entry, store = screen.current, EditStore(app.session.database)
        assert entry is not None

        def save(body: str) -> None:
            write_elsewhere(app, entry, body)
            screen.reload()

        save("Mine.")
        await until(pilot, lambda: screen.current is not None and screen.current.edit is not None, "the edit")
        await seen(pilot, screen)
        store.discard(draft)
        save("Other.\n" * 200)
        await until(
            pilot,
            lambda: (now := screen.current) and now.edit and now.edit.text.body.startswith("Other"),
            "the other edit",
        )
        assert screen.current is not None
        assert not screen.gate.has_seen(screen.current)


async def test_an_edit_from_another_window_survives_when_an_older_one_is_released(sandbox: Sandbox) -> None:
    sandbox.draft("It is on its way.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        entry, store = screen.current, EditStore(app.session.database)
        assert entry is not None

        def save(body: str) -> None:
            write_elsewhere(app, entry, body)

        save("Mine.")
        screen.reload()
        await until(pilot, lambda: screen.current is not None and screen.current.edit is not None, "the edit")
        await seen(pilot, screen)
        save("Written meanwhile in the other window.")
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")
        await until(pilot, lambda: not screen.listing.entries, "the queue to be empty")
        meanwhile = ["Written meanwhile in the other window."]
        await until(pilot, lambda: [edit.text.body for edit in store.all()] == meanwhile, "only the newer text")
    assert bodies(sandbox) == ["Mine."]


async def test_the_editor_begins_and_ends_with_the_right_text_of_two_windows(sandbox: Sandbox) -> None:
    sandbox.draft("It is on its way.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        entry, edits = screen.current, app.session.edits
        assert entry is not None
        write_elsewhere(app, entry, "Saved since the list was read.")
        editor = await open_editor(app, pilot)
        assert editor.area.text == "Saved since the list was read."
        editor.area.load_text("Mine.")
        await until(pilot, lambda: (saved := edits.get(entry.item.id)) and saved.text.body == "Mine.", "the save")
        write_elsewhere(app, entry, "Theirs.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "another window is editing this draft too" in drawn(app), "the words")
        await until(pilot, lambda: screen.current and screen.current.edit, "the edit")
        assert screen.current is not None and screen.current.edit is not None
        assert screen.current.edit.text.body == "Mine."
        assert [kept.text.body for kept in edits.left_over()] == ["Theirs."]


async def test_a_recipient_with_a_comma_in_the_name_stays_one(sandbox: Sandbox) -> None:
    draft = sandbox.draft("It is on its way.")
    sandbox.change(draft, to=['"Doe, Jane" <jane@x.example>', "Anna <anna@exämple.example>"])
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await until(pilot, lambda: "anna@exämple.example" in drawn(app), "the recipients")
        await open_editor(app, pilot)
        app.screen.query_one("#body", TextArea).load_text("Mine.")
        assert "exämple" in app.screen.query_one("#to", Input).value
        await pilot.press("ctrl+s")
        await until(pilot, lambda: screen.current is not None and screen.current.edit is not None, "the edit")
        edit = EditStore(app.session.database).get(draft)
        assert edit is not None
        assert edit.text.to == ('"Doe, Jane" <jane@x.example>', "Anna <anna@exämple.example>")


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_a_long_sender_hides_no_recipient_and_no_finding(sandbox: Sandbox, size: tuple[int, int]) -> None:
    sandbox.set_mode("gated_all")
    sandbox.inbound(**{"from": f"{'Very long name ' * 60}<mallory@bad.example>", "subject": "漢字" * 79})
    async with running_queue(settings_for(sandbox), 1, size=size) as (app, pilot, screen):
        await pilot.press("enter")
        await pilot.pause(0.6)
        shown = drawn(app)
        assert "from" in shown
        assert "to   " in shown
        assert "came" in shown
        assert screen.current is not None
        shown += await read_to_end(pilot, screen)
        assert "mallory@bad.example" in shown


async def _release_edit(app: MmTui, pilot: Pilot[None], screen: PendingScreen, text: str) -> None:
    await write_edit(app, pilot, text)
    await until(pilot, lambda: screen.current is not None and screen.current.edit is not None, "the edit")
    await seen(pilot, screen)
    await pilot.press("a")


async def test_what_the_gateway_made_of_an_edit_is_accepted_only_after_it_was_read(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, signature_in_draft=True) as sandbox:
        draft = sandbox.draft("We will refund it.")
        sandbox.call("PATCH", f"/v1/mailboxes/{sandbox.mailbox}", key="admin", json={"signature_block": "Acme Ltd"})
        async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
            await _release_edit(app, pilot, screen, "We will look into it.")
            await until(pilot, lambda: (view := screen.decision_of(draft)) and view.question, "the question")
            await until(pilot, lambda: screen.current is not None, "the mail")
            await pilot.press("y")
            await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the dialog")
            assert "accept what is there" not in drawn(app)
            assert "leave" in drawn(app)
            await pilot.press("escape")
            while screen.pane.view is not View.DIFF:
                await pilot.press("tab")
                await pilot.pause()
            assert "Acme Ltd" in drawn(app)
            view = screen.decision_of(draft)
            await until(
                pilot, lambda: view is not None and screen.gate.has_read(change_name(view)), "the end of what differs"
            )
            await pilot.press("y")
            await until(pilot, lambda: "accept what is there" in drawn(app), "the choice")
            await pilot.press("1")
            await until(pilot, lambda: bodies(sandbox), "the release")


async def test_a_question_about_an_edit_whose_original_is_retired_can_be_answered(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    draft = sandbox.draft("We will refund it.")
    sandbox.fault(method="POST", path="decide$", kind="status", status=403, nth=2)
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await _release_edit(app, pilot, screen, "We will look into it.")
        await until(pilot, lambda: sandbox.status(draft) == "rejected", "the original to be retired")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.question, "the question")
        await until(pilot, lambda: screen.current is not None and screen.current.item.id != draft, "the edit")
        # As the key does that goes to a decision that asks.
        monkeypatch.setattr(screen, "say", lambda words, *_: said.append(words))
        screen.go_to(draft)
        await until(pilot, lambda: not screen.open_email._wanted, "the edit in its place")
        assert not [words for words in said if "does not wait" in words]
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the dialog")
        await pilot.press("1")
        await until(pilot, lambda: bodies(sandbox) == ["We will look into it."], "the release")


async def test_a_store_that_takes_nothing_ends_neither_the_app_nor_the_text(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = sandbox.draft("It is on its way.")

    def full(*_: object, **__: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await open_editor(app, pilot)
        with monkeypatch.context() as broken:
            broken.setattr(EditStore, "save", full)
            broken.setattr(lines, "FLASH_SECONDS", 600)
            app.screen.query_one("#body", TextArea).load_text("Mine.")
            await until(pilot, lambda: "not saved: database or disk is full" in drawn(app), "the words")
            await pilot.press("ctrl+s")
            await pilot.pause()
            assert isinstance(app.screen, EditScreen)
            await pilot.press("escape")
            await pilot.pause()
            assert isinstance(app.screen, EditScreen)
        await until(pilot, lambda: "not saved" not in drawn(app), "the words to go")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is screen, "the queue")
        edit = EditStore(app.session.database).get(draft)
        assert edit is not None and edit.text.body == "Mine."


async def test_a_text_is_thrown_away_only_as_it_was_shown(sandbox: Sandbox) -> None:
    draft = sandbox.draft("It is on its way.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        entry, store = screen.current, EditStore(app.session.database)
        assert entry is not None

        def save(body: str) -> None:
            write_elsewhere(app, entry, body)

        save("Mine.")
        screen.reload()
        await until(pilot, lambda: screen.current is not None and screen.current.edit is not None, "the edit")
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the question")
        save("Written meanwhile in the other window.")
        await pilot.press("D")
        await until(pilot, lambda: app.screen is screen, "the queue")
        edit = store.get(draft)
        assert edit is not None and edit.text.body == "Written meanwhile in the other window."


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("GET", "oversight/pending", ("1 decision being checked for", "(u undo); quitting sends nothing")),
        ("POST", "oversight/decide", ("1 decision with the gateway for", "; if you quit, it is read back next time")),
    ],
)
async def test_a_gateway_that_hangs_after_the_hold_is_told_with_what_quitting_would_mean(
    method: str, path: str, says: tuple[str, str], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "SLOW_SECONDS", 0.5)
    sandbox.draft()
    async with running_queue(settings_for(sandbox), 1, size=(80, 24)) as (app, pilot, screen):
        await pilot.press("enter")
        await seen(pilot, screen)
        sandbox.fault(method=method, path=path, kind="hang")
        await pilot.press("a")
        await until(pilot, lambda: all(words in drawn(app).splitlines()[-2] for words in says), "what is under way")


async def test_decisions_with_the_gateway_and_those_being_checked_are_counted_apart(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "SLOW_SECONDS", 0.5)
    for number in range(3):
        sandbox.draft(f"Number {number}.")
    async with running_queue(settings_for(sandbox), 3) as (app, pilot, screen):
        for method, path in (("POST", "oversight/decide"), ("GET", "oversight/pending"), ("GET", "oversight/pending")):
            await seen(pilot, screen)
            sandbox.fault(method=method, path=path, kind="hang", count=0)
            assert screen.current is not None
            draft = screen.current.item.id
            await pilot.press("a")
            await until(pilot, partial(is_decided, screen, draft), "the decision")
            await until(pilot, lambda: sandbox.calls("POST", "oversight/decide"), "the first call")
        words = (
            "1 decision with the gateway for",
            ", 2 being checked (u undo); if you quit, it is read back next time",
        )
        await until(pilot, lambda: all(one in drawn(app).splitlines()[-2] for one in words), "both numbers")
