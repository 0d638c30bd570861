"""A gateway whose pages never end: reading them ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mm_tui.commands.audit import fetch_newest
from mm_tui.gateway.client import first_pages
from mm_tui.gateway.shapes import AuditPage, EmailFilter, EmailPage, Listing
from mm_tui.models import AuditEntry
from mm_tui.services.events import ignore
from mm_tui.services.mail.spam import SpamMarks
from mm_tui.services.sync.mail import MailboxSync
from mm_tui.services.sync.queue import read_audit_log
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.database import Database
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine
from tests.support.fake_gateway import BOX, FakeGateway, make_mail


class EndlessGateway(FakeGateway):
    """After each page comes another: the same with new cursors, or two in turn."""

    def __init__(self, *, turns: bool) -> None:
        super().__init__()
        self._turns = turns
        self._number = count(1)

    def _next(self) -> tuple[int, str]:
        number = next(self._number)
        assert number < 50, "it goes on for ever"
        return (number % 2, "AB"[number % 2]) if self._turns else (0, str(number))

    async def emails(
        self, mailbox_id: str, *, filter: EmailFilter | None = None, limit: int = 100, cursor: str | None = None
    ) -> EmailPage:
        page, following = self._next()
        return EmailPage(Listing([make_mail(page)]), following)

    async def email_pages(
        self,
        mailbox_id: str,
        *,
        limit: int = 100,
        cursor: str | None = None,
        pause: Callable[[], Awaitable[None]] | None = None,
    ) -> AsyncGenerator[EmailPage, None]:
        while True:
            yield await self.emails(mailbox_id)

    async def spam(self, *, status: str = "", cursor: str | None = None) -> EmailPage:
        return await self.emails("")

    async def audit_log(self, *, limit: int = 100, cursor: str | None = None) -> AuditPage:
        page, following = self._next()
        return AuditPage(Listing([AuditEntry(id=f"a{page}", action=OneLine("email.approved"))]), following)


@pytest.mark.parametrize("turns", [True, False])
def test_reading_pages_that_repeat_ends(tmp_path: Path, turns: bool) -> None:
    async def scene() -> None:
        with Database.open(tmp_path / "store.db") as database:
            box = MailboxSync(database, EndlessGateway(turns=turns).client, BOX)
            await box.sync_page(None)
            async for _ in box.sync_rest(None):
                pass
            assert box.place.done
            await MailboxSync(database, EndlessGateway(turns=turns).client, BOX).fetch_new()
            gateway = EndlessGateway(turns=turns).client
            assert await read_audit_log(gateway, AuditStore(database), StateStore(database)) == 1 + turns
            asked: Any = SimpleNamespace(network=SimpleNamespace(gateway=EndlessGateway(turns=turns).client))
            asked.audit = AuditStore(database)
            await fetch_newest(asked, 10_000)
            pages = [
                page async for page in first_pages(EndlessGateway(turns=turns).client, BOX, EmailFilter(), most=49)
            ]
            assert pages[-1].cursor is None
            found, _ = await SpamMarks(database, EndlessGateway(turns=turns).client, ignore).listed()
            assert len(found) == 1 + turns, "each once"

    asyncio.run(scene())
