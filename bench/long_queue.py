"""A queue of thousands of waiting drafts: `python -m bench.long_queue [DRAFTS]`, prints JSON.

The real app runs without a terminal in this process, on a store that holds the queue and a gateway that is not there.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bench.stalls import Watch
from mm_tui.app import MmTui
from mm_tui.models import EmailSummary, Party, PendingItem, RawContent
from mm_tui.screens.pending.column import PendingList
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.session import Session
from mm_tui.settings import file as config_file
from mm_tui.startup import TURN_SECONDS
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import ManyLine, OneLine

DRAFTS = 5_000
BOX = "01JBOX"
KEYS = (("filter", "l"), ("sort", "o"), ("back to the order", "o"), ("next", "j"), ("page", "pagedown"), ("last", "G"))
ROUNDS = 5
LIMIT_SECONDS = 240
BULK = 1_000
"""Drafts that are rejected together."""


def _draft(number: int) -> PendingItem:
    to = f"anna{number}@customer.example"
    body = (
        f"Dear Anna {number},\n\nyour refund of {number % 90} EUR for order {number} is on its way. Please call us.\n"
    )
    subject = f"Re: Order {number}"
    return PendingItem(
        id=f"01K{number:023d}",
        mailbox_id=BOX,
        sender=Party.parse("support@acme.example"),
        to=(Party.parse(to),),
        subject=OneLine(subject),
        body=ManyLine(body * 4),
        raw=RawContent(sender="support@acme.example", to=(to,), subject=subject, body=body * 4),
        direction=OneLine("outbound"),
        status=OneLine("pending_send_approval"),
        received_at=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=number),
        thread_id=f"t{number}",
        complete=True,
    )


def _question(number: int) -> EmailSummary:
    return EmailSummary(
        id=f"01J{number:023d}",
        mailbox_id=BOX,
        sender=Party.parse(f"anna{number}@customer.example"),
        to=(Party.parse("support@acme.example"),),
        subject=OneLine(f"Order {number}"),
        direction=OneLine("inbound"),
        status=OneLine("read"),
        received_at=datetime(2026, 2, 1, tzinfo=UTC) + timedelta(minutes=number),
        thread_id=f"t{number}",
    )


def fill(database: Database, drafts: int) -> None:
    """Puts so many drafts into a store, each an answer to a mail."""
    MailStore(database).upsert(_question(number) for number in range(drafts))
    PendingStore(database).replace([_draft(number) for number in range(drafts)], datetime.now(UTC))


async def _until(condition: Callable[[], bool]) -> float:
    begun = time.perf_counter()
    while not condition():
        if time.perf_counter() - begun > LIMIT_SECONDS:
            raise TimeoutError("the queue was not read")
        await asyncio.sleep(0.002)
    return time.perf_counter() - begun


def _lists_something(app: MmTui) -> bool:
    screen = app.screen
    return isinstance(screen, PendingScreen) and bool(screen.query(PendingList)) and bool(screen.queue_list.keys)


async def measure(drafts: int) -> dict[str, float]:
    """Milliseconds of each act at worst, seconds until all are assessed, the longest stalls of the event loop.

    But for stalls, opening and what says so, it is processor time: what else the machine does is no part of it.
    """
    session = Session.open(config_file.load())
    fill(session.database, drafts)
    app = MmTui(session)
    found: dict[str, float] = {}
    worked = time.process_time()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(1.0)
        # As when a reviewer looks at the inbox first. It counts as work for the assessment.
        if rules := [worker for worker in app.workers if worker.group == "rules"]:
            await app.workers.wait_for_complete(rules)
        watch = Watch()

        def stalled(name: str) -> None:
            found[f"{name}_own_ms"], found[f"{name}_ms"] = watch.longest_own(), watch.longest()

        await pilot.pause(0.1)
        stalled("stall")
        begun = time.perf_counter()
        # Beside the rest: the pilot's own wait for the key takes longer than what follows from it.
        pressing = asyncio.create_task(pilot.press("2"))
        await _until(lambda: _lists_something(app))
        found["open_ms"] = (time.perf_counter() - begun) * 1000
        await pressing
        screen = app.screen
        assert isinstance(screen, PendingScreen)
        await _until(lambda: len(screen.listing.waiting) == drafts)
        found["assessed_s"] = time.process_time() - worked
        found["assessed_by_the_clock_s"] = time.perf_counter() - begun
        stalled("stall")
        for name, key in KEYS * ROUNDS:
            begun = time.thread_time()
            await pilot.press(key)
            found[f"{name}_ms"] = max(found.get(f"{name}_ms", 0.0), (time.thread_time() - begun) * 1000)
            stalled("keys_stall")
        worked = time.process_time()
        screen.reload()
        before = screen.listing.waiting
        await _until(lambda: screen.listing.waiting is not before)
        found["read_again_ms"] = (time.process_time() - worked) * 1000
        stalled("reading_again_stall")
        batch = screen.listing.entries[: min(BULK, drafts // 2)]
        worked = time.process_time()
        screen.bulk_reject.begin(batch, "sent twice")
        await _until(
            lambda: app.session.decisions is not None and len(app.session.decisions.overview.hold_ends()) == len(batch)
        )
        found["bulk_begun_s"] = time.process_time() - worked
        await pilot.pause(1.5)
        stalled("bulk_stall")
        worked = time.process_time()
        await pilot.press("u")
        await _until(lambda: app.session.decisions is not None and not app.session.decisions.overview.hold_ends())
        found["bulk_undone_s"] = time.process_time() - worked
        await pilot.pause(0.5)
        stalled("undo_stall")
        await watch.end()
    found["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def main() -> None:
    """Prints the figures."""
    gc.disable()
    sys.setswitchinterval(TURN_SECONDS)
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else DRAFTS))))


if __name__ == "__main__":
    main()
