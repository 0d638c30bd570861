"""Helpers for the mailboxes screen: opening it, filling in forms, reading the operator's codes."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from mm_tui.app import MmTui
from mm_tui.screens.dialogs.form import FormScreen
from mm_tui.screens.mailboxes.screen import MailboxesScreen
from tests.support.app import until
from tests.support.sandbox import Sandbox


async def open_mailboxes(app: MmTui, pilot: Pilot[Any], sandbox: Sandbox) -> MailboxesScreen:
    """Goes to the mailboxes, waits until rows and account have been read, and puts the cursor on the first mailbox."""
    await pilot.press("4")
    await until(pilot, lambda: isinstance(app.screen, MailboxesScreen), "the mailboxes screen")
    screen = app.screen
    assert isinstance(screen, MailboxesScreen)
    await until(pilot, lambda: screen.current is not None, "the rows")
    await until(pilot, lambda: screen.facts is not None, "the account")
    index = screen.boxes.index_of(sandbox.mailbox)
    assert index is not None
    screen.boxes.move_to(index)
    await pilot.pause()
    return screen


def the_code(sandbox: Sandbox) -> str:
    return str(sandbox.operator_mail()[-1]["code"])


async def fill(app: MmTui, pilot: Pilot[Any], *values: str) -> None:
    """Fills in the form in front and submits it."""
    await until(pilot, lambda: isinstance(app.screen, FormScreen), "the form")
    inputs = list(app.screen.query(Input))
    for field, value in zip(inputs, values, strict=True):
        field.value = value
    inputs[-1].focus()
    await pilot.press("enter")
