"""Decisions that a killed program left are told at the next start."""

from __future__ import annotations

from pathlib import Path

import pytest

from mm_tui.session import Session
from mm_tui.store.database import Database
from tests.support.app import running_app, settings_for, shown, until
from tests.support.desk import at_desk
from tests.support.queue import bodies, open_queue
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
