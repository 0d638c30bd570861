"""The initial sync of an empty store, against a bare loop that fetches and parses the same pages."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from bench.sandbox import BenchSandbox
from mm_tui.clock import SystemClock
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.keys import Keys
from mm_tui.gateway.wire import email_summary
from mm_tui.services.events import SyncState
from mm_tui.services.sync.service import Sync
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import SyncSettings
from mm_tui.startup import TURN_SECONDS, all_is_loaded, forget_last_app
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore, MailView


class SyncTime(NamedTuple):
    """Seconds, and mails brought over."""

    seconds: float
    mails: int


async def bare_loop(sandbox: BenchSandbox, *, into_models: bool = False) -> SyncTime:
    """Every page of every mailbox, fetched and parsed, one after the other; nothing is stored.

    `into_models`: parsed into mails as the program does; else only into JSON values.
    """
    mails = 0
    started = time.perf_counter()
    headers = {"Authorization": f"Bearer {sandbox.keys['oversight']}"}
    async with httpx.AsyncClient(base_url=sandbox.url, headers=headers, trust_env=False) as client:
        for mailbox in sandbox.mailboxes:
            cursor: str | None = None
            while True:
                params = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
                answer = await client.get(f"/v1/mailboxes/{mailbox}/emails", params=params)
                page = answer.raise_for_status().json()
                if into_models:
                    mails += len([email_summary(item, mailbox) for item in page["emails"]])
                else:
                    mails += len(page["emails"])
                cursor = page["cursor"]
                if cursor is None:
                    break
    return SyncTime(time.perf_counter() - started, mails)


async def ours(sandbox: BenchSandbox, store: Path) -> SyncTime:
    """Fills a new store at `store` as the program does; what a sync reads and checks after that is not counted."""
    keys = Keys(oversight=Secret(sandbox.keys["oversight"]))
    with _as_in_the_program(), Database.open(store) as database:
        async with GatewayClient(sandbox.url, keys) as gateway:
            sync = Sync(database, gateway, SyncSettings(), SystemClock(), lambda notice: None)
            started = time.perf_counter()
            ended: list[float] = []

            def progress(state: SyncState) -> None:
                if state.mailboxes and state.mailboxes_synced == state.mailboxes:
                    ended.append(time.perf_counter())

            await sync.run_once(progress)
        return SyncTime(ended[0] - started, len(MailStore(database).keys(MailView())))


@contextmanager
def _as_in_the_program() -> Iterator[None]:
    """The program's settings of the interpreter, and afterwards Python's own again, which the bare loop has."""
    turn, collect = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(TURN_SECONDS)
    gc.disable()
    all_is_loaded()
    try:
        yield
    finally:
        forget_last_app()
        gc.set_threshold(*collect)
        sys.setswitchinterval(turn)
