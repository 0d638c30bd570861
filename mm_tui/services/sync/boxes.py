"""Copies the mail of all mailboxes of an account; one that the gateway refuses to list does not stop the others."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING

from mm_tui.gateway.errors import Forbidden, GatewayError, MissingScope, NotFound
from mm_tui.services.sync.mail import MailboxSync, SyncPlace
from mm_tui.services.sync.pause import InputPause
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient

BOXES_PER_POLL = 10
"""The most mailboxes asked for new mail in one poll; if there are more, they take turns."""


class MailSync:
    """Copies the mail of all mailboxes. Each method makes one request at a time."""

    def __init__(self, database: Database, gateway: GatewayClient) -> None:
        self._database = database
        self._gateway = gateway
        self.pause = InputPause()
        self._boxes: dict[str, MailboxSync] = {}
        self._refused: dict[str, OneLine] = {}
        self._turn = 0

    def follow_listed(self) -> bool:
        """Copies the mail of the mailboxes that the store now lists. Returns whether some of them are new."""
        listed = sorted(row.mailbox_id for row in MailStore(self._database).mailbox_rows())
        made = {
            one: MailboxSync(self._database, self._gateway, one, self.pause) for one in listed if one not in self._boxes
        }
        # Replaced at once, because this may run in a thread.
        self._boxes = {one: made.get(one) or self._boxes[one] for one in listed}
        return bool(made)

    @property
    def places(self) -> list[SyncPlace]:
        """How far the initial sync of each mailbox is."""
        return [box.place for box in self._boxes.values()]

    @property
    def refusal(self) -> OneLine | None:
        """Why a mailbox is left out; None if none is."""
        return next(iter(self._refused.values()), None)

    def forget_refusals(self) -> bool:
        """Tries all mailboxes again from now on. Returns whether one was left out."""
        was_refused = bool(self._refused)
        self._refused.clear()
        return was_refused

    async def read_new(self, since: datetime | None) -> set[str]:
        """Reads new mail, and older outbound mail back to `since` again. Returns the ids of what changed."""
        seen: set[str] = set()
        for box in self._in_turn():
            try:
                seen |= (await box.fetch_new()).all
                if since is not None:
                    seen |= (await box.refresh_window(since)).all
            except (NotFound, Forbidden) as error:
                self._refuse(box, error)
        return seen

    def _in_turn(self) -> list[MailboxSync]:
        boxes = [box for mailbox_id, box in self._boxes.items() if mailbox_id not in self._refused]
        if len(boxes) <= BOXES_PER_POLL:
            return boxes
        start = self._turn % len(boxes)
        self._turn = start + BOXES_PER_POLL
        return (boxes + boxes)[start : start + BOXES_PER_POLL]

    def to_sync(self) -> list[MailboxSync]:
        """The mailboxes whose initial sync has not ended."""
        return [box for box in self._boxes.values() if not box.place.done and box.mailbox_id not in self._refused]

    async def initial_sync(self, boxes: list[MailboxSync], oldest: datetime | None) -> AsyncGenerator[None, None]:
        """Reads the newest page of every mailbox first, so that all are usable early; then the rest, one mailbox at a
        time. Yields whenever more was read. `oldest`: older mail is not stored."""
        for box in boxes:
            try:
                await box.sync_page(oldest)
            except (NotFound, Forbidden) as error:
                self._refuse(box, error)
            yield
        for box in boxes:
            if box.mailbox_id not in self._refused:
                async with aclosing(box.sync_rest(oldest)) as pages:
                    async for _ in pages:
                        yield

    def _refuse(self, box: MailboxSync, error: GatewayError) -> None:
        """Leaves out a mailbox that the gateway refuses to list until refusals are forgotten. If no other is left and
        the refusal may be about the key, raises it."""
        if isinstance(error, MissingScope) and len(self._boxes) - len(self._refused) <= 1:
            self._refused.clear()
            raise error
        self._refused[box.mailbox_id] = OneLine(f"mailbox {box.mailbox_id}: {error.message}")
