"""A reviewer's services on a sandbox: store, gateway client, assistant, triage and drafts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mm_tui.assist.limiter import Limits
from mm_tui.assist.model import ChatModel
from mm_tui.clock import Clock, SystemClock
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.keys import Keys
from mm_tui.services.assistant.drafts import Drafts
from mm_tui.services.assistant.service import Assistant
from mm_tui.services.assistant.triage import Triage
from mm_tui.services.events import ServiceEvent
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Agent, Assist, Profile, Settings
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from tests.support.sandbox import Sandbox

FAST = Limits(per_second=10_000, per_minute=100_000, concurrent=8)


@dataclass
class Assisted:
    """The services for a test. `notices` collects the events for screens."""

    settings: Settings
    database: Database
    gateway: GatewayClient
    assistant: Assistant
    triage: Triage
    drafts: Drafts
    mail: MailStore
    notices: list[ServiceEvent] = field(default_factory=list)

    async def sync(self) -> None:
        """Copies all lists of the gateway to the store."""
        boxes = await self.gateway.account.mailboxes()
        self.mail.save_mailboxes(boxes)
        for box in boxes:
            self.mail.upsert((await self.gateway.emails(box.id)).emails)


def settings_for(
    sandbox: Sandbox,
    *,
    ai21_key: str | None = "",
    ai21_host: str | None = None,
    oversight: bool = True,
    assist: Assist | None = None,
    agent: Agent | None = None,
) -> Settings:
    """Settings with the sandbox's keys; `ai21_key` None leaves the assistant without one."""
    key = sandbox.ai21_key if ai21_key == "" else ai21_key
    return Settings(
        profile=Profile(
            name="test",
            url=sandbox.url,
            oversight_key=Secret(sandbox.keys["oversight"]) if oversight else None,
            send_key=Secret(sandbox.keys["send"]),
            ai21_key=Secret(key) if key else None,
            ai21_host=ai21_host or sandbox.ai21_url,
        ),
        assist=assist or Assist(),
        agent=agent or Agent(),
    )


@asynccontextmanager
async def assisted(
    settings: Settings, model: ChatModel | None = None, clock: Clock | None = None
) -> AsyncIterator[Assisted]:
    """Opens everything in memory and closes it at the end."""
    database = Database.open(None)
    notices: list[ServiceEvent] = []
    clock = clock or SystemClock()
    async with GatewayClient(settings.profile.url, Keys.of(settings.profile)) as gateway:
        assistant = Assistant(database, settings, clock, model=model, limits=FAST)
        triage = Triage(database, gateway, assistant, settings, clock, notices.append)
        drafts = Drafts(database, gateway, assistant, settings)
        try:
            yield Assisted(settings, database, gateway, assistant, triage, drafts, MailStore(database), notices)
        finally:
            await assistant.aclose()
            database.close()


@asynccontextmanager
async def synced(
    settings: Settings, model: ChatModel | None = None, clock: Clock | None = None
) -> AsyncIterator[Assisted]:
    """As `assisted`, with all lists of the gateway in the store."""
    async with assisted(settings, model, clock) as services:
        await services.sync()
        yield services
