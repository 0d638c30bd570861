"""What the sync reads besides mail: each mailbox's allowlist, and the address book."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from mm_tui.gateway.errors import Forbidden, GatewayError, NotFound
from mm_tui.models import OversightMode

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.models import Mailbox
    from mm_tui.store.mail.contacts import ContactStore
    from mm_tui.store.mail.mails import MailStore

log = logging.getLogger("mm_tui.sync")


async def with_allow_list(gateway: GatewayClient, mail: MailStore, box: Mailbox) -> Mailbox:
    """The mailbox with its allowlist if it has one in effect; the stored allowlist if it cannot be read now."""
    if str(box.oversight_mode) != OversightMode.GATED_SEND:
        return box
    try:
        return box.model_copy(update={"allowed": tuple(await gateway.allow_list(box.id))})
    except (NotFound, Forbidden):
        return box
    except GatewayError:
        known = {one.id: one.allowed for one in await asyncio.to_thread(mail.mailboxes)}
        return box.model_copy(update={"allowed": known.get(box.id)})


async def read_address_book(gateway: GatewayClient, contacts: ContactStore) -> None:
    """Stores the gateway's contacts; keeps the old ones if they cannot be read."""
    try:
        listed = await gateway.contacts()
    except GatewayError as error:
        log.info("contacts are not read: %s", type(error).__name__)
        return
    entries = [(str(one.email), one.created_at) for one in listed]
    await asyncio.to_thread(contacts.keep_address_book, entries)
