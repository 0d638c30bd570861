"""Opens a profile for a command that works on mail, and updates its queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from mm_tui.commands import common
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.gateway.errors import GatewayError, Unauthorized
from mm_tui.models import Direction, PendingItem
from mm_tui.services.events import ignore
from mm_tui.services.sync.mail import synced
from mm_tui.services.sync.queue import read_address_book
from mm_tui.services.sync.waiting_details import FAILURES_IN_A_ROW, WaitingDetails
from mm_tui.session import Session
from mm_tui.settings import paths
from mm_tui.settings.sections import Settings
from mm_tui.store.mail.contacts import ContactStore
from mm_tui.store.state import StateStore

READ_SECONDS = 30.0
"""The most seconds that a command spends reading drafts, then their threads, then the emails in these. What was not
read is reported as unchecked."""


@asynccontextmanager
async def online(chosen: Settings) -> AsyncIterator[Session]:
    """Opens the profile, connects it, and closes it at the end. Raises ConfigError if a key cannot be one,
    StoreUnusable if the store cannot be used, CorruptStore if something in it cannot be read."""
    if words := chosen.profile.mismatch:
        emit.warning(words)
    keys = common.keys_of(chosen)
    session = Session.on_store(chosen, paths.store_path(chosen.profile.name), memory=chosen.sync.memory)
    try:
        if session.news:
            emit.warning(session.news)
        session.connect(keys)
        session.build_sync()
        with common.damage_marked(session.database):
            yield session
    except Unauthorized as error:
        error.say_key(error.key_name, chosen.profile.name)
        raise
    finally:
        await session.aclose()


async def refresh_queue(session: Session) -> None:
    """Updates the mailboxes and the queue. Raises OtherGateway if the store is another account's, GatewayError."""
    await session.check_account()
    gateway, sync = session.network
    await sync.refresh_mailboxes()
    if unsynced(session):
        await read_address_book(gateway, ContactStore(session.database))
    listed = await gateway.pending()
    session.pending.replace(listed, session.clock.now())
    for words in listed.refused:
        emit.warning(words)


async def read_drafts(session: Session) -> WaitingDetails:
    """Reads missing details of all waiting drafts, and what the sync has not brought of their threads. Marks no mail as
    read. Unreadable threads are reported."""
    new = {one.email_id for one in session.pending.unread_drafts()}
    details = WaitingDetails(session.database, session.network.sync, session.clock, ignore)
    await details.read_all(seconds=READ_SECONDS)
    boxes = unsynced(session)
    drafts = [item for item in session.pending.items() if item.complete and str(item.direction) != Direction.INBOUND]
    wanted = [item for item in drafts if item.id in new or item.mailbox_id in boxes]
    if not wanted:
        return details
    try:
        async with asyncio.timeout(READ_SECONDS):
            why_not = await _list_threads(session, wanted)
    except TimeoutError:
        why_not = f"not read within {READ_SECONDS:g} s"
    if why_not:
        emit.warning(f"not all of the threads could be read: {why_not}")
    await details.read_all(seconds=READ_SECONDS)
    return details


async def _list_threads(session: Session, items: Sequence[PendingItem]) -> str:
    """Reads the threads of these items until several in a row fail; returns why the last failed, empty if none did."""
    why_not, in_a_row = "", 0
    for item in items:
        try:
            await list_thread(session, item)
            in_a_row = 0
        except GatewayError as error:
            why_not = str(error.message)
            in_a_row += 1
            if in_a_row == FAILURES_IN_A_ROW:
                break
    return why_not


def unsynced(session: Session) -> frozenset[str]:
    """The mailboxes whose initial sync has not ended."""
    known = {row.mailbox_id for row in session.mail.mailbox_rows()}
    return frozenset(known - synced(StateStore(session.database), known))


async def list_thread(session: Session, item: PendingItem) -> None:
    """Reads the list of the emails in an item's thread into the store. Raises GatewayError if it cannot be read."""
    if item.thread_id is not None:
        session.mail.upsert(await session.network.gateway.thread(item.mailbox_id, item.thread_id))


def mailbox_of(wanted: str | None, addresses: Mapping[str, str]) -> str | None:
    """The id of the mailbox with this address or id, of those in `addresses` by their ids; None if none is wanted.
    Raises CommandError if there is no such mailbox."""
    if wanted is None:
        return None
    for mailbox_id, address in addresses.items():
        if wanted in (mailbox_id, address):
            return mailbox_id
    raise CommandError(
        Exit.NOT_FOUND,
        f"there is no mailbox {wanted}",
        f"There are: {', '.join(sorted(addresses.values())) or 'none yet; run `mm-tui sync`'}.",
    )
