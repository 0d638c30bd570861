"""Background triage: imports the tags that agents set and, in automatic mode, examines recent mail."""

from __future__ import annotations

import asyncio
import sqlite3
from math import inf
from typing import Protocol

from mm_tui.clock import Clock, sleep_or_wake
from mm_tui.gateway.errors import GatewayError
from mm_tui.models import Status
from mm_tui.services.assistant.cards import CardPhase, CardState
from mm_tui.store.mail.mails import MailStore, MailView
from mm_tui.store.mail.rows import MailRow

VIEW = MailView(query="is:inbound -has:summary -is:spam")
WINDOW = 60
"""How many of the newest emails without a summary one round considers."""
MOST_LOOKED = 20
"""Emails whose tags are fetched in one round: about four requests a second, however long the list is."""
MOST_EXAMINED = 12
"""Emails examined in one round, so that new mail does not wait for a long round."""
PATIENCE = (0.0, 4.0, 10.0, 30.0, 120.0)
"""Seconds before each check for tags that another program may still set."""
SETTLED_MS = 15 * 60 * 1000
"""Age in milliseconds from which no more tags are expected: one check is enough."""
GRACE = 20.0
"""Seconds during which automatic mode leaves new mail unopened, because agents poll for unread mail."""
READ_GRACE = 5.0
"""The same in seconds for mail that somebody opened: its tags may be on their way."""
PAUSE = 5.0
"""Seconds between rounds unless it is woken."""
REST = 60.0
"""Seconds to pause automatic work after the gateway or a model failed."""
MAIL_REST = 900.0
"""Seconds until an email without a summary is examined again: it failed, or a newer email of its thread has one."""
AT_ONCE = 2


class Examiner(Protocol):
    """What a round can do with an email."""

    @property
    def examines(self) -> bool:
        """Whether emails may be examined automatically at all."""

    async def take_over_tags(self, row: MailRow) -> bool:
        """Imports the tags that an agent set. Returns whether there were any."""

    async def examine(self, email_id: str, *, automatic: bool) -> CardState:
        """Lets the models read an email."""

    def may_examine(self, row: MailRow) -> bool:
        """Whether an email may be examined automatically."""


class Rounds:
    """Rounds over the newest emails without a summary."""

    def __init__(self, triage: Examiner, mail: MailStore, clock: Clock) -> None:
        self._triage = triage
        self._mail = mail
        self._clock = clock
        self._looks: dict[str, tuple[int, float]] = {}
        """For each email, how often its tags were checked and when the next check is due."""
        self._open_at: dict[str, float] = {}
        """For each email, when automatic mode may open it."""
        self._rows: list[MailRow] = []
        self._stamp: int | None = None
        """The store's stamp when `_rows` were read."""
        self._resting_until = 0.0
        self._left = 0
        self._looks_left = 0
        self._next_look = 0.0
        """When the next check for tags is due."""
        self._woken = asyncio.Event()

    @property
    def rests_for(self) -> float:
        """Seconds until automatic work goes on after a failure of a model; 0 while it does not pause."""
        return max(0.0, self._resting_until - self._clock.monotonic())

    def wake(self) -> None:
        """Starts the next round now."""
        self._woken.set()

    async def run(self) -> None:
        """Runs rounds until cancelled."""
        while True:
            self._woken.clear()
            pause = PAUSE
            try:
                await self.round()
            except (GatewayError, sqlite3.Error):
                # The sync reports the failure on the status line; here it only causes a pause.
                pause = REST
            await sleep_or_wake(self._clock, pause, self._woken)

    async def round(self) -> None:
        """One round. Raises GatewayError if tags could not be read."""
        stamp, now = self._mail.stamp(), self._clock.monotonic()
        if stamp != self._stamp:
            self._rows = await asyncio.to_thread(lambda: self._mail.rows(self._mail.keys(VIEW, limit=WINDOW)))
            self._stamp = stamp
        elif now < self._next_look and not self._triage.examines:
            # So it is in most rounds.
            return
        rows, self._next_look = self._rows, now
        settled_ms = int(self._clock.now().timestamp() * 1000) - SETTLED_MS
        self._looks = {
            row.email_id: self._looks.get(row.email_id, (_looks_behind(row, settled_ms), now)) for row in rows
        }
        self._open_at = {row.email_id: self._open_at.get(row.email_id, now + _grace(row)) for row in rows}
        self._left = MOST_EXAMINED
        self._looks_left = MOST_LOOKED
        places = asyncio.Semaphore(AT_ONCE)

        async def look(row: MailRow) -> None:
            async with places:
                await self._look(row)

        waiting = [row for row in rows if self._to_look(row, now) or self._to_examine(row, now)]
        outcomes = await asyncio.gather(*map(look, waiting), return_exceptions=True)
        problem = next((outcome for outcome in outcomes if isinstance(outcome, BaseException)), None)
        if problem is not None:
            raise problem
        self._next_look = min((due for times, due in self._looks.values() if times < len(PATIENCE)), default=inf)

    async def _look(self, row: MailRow) -> None:
        now = self._clock.monotonic()
        if self._looks_left > 0 and self._to_look(row, now):
            self._looks_left -= 1
            times, _ = self._looks[row.email_id]
            following = PATIENCE[times + 1] if times + 1 < len(PATIENCE) else 0.0
            self._looks[row.email_id] = (times + 1, now + following)
            if await self._triage.take_over_tags(row):
                return
        if self._left <= 0 or not self._to_examine(row, now):
            return
        self._left -= 1
        card = await self._triage.examine(row.email_id, automatic=True)
        self._open_at[row.email_id] = self._clock.monotonic() + MAIL_REST
        if card.phase is CardPhase.FAILED:
            self._resting_until = self._clock.monotonic() + REST

    def _to_look(self, row: MailRow, now: float) -> bool:
        times, due = self._looks[row.email_id]
        return times < len(PATIENCE) and now >= due

    def _to_examine(self, row: MailRow, now: float) -> bool:
        return now >= max(self._open_at[row.email_id], self._resting_until) and self._triage.may_examine(row)


def _looks_behind(row: MailRow, settled_ms: int) -> int:
    """How many tag checks to skip for an email that is new here: all but one if it arrived long ago."""
    return len(PATIENCE) - 1 if row.received_at is not None and row.received_at < settled_ms else 0


def _grace(row: MailRow) -> float:
    return GRACE if str(row.status) == Status.UNREAD else READ_GRACE
