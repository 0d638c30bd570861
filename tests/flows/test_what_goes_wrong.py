"""No network, a wrong key, a lacking scope, an empty mailbox: the screens say what is wrong and what to do."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mm_tui import crash
from mm_tui.app import MmTui
from mm_tui.screens.lines import StatusLine
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.screens.thread.screen import ThreadScreen
from mm_tui.session import Session
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Profile, Settings
from mm_tui.store.connecting import damage_mark
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore
from tests.support.app import drawn, running_app, settings_for, until
from tests.support.processes import free_port
from tests.support.sandbox import Sandbox, running_sandbox
from tests.support.seat import filled_session


def says(app: MmTui, *words: str) -> Callable[[], bool]:
    """Whether all of these words are on the screen, line breaks aside."""
    return lambda: all(word in " ".join(drawn(app).split()) for word in words)


def profile(**fields: Any) -> Settings:
    """Settings with a profile of these fields."""
    return Settings(profile=Profile.of({"name": "acme", **fields}))


async def test_no_network() -> None:
    settings = profile(url=f"http://127.0.0.1:{free_port()}", oversight_key=Secret("mm_test_made_up"))
    async with running_app(settings, size=(100, 24)) as (app, pilot):
        await until(pilot, says(app, "offline", "no connection to the gateway"), "the word in the inbox")
        await pilot.press("2")
        await until(
            pilot,
            says(app, "The queue cannot be loaded.", "never been loaded on this"),
            "the word in the queue",
        )
        assert "Nothing is waiting for you" not in drawn(app)


async def test_a_wrong_key(sandbox: Sandbox) -> None:
    settings = profile(url=sandbox.url, oversight_key=Secret("mm_test_wrong"))
    async with running_app(settings, size=(100, 24)) as (app, pilot):
        await until(pilot, says(app, "invalid API key"), "the word in the inbox")
        await pilot.press("2")
        await until(pilot, says(app, "The queue cannot be loaded.", "invalid API key"), "the word in the queue")
        await until(pilot, says(app, "key refused: see mm-tui doctor"), "what to do")
        assert "mm_test_wrong" not in drawn(app)


async def test_a_lacking_scope_stops_only_its_part(sandbox: Sandbox) -> None:
    sandbox.inbound(subject="Still readable")
    settings = profile(url=sandbox.url, oversight_key=Secret(sandbox.keys["send"]))
    async with running_app(settings, size=(100, 24)) as (app, pilot):
        await until(pilot, says(app, "Still readable"), "the mail")
        await pilot.press("2")
        await until(pilot, says(app, "The queue cannot be loaded.", "oversight"), "the word in the queue")


async def test_no_key_at_all() -> None:
    async with running_app(profile(), size=(100, 24)) as (app, pilot):
        await until(pilot, says(app, "mm-tui init"), "the cure")


async def test_an_empty_mailbox_and_queue(sandbox: Sandbox) -> None:
    async with running_app(settings_for(sandbox), size=(100, 24)) as (app, pilot):
        await until(pilot, says(app, "The mailboxes are empty."), "the word in the inbox")
        await pilot.press("2")
        await until(pilot, says(app, "Nothing is waiting for you."), "the word in the queue")


async def test_the_gateway_goes_away_and_what_was_seen_stays_readable(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        sandbox.draft("It is on its way.")
        settings = settings_for(sandbox)
        async with running_app(settings, size=(120, 30)) as (app, pilot):
            await pilot.press("2")
            await until(pilot, says(app, "It is on its way.", "1 waiting"), "the draft")
    async with running_app(settings, size=(120, 30)) as (app, pilot):
        await pilot.press("2")
        await until(pilot, says(app, "It is on its way.", "offline", "data from"), "the draft, offline")
    async with running_app(settings, size=(80, 24)) as (app, pilot):
        await until(pilot, says(app, "no connection to the gateway · data from"), "why, and how old the data is")


async def test_a_reply_that_the_store_does_not_take_keeps_its_editor_open(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.inbound(subject="Where is it?", body="It has not come.")
    async with running_app(settings_for(sandbox)) as (app, pilot):
        await until(pilot, says(app, "Where is it?"), "the mail")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen), "the thread")
        screen = app.screen
        assert isinstance(screen, ThreadScreen)
        await until(pilot, says(app, "It has not come."), "its body")
        await pilot.press("r")
        await until(pilot, lambda: screen.reply.is_open, "the editor")

        def full(*_given: object, **_named: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(EditStore, "save", full)
            screen.reply.set_text("Dear Anna")
            assert not screen.reply.save()
            screen.reply.action_close()
            assert screen.reply.is_open and screen.reply.text == "Dear Anna"
        assert screen.reply.save()


async def test_a_worker_that_fails_on_a_full_disk_does_not_end_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def failing() -> None:
        raise RuntimeError("broke")

    async with running_app(filled_session()) as (app, pilot):
        monkeypatch.setattr(crash, "write_report", full)
        app.screen.run_worker(failing(), exit_on_error=False)
        await until(pilot, says(app, "failed (RuntimeError)", "No report could be written"), "the word of it")
        await pilot.press("2")
        await until(pilot, lambda: any(isinstance(one, PendingScreen) for one in app.screen_stack), "the queue")


async def test_damage_is_looked_for_when_the_app_has_ended_and_keeps_no_screen_waiting(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    def broken() -> None:
        raise ValueError("broke")

    path = tmp_path / "store.db"
    session = Session(settings_for(sandbox), Database.open(path))
    with session.database.write() as connection:
        connection.execute("INSERT INTO assist_results VALUES ('tags', 'id', 'model', '1', 'hash', 'x', 0)")
    with pytest.raises(ValueError, match="broke"):
        async with running_app(session) as (app, pilot):
            app.call_later(broken)
            await until(pilot, lambda: app.return_code is not None, "the end")
    assert "internal error (ValueError)" in app.leaving.crash_line and not damage_mark(path).exists()
    assert "a row of assist_results cannot be read" in app.leaving.look_for_damage() and damage_mark(path).exists()


async def test_damage_that_a_worker_meets_is_looked_for_and_reported_once(sandbox: Sandbox, tmp_path: Path) -> None:
    async def broken() -> None:
        raise ValueError("broke")

    session = Session(settings_for(sandbox), Database.open(tmp_path / "store.db"))
    with session.database.write() as connection:
        connection.execute("INSERT INTO assist_results VALUES ('tags', 'id', 'model', '1', 'hash', 'x', 0)")
    async with running_app(session) as (app, pilot):
        app.screen.run_worker(broken(), exit_on_error=False)
        await until(pilot, says(app, "a row of assist_results cannot be read"), "the word of it")
        for _ in range(10):
            await pilot.pause()
        assert " ".join(drawn(app).split()).count("The next start sets the file aside") == 1
        assert not [worker for worker in app.workers if worker.group == "damage"]


async def test_a_store_that_cannot_be_read_is_named_and_ends_the_program_only_when_it_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreadable(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    session = filled_session()
    words = "the store on this machine cannot be used: disk I/O error"
    with pytest.raises(sqlite3.OperationalError):
        async with running_app(session) as (app, pilot):
            with monkeypatch.context() as patch:
                patch.setattr(session.database, "reader", unreadable)
                app.screen.run_worker(unreadable, thread=True, exit_on_error=False)
                await until(pilot, says(app, words), "the word of it from a worker")
                app.screen.query_one(StatusLine).unflash()
                await until(pilot, says(app, words), "the word of it in the state")
                app.call_later(session.mail.counts)
                await until(pilot, lambda: app.return_code is not None, "the end")
    assert app.return_code == 10
    assert app.leaving.crash_line.startswith(f"mm-tui stopped: {words}")
