"""What is being read stays where it is when the lines above it change."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mm_tui.review.findings import Finding, Level
from mm_tui.screens.pending.advice import Advice
from mm_tui.screens.pending.head import OpenedEmail
from mm_tui.screens.pending.pane import ItemPane
from mm_tui.services.assistant.cards import CardPhase, CardState
from mm_tui.settings.sections import SyncSettings
from mm_tui.text import ManyLine, OneLine
from mm_tui.widgets.cached_static import CachedStatic
from tests.support.app import running_app, settings_for, until
from tests.support.queue import open_queue
from tests.support.sandbox import Sandbox


@pytest.mark.parametrize("keys", [(), ("pagedown",)], ids=["top", "middle"])
async def test_a_line_that_is_read_stays_in_its_place_when_findings_come_and_go(
    sandbox: Sandbox, keys: tuple[str, ...]
) -> None:
    sandbox.draft("\n\n".join(f"Paragraph {number} of a long draft." for number in range(60)))
    # No poll comes between: it would show the draft as it is.
    async with running_app(
        settings_for(sandbox, sync=SyncSettings(active_seconds=60, idle_seconds=60)), size=(100, 30)
    ) as (
        app,
        pilot,
    ):
        await open_queue(app, pilot, 1)
        await pilot.press("enter", *keys)
        pane = app.screen.query_one(ItemPane)
        await until(pilot, lambda: pane.entry is not None and pane.entry.is_checked, "the draft")
        await until(pilot, lambda: bool(pane.main.scroll_offset.y) is bool(keys), "that part of the text")
        await pilot.pause()
        entry, mailbox = pane.entry, pane.mailbox
        assert entry is not None

        def row_of_the_text() -> int:
            return pane.main.region.y - pane.main.scroll_offset.y

        before = row_of_the_text()
        found = tuple(Finding(f"rule_{at}", Level.LOW, OneLine(f"a late finding {at}")) for at in range(3))
        assessed = replace(entry, assessment=replace(entry.assessment, findings=found))
        card = CardState(
            CardPhase.DONE, summary=ManyLine("Asks where it is."), requested_action=OneLine("Say when it comes")
        )
        pane.show(OpenedEmail(assessed, mailbox=mailbox, advice=Advice(card)))
        # At once: the screen may show the draft again as it is.
        assert "a late finding 0" in str(pane.query_one("#item-head", CachedStatic).content)
        await pilot.pause()
        assert row_of_the_text() == before
        pane.show(OpenedEmail(entry, mailbox=mailbox, advice=pane.advice))
        await pilot.pause()
        assert row_of_the_text() == before


def test_a_summary_that_repeats_the_request_is_left_out() -> None:
    asked = OneLine("What I would like: a partnership.")
    for summary, lines in (("What I would like a partnership", 1), ("Anna writes about a partnership.", 2)):
        card = CardState(CardPhase.DONE, requested_action=asked, summary=ManyLine(summary))
        assert len(Advice(card).lines(78)) == lines
