"""How long the event loop stands still at worst: `python -m bench.stalls arrive|body|thread|draft`, prints JSON.

The real app runs without a terminal in this process; beside it a task asks to be woken every few milliseconds and
takes how late it is.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import asdict

from mm_tui.app import MmTui
from mm_tui.models import EmailDetail, EmailSummary, Party, PendingItem, RawContent
from mm_tui.session import Session
from mm_tui.settings import file as config_file
from mm_tui.settings import paths
from mm_tui.startup import TURN_SECONDS
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore, MailView
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import ManyLine, OneLine

TICK = 0.002
BODY_CHARACTERS = 262_144
THREAD_MAILS = 1_000
ARRIVING = 10_000
THREAD_KEYS = ("enter", "pagedown", "pagedown", "j", "j", "n", "p", "G", "g", "escape")


class Watch:
    """The longest lateness since it was last asked for, in milliseconds."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._longest_own = 0.0
        # Kept open: opening it for each look would take more time than what is measured.
        self._schedule = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
        self._task = asyncio.create_task(self._run())

    def _waited(self) -> int:
        """Nanoseconds for which this thread could have run, but the machine ran something else."""
        return int(os.pread(self._schedule, 100, 0).split()[1])

    async def _run(self) -> None:
        after = self._waited()
        while True:
            wanted, before = time.perf_counter() + TICK, after
            await asyncio.sleep(TICK)
            late, after = time.perf_counter() - wanted, self._waited()
            self._longest = max(self._longest, late)
            self._longest_own = max(self._longest_own, late - (after - before) / 1e9)

    def longest_own(self) -> float:
        """The same without the time for which the machine ran other programs. Ask for it before `longest`."""
        longest, self._longest_own = self._longest_own, 0.0
        return longest * 1000

    def longest(self) -> float:
        longest, self._longest = self._longest, 0.0
        return longest * 1000

    async def end(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        os.close(self._schedule)


def _mail(number: int, thread: str) -> EmailSummary:
    return EmailSummary(
        id=f"01J{number:023d}",
        mailbox_id="01JBOX",
        sender=Party.parse(f"anna{number % 50}@customer.example"),
        to=(Party.parse("support@acme.example"),),
        subject=OneLine(f"Question {number}"),
        direction=OneLine("inbound"),
        status=OneLine("read"),
        received_at=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=number),
        thread_id=thread,
    )


def _body() -> str:
    line = "A long line of an ordinary mail, with **words** of all kinds: größer, 見積もり, résumé. "
    return ((line * 3 + "\n") * (BODY_CHARACTERS // (3 * len(line)) + 1))[:BODY_CHARACTERS]


def _prepare(store: Path, what: str) -> None:
    with Database.open(store) as database:
        mail = MailStore(database)
        if what == "body":
            summary = _mail(1, "t")
            raw = RawContent(sender="anna1@customer.example", body=_body())
            mail.upsert([summary])
            mail.save_detail(EmailDetail(**asdict(summary), body=ManyLine(raw.body), raw=raw), at=datetime.now(UTC))
        elif what == "draft":
            raw = RawContent(sender="support@acme.example", to=("anna1@customer.example",), body=_body())
            item = PendingItem(
                id="01JDRAFT",
                mailbox_id="01JBOX",
                sender=Party.parse(raw.sender),
                to=(Party.parse(raw.to[0]),),
                direction=OneLine("outbound"),
                body=ManyLine(raw.body),
                received_at=datetime.now(UTC),
                raw=raw,
                complete=True,
            )
            PendingStore(database).replace([item], datetime.now(UTC))
        elif what == "thread":
            mail.upsert(_mail(number, "t") for number in range(THREAD_MAILS))


@contextmanager
def _open_session(folder: Path) -> Iterator[Session]:
    settings = config_file.load()
    yield Session.open(settings)


async def arrive(folder: Path) -> float:
    """During the initial sync of `ARRIVING` mails, with the list on the screen."""
    with _open_session(folder) as session:
        app = MmTui(session)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(0.2)
            watch = Watch()
            ends = time.monotonic() + 120
            # In a thread: what counts them here is no part of what is measured.
            while len(await asyncio.to_thread(session.mail.keys, MailView(), limit=ARRIVING)) < ARRIVING:
                if time.monotonic() >= ends:
                    raise TimeoutError("the mails did not arrive")
                await asyncio.sleep(0.25)
            longest = watch.longest()
            await watch.end()
            return longest


async def opened(folder: Path, *keys: str) -> float:
    """While the only thread or draft is opened, read to its end and left by these keys."""
    with _open_session(folder) as session:
        app = MmTui(session)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(0.5)
            watch = Watch()
            await pilot.pause(0.2)
            watch.longest()
            for key in keys:
                await pilot.press(key)
                await pilot.pause(0.1)
            longest = watch.longest()
            await watch.end()
            return longest


def main() -> None:
    """Runs one of them in a folder of its own; `MM_TUI_*` and `MULTIMAIL_*` name the gateway for `arrive`."""
    what = sys.argv[1]
    # As `mm-tui` itself begins; the app switches the collector on again once all is loaded.
    gc.disable()
    sys.setswitchinterval(TURN_SECONDS)
    folder = paths.data_dir()
    store = paths.store_path(config_file.load().profile.name)
    store.parent.mkdir(parents=True, exist_ok=True)
    _prepare(store, what)
    keys = (
        ("2", "enter", "pagedown", "pagedown", "G", "g", "m", "m", "i", "escape", "e", "x", "escape")
        if what == "draft"
        else THREAD_KEYS
    )
    longest = asyncio.run(arrive(folder) if what == "arrive" else opened(folder, *keys))
    print(json.dumps({"longest_ms": longest}))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory():
        main()
