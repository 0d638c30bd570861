"""Alerts the reviewer when mail waits: bell, desktop notification, window title.

Alerts contain only counts in our own words and nothing from any email, so nobody outside can put text or control
sequences on the reviewer's desktop. Terminals ignore sequences that they do not know.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time

import msgspec

from mm_tui.clock import Clock
from mm_tui.services.queue.due import due_at, is_overdue
from mm_tui.settings.sections import Notice, Review
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import OneLine

APART_SECONDS = 30.0
"""Seconds between two alerts; mail that arrives in between is counted in the next."""
KEEP_TITLE = "\x1b[22;2t"
GIVE_TITLE_BACK = "\x1b[23;2t"
"""Saves the window's title on the terminal's stack, and restores it (xterm's window operations)."""


class QueueLook(msgspec.Struct, frozen=True):
    """The state of the queue at one check."""

    title: OneLine
    """The window's title, with the counts."""
    call: OneLine
    """The alert to show now; empty if there is none."""


class Attention:
    """Watches the queue of one profile. `look` reads the store: call it in a thread, one call at a time."""

    def __init__(self, database: Database, notice: Notice, review: Review, clock: Clock) -> None:
        self._mail = MailStore(database)
        self._pending = PendingStore(database)
        self._notice = notice
        self._minutes = review.sla_minutes
        self._clock = clock
        self._known: set[str] | None = None
        self._overdue: set[str] = set()
        self._called_at = float("-inf")

    def look(self, hidden: Collection[str] = ()) -> QueueLook:
        """Checks the queue. The first check alerts to nothing: what waits is on the screen already. `hidden`: ids to
        ignore, such as our own edits in progress."""
        now = self._clock.now()
        addresses = self._mail.addresses()
        items = [one for one in self._pending.waiting() if one.email_id not in hidden]
        waiting = {one.email_id for one in items}
        overdue = {
            one.email_id
            for one in items
            if is_overdue(due_at(one.received_at, addresses.get(one.mailbox_id, ""), self._minutes), now)
        }
        call = self._call(waiting, overdue, now)
        return QueueLook(title_words(len(waiting), len(overdue)), call)

    def _call(self, waiting: set[str], overdue: set[str], now: datetime) -> OneLine:
        quiet = is_quiet(self._notice.quiet_hours, now.astimezone().time())
        new = late = 0
        if self._known is not None and not quiet:
            new, late = len(waiting - self._known), len(overdue - self._overdue)
        if (new or late) and self._clock.monotonic() - self._called_at < APART_SECONDS:
            # What is known stays unchanged, so that the next check alerts to everything new.
            return OneLine("")
        self._known, self._overdue = waiting, overdue
        if not new and not late:
            return OneLine("")
        self._called_at = self._clock.monotonic()
        said = [f"{new} new"] if new else []
        said += [f"{late} now overdue"] if late else []
        return OneLine(f"{' and '.join(said)}, {len(waiting)} waiting for a decision")

    def sequences(self, look: QueueLook, *, title_before: str) -> str:
        """The control sequences to write to the terminal after a check. `title_before`: the window's current title; the
        same title is not written again."""
        written = ""
        if self._notice.title and look.title != title_before:
            written += f"\x1b]0;{look.title}\x07"
        if look.call:
            if self._notice.desktop == "osc9":
                written += f"\x1b]9;mm-tui: {look.call}\x07"
            elif self._notice.desktop == "osc777":
                written += f"\x1b]777;notify;mm-tui;{look.call}\x07"
            if self._notice.bell:
                written += "\x07"
        return written

    @property
    def sets_title(self) -> bool:
        """Whether the program sets the window's title."""
        return self._notice.title


def title_words(waiting: int, overdue: int) -> OneLine:
    """The window's title, with the counts first because a task bar shows little."""
    if not waiting:
        return OneLine("mm-tui")
    return OneLine(f"({waiting}{f', {overdue} overdue' if overdue else ''}) mm-tui")


def is_quiet(hours: str, now: time) -> bool:
    """Whether `now` is within hours such as `22:00-07:00`, which may span midnight. Empty means never."""
    if not hours:
        return False
    start, _, end = hours.partition("-")
    begins, ends = time.fromisoformat(start.strip()), time.fromisoformat(end.strip())
    return begins <= now < ends if begins <= ends else now >= begins or now < ends
