"""Opens a profile for a command that works on mail, and updates its queue."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mm_tui.commands import common
from mm_tui.commands.output import printing as emit
from mm_tui.services.events import ignore
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.services.sync.waiting_details import WaitingDetails
from mm_tui.session import Session
from mm_tui.settings import paths
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.settings.sections import Settings

READ_SECONDS = 30.0
"""Seconds that a command spends reading details of waiting drafts; the rest are reported as unchecked."""


@asynccontextmanager
async def online(chosen: Settings) -> AsyncIterator[Session]:
    """Opens the profile, connects it, and closes it at the end.

    Raises:
        ConfigError: a key cannot be one.
        StoreUnusable: the store cannot be used.
    """
    if words := chosen.profile.mismatch:
        emit.note(OneLine(f"mm-tui: warning: {words}"))
    keys = common.keys_of(chosen)
    session = Session.on_store(chosen, paths.store_path(chosen.profile.name), memory=chosen.sync.memory)
    try:
        if session.news:
            emit.note(OneLine(f"mm-tui: warning: {session.news}"))
        session.connect(keys)
        session.build_sync()
        yield session
    finally:
        await session.aclose()


async def refresh_queue(session: Session) -> None:
    """Updates the mailboxes and the queue.

    Raises:
        OtherGateway: the store belongs to another account.
        GatewayError: they cannot be read.
    """
    await session.check_account()
    gateway, sync = session.network
    await sync.refresh_mailboxes()
    listed = await gateway.pending()
    session.pending.replace(listed, session.clock.now())
    for words in listed.refused:
        emit.note(OneLine(f"mm-tui: warning: {words}"))


async def read_drafts(session: Session) -> WaitingDetails:
    """Reads missing details of all waiting drafts; marks no mail as read."""
    details = WaitingDetails(session.database, session.network.sync, session.clock, ignore)
    await details.read_all(seconds=READ_SECONDS)
    return details


def queue_of(session: Session) -> ReviewQueue:
    """The queue from the store."""
    return session.queue
