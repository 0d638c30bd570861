"""Several decisions, few slots: whichever the gateway asks to wait for ever, the others go on and those can be undone.

Every subset is asked to, with the real driver and client, and every way out is tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import httpx
import pytest

from mm_tui.decision.state import Outcome
from mm_tui.services.decisions import performing
from mm_tui.services.decisions.view import Phase
from tests.support.desk import at_desk
from tests.support.sandbox import Sandbox

MANY = 4
SLOTS = 2
SUBSETS = [subset for size in range(MANY + 1) for subset in combinations(range(MANY), size)]


class Busy(httpx.AsyncHTTPTransport):
    """The real network, but the gateway is too busy to show some mails, for a day at least."""

    def __init__(self) -> None:
        super().__init__()
        self.must_wait: set[str] = set()
        self.decided: list[bytes] = []
        self.refused: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        mail = request.url.path.rpartition("/")[2]
        if request.method == "GET" and mail in self.must_wait:
            self.refused.add(mail)
            return httpx.Response(429, headers={"Retry-After": "86400"}, json={"error": "rate limit"})
        if request.url.path.endswith("/decide"):
            self.decided.append(request.content)
        return await super().handle_async_request(request)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


@pytest.mark.parametrize("way_out", ["undo", "quit", "news is asked for"])
@pytest.mark.parametrize("subset", SUBSETS, ids=str)
async def test_whoever_has_to_wait_delays_nobody(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, subset: tuple[int, ...], way_out: str
) -> None:
    monkeypatch.setattr(performing, "AT_ONCE", SLOTS)
    busy = Busy()
    # Slow enough that the longest wait that is obeyed, five minutes, does not end within the test.
    async with at_desk(tmp_path, sandbox.url, sandbox.keys, transport=busy, timeout=20, speed=4) as desk:
        mails = [await desk.read(sandbox.mailbox, sandbox.draft(f"Draft {number}")) for number in range(MANY)]
        waiting = [mails[number].id for number in subset]
        others = [mail.id for mail in mails if mail.id not in waiting]
        busy.must_wait = set(waiting)
        for mail in mails:
            await desk.approve(mail)
        for email_id in others:
            assert (await desk.settled(email_id)).phase is Phase.DONE
        await until(lambda: busy.refused == set(waiting))
        views = [desk.decisions.overview.state(email_id) for email_id in waiting]
        assert all(view is not None and view.can_undo for view in views)
        assert len(busy.decided) == len(others)
        if way_out == "undo":
            for email_id in waiting:
                assert await desk.decisions.undo(email_id) == 1
        elif way_out == "news is asked for":
            busy.must_wait = set()
            # Those that hold no slot yet are asked for as the others leave theirs.
            desk.decisions.hurry()
            for email_id in waiting:
                assert (await desk.settled(email_id)).phase is Phase.DONE
        else:
            await desk.decisions.aclose()
        ends = {"undo": Outcome.UNDONE, "quit": Outcome.FELL_BACK, "news is asked for": Outcome.APPROVED}
        views = [desk.decisions.overview.state(email_id) for email_id in waiting]
        assert [view.outcome for view in views if view is not None] == [ends[way_out]] * len(waiting)
        left = {mail["id"] for mail in sandbox.outbox()}
        assert left == ({*others, *waiting} if way_out == "news is asked for" else set(others))
        assert len(busy.decided) == len(left), "each was called once"
