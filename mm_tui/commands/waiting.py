"""Reads one waiting email for a command, or says what has become of it."""

from __future__ import annotations

from collections.abc import Mapping

from mm_tui.commands.online import list_thread, refresh_queue
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.gateway.client import GatewayClient, first_pages
from mm_tui.gateway.errors import GatewayError, NotFound
from mm_tui.gateway.shapes import EmailFilter
from mm_tui.models import Direction, EmailDetail, PendingItem, Status
from mm_tui.services.audit.key_names import actor_words, key_names
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.services.sync.waiting_details import THREAD_MAILS
from mm_tui.session import Session

UNREAD = EmailFilter(status=Status.UNREAD, direction=Direction.INBOUND)
UNREAD_PAGES = 5
"""The most pages of 100 unread emails that are searched for one."""


async def seen(session: Session, email_id: str, *, with_bodies: bool = False) -> QueueEntry:
    """The complete current item, assessed as submitted, with its thread. `with_bodies` also opens the earlier emails,
    which marks them as read. Raises CommandError if it does not wait: 6 if it was decided, 3 if there is no such
    email."""
    await refresh_queue(session)
    queue = session.queue
    entry = queue.entry(email_id)
    if entry is None:
        raise await gone(session, email_id)
    try:
        await session.network.sync.fetch_detail(entry.item.mailbox_id, email_id)
    except NotFound:
        raise await gone(session, email_id) from None
    entry = queue.entry(email_id)
    if entry is None or not entry.item.complete:
        raise CommandError(Exit.CHANGED, f"{email_id} changed while it was being read", "Try again.")
    await _fetch_thread(session, entry.item, with_bodies=with_bodies)
    # Again, because the thread affects the risks.
    return queue.as_submitted(queue.entry(email_id) or entry)


async def gone(session: Session, email_id: str) -> CommandError:
    """The error for an item that does not wait: who decided it, as far as the gateway says; or that there is none."""
    for box in session.mail.mailboxes():
        if await _is_unread(session.network.gateway, box.id, email_id):
            words = f"its status is {Status.UNREAD}"
        else:
            try:
                detail = await session.network.gateway.email(box.id, email_id)
            except NotFound:
                continue
            words = _decided(detail, key_names(session.state))
        return CommandError(Exit.CHANGED, f"{email_id} is not waiting for a decision: {words}")
    return CommandError(Exit.NOT_FOUND, f"there is no email {email_id}", "`mm-tui pending list` shows the queue.")


async def _is_unread(gateway: GatewayClient, mailbox_id: str, email_id: str) -> bool:
    """Whether it is incoming mail that nobody has opened. Opening it would hide it from the agent."""
    async for page in first_pages(gateway, mailbox_id, UNREAD, most=UNREAD_PAGES):
        if any(mail.id == email_id for mail in page.emails):
            return True
    return False


def _decided(detail: EmailDetail, names: Mapping[str, str]) -> str:
    words = f"its status is {detail.status}"
    if detail.approved_by:
        words += f", approved by {actor_words(detail.approved_by, names)}"
    if detail.approved_at:
        words += f" at {detail.approved_at.isoformat(timespec='seconds')}"
    return words


async def _fetch_thread(session: Session, item: PendingItem, *, with_bodies: bool) -> None:
    """Reads the rest of the item's thread into the store; what cannot be read is reported."""
    sync = session.network.sync
    try:
        await list_thread(session, item)
        for draft, mail in session.pending.unread_around(THREAD_MAILS):
            if draft == item.id:
                await sync.read_detail_quietly(mail.mailbox_id, mail.email_id)
        entry = session.queue.entry(item.id)
        for one in entry.thread if with_bodies and entry else ():
            if one.detail is None:
                await sync.fetch_detail(item.mailbox_id, one.summary.id)
    except GatewayError as error:
        emit.warning(f"not all of the thread could be read: {error.message}")
