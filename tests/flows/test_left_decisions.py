"""Decisions that a killed program left are told at the next start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from signal import SIGHUP

import pytest

from mm_tui.app import MmTui
from mm_tui.session import Session
from mm_tui.settings.sections import Review
from mm_tui.store.database import Database
from tests.support.app import running_app, settings_for, shown, until
from tests.support.desk import at_desk
from tests.support.queue import bodies, is_decided, open_queue, running_queue, seen
from tests.support.sandbox import Sandbox


@pytest.mark.parametrize("edited", [False, True])
async def test_a_decision_that_fell_back_after_a_kill_is_told_until_somebody_has_looked(
    edited: bool, sandbox: Sandbox, tmp_path: Path
) -> None:
    draft = sandbox.draft()
    async with at_desk(tmp_path, sandbox.url, sandbox.keys, orderly=False) as desk:
        mail = await desk.read(sandbox.mailbox, draft)
        await (desk.release_edit(mail, "Mine.", hold=60_000) if edited else desk.approve(mail, hold=60_000))
    async with running_app(Session(settings_for(sandbox), Database.open(tmp_path / "store.db"))) as (app, pilot):
        told = "not approved: email to anna@customer.example"
        await until(pilot, lambda: told in shown(app), "what became of it")
        screen = await open_queue(app, pilot, 1)
        await until(pilot, lambda: "the program ended before anything was sent" in shown(app), "why")
        assert screen.current is not None and not bodies(sandbox)


async def hang_up(app: MmTui) -> None:
    app.leaving.leave(128 + SIGHUP)


async def crash(app: MmTui) -> None:
    app.leaving.crashed(RuntimeError(), first=False)


async def kill(_app: MmTui) -> None:
    """Leaves it as it is: the test has left the decision to a program that was killed."""


@pytest.mark.parametrize("end", [hang_up, crash, kill])
async def test_it_is_told_at_each_start_until_somebody_has_looked(
    end: Callable[[MmTui], Awaitable[None]], sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.draft("Another.")
    draft, told = sandbox.draft("Hello."), "not approved: email to anna@customer.example"
    if end is kill:
        async with at_desk(tmp_path, sandbox.url, sandbox.keys, orderly=False) as desk:
            await desk.approve(await desk.read(sandbox.mailbox, draft), hold=60_000)

    def opened() -> Session:
        settings = settings_for(sandbox, review=Review(hold_seconds=60))
        return Session(settings, Database.open(tmp_path / "store.db"))

    if end is not kill:
        async with running_queue(opened(), 2) as (app, pilot, screen):
            screen.go_to(draft)
            await until(pilot, lambda: screen.is_under_cursor(draft), "the draft")
            await seen(pilot, screen)
            await pilot.press("a")
            await until(pilot, lambda: is_decided(screen, draft), "the hold")
            await end(app)
    for _ in range(2):
        async with running_app(opened()) as (app, pilot):
            await until(pilot, lambda: told in shown(app), "what became of it")
    async with running_app(opened()) as (app, pilot):
        screen = await open_queue(app, pilot, 2)
        await until(pilot, lambda: screen.is_under_cursor(draft) and "the program ended before" in shown(app), "why")
        await pilot.press("k")
        await until(pilot, lambda: not screen.is_under_cursor(draft), "another draft")
    async with running_queue(opened(), 2) as (app, pilot, screen):
        decisions = app.session.decisions
        assert decisions is not None
        await decisions.resume()
        assert not decisions.overview.newest_unsettled()
        assert not bodies(sandbox)


async def test_without_stored_mail_it_is_told_once_the_queue_has_been_read(sandbox: Sandbox, tmp_path: Path) -> None:
    draft, told = sandbox.draft("Hello."), "not approved: email to anna@customer.example"
    async with at_desk(tmp_path, sandbox.url, sandbox.keys, orderly=False) as desk:
        await desk.approve(await desk.read(sandbox.mailbox, draft), hold=60_000)
    for _ in range(2):
        async with running_app(Session(settings_for(sandbox), Database.open(tmp_path / "store.db", memory=True))) as (
            app,
            pilot,
        ):
            await until(pilot, lambda: told in shown(app), "what became of it", seconds=10)
