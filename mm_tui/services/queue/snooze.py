"""Snoozes a waiting email until a time, or until something arrives in its thread, on this machine only. It comes back
early if something arrives in its thread or its text changes, and is then listed first."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from mm_tui.clock import Clock
from mm_tui.models import Direction
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.mail.pending import PendingStore
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.services.queue.entry import QueueEntry

_NAME = "snoozed"
THREAD = "thread"
"""The input that means "until something arrives in the thread"."""
FORMS = "30m, 3h, 2d, 14:30, tomorrow, monday, 2026-12-01, 2026-12-01 14:30, or thread"
MORNING = 9
"""The hour used for a day given without a time."""
LONGEST = timedelta(days=366)
_LENGTH = re.compile(r"(\d{1,4})([mhdw])")
_MINUTES = {"m": 1, "h": 60, "d": 60 * 24, "w": 60 * 24 * 7}
_HOUR = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class NotATime(ValueError):
    """The input is not a future time; the message says what is expected."""


def time_named(text: str, now: datetime) -> datetime | None:
    """Parses a time in the reader's zone; None for `thread`. Raises NotATime also if it is past or over a year away."""
    typed, local = " ".join(text.lower().split()), now.astimezone()
    if typed == THREAD:
        return None
    until = _until(typed, local)
    if until is None:
        raise NotATime(f"{OneLine(text[:40])}: expected {FORMS}")
    if until <= now:
        raise NotATime(f"{OneLine(text[:40])} is already past")
    if until - now > LONGEST:
        raise NotATime(f"{OneLine(text[:40])} is more than a year away")
    return until.astimezone(UTC)


def _until(typed: str, local: datetime) -> datetime | None:
    if length := _LENGTH.fullmatch(typed):
        return local + timedelta(minutes=int(length[1]) * _MINUTES[length[2]])
    # What the clock on the wall shows, whose offset may have changed by then.
    wall = local.replace(tzinfo=None)
    morning = wall.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    if hour := _HOUR.fullmatch(typed):
        at = wall.replace(hour=int(hour[1]), minute=int(hour[2]), second=0, microsecond=0)
        return (at if at > wall else at + timedelta(days=1)).astimezone()
    if typed == "tomorrow":
        return (morning + timedelta(days=1)).astimezone()
    if typed in _DAYS:
        return (morning + timedelta(days=(_DAYS.index(typed) - wall.weekday() - 1) % 7 + 1)).astimezone()
    try:
        at = datetime.fromisoformat(typed)
    except ValueError:
        return None
    at = at.replace(hour=MORNING) if re.fullmatch(r"[\d-]+", typed) else at
    try:
        return at if at.tzinfo else at.astimezone()
    except (ValueError, OverflowError):
        # In the first or last year of the calendar.
        return None


class Snooze(msgspec.Struct, frozen=True):
    """An email that is snoozed, or was until something happened."""

    until: datetime | None
    """None: until something arrives in the thread."""
    digest: str
    """The digest of the snoozed text."""
    arrived: frozenset[str]
    """The ids of the emails that had arrived in its thread by then."""

    @property
    def words(self) -> OneLine:
        """Until when it is snoozed."""
        if self.until is None:
            return OneLine("snoozed until something arrives in its thread")
        return OneLine(f"snoozed until {self.until.astimezone():%a %d %b %H:%M}")

    def why_over(self, entry: QueueEntry, now: datetime) -> str:
        """Why it is back; empty while it is snoozed."""
        if arrived_in(entry) - self.arrived:
            return "back: something arrived in its thread"
        if entry.digest != self.digest and entry.is_checked:
            return "back: it changed"
        if self.until is not None and now >= self.until:
            return f"back: snoozed until {self.until.astimezone():%d %b %H:%M}"
        return ""


def arrived_in(entry: QueueEntry) -> frozenset[str]:
    """The ids of the emails that arrived in an email's thread."""
    return frozenset(
        mail.summary.id
        for mail in entry.thread
        if str(mail.summary.direction) == Direction.INBOUND and mail.mail.is_exchanged
    )


class Snoozes:
    """The snoozed emails, stored on this machine."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._state = StateStore(database, kept=True)
        self._pending = PendingStore(database)
        self._journal = Journal(database)
        self._clock = clock

    def all(self) -> Mapping[str, Snooze]:
        """All snoozes that were not ended, by email id. An unreadable one counts as ended."""
        found: dict[str, Snooze] = {}
        for email_id, one in self._read().items():
            try:
                until = datetime.fromisoformat(one["until"]) if one["until"] else None
                found[email_id] = Snooze(until, str(one["digest"]), frozenset(map(str, one["arrived"])))
            except (KeyError, TypeError, ValueError):
                continue
        return found

    def snooze(self, entry: QueueEntry, until: datetime | None, who: str) -> OneLine:
        """Snoozes an email; None until something arrives. Returns a message. Raises sqlite3.Error or StoreError."""
        made = Snooze(until, entry.digest, arrived_in(entry))
        kept = {"until": until.isoformat() if until else None, "digest": made.digest, "arrived": sorted(made.arrived)}
        self._write(entry.item.id, kept, who, {"until": str(kept["until"] or THREAD)})
        return made.words

    def end(self, email_id: str, who: str) -> OneLine:
        """Ends a snooze, so that the email is listed again. Raises the same as `snooze`."""
        self._write(email_id, None, who, {})
        return OneLine("no longer snoozed")

    def _write(self, email_id: str, kept: Mapping[str, object] | None, who: str, details: Mapping[str, str]) -> None:
        kind = "snoozing" if kept is not None else "unsnoozing"
        with self._database.write(durable=True) as connection:
            self._journal.append(connection, kind, who, email_id, self._clock.now(), details)
            waiting = set(self._pending.ids())
            left = {key: one for key, one in self._read().items() if key in waiting and key != email_id}
            if kept is not None:
                left[email_id] = dict(kept)
            self._state.set(_NAME, json.dumps(left) if left else None)

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            found = json.loads(self._state.get(_NAME) or "{}")
        except ValueError:
            return {}
        return {key: one for key, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}
