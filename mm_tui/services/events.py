"""What services tell the screens: that something changed, never the thing itself. Screens re-read the store.

All notices go through one callback, `Notify`. It may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from mm_tui.text import OneLine


class Phase(StrEnum):
    """The state of the sync. The values are shown to the user."""

    OFFLINE = "offline"
    WRONG_ADDRESS = "wrong address"
    """Something answers, but it is not a MultiMail gateway."""
    BLOCKED = "blocked"
    """Something in front of the gateway refuses this machine."""
    KEY_REFUSED = "key refused"
    """The gateway answers, and takes the key for nothing that lists mail."""
    CONNECTING = "connecting"
    FILLING = "initial sync"
    LIVE = "in sync"


class Part(StrEnum):
    """The parts of a sync. Each succeeds or fails by itself, so a missing scope stops only its own part."""

    MAILBOXES = "mailboxes"
    FILL = "initial sync"
    MAIL = "mail"
    PENDING = "pending"
    AUDIT = "audit log"
    STORE = "store on this machine"


class PartState(msgspec.Struct, frozen=True):
    """How one part of the sync stands.

    `error` and `cure` are None when its last try went well; `retry_at` is when it is tried again, None if it is due
    with the next poll or will not be tried again before something changes.
    """

    part: Part
    last_ok_at: datetime | None = None
    error: OneLine | None = None
    cure: OneLine | None = None
    retry_at: datetime | None = None


class SyncState(msgspec.Struct, frozen=True):
    """How the sync stands, for the status line."""

    phase: Phase = Phase.OFFLINE
    last_ok_at: datetime | None = None
    """When the gateway last answered well: the age of what is on screen."""
    error: OneLine | None = None
    """The gravest thing that failed, in words."""
    retry_at: datetime | None = None
    """When the failed part is tried again."""
    progress: int = 0
    """Mails taken in by the initial sync so far."""
    mailboxes: int = 0
    mailboxes_filled: int = 0
    """Those of which all mail has been taken in."""
    parts: tuple[PartState, ...] = ()

    def words(self, now: datetime) -> OneLine:
        """One line for people: state, age of the data, what failed and when it is tried again."""
        said: list[str] = [str(self.phase)]
        if self.phase is Phase.FILLING:
            said = [f"{self.phase}: {self.progress} emails"]
        if self.last_ok_at is not None:
            age = now - self.last_ok_at
            if self.phase is not Phase.LIVE or age > timedelta(minutes=1):
                said.append(f"data from {span(age)} ago")
        elif self.phase in (Phase.OFFLINE, Phase.WRONG_ADDRESS, Phase.BLOCKED, Phase.KEY_REFUSED):
            said.append("never synced")
        if self.error is not None:
            said.append(str(self.error))
            if self.retry_at is not None:
                said.append(f"next try in {span(self.retry_at - now)}")
        return OneLine(" · ".join(said))


def span(length: timedelta) -> str:
    """A length of time in its largest unit: `8 s`, `3 min`, `5 h`, `2 d`. Below zero counts as zero."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} d"


class MailChanged(msgspec.Struct, frozen=True):
    """Mails came, changed or went. None: too many to name, read anew what is shown."""

    email_ids: frozenset[str] | None = None


class PendingChanged(msgspec.Struct, frozen=True):
    """The queue of waiting mail changed."""


class DecisionChanged(msgspec.Struct, frozen=True):
    """The decision about one email moved on."""

    email_id: str


class SyncChanged(msgspec.Struct, frozen=True):
    """The state of the sync changed."""

    state: SyncState


class AssistChanged(msgspec.Struct, frozen=True):
    """The assistant has something new on an email, its thread, or both; with neither, only spend changed."""

    email_id: str | None = None
    thread_id: str | None = None


class AuditChanged(msgspec.Struct, frozen=True):
    """New lines in the gateway's audit log."""


class MailboxesChanged(msgspec.Struct, frozen=True):
    """The mailboxes, or how one is overseen, changed."""


ServiceEvent = (
    MailChanged | PendingChanged | DecisionChanged | SyncChanged | AssistChanged | AuditChanged | MailboxesChanged
)
Notify = Callable[[ServiceEvent], None]
