"""Performs the effects of decisions. Each is awaited, and its result is an event for the decision procedure."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from mm_tui.clock import TICK_SECONDS, Clock, noticing_sleep, sleep_or_wake
from mm_tui.decision.effects import DropText, Effect, Find, Hold, Look, Pause, WriteEntry
from mm_tui.decision.events import Elapsed, Event, Slept
from mm_tui.decision.state import Stage
from mm_tui.services.decisions.calls import DecisionCalls
from mm_tui.services.decisions.record import ActiveDecision

A_TURN = 16
"""How many calls are made in one turn: each may have every screen look at it."""


class Pace:
    """Makes calls at once while there are few, and the others in the next turns, in their order. What has to hold for
    all at one moment must be done before; these calls only notify others, or begin what comes next."""

    def __init__(self) -> None:
        self._left = A_TURN
        self._waiting: deque[Callable[[], object]] = deque()
        self._is_counting = False

    def call(self, function: Callable[[], object]) -> None:
        """Calls the function now or soon. Call it in the event loop's thread."""
        if self._waiting or not self._left:
            self._waiting.append(function)
            return
        self._left -= 1
        if not self._is_counting:
            self._is_counting = True
            asyncio.get_running_loop().call_soon(self._next_turn)
        function()

    async def turn(self) -> None:
        """Waits until it is the caller's turn."""
        come = asyncio.Event()
        self.call(come.set)
        await come.wait()

    def _next_turn(self) -> None:
        number = min(A_TURN, len(self._waiting))
        self._left, self._is_counting = A_TURN - number, number > 0
        if number:
            # Before the calls: one that fails keeps no other waiting.
            asyncio.get_running_loop().call_soon(self._next_turn)
        for _ in range(number):
            self._waiting.popleft()()


LONGEST_PAUSE = 60.0
"""The longest time in seconds between two readings while an outcome is unknown."""
LONGEST_SCAN_PAUSE = 5.0
"""The longest time in seconds between two readings while an edit is being scanned."""
MARK_SECONDS = 10.0
"""Seconds to wait for the tags that name the edit before the original is retired."""
AT_ONCE = 4
"""How many decisions may call the gateway at the same time."""


class Performer:
    """Performs effects, with the gateway and the clock. A decision takes one of a few slots for its readings, and keeps
    it until after its call. `pace`: a thousand may be due at one moment. `report`: called with each decision whose
    `trouble` changed."""

    def __init__(
        self, calls: DecisionCalls, clock: Clock, pace: Pace, report: Callable[[ActiveDecision], None]
    ) -> None:
        self._calls = calls
        self._clock = clock
        self._pace = pace
        self._report = report
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._hurried = asyncio.Event()

    async def perform(self, decision: ActiveDecision, effect: Effect) -> Event:
        """Performs the effect and returns its result."""
        match effect:
            case Hold():
                return await self._hold(decision)
            case Pause():
                longest = LONGEST_SCAN_PAUSE if decision.state.stage is Stage.WAIT else LONGEST_PAUSE
                await self._sleep(min(longest, 2.0 ** min(decision.pauses, 10)))
                decision.pauses += 1
                return Elapsed()
            case Find():
                await self._take_slot(decision)
                return await self._calls.find(decision)
            case Look(email_id):
                return await self._look(decision, email_id)
            case WriteEntry() | DropText():
                raise AssertionError("is written, not performed")
            case _:
                # The reading before it has taken a slot. Without one, as when an edit is withdrawn, it does not wait: a
                # call in the journal is made at once.
                return await self._calls.perform(decision, effect)

    async def _look(self, decision: ActiveDecision, email_id: str) -> Event:
        """Reads an email; during the hold it also notices whether the machine slept meanwhile."""
        if not decision.state.early:
            return await self._read(decision, email_id)
        found, slept = await noticing_sleep(self._read(decision, email_id))
        decision.slept = decision.slept or slept
        return found

    async def _read(self, decision: ActiveDecision, email_id: str) -> Event:
        if decision.marking is not None and decision.state.stage is Stage.RETIRE:
            await asyncio.wait({decision.marking}, timeout=MARK_SECONDS)
        await self._take_slot(decision)
        return await self._calls.look(decision, email_id, partial(self._rest, decision))

    def mark_pair(self, decision: ActiveDecision) -> None:
        """Starts tagging original and edit as a pair, for other programs, before the original is retired."""
        decision.marking = asyncio.create_task(self._calls.mark_pair(decision))

    # Waiting

    async def _hold(self, decision: ActiveDecision) -> Event:
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

    async def _rest(self, decision: ActiveDecision, seconds: float, asked: bool) -> None:
        """Waits before a reading is tried again; other decisions do not wait."""
        self.free_slot(decision)
        if asked:
            until = (self._clock.now() + timedelta(seconds=seconds)).astimezone()
            decision.trouble = f"the gateway asks to wait until {until:%H:%M:%S}"
            self._report(decision)
        await self._sleep(seconds)
        decision.trouble = ""
        await self._take_slot(decision)
        self._report(decision)

    async def _sleep(self, seconds: float) -> None:
        """Waits this long, or until a human asks to continue."""
        await sleep_or_wake(self._clock, seconds, self._hurried)

    def hurry(self) -> None:
        """Ends all waiting, so that the gateway is asked again now."""
        self._hurried.set()
        self._hurried = asyncio.Event()

    # Slots

    async def _take_slot(self, decision: ActiveDecision) -> None:
        """Waits until this decision may call the gateway."""
        if not decision.has_slot:
            await self._slots.acquire()
            decision.has_slot = True

    def free_slot(self, decision: ActiveDecision) -> None:
        """Lets another decision call the gateway."""
        if decision.has_slot:
            decision.has_slot = False
            self._slots.release()
