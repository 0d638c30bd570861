"""Builds the stores and services for the app and runs them: stores first, the network side after the first frame."""

from __future__ import annotations

import asyncio
import getpass
import random
import sqlite3
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mm_tui import config
from mm_tui.clock import Clock, SystemClock
from mm_tui.store.audit import AuditStore
from mm_tui.store.database import Database, StoreError
from mm_tui.store.mail import MailStore
from mm_tui.store.pending import PendingStore
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.config import Settings
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.services.assistant import Assistant
    from mm_tui.services.drafts import Drafts
    from mm_tui.services.notices import Notify
    from mm_tui.services.releases import Releases
    from mm_tui.services.sync import Sync
    from mm_tui.services.triage import Triage


class WiringError(Exception):
    """The store cannot be opened; the text says why and what to do."""


class Wiring:
    """Everything behind the screens, for one profile.

    Args:
        settings: with the profile chosen.
        database: the open store.
        clock: the machine's, or a test's.
        demo: whether this is the demo.
    """

    def __init__(
        self, settings: Settings, database: Database, clock: Clock | None = None, *, demo: bool = False
    ) -> None:
        self.settings = settings
        self.database = database
        self.clock: Clock = clock or SystemClock()
        self.demo = demo
        self.mail = MailStore(database)
        self.pending = PendingStore(database)
        self.audit = AuditStore(database)
        self.gateway: GatewayClient | None = None
        self.assistant: Assistant | None = None
        self.sync: Sync | None = None
        self.releases: Releases | None = None
        self.triage: Triage | None = None
        self.drafts: Drafts | None = None
        self.trouble = OneLine("")

    @classmethod
    def open(cls, settings: Settings, *, demo: bool = False) -> Self:
        """Opens the profile's store.

        Raises:
            WiringError: it cannot be opened.
        """
        path = config.store_path(settings.profile.name)
        try:
            database = _open(path, memory=settings.sync.memory)
        except (StoreError, OSError, sqlite3.Error) as error:
            raise WiringError(f"the store {path} cannot be opened: {error}") from error
        return cls(settings, database, demo=demo)

    def build(self, notify: Notify) -> None:
        """Imports and builds what needs the network. Takes some hundred milliseconds: call it in a thread.

        A profile without usable keys leaves the services None and `trouble` set.
        """
        from mm_tui.gateway.client import GatewayClient
        from mm_tui.gateway.keys import Keys
        from mm_tui.services.assistant import Assistant
        from mm_tui.services.drafts import Drafts
        from mm_tui.services.releases import Releases
        from mm_tui.services.sync import Sync
        from mm_tui.services.triage import Triage

        try:
            self.settings = config.with_keys(self.settings)
            keys = Keys.of(self.settings.profile)
        except (config.ConfigError, ValueError) as error:
            self.trouble = OneLine(str(error))
            return
        if not keys.has("read"):
            self.trouble = OneLine("no gateway key is set: run mm-tui init, or set MULTIMAIL_API_KEY")
            return
        settings, clock = self.settings, self.clock
        self.gateway = GatewayClient(settings.profile.url, keys)
        self.assistant = Assistant(self.database, settings, clock)
        self.sync = Sync(self.database, self.gateway, settings.sync, clock, notify, random.Random())  # noqa: S311 - jitter
        self.releases = Releases(self.database, self.gateway, settings.review, reviewer(settings), clock, notify)
        self.triage = Triage(self.database, self.gateway, self.assistant, settings, clock, notify)
        self.drafts = Drafts(self.database, self.gateway, self.assistant, settings)

    async def run(self) -> None:
        """Runs the services until cancelled."""
        if self.sync is None or self.releases is None or self.triage is None:
            return
        await self.releases.resume()
        running: list[Coroutine[Any, Any, None]] = [self.sync.run(), self.releases.run(), self.triage.run()]
        async with asyncio.TaskGroup() as group:
            for one in running:
                group.create_task(one)

    async def aclose(self) -> None:
        """Closes connections and the store."""
        if self.assistant is not None:
            await self.assistant.aclose()
        if self.gateway is not None:
            await self.gateway.aclose()
        self.database.close()


def reviewer(settings: Settings) -> str:
    """The name under which decisions are recorded."""
    if settings.profile.reviewer:
        return settings.profile.reviewer
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _open(path: Path, *, memory: bool) -> Database:
    return Database.open(path, memory=memory)
