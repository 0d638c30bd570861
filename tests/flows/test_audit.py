"""The audit screen through the app: both logs, an email's history, the chain, export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from mm_tui.app import MmTui
from mm_tui.screens.audit.dialogs import AuditFilterScreen, ExportScreen
from mm_tui.screens.audit.history import HistoryScreen
from mm_tui.screens.audit.screen import AuditScreen
from mm_tui.screens.audit.words import NO_ADMIN
from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.services.audit.line import AuditLine
from mm_tui.services.events import SyncPart
from mm_tui.store.audit.timeline import LineFilter, Source
from tests.support.app import running_app, settings_for, shown, until
from tests.support.sandbox import Sandbox


async def open_audit(app: MmTui, pilot: Pilot[Any]) -> AuditScreen:
    """Goes to the audit screen and waits until it has read both logs."""
    await pilot.press("3")
    await until(pilot, lambda: isinstance(app.screen, AuditScreen), "the audit screen")
    screen = app.screen
    assert isinstance(screen, AuditScreen)
    return screen


def lines(screen: AuditScreen) -> list[AuditLine]:
    return screen.lines.lines(screen.entries.keys)


def reported(screen: AuditScreen) -> list[tuple[str, str, str]]:
    return [(str(one.line.source), str(one.words), str(one.who)) for one in lines(screen)]


async def reject(app: MmTui, sandbox: Sandbox, pilot: Pilot[Any], draft: str) -> None:
    """Rejects a waiting draft through the app's own service."""
    await until(pilot, lambda: app.session.decisions and app.session.pending.get(draft), "the draft in the store")
    sync, decisions = app.session.sync, app.session.decisions
    assert sync is not None and decisions is not None
    await sync.fetch_detail(sandbox.mailbox, draft)
    item = app.session.pending.get(draft)
    assert item is not None
    from mm_tui.review.digest import digest_of

    await decisions.reject(item, digest_of(item.id, item.mailbox_id, item.direction, item.raw), "Wrong facts")
    await decisions.overview.settled(draft)
    sync.wake()


async def test_a_decision_is_in_both_logs_with_who_made_it(sandbox: Sandbox) -> None:
    draft = sandbox.draft("We refund it.")
    async with running_app(settings_for(sandbox)) as (app, pilot):
        screen = await open_audit(app, pilot)
        await reject(app, sandbox, pilot, draft)
        await until(pilot, lambda: ("gateway", "rejected", "robin") in reported(screen), "the gateway's line")
        await until(pilot, lambda: ("journal", "rejected", "robin") in reported(screen), "the journal's line")
        at = next(at for at, one in enumerate(lines(screen)) if one.made_here)
        screen.entries.move_to(at)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.history, "the history")
        await until(pilot, lambda: "reason: Wrong facts" in shown(app), "the reason")
        text = shown(app)
        order = [text.index(words) for words in ("written", "reply submitted", "reject: held", "reject: accepted")]
        assert order == sorted(order)
        assert "status    rejected · outbound" in text
        await pilot.press("escape")
        assert app.screen is screen


async def test_without_an_admin_key_the_journal_is_shown_and_why(sandbox: Sandbox) -> None:
    draft = sandbox.draft("We refund it.")
    async with running_app(settings_for(sandbox, without=("admin",)), size=(80, 24)) as (app, pilot):
        screen = await open_audit(app, pilot)
        await reject(app, sandbox, pilot, draft)
        await until(pilot, lambda: ("journal", "rejected", "robin") in reported(screen), "the journal's line")
        await until(pilot, lambda: NO_ADMIN in " ".join(shown(app).split()), "the words")
        assert {one.line.source for one in lines(screen)} == {Source.JOURNAL}


