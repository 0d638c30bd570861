"""The help of a screen explains what stands on it, beside the keys."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from mm_tui.app import MmTui
from mm_tui.screens.dialogs.help import HelpScreen
from mm_tui.screens.dialogs.offers import ReasonScreen
from mm_tui.screens.mailboxes.mailbox_list import NARROW_COLUMNS, TINY_COLUMNS, WIDE_COLUMNS
from mm_tui.screens.mailboxes.screen import MailboxesScreen
from mm_tui.settings.sections import Review
from tests.support.app import drawn, running_app, settings_for, until
from tests.support.queue import reading_queue, running_queue
from tests.support.sandbox import Sandbox


def _groups(app: MmTui) -> str:
    """All that the help in front says; empty if there is none."""
    return "\n".join(str(group.render()) for group in app.screen.query(".help--group"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_help_of_the_mailboxes_explains_each_column(sandbox: Sandbox, size: tuple[int, int]) -> None:
    async with running_app(settings_for(sandbox), size=size) as (app, pilot):
        await pilot.press("4")
        await until(pilot, lambda: isinstance(app.screen, MailboxesScreen), "the mailboxes")
        await until(pilot, lambda: re.search(r"waiting  +as written  +edited ", drawn(app)), "columns that stand apart")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "the help")
        await until(pilot, lambda: "j k scroll   esc close" in drawn(app), "its keys")
        await pilot.press("G")
        await until(
            pilot, lambda: "8 · 31" in drawn(app) and "the last 7 days" in drawn(app), "the last column's words"
        )
        await pilot.press("home")
        await until(pilot, lambda: "Keys · mailboxes" in drawn(app), "the title")
        # A mailbox that is open names the way back to the table.
        await pilot.press("escape", "enter")
        await until(pilot, lambda: "esc back" in drawn(app), "the way back")
        await pilot.press("q")
        await until(pilot, lambda: "esc back" not in drawn(app), "the table")
        await pilot.press("2", "question_mark")
        await until(pilot, lambda: "high, medium and low risk" in _groups(app), "the signs of the queue")
        # Nothing waits: the keys for an email are listed all the same.
        assert "Approve this email" in _groups(app)
        assert "Reject with a reason" in _groups(app)
    headings = {column.heading for columns in (WIDE_COLUMNS, NARROW_COLUMNS, TINY_COLUMNS) for column in columns}
    explained = {name for name, _ in MailboxesScreen.HELP_MORE}
    assert headings <= explained


async def test_beside_wide_keys_no_line_of_the_help_is_wider_than_a_small_terminal(sandbox: Sandbox) -> None:
    sandbox.draft("Dear Anna, soon.")
    async with running_queue(settings_for(sandbox), 1, size=(40, 12)) as (app, pilot, screen):
        await pilot.press("enter")
        await until(pilot, lambda: screen.is_reading, "the draft")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and "Approve this" in _groups(app), "the help")
        for group in app.screen.query(".help--group"):
            lines = str(group.render()).splitlines()
            assert max(map(cell_len, lines)) <= group.size.width
            assert all(line.startswith("  ") for line in lines[1:]), lines


async def test_keys_that_mean_something_elsewhere_give_no_reason(sandbox: Sandbox) -> None:
    draft = sandbox.draft("Dear Anna, soon.")
    reasons = tuple(f"reason {number}" for number in range(1, 10))
    settings = settings_for(sandbox, review=Review(reasons=reasons)).replaced(keys={"app.sync": "f3"})
    async with reading_queue(settings, 1) as (app, pilot, screen):
        await pilot.press("x")
        await until(pilot, lambda: "f2  reason 1" in drawn(app), "the reasons")
        assert "f4  reason 2" in drawn(app)
        assert "f12 reason 8" in drawn(app)
        assert re.search(r"^ *▸? *reason 9 *$", drawn(app), re.M), "no key is left, but the arrows choose it"
        await until(pilot, lambda: app.keyboard.is_ready, "the dialog to be drawn")
        await pilot.press("f3", "f8", "f9", "f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "the help")
        assert "Choose that text at once" in _groups(app)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the reasons again")
        assert screen.decision_of(draft) is None
        await pilot.press("up", "enter")
        await until(pilot, lambda: screen.decision_of(draft) is not None, "the hold")
    assert sandbox.status(draft) == "pending_send_approval"
