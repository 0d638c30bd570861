"""The main screens by the name of their mode; each is imported when it is first shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.screen import Screen


def _styled(screen: Screen[Any]) -> Screen[Any]:
    """A screen that Textual takes for styled: it is, as it is mounted. A count that differs from the app's would have
    all styles parsed twice more when the screen is first shown: half of the time of opening it."""
    screen._css_update_count = screen.app._css_update_count
    return screen


def _inbox() -> Screen[Any]:
    from mm_tui.screens.inbox.screen import InboxScreen

    return _styled(InboxScreen())


def _pending() -> Screen[Any]:
    from mm_tui.screens.pending.screen import PendingScreen

    return _styled(PendingScreen())


def _audit() -> Screen[Any]:
    from mm_tui.screens.audit.screen import AuditScreen

    return _styled(AuditScreen())


def _mailboxes() -> Screen[Any]:
    from mm_tui.screens.mailboxes.screen import MailboxesScreen

    return _styled(MailboxesScreen())


MAIN_SCREENS: dict[str, str | Callable[[], Screen[Any]]] = {
    "inbox": _inbox,
    "pending": _pending,
    "audit": _audit,
    "mailboxes": _mailboxes,
}