async def test_lines_are_narrowed_by_typing_and_by_choosing(sandbox: Sandbox) -> None:
    sandbox.inbound(subject="A refund please")
    sandbox.inbound(subject="Something else")
    async with running_app(settings_for(sandbox)) as (app, pilot):
        screen = await open_audit(app, pilot)
        await until(pilot, lambda: sum("arrived" in one for one in reported(screen)) == 2, "both arrivals")
        await until(pilot, lambda: any(one.what == "A refund please" for one in lines(screen)), "the subjects")
        everything = len(screen.entries.keys)
        await pilot.press("slash", *"refund")
        await until(pilot, lambda: [str(one.what) for one in lines(screen)] == ["A refund please"], "one line")
        assert "1 line" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: len(screen.entries.keys) >= everything, "all lines")
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, AuditFilterScreen), "the filter")
        await pilot.press("j", "enter")
        await until(pilot, lambda: screen.chosen == LineFilter(source=Source.JOURNAL), "the choice")
        await until(pilot, lambda: "No lines match." in shown(app), "the empty words")
        await pilot.press("escape")
        await until(pilot, lambda: len(screen.entries.keys) >= everything, "all lines")
        await pilot.resize_terminal(80, 24)
        sync = screen.session.sync
        assert sync is not None
        for number in range(20):
            sandbox.inbound(subject=f"Another {number}")
        sync.wake(SyncPart.AUDIT)
        await until(pilot, lambda: len(screen.entries.keys) > everything, "more lines")
        await pilot.press("end")
        await until(pilot, lambda: screen.entries.scroll_offset.y > 0, "the end of the list")
        sandbox.inbound(subject="The newest")
        sync.wake(SyncPart.AUDIT)
        await until(pilot, lambda: "above: g" in shown(app), "that newer lines are above")
        await pilot.press("home")
        await until(pilot, lambda: "above: g" not in shown(app), "the newest line")


async def test_the_chain_is_checked_and_a_change_is_named(sandbox: Sandbox) -> None:
    draft = sandbox.draft("We refund it.")
    async with running_app(settings_for(sandbox)) as (app, pilot):
        await open_audit(app, pilot)
        await reject(app, sandbox, pilot, draft)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the verdict")
        await until(pilot, lambda: "4 entries checked" in shown(app), "the good word")
        assert "4:" in shown(app), "the head"
        await pilot.press("escape")
        with app.session.database.write() as connection:
            connection.execute("DROP TRIGGER journal_is_never_changed")
            connection.execute("UPDATE journal SET entry = replace(entry, 'robin', 'kim') WHERE number = 3")
        await pilot.press("c")
        await until(pilot, lambda: "The journal was changed" in shown(app), "the bad word")
        assert "entry 3 is not as it was written" in shown(app)
        assert "2 entries are good before it" in shown(app)


async def test_what_is_shown_is_exported_and_no_file_is_overwritten(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.inbound(subject="A refund please")
    sandbox.inbound(subject="Something else")
    path = tmp_path / "log.jsonl"
    async with running_app(settings_for(sandbox)) as (app, pilot):
        screen = await open_audit(app, pilot)
        await until(pilot, lambda: len(screen.entries.keys) > 1, "lines")
        await pilot.press("slash", *"refund")
        await until(pilot, lambda: len(screen.entries.keys) == 1, "one line")
        await pilot.press("enter", "w")
        await until(pilot, lambda: isinstance(app.screen, ExportScreen), "the question")
        app.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen, "the end of it")
        await until(pilot, lambda: "1 line written to" in shown(app), "the word")
        (record,) = [json.loads(line) for line in path.read_text().splitlines()]
        assert record["action"] == "email.received"
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, ExportScreen), "the question")
        app.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, lambda: "is not overwritten" in shown(app), "the refusal")
        assert isinstance(app.screen, ExportScreen)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "the audit screen again")


async def test_the_plot_takes_no_line_until_something_was_decided(sandbox: Sandbox) -> None:
    draft = sandbox.draft("We refund it.")
    async with running_app(settings_for(sandbox)) as (app, pilot):
        screen = await open_audit(app, pilot)
        await until(pilot, lambda: screen.has_read and screen.entries.keys, "the lines")
        assert "both logs" in shown(app).splitlines()[1]
        await reject(app, sandbox, pilot, draft)
        await until(pilot, lambda: "30 days: 1 rejected" in shown(app) and "1 today" in shown(app), "the plot")
