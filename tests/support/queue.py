"""Helpers for the queue of an app: opening it, reading, and what was sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot
from textual.widgets import TextArea

from mm_tui.app import MmTui
from mm_tui.models import EditedDraft
from mm_tui.screens.pending.editor import EditScreen
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.session import Session
from mm_tui.settings.sections import Settings
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from tests.support.app import drawn, running_app, until
from tests.support.sandbox import Sandbox


def queue(app: MmTui) -> PendingScreen:
    """The pending screen, below any dialog."""
    return next(screen for screen in app.screen_stack if isinstance(screen, PendingScreen))


async def open_queue(app: MmTui, pilot: Pilot[Any], waiting: int) -> PendingScreen:
    """Goes to the queue and waits until it shows that many emails and has read the first in full."""
    await pilot.press("2")
    await until(pilot, lambda: any(isinstance(screen, PendingScreen) for screen in app.screen_stack), "the queue")
    screen = queue(app)
    await until(pilot, lambda: len(screen.listing.entries) == waiting, f"{waiting} waiting mails")
    await until(pilot, lambda: screen.current is not None and screen.current.item.complete, "the detail")
    return screen


@asynccontextmanager
async def running_queue(
    opened: Settings | Session, waiting: int, *, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[MmTui, Pilot[None], PendingScreen]]:
    """Runs the app on the queue, which shows that many emails, see `running_app` and `open_queue`."""
    async with running_app(opened, size=size) as (app, pilot):
        yield app, pilot, await open_queue(app, pilot, waiting)


@asynccontextmanager
async def reading_queue(
    opened: Settings | Session, waiting: int, *, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[MmTui, Pilot[None], PendingScreen]]:
    """As `running_queue`, with the first email read."""
    async with running_queue(opened, waiting, size=size) as (app, pilot, screen):
        await seen(pilot, screen)
        yield app, pilot, screen


async def open_editor(app: MmTui, pilot: Pilot[Any]) -> EditScreen:
    """Opens the email under the cursor in the editor."""
    await pilot.press("e")
    await until(pilot, lambda: isinstance(app.screen, EditScreen), "the editor")
    assert isinstance(app.screen, EditScreen)
    return app.screen


async def write_edit(app: MmTui, pilot: Pilot[Any], text: str) -> None:
    """Replaces the text of the email under the cursor, and leaves the editor."""
    editor = await open_editor(app, pilot)
    editor.query_one("#body", TextArea).load_text(text)
    await pilot.press("ctrl+s")


async def read_page(pilot: Pilot[Any], screen: PendingScreen) -> None:
    """Waits until what is on the screen has been there for long enough to have been read."""
    await pilot.pause()
    await until(pilot, lambda: not screen.pane.main.is_waiting, "a moment")


async def read_to_end(pilot: Pilot[Any], screen: PendingScreen) -> str:
    """Reads the email that is open page by page; returns what was on the screen."""
    shown = ""
    while True:
        await read_page(pilot, screen)
        shown += drawn(pilot.app)
        if not screen.pane.main.lines_unread:
            return shown
        await pilot.press("pagedown")


async def seen(pilot: Pilot[Any], screen: PendingScreen) -> None:
    """Waits until the email under the cursor counts as read."""
    await until(pilot, lambda: screen.current is not None and screen.gate.has_seen(screen.current), "its end on screen")
    await until(pilot, lambda: ready(pilot), "what is in front to be drawn")


def ready(pilot: Pilot[Any]) -> bool:
    """Whether keys count: what was typed before the screen in front was drawn is dropped."""
    return isinstance(pilot.app, MmTui) and pilot.app.keyboard.is_ready


def bodies(sandbox: Sandbox) -> list[str]:
    return [message["body"].strip() for message in sandbox.outbox()]


def write_elsewhere(app: MmTui, entry: QueueEntry, body: str) -> None:
    """Saves an edit of a waiting mail as another window would."""
    item = entry.item
    text = EditedDraft(item.raw.to, item.raw.subject, body)
    edit = SavedEdit(item.id, item.mailbox_id, entry.digest, item.raw, text, app.session.clock.now())
    EditStore(app.session.database).save(edit)


def is_decided(screen: PendingScreen, email_id: str) -> bool:
    return screen.decision_of(email_id) is not None
