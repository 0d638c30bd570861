"""Pictures of the queue, of what can be happening to a mail, and of the dialogs that decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.widgets import pager
from tests.snapshots.pictures import LARGE, MIDDLE, SMALL, Gallery, Reach, after, still
from tests.support.app import until
from tests.support.pictured_queue import ITEMS, app

if TYPE_CHECKING:
    from textual.pilot import Pilot

ORDER = [name for name, _ in sorted(ITEMS.items(), key=lambda item: item[1].received_at or 0)]


def at(name: str, *keys: str) -> Reach:
    """Goes to one of the waiting mails and presses keys there."""
    return after("2", *["j"] * ORDER.index(name), *keys)


async def test_queue(gallery: Gallery) -> None:
    await gallery.shows(app(), at("d-refund"), main=True)


@pytest.mark.parametrize("name", ["d-refund", "d-calm", "d-long", "i-first"])
async def test_reading(gallery: Gallery, name: str) -> None:
    await gallery.shows(app(), at(name, "enter"), main=True)


@pytest.mark.parametrize("name", ["d-held", "d-asks", "d-changed", "d-elsewhere"])
async def test_what_is_happening(gallery: Gallery, name: str) -> None:
    await gallery.shows(app(), at(name, "enter"))


@pytest.mark.parametrize("name", ["d-refund", "d-changed"])
async def test_thread_and_difference(gallery: Gallery, name: str) -> None:
    await gallery.shows(app(), at(name, "enter", *["tab"] * (2 if name == "d-changed" else 1)))


@pytest.mark.parametrize("tabs", [0, 1, 2])
async def test_edited(gallery: Gallery, tabs: int) -> None:
    await gallery.shows(app(edited=True), at("d-refund", "enter", *["tab"] * tabs))


async def test_edited_beside(gallery: Gallery) -> None:
    """The agent's draft beside the human's."""
    await gallery.shows(app(edited=True), at("d-refund", "enter", "tab"), sizes=(MIDDLE, LARGE))


EDITOR: Mapping[str, tuple[str, ...]] = {
    "text": (),
    "thread": ("ctrl+l",),
    "snippets": ("ctrl+n",),
    "instruct": ("ctrl+t",),
    "help": ("f1",),
}
DIALOGS: Mapping[str, tuple[str, ...]] = {
    "reasons": ("d-calm", "x"),
    "findings": ("d-refund", "i"),
    "question": ("d-asks", "y"),
    "filters": ("d-calm", "f"),
    "help": ("d-calm", "question_mark"),
    "kept": ("d-calm", "K"),
    "filtered": ("d-calm", "l"),
    "searched": ("d-calm", "slash", *"order is:foo"),
    "unmatched": ("d-calm", "slash", *"zzz"),
    "riskiest": ("d-calm", "o"),
    "palette": ("d-calm", "ctrl+p"),
}
READ: Mapping[str, tuple[str, ...]] = {
    "again": ("d-refund", "a"),
    "batch": ("d-calm", "space", "A"),
    "batch-reasons": ("d-calm", "space", "X"),
}
"""The mail and the keys that lead to each state."""


@pytest.mark.parametrize("name", EDITOR)
async def test_editor(gallery: Gallery, name: str) -> None:
    snippets = {"hours": "We are here on weekdays from 9 to 17.", "sorry": "I am sorry for the wait."}
    await gallery.shows(app(snippets=snippets), at("d-refund", "e", *EDITOR[name]))


@pytest.mark.parametrize("name", DIALOGS)
async def test_dialog(gallery: Gallery, name: str) -> None:
    await gallery.shows(app(), at(*DIALOGS[name]))


@pytest.mark.parametrize("name", READ)
async def test_dialogs_about_what_was_read(gallery: Gallery, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pager, "DWELL_SECONDS", 0.01)
    item, *keys = READ[name]

    async def run(pilot: Pilot[None]) -> None:
        await at(item, "enter")(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, PendingScreen)
        await until(pilot, lambda: screen.current is not None and screen.gate.has_seen(screen.current))
        await after(*keys)(pilot)
        assert pilot.app.screen is not screen, "the dialog"

    await gallery.shows(app(), run)


async def test_discarding_an_edit(gallery: Gallery) -> None:
    await gallery.shows(app(edited=True), at("d-refund", "D"))


async def test_sending_back(gallery: Gallery) -> None:
    await gallery.shows(app(edited=True), at("d-refund", "b"))


async def test_nothing_waits(gallery: Gallery) -> None:
    await gallery.shows(app(waiting=False), after("2"))


async def test_a_fresh_start_shows_what_a_resize_does() -> None:
    """The pictures of the queue, taken at a start at their size rather than after a resize."""
    for size in ((120, 40), (200, 50)):
        resized, fresh = app(), app()
        pictures = []
        async with resized.run_test(size=SMALL) as pilot:
            await at("d-refund", "enter")(pilot)
            await pilot.resize_terminal(*size)
            await still(pilot)
            pictures.append(resized.export_screenshot())
        async with fresh.run_test(size=size) as pilot:
            await at("d-refund", "enter")(pilot)
            pictures.append(fresh.export_screenshot())
        assert pictures[0] == pictures[1], size
