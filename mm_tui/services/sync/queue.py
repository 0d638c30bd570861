"""Copies the gateway's short lists: what waits, allowlists, the address book, and the audit log."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from mm_tui.clock import Clock
from mm_tui.gateway.errors import Forbidden, GatewayError, NotFound
from mm_tui.gateway.shapes import Listing, pages_of
from mm_tui.models import Mailbox, OversightMode, PendingItem
from mm_tui.services.audit.key_names import learn_key_names
from mm_tui.store.database import Database
from mm_tui.store.mail.pending import PendingChanges, PendingStore
from mm_tui.store.state import StateStore

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.store.audit.entries import AuditStore
    from mm_tui.store.mail.contacts import ContactStore
    from mm_tui.store.mail.mails import MailStore

log = logging.getLogger("mm_tui.sync")
_HEAD = "audit_head"


class QueueSync:
    """Copies the queue. One reading at a time, on one event loop."""

    def __init__(self, database: Database, gateway: GatewayClient, clock: Clock) -> None:
        self._database = database
        self._gateway = gateway
        self._clock = clock
        self._pending = PendingStore(database)
        self._compared: tuple[Listing[PendingItem] | None, int] = (None, 0)
        """What was listed last, and the store's stamp before it was compared with it."""

    async def read(self) -> tuple[Listing[PendingItem], PendingChanges]:
        """Reads the list and stores what changed. Raises GatewayError if it could not be read."""
        listed = await self._gateway.pending()
        # Before they are compared: with what is written meanwhile, the next list is compared.
        stamp = self._database.stamp()
        if listed is self._compared[0] and stamp == self._compared[1]:
            return listed, PendingChanges()
        changes = await asyncio.to_thread(self._pending.replace, listed, self._clock.now())
        self._compared = (listed, stamp)
        return listed, changes


async def with_allow_list(gateway: GatewayClient, mail: MailStore, box: Mailbox) -> Mailbox:
    """The mailbox with its allowlist if it has one in effect; the stored allowlist if it cannot be read now."""
    if str(box.oversight_mode) != OversightMode.GATED_SEND:
        return box
    try:
        return box.replaced(allowed=tuple(await gateway.account.allow_list(box.id)))
    except (NotFound, Forbidden):
        return box
    except GatewayError:
        known = {one.id: one.allowed for one in await asyncio.to_thread(mail.mailboxes)}
        return box.replaced(allowed=known.get(box.id))


async def read_address_book(gateway: GatewayClient, contacts: ContactStore) -> None:
    """Stores the gateway's contacts; keeps the old ones if they cannot be read."""
    try:
        listed = await gateway.account.contacts()
    except GatewayError as error:
        log.info("contacts are not read: %s", type(error).__name__)
        return
    entries = [(str(one.email), one.created_at) for one in listed]
    await asyncio.to_thread(contacts.keep_address_book, entries)


async def read_audit_log(gateway: GatewayClient, log: AuditStore, state: StateStore) -> int:
    """Reads backwards to the newest entry of the last complete run, or the whole log if entries were damaged. Returns
    how many entries were new. Raises GatewayError if a page could not be read. What was read is stored, and the next
    run closes the gap."""
    head = state.get(_HEAD)
    first: str | None = None
    added = 0
    actors: set[str] = set()
    async for page in pages_of(gateway.audit_log):
        if first is None and page.entries:
            first = page.entries[0].id
            # Only once the gateway answers, for a damaged entry may be readable in part.
            if await asyncio.to_thread(_drop_damaged, log, state):
                head = ""
        added += await asyncio.to_thread(log.add, page.entries)
        actors.update(entry.actor_key_id for entry in page.entries)
        if any(entry.id == head for entry in page.entries):
            break
    if first is not None and first != head:
        await asyncio.to_thread(state.set, _HEAD, first)
    await learn_key_names(gateway, state, actors)
    return added


def _drop_damaged(log: AuditStore, state: StateStore) -> bool:
    """Deletes damaged entries, so that they can be read again. Returns whether there were any."""
    if keys := log.damaged():
        # First, so that a kill in between costs no entry.
        state.set(_HEAD, "")
        log.drop(keys)
    return bool(keys)
