"""While a dialog is open, what did not change behind it is not written to the terminal again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mm_tui.app import MmTui
from mm_tui.settings.sections import Sync
from tests.support.app import running_app, settings_for, until
from tests.support.queue import open_queue, write_elsewhere
from tests.support.sandbox import Sandbox, running_sandbox

OPENING = {"reject": "x", "editor": "e", "filter": "f", "help": "?", "saved texts": "K", "palette": "ctrl+p"}
COVERING = ("editor",)
"""Behind these nothing is seen."""
A_LINE = 600
"""Characters that one line of the screen may need, with its colours."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("behind")) as running:
        for number in range(4):
            running.draft(f"Number {number}.")
        yield running


def note_what_is_written(app: MmTui, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From now on what is painted goes here instead of to the terminal."""
    written: list[str] = []

    def display(_screen: object, picture: Any) -> None:
        if picture is not None:
            written.append(picture.render_segments(app.console))

    monkeypatch.setattr(app, "_display", display)
    return written


@pytest.mark.parametrize("dialog", OPENING)
async def test_nothing_is_written_while_nothing_changes(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialog: str
) -> None:
    often = settings_for(sandbox, sync=Sync(active_seconds=1, idle_seconds=1))
    async with running_app(often, tmp_path, monkeypatch) as (app, pilot):
        screen = await open_queue(app, pilot, 4)
        await until(pilot, lambda: all(entry.item.complete for entry in screen.listing.waiting), "all details")
        await pilot.press(OPENING[dialog])
        await until(pilot, lambda: app.screen is not screen, dialog)
        await pilot.pause(0.5)
        written = note_what_is_written(app, monkeypatch)
        sandbox.forget_calls()
        await until(pilot, lambda: len(sandbox.calls("GET", "/oversight/pending")) >= 4, "some polls")
        assert len("".join(written)) <= A_LINE, "".join(written)


@pytest.mark.parametrize("dialog", OPENING)
async def test_of_what_changes_behind_no_more_is_written_than_the_changed_cells(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialog: str
) -> None:
    often = settings_for(sandbox, sync=Sync(active_seconds=1, idle_seconds=1))
    async with running_app(often, tmp_path, monkeypatch) as (app, pilot):
        screen = await open_queue(app, pilot, 4)
        await until(pilot, lambda: all(entry.item.complete for entry in screen.listing.waiting), "all details")
        await pilot.press(OPENING[dialog])
        await until(pilot, lambda: app.screen is not screen, dialog)
        await pilot.pause(0.5)
        written = note_what_is_written(app, monkeypatch)
        other = screen.entries[2]
        write_elsewhere(app, other, "Another text.")
        screen.reload()
        await until(pilot, lambda: screen.entries[2].edit is not None, "the edit in its row")
        await pilot.pause(0.5)
        assert (dialog in COVERING) is not bool(written)
        assert len("".join(written)) <= 2 * A_LINE, f"{len(''.join(written))} characters"
