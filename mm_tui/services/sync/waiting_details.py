"""Reads the details of all waiting drafts, because the queue's list has neither cc nor files nor thread.

Until then a draft counts as unchecked, whatever the rules found. Opening a draft marks nothing as read. Waiting inbound
mail is not opened here, because what this means for its agent is not documented; a human opens it with the cursor. Of
the threads, only mail that was sent or read before is opened.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mm_tui.clock import Clock, sleep_or_wake
from mm_tui.gateway.errors import GatewayError, MissingKey, MissingScope, TooMany, Unauthorized, Unreachable
from mm_tui.services.backoff import LONGEST_SECONDS, Backoff
from mm_tui.services.events import (
    FailureKind,
    MailboxesChanged,
    MailChanged,
    Notify,
    PendingChanged,
    ServiceEvent,
    SyncChanged,
)
from mm_tui.store.database import Database
from mm_tui.store.mail.pending import PendingStore, WaitingEmail
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.services.sync.service import Sync

GAP_SECONDS = 0.1
"""Seconds between two requests for mail that is not on the screen: at most ten a second."""
TELL_SECONDS = 0.5
"""Screens receive events at most this often while many emails are read."""
RETRY_SECONDS = 15.0
"""The first wait in seconds before an unreadable email is tried again; it doubles each time."""
FAILURES_IN_A_ROW = 3
"""After this many consecutive failures the gateway, not the email, is considered at fault."""
THREAD_MAILS = 5
"""How many of a thread's newest emails are read along with a draft."""
_GATEWAY_WIDE = (MissingKey, Unauthorized, TooMany, Unreachable)
"""Errors that would affect every other email too. A 403 may be about one email."""


class _Failure(NamedTuple):
    words: OneLine
    again_at: float
    """By the monotonic clock."""
    backoff: Backoff


