"""Opens emails for a reader; errors are returned as text for the screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mm_tui.gateway.errors import GatewayError
from mm_tui.store.seal import STORE_FAULTS, fault_of_store
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.services.sync.service import Sync


async def open_mails(sync: Sync, mails: Iterable[tuple[str, str]]) -> OneLine:
    """Opens emails (mailbox id, email id) at the gateway, one after the other, and stores them. This marks them as read
    there. Returns empty on success; otherwise the first failure and its cure, and the remaining emails are not
    tried."""
    for mailbox_id, email_id in mails:
        try:
            await sync.fetch_detail(mailbox_id, email_id)
        except GatewayError as error:
            return OneLine(f"{error.message}. {error.what_to_do}")
        except STORE_FAULTS as error:
            return fault_of_store(error)
    return OneLine("")
