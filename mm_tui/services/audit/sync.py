"""Copies the gateway's audit log to the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.store.audit.entries import AuditStore
    from mm_tui.store.state import StateStore

PAGE = 100
_HEAD = "audit_head"


async def read_audit_log(gateway: GatewayClient, log: AuditStore, facts: StateStore) -> int:
    """Reads backwards to the newest entry of the last complete run. Returns how many entries were new.

    Raises:
        GatewayError: a page could not be read. What was read is stored, and the next run closes the gap.
    """
    head = facts.get(_HEAD)
    cursor: str | None = None
    first: str | None = None
    added = 0
    while True:
        page = await gateway.audit_log(limit=PAGE, cursor=cursor)
        if first is None and page.entries:
            first = page.entries[0].id
        added += await asyncio.to_thread(log.add, page.entries)
        if page.cursor is None or page.cursor == cursor or any(entry.id == head for entry in page.entries):
            break
        cursor = page.cursor
    if first is not None and first != head:
        await asyncio.to_thread(facts.set, _HEAD, first)
    return added
