"""Moves decisions on: journals, performs, feeds back. What may follow what is said by the review core alone."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Sequence

from mm_tui.clock import Clock
from mm_tui.review.effects import (
    Call,
    Cancel,
    Decide,
    DropText,
    Effect,
    Entry,
    Find,
    Hold,
    Journal,
    Look,
    Pause,
    Reschedule,
    Submit,
)
from mm_tui.review.events import Blind, Elapsed, Event
from mm_tui.review.release import step
from mm_tui.review.state import Stage, State, Step
from mm_tui.services.notices import Notify, PendingChanged, ReleaseChanged
from mm_tui.services.release_begin import Beginner
from mm_tui.services.release_calls import ReleaseCalls
from mm_tui.services.release_record import Live
from mm_tui.store.seal import StoreError

LONGEST_PAUSE = 60.0
"""Seconds between two readings of a call in doubt, at most."""
LONGEST_SCAN_PAUSE = 5.0
"""Seconds between two looks at an edit that is being scanned, at most."""
AT_ONCE = 4
"""How many decisions of a batch talk to the gateway at the same time."""

log = logging.getLogger("mm_tui.releases")


class Driver:
    """Performs what the core says for each decision. Each has one thing under way at a time: its activity."""

    def __init__(self, store: Beginner, calls: ReleaseCalls, clock: Clock, notify: Notify, *, mark_pairs: bool) -> None:
        self._store = store
        self._calls = calls
        self._clock = clock
        self._notify = notify
        self._mark_pairs = mark_pairs
        self._network = asyncio.Semaphore(AT_ONCE)
        self._marking: set[asyncio.Task[None]] = set()

    async def feed(self, live: Live, event: Event, turn: int | None = None) -> bool:
        """Takes an event in. False when it did not fit, or came from an activity that is no longer current."""
        async with live.lock:
            if turn is not None and turn != live.turn:
                return False
            state, effects = step(live.state, event)
            if state == live.state and not effects:
                return False
            entries = [effect for effect in effects if isinstance(effect, Journal)]
            rest = [effect for effect in effects if not isinstance(effect, Journal)]
            calls = any(isinstance(effect, Call) for effect in rest)
            if entries and not await self._journal(live, state, entries, DropText() in rest, once=calls):
                # Nothing may leave this machine that is not in the journal: wait, and take another run at it.
                self._stop(live)
                self.start(live, Pause(), then=Blind(live.trouble) if live.state.step is Step.CHECK else event)
                self.tell(live)
                return False
            self._adopt(live, state)
            if any(entry.entry is Entry.SUBMITTED for entry in entries):
                self._mark_pair(live)
            for effect in rest:
                if not isinstance(effect, DropText):
                    self.start(live, effect)
            self.tell(live)
            return True

    async def _journal(
        self, live: Live, state: State, entries: Sequence[Journal], drop_text: bool, *, once: bool
    ) -> bool:
        """Puts the entries and the state on the disk. Tries `once`, or until it succeeds."""
        wait = 1.0
        while True:
            try:
                await asyncio.to_thread(self._write, live, state, entries, drop_text)
            except (sqlite3.Error, StoreError, OSError) as error:
                log.error("the journal cannot be written: %s", type(error).__name__)
                live.trouble = f"the journal cannot be written: {error}"
                if once:
                    return False
                self.tell(live)
                await self._clock.sleep(wait)
                wait = min(LONGEST_PAUSE, wait * 2)
            else:
                live.trouble = ""
                return True

    def _write(self, live: Live, state: State, entries: Sequence[Journal], drop_text: bool) -> None:
        with self._store.database.write(durable=True) as connection:
            self._store.write(connection, live, state, entries, self._clock.now())
            if drop_text:
                self._store.drop_text(live)

    def _adopt(self, live: Live, state: State) -> None:
        if (state.stage, state.step) != (live.state.stage, live.state.step):
            live.pauses = 0
        if state.step is Step.DOUBT and live.doubt_since is None:
            live.doubt_since = self._clock.now().astimezone()
        elif not state.called:
            live.doubt_since = None
        live.state = state
        live.turn += 1
        self._stop(live)

    def _stop(self, live: Live) -> None:
        """Ends what is under way, unless it is that which asks. A call under way is never ended: no event moves it."""
        if live.activity is not None and live.activity is not asyncio.current_task():
            live.activity.cancel()
        live.activity = None

    def _mark_pair(self, live: Live) -> None:
        """Lets other reviewers see that two waiting mails belong together. Beside the release, which does not wait."""
        if self._mark_pairs:
            marking = asyncio.create_task(self._calls.mark_pair(live))
            self._marking.add(marking)
            marking.add_done_callback(self._marking.discard)

    def start(self, live: Live, effect: Effect, then: Event | None = None) -> None:
        """Begins what the effect says; what comes of it is fed back, or `then` after a pause."""
        live.activity = asyncio.create_task(self._perform(live, effect, live.turn, then))

    async def _perform(self, live: Live, effect: Effect, turn: int, then: Event | None) -> None:
        try:
            await self.feed(live, await self._outcome(live, effect, then), turn)
        except Exception as error:  # noqa: BLE001 - a fault of our own must be seen, not leave a decision standing still
            log.error("a decision stopped: %s", type(error).__name__)
            live.trouble = f"stopped by a fault of this program ({type(error).__name__}): start it again"
            self.tell(live)

    async def _outcome(self, live: Live, effect: Effect, then: Event | None) -> Event:
        """Does what the effect says, and waits for what comes of it."""
        match effect:
            case Hold():
                while (left := live.ends_at - self._clock.monotonic()) > 0:
                    await self._clock.sleep(left)
                return Elapsed()
            case Pause():
                longest = LONGEST_SCAN_PAUSE if live.state.stage is Stage.WAIT else LONGEST_PAUSE
                await self._clock.sleep(min(longest, 2.0 ** min(live.pauses, 10)))
                live.pauses += 1
                return then or Elapsed()
            case Find():
                async with self._network:
                    return await self._calls.find(live)
            case Look() | Decide() | Submit() | Cancel() | Reschedule():
                async with self._network:
                    return await self._calls.perform(live, effect)
            case Journal() | DropText():
                raise AssertionError("is written, not performed")

    async def stop_all(self, lives: Sequence[Live]) -> None:
        """Ends everything that is under way."""
        under_way = [live.activity for live in lives if live.activity is not None]
        under_way += self._marking
        for activity in under_way:
            activity.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def tell(self, live: Live) -> None:
        """Says that the decision stands differently."""
        live.moved.set()
        live.moved = asyncio.Event()
        self._notify(ReleaseChanged(live.state.case.item))
        if live.state.replacement:
            self._notify(ReleaseChanged(live.state.replacement))
        if live.state.ended:
            self._notify(PendingChanged())
