"""What happens to many at one moment takes several turns of the event loop; a few are not kept waiting."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import pairwise

from mm_tui.services.decisions.performing import A_TURN, Pace


async def test_a_few_calls_are_made_at_once_and_many_in_order_over_several_turns() -> None:
    pace, made = Pace(), list[int]()
    for number in range(3 * A_TURN + 1):
        pace.call(partial(made.append, number))
    assert made == list(range(A_TURN)), "as many as one turn takes"
    pace.call(partial(made.append, 3 * A_TURN + 1))
    turns = [len(made)]
    while len(made) < 3 * A_TURN + 2:
        await asyncio.sleep(0)
        turns.append(len(made))
    assert max(after - before for before, after in pairwise(turns)) <= A_TURN
    assert made == list(range(3 * A_TURN + 2))
    await asyncio.sleep(0)
    pace.call(partial(made.append, -1))
    assert made[-1] == -1, "at once again"


async def test_a_call_that_fails_or_a_wait_that_is_cancelled_keeps_no_other_waiting() -> None:
    loop, pace, made = asyncio.get_running_loop(), Pace(), list[int]()
    faults: list[object] = []
    loop.set_exception_handler(lambda _, context: faults.append(context["exception"]))
    for _ in range(A_TURN):
        pace.call(lambda: None)
    waits = [asyncio.ensure_future(pace.turn()) for _ in range(A_TURN)]
    pace.call(lambda: 1 / 0)
    waits[0].cancel()
    pace.call(partial(made.append, 1))
    async with asyncio.timeout(5):
        await asyncio.gather(*waits[1:])
        while not made:
            await asyncio.sleep(0)
    assert waits[0].cancelled()
    assert [type(fault) for fault in faults] == [ZeroDivisionError]
