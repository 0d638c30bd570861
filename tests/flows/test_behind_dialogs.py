"""While a dialog is open, what did not change behind it is not written to the terminal again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mm_tui.app import MmTui
from mm_tui.settings.sections import SyncSettings
from mm_tui.terminal.output import ShownCells
from tests.support.app import settings_for, until
from tests.support.queue import running_queue, write_elsewhere
from tests.support.sandbox import Sandbox, running_sandbox

OPENING = {"reject": "x", "editor": "e", "filter": "f", "help": "?", "saved texts": "K", "palette": "ctrl+p"}
COVERING = ("editor",)
"""Behind these nothing is seen."""
DRAFTS = len(OPENING) + 1
A_LINE = 600
"""Characters that one line of the screen may need, with its colours."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("behind")) as running:
        for number in range(DRAFTS):
            running.draft(f"Number {number}.")
        yield running


@contextmanager
def what_is_written(app: MmTui) -> Iterator[list[str]]:
    """What is painted meanwhile goes here, as the driver would write it, instead of to the terminal."""
    written: list[str] = []
    terminal = ShownCells(erases_in_colour=True)
    size = app.size.width, app.size.height
    whole: Any = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    terminal.difference(whole.render_segments(app.console), size)

    def display(_screen: object, picture: Any) -> None:
        if picture is not None:
            written.append(terminal.difference(picture.render_segments(app.console), size))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "_display", display)
        yield written


async def test_behind_a_dialog_no_more_is_written_than_the_changed_cells(sandbox: Sandbox) -> None:
    often = settings_for(sandbox, sync=SyncSettings(active_seconds=1, idle_seconds=1))
    async with running_queue(often, DRAFTS) as (app, pilot, screen):
        await until(pilot, lambda: all(entry.item.complete for entry in screen.listing.waiting), "all details")
        for at, (dialog, key) in enumerate(OPENING.items(), start=1):
            await pilot.press(key)
            await until(pilot, lambda: app.screen is not screen, "the dialog")
            await pilot.pause(0.5)
            with what_is_written(app) as written:
                sandbox.forget_calls()
                await until(pilot, lambda: len(sandbox.calls("GET", "/oversight/pending")) >= 2, "some polls")
            assert len("".join(written)) <= A_LINE, (dialog, written)
            with what_is_written(app) as written:
                write_elsewhere(app, screen.listing.entries[at], "Another text.")
                screen.reload()
                await until(pilot, lambda at=at: screen.listing.entries[at].edit is not None, "the edit in its row")  # type: ignore[misc]
                await pilot.pause(0.5)
            assert (dialog in COVERING) is not any(written), dialog
            assert len("".join(written)) <= 2 * A_LINE, (dialog, written)
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is screen, "the queue again")
