"""Moves decisions on: journals, performs, feeds back. What may follow what is said by the review core alone."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from mm_tui.clock import Clock, sleep_or_wake, uptime
from mm_tui.decision.effects import (
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
    RecordApproval,
    Reschedule,
    Submit,
    Traffic,
)
from mm_tui.decision.events import Elapsed, Event, NotMade, Quit, ReadFailed, Slept, Undo
from mm_tui.decision.machine import can_undo, step
from mm_tui.decision.state import Outcome, Stage, State, Step
from mm_tui.services.decisions.calls import DecisionCalls
from mm_tui.services.decisions.log import DecisionLog
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.events import DecisionChanged, Notify, PendingChanged
from mm_tui.store.decisions.locks import TakenOver
from mm_tui.store.seal import StoreError

LONGEST_PAUSE = 60.0
"""Seconds between two readings of a call in doubt, at most."""
LONGEST_SCAN_PAUSE = 5.0
"""Seconds between two looks at an edit that is being scanned, at most."""
MARK_SECONDS = 10.0
"""How long retiring an original waits for the tags that name its edit."""
AT_ONCE = 4
"""How many decisions talk to the gateway at the same time."""
HOLD_TICK = 0.5
"""Seconds between two looks whether a hold was slept through."""
SLEPT_SECONDS = 1.0
"""A wait that takes so much longer than it should was slept through: the hold begins anew."""

log = logging.getLogger("mm_tui.decisions")


class _Write(NamedTuple):
    """What is to be put on the disk about one decision."""

    live: ActiveDecision
    state: State
    entries: tuple[Journal, ...]
    drop_text: bool = False


class Driver:
    """Performs what the core says for each decision. Each has one thing under way at a time: its activity."""

    def __init__(
        self,
        store: DecisionLog,
        calls: DecisionCalls,
        clock: Clock,
        notify: Notify,
        on_end: Callable[[ActiveDecision], None] = lambda _: None,
    ) -> None:
        self._on_end = on_end
        self._store = store
        self._calls = calls
        self._clock = clock
        self._notify = notify
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._writing: set[asyncio.Task[None]] = set()
        self._hurried = asyncio.Event()
        self.closing = False
        """Set when the program is being closed: from that moment no call begins."""

    # Events

    async def feed(self, live: ActiveDecision, event: Event, turn: int | None = None) -> bool:
        """Takes an event in. False when it did not fit, or came from an activity that is no longer current."""
        async with live.lock:
            if turn is not None and turn != live.turn:
                return False
            if self.closing and (write := self._take_now(live, Quit())) is not None:
                await self._write_soon([write])
            return await self._take(live, event)

    async def feed_all(self, lives: Sequence[ActiveDecision], event: Undo | Quit) -> list[ActiveDecision]:
        """Takes the event in for all of them at one moment; what they journal is written in one transaction.

        Nothing that follows from these two leaves the machine. So they hold from this moment on, and the writing of
        the journal, which may take long on a slow disk and fail on a full one, comes after it.

        Returns:
            Those that it ended.
        """
        ended: list[ActiveDecision] = []
        writes: list[_Write] = []
        busy: list[ActiveDecision] = []
        for live in lives:
            if live.lock.locked():
                # Its journal is being written. If a call is to follow, it is not begun.
                live.undo_asked = isinstance(event, Undo) and can_undo(live.state)
                busy.append(live)
            elif (write := self._take_now(live, event)) is not None:
                writes.append(write)
        ended += [write.live for write in writes if write.state.ended]
        if writes:
            await self._write_soon(writes)
        for live in busy:
            async with live.lock:
                write = self._take_now(live, event)
                live.undo_asked = False
            if write is not None:
                await self._write_soon([write])
            if live.state.outcome in (Outcome.UNDONE, Outcome.FELL_BACK):
                ended.append(live)
        return ended

    def _take_now(self, live: ActiveDecision, event: Event) -> _Write | None:
        """Takes in an event of which no effect leaves the machine; returns what must be written."""
        state, effects = step(live.state, event)
        if state == live.state:
            return None
        if state.step is Step.CALL:
            # Its answer is still waited for.
            live.state = state
            return None
        self._adopt(live, state)
        self._free_slot(live)
        self.tell(live)
        return _Write(live, state, tuple(effect for effect in effects if isinstance(effect, Journal)))

    async def _take(self, live: ActiveDecision, event: Event) -> bool:
        state, effects = step(live.state, event)
        if state == live.state and not effects:
            return False
        entries = [effect for effect in effects if isinstance(effect, Journal)]
        rest = [effect for effect in effects if not isinstance(effect, Journal)]
        calls = any(isinstance(effect, Call) for effect in rest)
        if entries and not await self._journal(live, state, entries, DropText() in rest, once=calls):
            # Nothing may leave this machine that is not in the journal: wait, and take another run at it.
            self._stop(live)
            self._free_slot(live)
            if not live.is_lost:
                self.start(live, Pause(), then=ReadFailed(live.trouble) if live.state.step is Step.CHECK else event)
            self.tell(live)
            return False
        self._adopt(live, state)
        if calls and (live.undo_asked or self.closing):
            write = self._take_now(live, NotMade(undone=live.undo_asked))
            assert write is not None
            await self._write_soon([write])
            return True
        if any(entry.entry is Entry.SUBMITTED for entry in entries) and not self.closing:
            self._mark_pair(live)
        for effect in rest:
            if isinstance(effect, Hold) and effect.anew:
                self.hold([live], live.hold_seconds)
            elif not isinstance(effect, DropText):
                self.start(live, effect)
        if not any(isinstance(effect, Traffic) for effect in rest):
            self._free_slot(live)
        self.tell(live)
        return True

    def _adopt(self, live: ActiveDecision, state: State) -> None:
        if (state.stage, state.step) != (live.state.stage, live.state.step):
            live.pauses = 0
        if state.step is Step.DOUBT and live.doubt_since is None:
            live.doubt_since = self._clock.now().astimezone()
        elif not state.called:
            live.doubt_since = None
        live.state = state
        live.turn += 1
        self._stop(live)

    def _stop(self, live: ActiveDecision) -> None:
        """Ends what is under way, unless it is that which asks. A call under way is never ended: no event moves it."""
        if live.activity is not None and live.activity is not asyncio.current_task():
            live.activity.cancel()
        live.activity = None

    # The journal

    async def _journal(
        self, live: ActiveDecision, state: State, entries: Sequence[Journal], drop_text: bool, *, once: bool
    ) -> bool:
        """Puts the entries and the state on the disk. Tries `once`, or until it succeeds."""
        wait = 1.0
        while True:
            try:
                await asyncio.to_thread(self._write, [_Write(live, state, tuple(entries), drop_text)])
            except (sqlite3.Error, StoreError, OSError) as error:
                log.error("the journal cannot be written: %s", type(error).__name__)
                live.trouble = f"the journal cannot be written: {error}"
                if once:
                    return False
                self.tell(live)
                await self._clock.sleep(wait)
                wait = min(LONGEST_PAUSE, wait * 2)
            else:
                if live.is_lost:
                    return False
                live.trouble = ""
                return True

    def _write(self, writes: Sequence[_Write]) -> None:
        with self._store.database.write(durable=True) as connection:
            for live, state, entries, drop_text in writes:
                try:
                    self._store.write(connection, live, state, entries, self._clock.now())
                except TakenOver as error:
                    # Of this one nothing was written; the others of a batch are not held up by it.
                    live.trouble, live.is_lost = str(error), True
                    continue
                if drop_text:
                    self._store.drop_text(live)

    async def _write_soon(self, writes: Sequence[_Write]) -> None:
        """Writes beside everything else until it succeeds; returns after the first try."""
        tried = asyncio.Event()
        task = asyncio.create_task(self._write_until_done(writes, tried))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        await tried.wait()

    async def _write_until_done(self, writes: Sequence[_Write], tried: asyncio.Event) -> None:
        wait, trouble = 1.0, ""
        while True:
            try:
                await asyncio.to_thread(self._write, writes)
            except (sqlite3.Error, StoreError, OSError) as error:
                log.error("the journal cannot be written: %s", type(error).__name__)
                trouble = f"the journal cannot be written: {error}"
            else:
                trouble, wait = "", 0.0
            finally:
                tried.set()
            for write in writes:
                if write.live.trouble != trouble and not write.live.is_lost:
                    write.live.trouble = trouble
                    self.tell(write.live)
            if not trouble:
                return
            await self._clock.sleep(wait)
            wait = min(LONGEST_PAUSE, wait * 2)

    async def written(self) -> None:
        """Waits for what is still to be written."""
        while self._writing:
            await asyncio.wait(set(self._writing))

    # Effects

    def _mark_pair(self, live: ActiveDecision) -> None:
        """Tells other programs that two waiting emails belong together. It is done before the original is retired."""
        live.marking = asyncio.create_task(self._calls.mark_pair(live))

    async def _marked(self, live: ActiveDecision) -> None:
        """Waits until original and edit are marked as a pair, or until that takes too long."""
        if live.marking is not None and live.state.stage is Stage.RETIRE:
            await asyncio.wait({live.marking}, timeout=MARK_SECONDS)

    def hold(self, lives: Sequence[ActiveDecision], seconds: float) -> None:
        """Begins the hold, to end for all at one moment."""
        ends_at = self._clock.monotonic() + seconds
        deadline = self._clock.now() + timedelta(seconds=seconds)
        for live in lives:
            live.hold_seconds, live.ends_at, live.deadline = seconds, ends_at, deadline
            self.start(live, Hold())

    def start(self, live: ActiveDecision, effect: Effect, then: Event | None = None) -> None:
        """Begins what the effect says; what comes of it is fed back, or `then` after a pause."""
        live.activity = asyncio.create_task(self._perform(live, effect, live.turn, then))

    async def _perform(self, live: ActiveDecision, effect: Effect, turn: int, then: Event | None) -> None:
        try:
            await self.feed(live, await self._outcome(live, effect, then), turn)
        except Exception as error:  # noqa: BLE001 - a fault of our own must be seen, not leave a decision standing still
            log.error("a decision stopped: %s", type(error).__name__)
            live.trouble = f"stopped by an internal error ({type(error).__name__}): start it again"
            self._free_slot(live)
            self.tell(live)

    async def _outcome(self, live: ActiveDecision, effect: Effect, then: Event | None) -> Event:
        """Does what the effect says, and waits for what comes of it."""
        match effect:
            case Hold():
                return await self._held(live)
            case Pause():
                longest = LONGEST_SCAN_PAUSE if live.state.stage is Stage.WAIT else LONGEST_PAUSE
                await self._sleep(min(longest, 2.0 ** min(live.pauses, 10)))
                live.pauses += 1
                return then or Elapsed()
            case Find():
                await self._take_slot(live)
                return await self._calls.find(live)
            case Look(email_id):
                await self._marked(live)
                await self._take_slot(live)
                return await self._calls.look(live, email_id, partial(self._rest, live))
            case Decide() | RecordApproval() | Submit() | Cancel() | Reschedule():
                # The reading before it has taken the slot. Where none came before, as for an edit that is withdrawn,
                # it waits for none: what is journaled as being called is called at once.
                if self.closing:
                    return NotMade(undone=False)
                return await self._calls.perform(live, effect)
            case Journal() | DropText():
                raise AssertionError("is written, not performed")

    async def _held(self, live: ActiveDecision) -> Event:
        """Waits until the hold ends, or says that it was slept through."""
        while (left := live.ends_at - self._clock.monotonic()) > 0:
            before = uptime()
            await self._clock.sleep(min(left, HOLD_TICK))
            if uptime() - before > HOLD_TICK + SLEPT_SECONDS:
                return Slept()
        return Elapsed()

    # Slots

    async def _take_slot(self, live: ActiveDecision) -> None:
        """Waits until this decision may talk to the gateway. It keeps the slot from its readings through its call."""
        if not live.has_slot:
            await self._slots.acquire()
            live.has_slot = True

    def _free_slot(self, live: ActiveDecision) -> None:
        if live.has_slot:
            live.has_slot = False
            self._slots.release()

    async def _rest(self, live: ActiveDecision, seconds: float, asked: bool) -> None:
        """Waits before a reading is tried again. Nobody else waits because of that."""
        self._free_slot(live)
        if asked:
            until = (self._clock.now() + timedelta(seconds=seconds)).astimezone()
            live.trouble = f"the gateway asks to wait until {until:%H:%M:%S}"
            self.tell(live)
        await self._sleep(seconds)
        live.trouble = ""
        await self._take_slot(live)
        self.tell(live)

    async def _sleep(self, seconds: float) -> None:
        """Waits, or until a human does not want to."""
        await sleep_or_wake(self._clock, seconds, self._hurried)

    def hurry(self) -> None:
        """Asks the gateway again now, whatever is being waited for."""
        self._hurried.set()
        self._hurried = asyncio.Event()

    async def stop_all(self, lives: Sequence[ActiveDecision]) -> None:
        """Ends everything that is under way."""
        under_way = [live.activity for live in lives if live.activity is not None]
        under_way += [*(live.marking for live in lives if live.marking is not None), *self._writing]
        for activity in under_way:
            activity.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def tell(self, live: ActiveDecision) -> None:
        """Says that the decision stands differently."""
        live.moved.set()
        live.moved = asyncio.Event()
        self._notify(DecisionChanged(live.state.case.item))
        if live.state.replacement:
            self._notify(DecisionChanged(live.state.replacement))
        if live.state.ended:
            self._on_end(live)
            self._notify(PendingChanged())
