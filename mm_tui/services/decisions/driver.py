"""Drives decisions: writes the journal, performs effects, and feeds the results back to the decision procedure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from mm_tui.clock import TICK_SECONDS, Clock, noticing_sleep, sleep_or_wake
from mm_tui.decision.effects import (
    Call,
    Cancel,
    Decide,
    DropText,
    Effect,
    Entry,
    Find,
    Hold,
    Look,
    Pause,
    RecordApproval,
    Reschedule,
    Submit,
    Traffic,
    WriteEntry,
)
from mm_tui.decision.events import Elapsed, Event, NotMade, Quit, ReadFailed, Slept, Undo
from mm_tui.decision.machine import can_undo, step
from mm_tui.decision.state import Outcome, Stage, State, Step
from mm_tui.services.decisions.calls import DecisionCalls
from mm_tui.services.decisions.log import DecisionLog
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.events import DecisionChanged, Notify, PendingChanged
from mm_tui.services.pace import Pace
from mm_tui.store.decisions.locks import TakenOver
from mm_tui.store.seal import STORE_FAULTS

LONGEST_PAUSE = 60.0
"""The longest time in seconds between two readings while an outcome is unknown."""
LONGEST_SCAN_PAUSE = 5.0
"""The longest time in seconds between two readings while an edit is being scanned."""
MARK_SECONDS = 10.0
"""Seconds to wait for the tags that name the edit before the original is retired."""
AT_ONCE = 4
"""How many decisions may call the gateway at the same time."""

log = logging.getLogger("mm_tui.decisions")


class _Write(NamedTuple):
    """What must be written to the disk about one decision."""

    decision: ActiveDecision
    state: State
    entries: tuple[WriteEntry, ...]
    drop_text: bool = False


class Driver:
    """Performs the effects of each decision. A decision has one effect in progress at a time, its activity."""

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
        self._pace = Pace()
        """A thousand may be held, undone or due at one moment."""
        self.closing = False
        """Set when the program is closing: from then on no call starts."""

    # Events

    async def feed(self, decision: ActiveDecision, event: Event, turn: int | None = None) -> bool:
        """Handles an event. Returns False if it did not fit the state, or came from an earlier activity."""
        async with decision.lock:
            if turn is not None and turn != decision.turn:
                return False
            if self.closing and (write := self._take_now(decision, Quit())) is not None:
                await self._write_soon([write])
            return await self._take(decision, event)

    async def feed_all(self, decisions: Sequence[ActiveDecision], event: Undo | Quit) -> list[ActiveDecision]:
        """Handles one event for several decisions at the same moment, and writes their journal entries in one
        transaction.

        Neither event makes a call. They take effect at once; the journal is written afterwards, which may be slow or
        fail.

        Returns:
            The decisions that ended.
        """
        ended: list[ActiveDecision] = []
        writes: list[_Write] = []
        busy: list[ActiveDecision] = []
        for decision in decisions:
            if decision.lock.locked():
                # Its journal is being written. The call that would follow is not started.
                decision.undo_asked = isinstance(event, Undo) and can_undo(decision.state)
                busy.append(decision)
            elif (write := self._take_now(decision, event)) is not None:
                writes.append(write)
        ended += [write.decision for write in writes if write.state.ended]
        if writes:
            await self._write_soon(writes)
        for decision in busy:
            async with decision.lock:
                write = self._take_now(decision, event)
                decision.undo_asked = False
            if write is not None:
                await self._write_soon([write])
            if decision.state.outcome in (Outcome.UNDONE, Outcome.FELL_BACK):
                ended.append(decision)
        return ended

    def _take_now(self, decision: ActiveDecision, event: Event) -> _Write | None:
        """Handles an event that causes no call; returns what must be written."""
        state, effects = step(decision.state, event)
        if state == decision.state:
            return None
        if state.step is Step.CALL:
            # Its answer is still pending.
            decision.state = state
            return None
        self._adopt(decision, state)
        self._free_slot(decision)
        self.tell(decision)
        return _Write(decision, state, tuple(effect for effect in effects if isinstance(effect, WriteEntry)))

    async def _take(self, decision: ActiveDecision, event: Event) -> bool:
        state, effects = step(decision.state, event)
        if state == decision.state and not effects:
            return False
        entries = [effect for effect in effects if isinstance(effect, WriteEntry)]
        rest = [effect for effect in effects if not isinstance(effect, WriteEntry)]
        calls = any(isinstance(effect, Call) for effect in rest)
        if entries and not await self._journal(decision, state, entries, DropText() in rest, once=calls):
            # No call may be made that is not in the journal: wait, then try again.
            self._stop(decision)
            self._free_slot(decision)
            if not decision.is_lost:
                self.start(
                    decision, Pause(), then=ReadFailed(decision.trouble) if decision.state.step is Step.CHECK else event
                )
            self.tell(decision)
            return False
        self._adopt(decision, state)
        if calls and (decision.undo_asked or self.closing):
            write = self._take_now(decision, NotMade(undone=decision.undo_asked))
            assert write is not None
            await self._write_soon([write])
            return True
        if any(entry.entry is Entry.SUBMITTED for entry in entries) and not self.closing:
            self._mark_pair(decision)
        for effect in rest:
            if isinstance(effect, Hold) and effect.anew:
                self.hold([decision], decision.hold_seconds)
            elif not isinstance(effect, DropText):
                self.start(decision, effect)
        if not any(isinstance(effect, Traffic) for effect in rest):
            self._free_slot(decision)
        self.tell(decision)
        return True

    def _adopt(self, decision: ActiveDecision, state: State) -> None:
        if (state.stage, state.step) != (decision.state.stage, decision.state.step):
            decision.pauses = 0
        if state.step is Step.DOUBT and decision.doubt_since is None:
            decision.doubt_since = self._clock.now().astimezone()
        elif not state.called:
            decision.doubt_since = None
        decision.state = state
        decision.turn += 1
        self._stop(decision)

    def _stop(self, decision: ActiveDecision) -> None:
        """Cancels the activity, unless it is the caller itself. A call in progress is never cancelled, because no event
        fits its state."""
        if decision.activity is not None and decision.activity is not asyncio.current_task():
            decision.activity.cancel()
        decision.activity = None

    # The journal

    async def _journal(
        self, decision: ActiveDecision, state: State, entries: Sequence[WriteEntry], drop_text: bool, *, once: bool
    ) -> bool:
        """Writes the entries and the state to the disk: tries `once`, or until it succeeds."""
        wait = 1.0
        while True:
            try:
                await asyncio.to_thread(self._write, [_Write(decision, state, tuple(entries), drop_text)])
            except STORE_FAULTS as error:
                log.error("the journal cannot be written: %s", type(error).__name__)
                decision.trouble = f"the journal cannot be written: {error}"
                if once:
                    return False
                self.tell(decision)
                await self._clock.sleep(wait)
                wait = min(LONGEST_PAUSE, wait * 2)
            else:
                if decision.is_lost:
                    return False
                decision.trouble = ""
                return True

    def _write(self, writes: Sequence[_Write]) -> None:
        with self._store.database.write(durable=True) as connection:
            for decision, state, entries, drop_text in writes:
                try:
                    self._store.write(connection, decision, state, entries, self._clock.now())
                except TakenOver as error:
                    # Nothing was written for this one; the others of the batch continue.
                    decision.trouble, decision.is_lost = str(error), True
                    continue
                if drop_text:
                    self._store.drop_text(decision)

    async def _write_soon(self, writes: Sequence[_Write]) -> None:
        """Writes in the background until it succeeds; returns after the first try."""
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
            except STORE_FAULTS as error:
                log.error("the journal cannot be written: %s", type(error).__name__)
                trouble = f"the journal cannot be written: {error}"
            else:
                trouble, wait = "", 0.0
            finally:
                tried.set()
            for write in writes:
                if write.decision.trouble != trouble and not write.decision.is_lost:
                    write.decision.trouble = trouble
                    self.tell(write.decision)
            if not trouble:
                return
            await self._clock.sleep(wait)
            wait = min(LONGEST_PAUSE, wait * 2)

    async def written(self) -> None:
        """Waits until everything is written."""
        while self._writing:
            await asyncio.wait(set(self._writing))

    # Effects

    def _mark_pair(self, decision: ActiveDecision) -> None:
        """Starts tagging two waiting emails as a pair, for other programs. This is done before the original is
        retired."""
        decision.marking = asyncio.create_task(self._calls.mark_pair(decision))

    async def _marked(self, decision: ActiveDecision) -> None:
        """Waits until original and edit are tagged as a pair, or until that takes too long."""
        if decision.marking is not None and decision.state.stage is Stage.RETIRE:
            await asyncio.wait({decision.marking}, timeout=MARK_SECONDS)

    def hold(self, decisions: Sequence[ActiveDecision], seconds: float) -> None:
        """Starts the hold, which ends at the same moment for all these decisions."""
        ends_at = self._clock.monotonic() + seconds
        for decision in decisions:
            decision.hold_seconds, decision.ends_at = seconds, ends_at
            self.start(decision, Hold())

    def start(self, decision: ActiveDecision, effect: Effect, then: Event | None = None) -> None:
        """Starts the effect, and feeds back its result, or `then` after a pause."""
        decision.activity = asyncio.create_task(self._perform(decision, effect, decision.turn, then))

    async def _perform(self, decision: ActiveDecision, effect: Effect, turn: int, then: Event | None) -> None:
        try:
            await self.feed(decision, await self._outcome(decision, effect, then), turn)
        except Exception as error:  # noqa: BLE001 - a fault of our own must be seen, not leave a decision standing still
            log.error("a decision stopped: %s", type(error).__name__)
            decision.trouble = f"stopped by an internal error ({type(error).__name__}): start it again"
            self._free_slot(decision)
            self.tell(decision)

    async def _outcome(self, decision: ActiveDecision, effect: Effect, then: Event | None) -> Event:
        """Performs the effect and returns its result."""
        match effect:
            case Hold():
                return await self._held(decision)
            case Pause():
                longest = LONGEST_SCAN_PAUSE if decision.state.stage is Stage.WAIT else LONGEST_PAUSE
                await self._sleep(min(longest, 2.0 ** min(decision.pauses, 10)))
                decision.pauses += 1
                return then or Elapsed()
            case Find():
                await self._take_slot(decision)
                return await self._calls.find(decision)
            case Look(email_id):
                looking = self._look(decision, email_id)
                if not decision.state.early:
                    return await looking
                found, slept = await noticing_sleep(looking)
                decision.slept = decision.slept or slept
                return found
            case Decide() | RecordApproval() | Submit() | Cancel() | Reschedule():
                # The reading before it has taken a slot. Without one, as when an edit is withdrawn, it does not wait: a
                # call in the journal is made at once.
                if self.closing:
                    return NotMade(undone=False)
                return await self._calls.perform(decision, effect)
            case WriteEntry() | DropText():
                raise AssertionError("is written, not performed")

    async def _look(self, decision: ActiveDecision, email_id: str) -> Event:
        await self._marked(decision)
        await self._take_slot(decision)
        return await self._calls.look(decision, email_id, partial(self._rest, decision))

    async def _held(self, decision: ActiveDecision) -> Event:
        """Waits until the hold ends; returns `Slept` if the machine slept meanwhile."""
        if decision.slept:
            decision.slept = False
            return Slept()
        while (left := decision.ends_at - self._clock.monotonic()) > 0:
            _, slept = await noticing_sleep(self._clock.sleep(min(left, TICK_SECONDS)))
            if slept:
                return Slept()
        await self._pace.turn()
        return Elapsed()

    # Slots

    async def _take_slot(self, decision: ActiveDecision) -> None:
        """Waits until this decision may call the gateway. It keeps its slot from the readings until after the call."""
        if not decision.has_slot:
            await self._slots.acquire()
            decision.has_slot = True

    def _free_slot(self, decision: ActiveDecision) -> None:
        if decision.has_slot:
            decision.has_slot = False
            self._slots.release()

    async def _rest(self, decision: ActiveDecision, seconds: float, asked: bool) -> None:
        """Waits before a reading is tried again; other decisions do not wait."""
        self._free_slot(decision)
        if asked:
            until = (self._clock.now() + timedelta(seconds=seconds)).astimezone()
            decision.trouble = f"the gateway asks to wait until {until:%H:%M:%S}"
            self.tell(decision)
        await self._sleep(seconds)
        decision.trouble = ""
        await self._take_slot(decision)
        self.tell(decision)

    async def _sleep(self, seconds: float) -> None:
        """Waits this long, or until a human asks to continue."""
        await sleep_or_wake(self._clock, seconds, self._hurried)

    def hurry(self) -> None:
        """Ends all waiting, so that the gateway is asked again now."""
        self._hurried.set()
        self._hurried = asyncio.Event()

    async def stop_all(self, decisions: Sequence[ActiveDecision]) -> None:
        """Cancels everything in progress."""
        under_way = [decision.activity for decision in decisions if decision.activity is not None]
        under_way += [*(decision.marking for decision in decisions if decision.marking is not None), *self._writing]
        for activity in under_way:
            activity.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def tell(self, decision: ActiveDecision) -> None:
        """Notifies the screens that the decision changed."""
        decision.moved.set()
        decision.moved = asyncio.Event()
        if decision.state.ended:
            self._on_end(decision)
        self._pace.call(partial(self._announce, decision))

    def _announce(self, decision: ActiveDecision) -> None:
        self._notify(DecisionChanged(decision.email_id))
        if decision.state.replacement:
            self._notify(DecisionChanged(decision.state.replacement))
        if decision.state.ended:
            self._notify(PendingChanged())
