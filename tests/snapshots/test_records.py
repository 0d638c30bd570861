"""Pictures of the audit and mailboxes screens, an email's history, and their dialogs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import pytest

from mm_tui.app import MmTui
from mm_tui.screens.audit.history import HistoryScreen
from mm_tui.screens.audit.screen import AuditScreen
from mm_tui.screens.mailboxes.screen import MailboxesScreen
from tests.snapshots.pictures import Gallery, Reach, after, still
from tests.snapshots.records import app
from tests.support.app import drawn, until

if TYPE_CHECKING:
    from textual.pilot import Pilot
    from textual.screen import Screen

AUDIT: Mapping[str, tuple[str, ...]] = {
    "list": ("j", "j"),
    "search": ("slash", *"refund"),
    "filter": ("f",),
    "look": ("v",),
    "chain": ("c",),
    "export": ("w",),
    "help": ("question_mark",),
}
MAILBOXES: Mapping[str, tuple[str, ...]] = {
    "list": ("G",),
    "move-up": ("G", "r"),
    "code": ("G", "c"),
    "move-down": ("G", "d"),
    "new": ("G", "n"),
    "webhooks": ("G", "h"),
    "new-webhook": ("G", "h", "n"),
    "secret": ("G", "h", "N", "a", "enter", "enter", "enter"),
    "reading": ("G", "enter", "pagedown"),
    "help": ("G", "question_mark"),
}
"""The keys that lead to each state."""


def at(mode: str, *keys: str) -> Reach:
    """Goes to a main screen, waits until it shows its records, then presses keys and lets each have its effect."""

    async def run(pilot: Pilot[None]) -> None:
        await pilot.press(mode)
        await until(pilot, lambda: has_read(pilot.app.screen))
        await after(*keys)(pilot)

    return run


def has_read(screen: Screen[Any]) -> bool:
    """Whether the screen in front has read all that it shows."""
    if isinstance(screen, AuditScreen):
        return screen.has_read
    return isinstance(screen, MailboxesScreen) and screen.has_read


@pytest.mark.parametrize("name", AUDIT)
async def test_audit(gallery: Gallery, name: str) -> None:
    await gallery.shows(app(), at("3", *AUDIT[name]), main=name == "list")


async def test_life(gallery: Gallery) -> None:
    await gallery.shows(app(), newest_life())


async def test_life_of_a_mail_to_a_suppressed_address(gallery: Gallery) -> None:
    await gallery.shows(app(bounced=True), newest_life("is suppressed"))


def newest_life(words: str = "") -> Reach:
    """Opens the history of the newest draft and waits until it has all been read, these words too."""

    async def run(pilot: Pilot[None]) -> None:
        await at("3", "j", "enter")(pilot)
        await until(
            pilot, lambda: isinstance(pilot.app.screen, HistoryScreen) and pilot.app.screen.identity is not None
        )
        await until(pilot, lambda: words in drawn(cast(MmTui, pilot.app)))
        await still(pilot)

    return run


@pytest.mark.parametrize("filled", [True, False], ids=["journal", "nothing"])
async def test_audit_without_an_admin_key(gallery: Gallery, filled: bool) -> None:
    await gallery.shows(app(admin=False, filled=filled), at("3"))


@pytest.mark.parametrize("name", MAILBOXES)
async def test_mailboxes(gallery: Gallery, name: str) -> None:
    await gallery.shows(app(), at("4", *MAILBOXES[name]), main=name == "list")


@pytest.mark.parametrize("filled", [True, False], ids=["boxes", "nothing"])
async def test_mailboxes_without_keys(gallery: Gallery, filled: bool) -> None:
    await gallery.shows(app(admin=False, filled=filled), at("4", "r"))