class WaitingDetails:
    """Makes one request at a time, for emails on the screen first."""

    def __init__(self, database: Database, sync: Sync, clock: Clock, notify: Notify) -> None:
        self._pending = PendingStore(database)
        self._sync = sync
        self._clock = clock
        self._notify = notify
        self._rng = random.Random()  # noqa: S311 - jitter
        self._backoff = Backoff(self._rng)
        self._shown: tuple[str, ...] = ()
        self._gap = GAP_SECONDS
        self._failures: dict[str, _Failure] = {}
        self._trouble = OneLine("")
        self._wake = asyncio.Event()
        self._hurried = asyncio.Event()
        self._lacks_key = False
        """Whether a part of the sync failed last because of the key."""
        self._read: set[str] = set()
        self._reported_at = float("-inf")

    def first(self, email_ids: Sequence[str]) -> None:
        """Sets the emails on the screen, in the order in which to read them."""
        if tuple(email_ids) != self._shown:
            self._shown = tuple(email_ids)
            if not self._trouble:
                self._wake.set()

    def on_event(self, event: ServiceEvent) -> None:
        """Looks for new work after the store changed. Call it on the event loop."""
        if isinstance(event, PendingChanged | MailChanged | MailboxesChanged):
            self._wake.set()
        elif isinstance(event, SyncChanged):
            lacked, self._lacks_key = self._lacks_key, any(one.kind is FailureKind.KEY for one in event.state.parts)
            if lacked and not self._lacks_key:
                self.hurry()

    def hurry(self) -> None:
        """Tries again at once what failed."""
        # A thread may be reading the old ones.
        self._failures = {}
        self._hurried.set()
        self._wake.set()

    def why_not(self, email_id: str) -> OneLine:
        """Why the details of this email could not be read; empty if they were, or if nothing has failed yet."""
        failure = self._failures.get(email_id)
        return failure.words if failure is not None else self._trouble

    async def run(self) -> None:
        """Reads the details of waiting emails until cancelled."""
        while True:
            self._wake.clear()
            self._hurried.clear()
            error = await self._read_what_is_due()
            if error is None:
                await self._pause(self._next_retry())
            elif isinstance(error, Unreachable) and error.retry_after is None:
                # A success in another part of the program means that the gateway is back.
                await self._pause(self._wait_after(error))
            else:
                # Only a human can shorten a wait that the gateway asked for, and only another key helps a refused one.
                await sleep_or_wake(self._clock, self._wait_after(error), self._hurried)

    async def read_all(self, *, seconds: float) -> None:
        """Reads everything once, without pauses, for at most this many seconds. `why_not` reports failures."""
        self._gap = 0.0
        try:
            async with asyncio.timeout(seconds):
                await self._read_what_is_due()
        except TimeoutError:
            self._trouble = OneLine(f"not read within {seconds:g} s")

    async def _read_what_is_due(self) -> GatewayError | None:
        """Reads one email after the other until nothing is due; returns the error that ended it early."""
        plan: list[WaitingEmail] = []
        in_a_row = 0
        try:
            while True:
                if not plan or self._wake.is_set():
                    self._wake.clear()
                    plan = await asyncio.to_thread(self._due)
                    if not plan:
                        return None
                mail = plan.pop(0)
                error = await self._try(mail)
                if error is None:
                    in_a_row = 0
                    if mail.email_id in self._shown:
                        # Its thread is now known and comes next.
                        plan = []
                    continue
                in_a_row += 1
                if isinstance(error, _GATEWAY_WIDE) or in_a_row >= FAILURES_IN_A_ROW:
                    self._trouble = error.message
                    self._notify(PendingChanged())
                    return error
        finally:
            self._report()

    async def _try(self, mail: WaitingEmail) -> GatewayError | None:
        try:
            await self._sync.read_detail_quietly(mail.mailbox_id, mail.email_id)
        except GatewayError as error:
            if not isinstance(error, _GATEWAY_WIDE):
                self._failed(mail.email_id, error)
            return error
        # If it still counts as unread, do not request it again at once.
        self._failures[mail.email_id] = _Failure(
            OneLine(""), self._clock.monotonic() + RETRY_SECONDS, Backoff(self._rng)
        )
        self._trouble = OneLine("")
        self._backoff.succeeded()
        self._read.add(mail.email_id)
        if self._clock.monotonic() - self._reported_at >= TELL_SECONDS:
            self._report()
        if mail.email_id not in self._shown and self._gap:
            await self._clock.sleep(self._gap)
        return None

    def _failed(self, email_id: str, error: GatewayError) -> None:
        before = self._failures.get(email_id)
        backoff = before.backoff if before is not None else Backoff(self._rng)
        wait = backoff.failed(RETRY_SECONDS, error.retry_after)
        self._failures[email_id] = _Failure(error.message, self._clock.monotonic() + wait, backoff)
        self._read.add(email_id)

    def _due(self) -> list[WaitingEmail]:
        """The next emails to read: drafts on the screen with their threads, other drafts, then their threads."""
        now = self._clock.monotonic()
        drafts = {mail.email_id: mail for mail in self._pending.unread_drafts()}
        threads: dict[str, list[WaitingEmail]] = {}
        for draft, mail in self._pending.unread_around(THREAD_MAILS):
            threads.setdefault(draft, []).append(mail)
        around = [mail for mails in threads.values() for mail in mails]
        unread = drafts.keys() | {mail.email_id for mail in around}
        self._failures = {key: failure for key, failure in self._failures.items() if key in unread}
        shown = [
            mail for key in self._shown for mail in (*([drafts[key]] if key in drafts else ()), *threads.get(key, ()))
        ]
        in_order = (*shown, *drafts.values(), *around)
        waits = {email_id for email_id, failure in self._failures.items() if failure.again_at > now}
        return [mail for mail in dict.fromkeys(in_order) if mail.email_id not in waits]

    def _next_retry(self) -> float | None:
        if not self._failures:
            return None
        return max(0.0, min(failure.again_at for failure in self._failures.values()) - self._clock.monotonic())

    def _wait_after(self, error: GatewayError) -> float:
        if isinstance(error, MissingKey | MissingScope | Unauthorized):
            return LONGEST_SECONDS
        return self._backoff.failed(RETRY_SECONDS, error.retry_after)

    def _report(self) -> None:
        self._reported_at = self._clock.monotonic()
        if self._read:
            read, self._read = frozenset(self._read), set()
            self._notify(PendingChanged())
            self._notify(MailChanged(read))

    async def _pause(self, seconds: float | None) -> None:
        """Waits this many seconds (None: forever), or until something changes."""
        await sleep_or_wake(self._clock, seconds, self._wake)
