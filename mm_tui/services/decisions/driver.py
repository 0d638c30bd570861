"""Drives decisions: gives each event to the decision procedure, has the new state journaled, and starts what follows.

Events come from humans, or are the results of effects. A decision has one effect in progress at a time, its activity.

The journal comes first: a call starts only once it is on the disk. Undoing, quitting and any other end before the first
call have no effect outside, so they count at once and are journaled afterwards, which may be slow or fail.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

from mm_tui.clock import Clock
from mm_tui.decision.effects import Call, DropText, Effect, EntryKind, Hold, Pause, Traffic, WriteEntry
from mm_tui.decision.events import Event, NotMade, Quit, ReadFailed, Undo
from mm_tui.decision.machine import can_undo, step
from mm_tui.decision.state import Outcome, State, Step
from mm_tui.services.decisions.calls import DecisionCalls
from mm_tui.services.decisions.journaling import JournalWrite, JournalWriter
from mm_tui.services.decisions.log import DecisionLog
from mm_tui.services.decisions.performing import Pace, Performer
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.events import DecisionChanged, Notify, PendingChanged

log = logging.getLogger("mm_tui.decisions")


class Driver:
    """Drives all decisions of this program, on one event loop."""

    def __init__(
        self,
        store: DecisionLog,
        calls: DecisionCalls,
        clock: Clock,
        notify: Notify,
        on_end: Callable[[ActiveDecision], None] = lambda _: None,
    ) -> None:
        self._on_end = on_end
        self._clock = clock
        self._notify = notify
        self._pace = Pace()
        """A thousand may be held, undone or due at one moment."""
        self.journal = JournalWriter(store, clock, self.report)
        self.performer = Performer(calls, clock, self._pace, self.report)
        self.closing = False
        """Set when the program is closing: from then on no call starts."""

    # Events

    async def feed(self, decision: ActiveDecision, event: Event, turn: int | None = None) -> bool:
        """Handles an event. Returns False if it did not fit the state, or came from an earlier activity."""
        async with decision.lock:
            if turn is not None and turn != decision.turn:
                return False
            if self.closing and (write := self._take_now(decision, Quit())) is not None:
                await self.journal.write_soon([write])
            return await self._take(decision, event)

    async def feed_all(self, decisions: Sequence[ActiveDecision], event: Undo | Quit) -> list[ActiveDecision]:
        """Feeds an event to several decisions at once, journaled in one transaction. Returns those that ended."""
        busy = [decision for decision in decisions if decision.lock.locked()]
        for decision in busy:
            # Its journal is being written. The call that would follow is not started.
            decision.undo_asked = isinstance(event, Undo) and can_undo(decision.state)
        found = [self._take_now(decision, event) for decision in decisions if decision not in busy]
        writes = [write for write in found if write is not None]
        ended = [write.decision for write in writes if write.state.ended]
        if writes:
            await self.journal.write_soon(writes)
        for decision in busy:
            async with decision.lock:
                late = self._take_now(decision, event)
                decision.undo_asked = False
            if late is not None:
                await self.journal.write_soon([late])
            if decision.state.outcome in (Outcome.UNDONE, Outcome.FELL_BACK):
                ended.append(decision)
        return ended

    def _take_now(self, decision: ActiveDecision, event: Event) -> JournalWrite | None:
        """Handles an event that causes no call; returns what must be journaled."""
        state, effects = step(decision.state, event)
        if state == decision.state:
            return None
        if state.step is Step.CALL:
            # Its answer is still pending.
            decision.state = state
            return None
        self._adopt(decision, state)
        self.performer.free_slot(decision)
        self.report(decision)
        return JournalWrite(decision, state, [effect for effect in effects if isinstance(effect, WriteEntry)])

    async def _take(self, decision: ActiveDecision, event: Event) -> bool:
        """Handles an event: journals the new state, then starts the effects."""
        state, effects = step(decision.state, event)
        if state == decision.state and not effects:
            return False
        entries = [effect for effect in effects if isinstance(effect, WriteEntry)]
        drops_text = any(isinstance(effect, DropText) for effect in effects)
        to_start = [effect for effect in effects if not isinstance(effect, WriteEntry | DropText)]
        calls = any(isinstance(effect, Call) for effect in to_start)
        write = JournalWrite(decision, state, entries, drops_text)
        # If nothing of it has left the machine, its end need not wait for the disk, as an undo need not.
        ends_unsent = state.ended and can_undo(decision.state) and not (drops_text or to_start)
        if entries and not await self.journal.write(write, once=calls or ends_unsent):
            if ends_unsent and not decision.is_lost and (ended := self._take_now(decision, event)) is not None:
                await self.journal.write_soon([ended])
                return True
            self._wait_for_journal(decision, event)
            return False
        self._adopt(decision, state)
        if calls and (decision.undo_asked or self.closing):
            stopped = self._take_now(decision, NotMade(undone=decision.undo_asked))
            assert stopped is not None
            await self.journal.write_soon([stopped])
            return True
        if any(entry.entry is EntryKind.SUBMITTED for entry in entries) and not self.closing:
            self.performer.mark_pair(decision)
        for effect in to_start:
            if isinstance(effect, Hold) and effect.restarts:
                self.hold([decision], decision.hold_seconds)
            else:
                self._start(decision, effect)
        if not any(isinstance(effect, Traffic) for effect in to_start):
            self.performer.free_slot(decision)
        self.report(decision)
        return True

    def _wait_for_journal(self, decision: ActiveDecision, event: Event) -> None:
        """Tries again later: no call may be made that is not in the journal. Before a call the email is read again."""
        self._stop(decision)
        self.performer.free_slot(decision)
        if not decision.is_lost:
            again = ReadFailed(decision.trouble) if decision.state.step is Step.CHECK else event
            self._start(decision, Pause(), then=again)
        self.report(decision)

    def _adopt(self, decision: ActiveDecision, state: State) -> None:
        """Puts the decision into a new state, and ends its activity."""
        if (state.stage, state.step) != (decision.state.stage, decision.state.step):
            decision.pauses = 0
            decision.step_since = None
        if decision.state.early and not state.early:
            decision.step_since = None
        if state.step is Step.DOUBT and decision.doubt_since is None:
            decision.doubt_since = self._clock.now().astimezone()
        elif not state.called:
            decision.doubt_since = None
        decision.state = state
        decision.turn += 1
        self._stop(decision)

    # Activities

    def hold(self, decisions: Sequence[ActiveDecision], seconds: float) -> None:
        """Starts the hold, which ends at the same moment for all these decisions."""
        ends_at = self._clock.monotonic() + seconds
        for decision in decisions:
            decision.hold_seconds, decision.ends_at = seconds, ends_at
            self._start(decision, Hold())

    def _start(self, decision: ActiveDecision, effect: Effect, then: Event | None = None) -> None:
        """Starts the effect, and feeds back its result, or `then` once it has ended."""
        if decision.step_since is None:
            decision.step_since = self._clock.monotonic()
        decision.activity = asyncio.create_task(self._perform(decision, effect, decision.turn, then))

    async def _perform(self, decision: ActiveDecision, effect: Effect, turn: int, then: Event | None) -> None:
        try:
            if self.closing and isinstance(effect, Call):
                event: Event = NotMade(undone=False)
            else:
                event = await self.performer.perform(decision, effect)
            await self.feed(decision, then or event, turn)
        except Exception as error:  # noqa: BLE001 - a fault of our own must be seen, not leave a decision standing still
            log.error("a decision stopped: %s", type(error).__name__)
            decision.trouble = f"stopped by an internal error ({type(error).__name__}): start it again"
            self.performer.free_slot(decision)
            self.report(decision)

    def _stop(self, decision: ActiveDecision) -> None:
        """Cancels the activity, unless it is the caller itself. A call in progress is never cancelled, because no event
        fits its state."""
        if decision.activity is not None and decision.activity is not asyncio.current_task():
            decision.activity.cancel()
        decision.activity = None

    async def stop_all(self, decisions: Sequence[ActiveDecision]) -> None:
        """Cancels everything in progress."""
        started = [task for decision in decisions for task in (decision.activity, decision.marking) if task is not None]
        for task in started:
            task.cancel()
        await asyncio.gather(*started, *self.journal.stop(), return_exceptions=True)

    # Reports

    def report(self, decision: ActiveDecision) -> None:
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
