"""Events by which services tell the screens that something changed. Events about mail carry no data: screens read the
store again. All events go through one callback, `Notify`, which may be called from any thread."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from mm_tui.text import OneLine


class SyncPhase(StrEnum):
    """The state of the sync. The user sees the values."""

    OFFLINE = "offline"
    WRONG_ADDRESS = "wrong address"
    """What answers is not a MultiMail gateway."""
    BLOCKED = "blocked"
    """A proxy in front of the gateway refuses this machine."""
    KEY_REFUSED = "key refused"
    """The gateway answers, but the key may not list mail."""
    STORE_UNUSABLE = "store unusable"
    """The store on this machine cannot be written, so that no mail can be listed."""
    CONNECTING = "connecting"
    INITIAL = "initial sync"
    LIVE = "in sync"


class SyncPart(StrEnum):
    """The parts of a sync. Each fails independently, so a missing scope stops only one part."""

    MAILBOXES = "mailboxes"
    INITIAL = "initial sync"
    MAIL = "mail"
    PENDING = "pending"
    AUDIT = "audit log"
    STORE = "store on this machine"


class FailureKind(StrEnum):
    """What keeps a part of the sync from succeeding."""

    GATEWAY = "gateway"
    LIMIT = "limit"
    """Too many requests, or a quota that is used up."""
    KEY = "key"
    """Only another key helps."""
    STORE = "store"
    """The store on this machine cannot be used."""


class PartState(msgspec.Struct, frozen=True):
    """The state of one part of the sync. `error` and `cure` are None if its last try succeeded. `retry_at` is the time
    of the next try; None if it is due with the next poll, or is not tried again before something changes."""

    part: SyncPart
    last_ok_at: datetime | None = None
    error: OneLine | None = None
    cure: OneLine | None = None
    retry_at: datetime | None = None
    kind: FailureKind | None = None
    """The kind of a failure."""


class SyncState(msgspec.Struct, frozen=True):
    """The state of the sync, for the status line."""

    phase: SyncPhase = SyncPhase.OFFLINE
    last_ok_at: datetime | None = None
    """When the gateway last answered successfully: the age of what is on screen."""
    error: OneLine | None = None
    """The most serious failure, in words."""
    retry_at: datetime | None = None
    """When the failed part will be tried again."""
    progress: int = 0
    """Emails read by the initial sync so far."""
    mailboxes: int = 0
    mailboxes_synced: int = 0
    """Mailboxes whose mail was read completely."""
    parts: tuple[PartState, ...] = ()

    def has_read(self, *wanted: SyncPart) -> bool:
        """Whether one of these parts has been read since the program started."""
        return any(one.part in wanted and one.last_ok_at is not None for one in self.parts)


def span(length: timedelta) -> str:
    """A duration in its largest unit: `8 s`, `3 min`, `5 h`, `2 d`. Negative durations count as zero."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} d"


class MailChanged(msgspec.Struct, frozen=True):
    """Emails were added, changed or deleted. None: too many to name, so read everything again."""

    email_ids: frozenset[str] | None = None


class PendingChanged(msgspec.Struct, frozen=True):
    """The queue of waiting emails changed."""


class DecisionChanged(msgspec.Struct, frozen=True):
    """The decision about one email changed its state."""

    email_id: str


class SyncChanged(msgspec.Struct, frozen=True):
    """The state of the sync changed."""

    state: SyncState


class AssistChanged(msgspec.Struct, frozen=True):
    """The assistant has something new about an email, its thread, or both; if neither is set, only spend changed."""

    email_id: str | None = None
    thread_id: str | None = None


class AuditChanged(msgspec.Struct, frozen=True):
    """There are new entries in the gateway's audit log."""


class MailboxesChanged(msgspec.Struct, frozen=True):
    """The mailboxes, or the oversight mode of one, changed."""


class RedraftNotAsked(msgspec.Struct, frozen=True):
    """Another draft was wanted in place of a rejected one, and the agent cannot be asked for it."""

    email_id: str
    words: OneLine
    """About which email, and why."""
    needs_key: bool = False
    """Whether it was refused because no key may set tags."""


ServiceEvent = (
    MailChanged | PendingChanged | DecisionChanged | SyncChanged | AssistChanged | AuditChanged | MailboxesChanged
    | RedraftNotAsked
)  # fmt: skip
Notify = Callable[[ServiceEvent], None]


def ignore(event: ServiceEvent) -> None:
    """For services without a screen: commands read the store when they need it."""
    del event
