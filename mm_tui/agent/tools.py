"""What the agent works with, and the calls that several of its steps make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mm_tui.agent.boxes import Boxes
from mm_tui.agent.jobs import Jobs
from mm_tui.agent.log import Log
from mm_tui.clock import Clock
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import NotFound
from mm_tui.models import Thread
from mm_tui.services import tags
from mm_tui.services.assistant.service import Assistant
from mm_tui.services.knowledge.examples import Examples
from mm_tui.services.knowledge.facts import HouseFacts
from mm_tui.settings.sections import Settings


@dataclass(eq=False)
class Tools:
    """The agent's connections, stores and settings."""

    gateway: GatewayClient
    assistant: Assistant
    jobs: Jobs
    boxes: Boxes
    settings: Settings
    clock: Clock
    log: Log

    def __post_init__(self) -> None:
        self.facts = HouseFacts(self.settings)
        self.examples = Examples(self.settings)

    async def set_tags(
        self, mailbox_id: str, email_id: str, wanted: Mapping[str, str], *, unless: Iterable[str] = ()
    ) -> tags.Tags | None:
        """Adds tags; returns those that the gateway holds now, or None if someone else keeps changing them."""
        try:
            return await tags.merge(self.gateway, mailbox_id, email_id, wanted, unless=unless)
        except tags.TagsDiffer:
            self.log("tags differ", email_id=email_id, why="someone else sets them too")
            return None

    async def thread(self, mailbox_id: str, thread_id: str | None) -> Thread | None:
        """The current thread; None if there is none."""
        if not thread_id:
            return None
        try:
            return await self.gateway.thread(mailbox_id, thread_id)
        except NotFound:
            return None
