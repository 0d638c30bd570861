"""What a command that works on mail needs around it: settings, the profile's store, the gateway, the sync."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mm_tui.clock import SystemClock
from mm_tui.commands import common
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.services.accounts import check_account
from mm_tui.services.audit.act_journal import BY_SERVICES, ActJournal
from mm_tui.services.facts import HouseFacts
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.services.sync.service import Sync
from mm_tui.services.sync.waiting_details import WaitingDetails
from mm_tui.session import reviewer
from mm_tui.store.belongs import Gateway, bind
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.services.events import ServiceEvent
    from mm_tui.settings.sections import Settings
    from mm_tui.store.database import Database

T = TypeVar("T")
READ_SECONDS = 30.0
"""How long a command reads details of waiting drafts; what is not read then is said to be unchecked."""


@dataclass(frozen=True)
class Office:
    """Open store and gateway of one profile."""

    settings: Settings
    database: Database
    gateway: GatewayClient
    sync: Sync
    clock: SystemClock

    async def check_account(self) -> None:
        """Makes sure that the keys' account is the one that the store is of.

        Raises:
            OtherGateway: it is not.
        """
        await check_account(self.database, self.gateway, self.settings.profile.name)

    async def refresh_queue(self) -> None:
        """Brings the mailboxes and the queue of waiting mail up to date."""
        await self.check_account()
        await self.sync.refresh_mailboxes()
        listed = await self.gateway.pending()
        PendingStore(self.database).replace(listed, self.clock.now())
        for words in listed.refused:
            emit.note(OneLine(f"mm-tui: warning: {words}"))

    async def read_drafts(self) -> WaitingDetails:
        """Reads the details of all drafts that wait, as far as they are not known; marks no mail read."""
        details = WaitingDetails(self.database, self.sync, self.clock, _ignore)
        await details.read_all(seconds=READ_SECONDS)
        return details

    def queue(self) -> ReviewQueue:
        """The queue as the store has it."""
        return ReviewQueue(self.database, self.clock, self.settings.risk, house=HouseFacts(self.settings))


@asynccontextmanager
async def office(chosen: Settings) -> AsyncIterator[Office]:
    """Opens everything, and closes it at the end.

    Raises:
        ConfigError: a key cannot be one.
        CommandError: the store cannot be used.
    """
    if words := chosen.profile.mismatch:
        emit.note(OneLine(f"mm-tui: warning: {words}"))
    database = open_store(chosen, rebuild=True)
    try:
        bind(database, Gateway.of(chosen.profile))
        async with common.gateway(chosen) as gateway:
            clock = SystemClock()
            gateway.witness = ActJournal(database, reviewer(chosen), clock, but=BY_SERVICES)
            sync = Sync(database, gateway, chosen.sync, clock, _ignore)
            yield Office(chosen, database, gateway, sync, clock)
    finally:
        database.close()


def open_store(chosen: Settings, *, rebuild: bool = False) -> Database:
    """The profile's store.

    Args:
        chosen: the settings.
        rebuild: set a damaged store aside and make a new one; otherwise it is an error.

    Raises:
        CommandError: it cannot be opened.
    """
    from mm_tui.settings import sections as config
    from mm_tui.store.database import Database
    from mm_tui.store.recovery import open_or_rebuild
    from mm_tui.store.seal import StoreError

    path = config.store_path(chosen.profile.name)
    try:
        if not rebuild:
            return Database.open(path, memory=chosen.sync.memory)
        database, rescue = open_or_rebuild(path, memory=chosen.sync.memory, now=SystemClock().now())
    except StoreError as error:
        raise CommandError(Exit.CONFIG, str(error), "`mm-tui doctor` says more.") from None
    except sqlite3.Error as error:
        raise CommandError(
            Exit.CONFIG, f"{path}: {error}", "Check the space on the disk and the file's mode."
        ) from None
    if rescue is not None:
        emit.note(OneLine(f"mm-tui: warning: {rescue.words()}"))
    return database


def work(main: Coroutine[Any, Any, T]) -> T:
    """Runs a command's coroutine; Ctrl-C cancels it and then ends the program.

    Settings are read before: a key command that is waited for inside the loop could not be interrupted.
    """
    return asyncio.run(main)


def _ignore(notice: ServiceEvent) -> None:
    """Commands read the store when they need it; no screen waits to be told."""
    del notice
