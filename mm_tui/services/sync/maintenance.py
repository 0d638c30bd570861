"""Maintenance of the store: deletes old mail, and checks the file for damage once a day."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mm_tui.store.database import Database
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.store.mail.mails import MailStore

CHECK_DAYS = 1
"""Days between two checks of the whole store file."""


async def drop_old_mail(mail: MailStore, oldest: datetime | None) -> int:
    """Deletes mail from before `oldest` (None: nothing), in batches. Returns how many emails were deleted."""
    gone = 0
    while oldest is not None and (dropped := await asyncio.to_thread(mail.forget_before, oldest)):
        gone += dropped
    return gone


async def check_daily(database: Database, state: StateStore, now: datetime) -> OneLine | None:
    """Checks the file for damage, unless this was done within a day. Returns a description of the damage."""
    last = await asyncio.to_thread(state.read, "checked_at", datetime.fromisoformat, None)
    if last is not None and now - last < timedelta(days=CHECK_DAYS):
        return None
    if found := await asyncio.to_thread(database.check):
        return OneLine(f"the store is damaged ({found[0]}); the next start moves it aside and builds a new one")
    await asyncio.to_thread(state.set, "checked_at", now.isoformat())
    return None
