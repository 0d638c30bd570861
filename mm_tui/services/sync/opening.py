"""Opening emails for a reader: errors come back as words, because a screen has nothing else to do with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mm_tui.gateway.errors import GatewayError
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.services.sync.service import Sync


async def open_mails(sync: Sync, mails: Iterable[tuple[str, str]]) -> OneLine:
    """Opens emails at the gateway, one after the other, and keeps them. Marks them read there.

    Args:
        sync: the running sync.
        emails: (mailbox id, e-mail id) of each.

    Returns:
        Empty when all went well, else what failed first and what to do; the rest is not tried.
    """
    for mailbox_id, email_id in mails:
        try:
            await sync.fetch_detail(mailbox_id, email_id)
        except GatewayError as error:
            return OneLine(f"{error.message}. {error.what_to_do}")
    return OneLine("")
