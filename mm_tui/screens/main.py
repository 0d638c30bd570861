"""The main screens by the name of their mode; each is imported when it is first shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.screen import Screen


def _inbox() -> Screen[Any]:
    from mm_tui.screens.inbox.screen import InboxScreen

    screen = InboxScreen()
    # It is styled as it is mounted. A count that differs from the app's would have all styles parsed once more.
    screen._css_update_count = 0
    return screen


def _pending() -> Screen[Any]:
    from mm_tui.screens.pending.screen import PendingScreen

    return PendingScreen()


def _audit() -> Screen[Any]:
    from mm_tui.screens.audit.screen import AuditScreen

    return AuditScreen()


def _mailboxes() -> Screen[Any]:
    from mm_tui.screens.mailboxes.screen import MailboxesScreen

    return MailboxesScreen()


MAIN_SCREENS: dict[str, str | Callable[[], Screen[Any]]] = {
    "inbox": _inbox,
    "pending": _pending,
    "audit": _audit,
    "mailboxes": _mailboxes,
}
