"""One damaged record in the store costs only itself: the rest is shown, and nothing is decided with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from mm_tui.screens.thread.screen import ThreadScreen
from mm_tui.session import Session
from mm_tui.store.assist import AssistStore, ResultKey
from mm_tui.store.connecting import damage_mark
from mm_tui.store.database import Database
from tests.support.app import running_app, settings_for, shown, until
from tests.support.queue import open_queue, queue
from tests.support.sandbox import Sandbox

NO_UTF8 = "CAST(x'7bff7d' AS TEXT)"
DAMAGES = [
    {
        "mailboxes": "model = 'x'", "mail": "recipients = 'x'", "details": "model = 'x'", "audit": "model = 'x'",
        "pending": "model = 'x', listed = 'x'", "assist_results": "result = 'x'",
    },
    {
        "mailboxes": "model = '{}'", "mail": "recipients = '[1]', rest = '[', chips = 'x'", "details": "model = '[]'",
        "audit": "model = '[]'", "pending": "model = '{}', listed = '{}'",
        "assist_results": "result = '{\"value\": 1}'",
    },
    {
        "mailboxes": f"model = {NO_UTF8}", "mail": "chips = 'x'", "details": "model = 'x'",
        "audit": f"model = {NO_UTF8}", "pending": f"model = {NO_UTF8}, listed = {NO_UTF8}",
        "assist_results": f"result = {NO_UTF8}",
    },
    {
        "mailboxes": "model = x'ff', address = CAST(address AS BLOB)",
        "threads": "newest = 'x', size = x'ff'", "mail": "received_at = 'x', hidden = x'ff', label = x'ff'",
        "details": "fetched_at = x'ff', model = 'x'", "audit": "model = x'ff'",
        "pending": "received_at = 'x', seen_at = x'ff', model = x'ff', listed = x'ff'",
        "assist_results": "made_at = 'x'",
    },
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
async def test_damaged_records_end_neither_the_app_nor_a_screen(
    damage: dict[str, str], sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mm_tui.services.sync.service.AUDIT_SECONDS", 3600.0)
    path, settings = tmp_path / "store.db", settings_for(sandbox)
    mail = sandbox.inbound(subject="Where is my order?", body="It has not come.")["id"]
    async with running_app(Session(settings, Database.open(path))) as (app, pilot):
        await until(pilot, lambda: "Where is my order?" in shown(app), "the mail")
        await pilot.press("enter")
        await until(pilot, lambda: "It has not come." in shown(app), "its text")
        draft = sandbox.reply(mail)["id"]
        await open_queue(app, pilot, 1)
        for task in ("summarise", "classify", "extract", "tags", "human_label"):
            key = ResultKey(task, mail, "m", "1", "h")
            AssistStore(app.session.database).put(key, {"value": "v", "model": "m"}, app.session.clock.now())
    with Database.open(path) as database, database.write() as connection:
        for table, values in damage.items():
            connection.execute(f"UPDATE {table} SET {values}")
    offline = replace(settings, profile=replace(settings.profile, url="http://127.0.0.1:1"))
    async with running_app(Session(offline, Database.open(path))) as (app, pilot):
        damaged = "is damaged in the store on this machine"
        await until(pilot, lambda: damaged in " ".join(shown(app).split()), "what is damaged")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen), "the thread")
        await until(pilot, lambda: "no connection" in shown(app), "why it cannot be read")
        await pilot.press("3")
        await until(pilot, lambda: "cannot be read" in shown(app), "the log")
        await pilot.press("4")
        await until(pilot, lambda: "unknown" in shown(app), "the mailboxes")
        await pilot.press("2")
        await until(pilot, lambda: queue(app).listing.entries, "the queue")
        await until(pilot, lambda: "cannot be read" in shown(app), "that the draft is damaged")
        await pilot.press("a")
        await pilot.pause()
        assert app.session.decisions is not None and not app.session.decisions.overview.states()
        assert not [worker for worker in app.workers if worker.error is not None]
    assert not damage_mark(path).exists() and app.return_code in (None, 0)
    async with running_app(Session(settings, Database.open(path))) as (app, pilot):
        screen = await open_queue(app, pilot, 1)
        assert screen.current is not None and screen.current.item.id == draft
        await until(pilot, lambda: app.session.mail.mailboxes()[0].auto_cc != "unknown", "the mailbox")
        await pilot.press("3")
        await until(pilot, lambda: "cannot be read" not in shown(app), "the log, read again")
