"""Spreads what happens to many at one moment over several turns of the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

A_TURN = 16
"""How many calls are made in one turn: each may have every screen look at it."""


class Pace:
    """Makes calls at once while there are few, and the others in the next turns, in their order. What has to hold for
    all at one moment must be done before; these calls only tell others, or begin what comes next."""

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
