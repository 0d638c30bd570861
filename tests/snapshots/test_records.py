"""Pictures of the audit and mailboxes screens and their dialogs. Looked at one by one when they change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from mm_tui.screens.audit import AuditScreen
from mm_tui.screens.life import LifeScreen
from mm_tui.screens.mailboxes import MailboxesScreen
from tests.snapshots.records import app
from tests.snapshots.test_reading import LARGE, MIDDLE, SMALL, Compare, after, size_id
from tests.support.seat import until

if TYPE_CHECKING:
    from textual.pilot import Pilot
    from textual.screen import Screen

AUDIT = {
    "search": ("slash", *"refund"),
    "filter": ("f",),
    "look": ("v",),
    "chain": ("c",),
    "export": ("w",),
    "help": ("question_mark",),
}
MAILBOXES = {
    "move-up": ("r",),
    "code": ("c",),
    "move-down": ("d",),
    "new": ("n",),
    "webhooks": ("h",),
    "new-webhook": ("h", "n"),
    "secret": ("h", "N", "a", "enter", "enter", "enter"),
    "reading": ("enter", "pagedown"),
    "help": ("question_mark",),
}
"""The keys that open each dialog, or turn the page."""


def at(mode: str, *keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Goes to a main screen, waits until it shows its records, then presses keys and lets each have its effect."""

    async def run(pilot: Pilot[None]) -> None:
        await pilot.press(mode)
        await until(pilot, lambda: has_read(pilot.app.screen))
        pressing = after(*keys)(pilot)
        assert isinstance(pressing, Awaitable)
        await pressing

    return run


def has_read(screen: Screen[Any]) -> bool:
    """Whether the screen in front has read all that it shows."""
    if isinstance(screen, AuditScreen):
        return screen.has_read
    return isinstance(screen, MailboxesScreen) and screen.has_read


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE, (60, 20)], ids=size_id)
def test_audit(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=at("3", "j", "j"))


@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=size_id)
def test_life(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await at("3", "j", "enter")(pilot)
        await until(pilot, lambda: isinstance(pilot.app.screen, LifeScreen) and pilot.app.screen.life is not None)
        await pilot.pause(0.1)

    assert snap_compare(app(), terminal_size=size, run_before=run)


@pytest.mark.parametrize("name", AUDIT)
def test_audit_dialogs(snap_compare: Compare, name: str) -> None:
    assert snap_compare(app(), terminal_size=SMALL, run_before=at("3", *AUDIT[name]))


@pytest.mark.parametrize("filled", [True, False], ids=["journal", "nothing"])
def test_audit_without_an_admin_key(snap_compare: Compare, filled: bool) -> None:
    assert snap_compare(app(admin=False, filled=filled), terminal_size=SMALL, run_before=at("3"))


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE, (60, 20)], ids=size_id)
def test_mailboxes(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=at("4", "G"))


@pytest.mark.parametrize("name", MAILBOXES)
def test_mailboxes_dialogs(snap_compare: Compare, name: str) -> None:
    assert snap_compare(app(), terminal_size=SMALL, run_before=at("4", "G", *MAILBOXES[name]))


@pytest.mark.parametrize("filled", [True, False], ids=["boxes", "nothing"])
def test_mailboxes_without_keys(snap_compare: Compare, filled: bool) -> None:
    assert snap_compare(app(admin=False, filled=filled), terminal_size=SMALL, run_before=at("4", "r"))


@pytest.mark.parametrize("mode", ["3", "4"], ids=["audit", "mailboxes"])
def test_light(snap_compare: Compare, mode: str) -> None:
    shown = app()
    shown.theme = "mm-light"
    assert snap_compare(shown, terminal_size=MIDDLE, run_before=at(mode))
