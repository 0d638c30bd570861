"""Drafts whose details have not been read yet: they are never taken for harmless, and are read without being opened."""

from __future__ import annotations

import pytest

from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.services.queue.entry import Order
from tests.support.app import running_app, settings_for, shown, until
from tests.support.queue import queue, running_queue
from tests.support.sandbox import Sandbox


async def test_what_is_not_checked_says_so_and_why_until_its_details_are_there(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.draft("It is on its way.")
    foreign = sandbox.draft("So is this.", cc=["eve@elsewhere.example"])
    sandbox.fault(method="GET", path=f"/emails/{foreign}$", kind="status", status=500, count=0)
    monkeypatch.setattr("mm_tui.services.sync.waiting_details.RETRY_SECONDS", 0.5)
    async with running_queue(settings_for(sandbox), 2, size=(80, 24)) as (app, pilot, screen):
        await until(pilot, lambda: any(entry.unread_because for entry in screen.listing.entries), "the reason")
        assert "not checked yet" in shown(app) and "not checked 1" in shown(app)
        await pilot.press("o")
        await until(pilot, lambda: screen.listing.order is Order.RISKIEST, "the order")
        assert screen.listing.entries[0].item.id == foreign
        assert screen.queue_list.cursor == 0, "the first line stays the first"
        await pilot.pause(0.5)
        await pilot.press("space")
        await until(pilot, lambda: "could not be read" in shown(app), "why it cannot be marked")
        assert not screen.marks
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "what was found")
        assert "not checked yet" in shown(app) and "500" in shown(app)
        assert "nothing found so far" in shown(app) and "by word rules" not in shown(app)
        await pilot.press("escape")
        sandbox.clear_faults()
        await until(pilot, lambda: all(entry.is_checked for entry in queue(app).listing.entries), "the details")
        await until(pilot, lambda: "not checked" not in shown(app), "the sign gone")


async def test_the_number_of_high_risks_is_known_without_the_cursor_having_been_there(sandbox: Sandbox) -> None:
    for number in range(40):
        copies = [f"stranger{copy}@elsewhere.example" for copy in range(3)] if number % 4 == 0 else []
        sandbox.draft(f"Parcel {number} is on its way.", cc=copies)
    async with running_app(settings_for(sandbox), size=(80, 24)) as (app, pilot):
        await pilot.press("2")
        screen = queue(app)
        await until(
            pilot,
            lambda: len(screen.listing.entries) == 40 and all(e.is_checked for e in screen.listing.entries),
            "all read",
        )
        await until(pilot, lambda: sum(bool(e.item.cc) for e in screen.listing.entries) == 10, "the copies")
        counts = {str(one.filter.name): one.number for one in screen.listing.filters}
        for _ in range(39):
            await pilot.press("j")
        await pilot.pause(0.3)
        assert {str(one.filter.name): one.number for one in screen.listing.filters} == counts
        assert counts["not checked"] == 0
