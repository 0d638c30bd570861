"""Requests and pages of answers that are not part of `mm_tui.models`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from itertools import count
from typing import Literal, Self, TypeVar

import msgspec

from mm_tui.models import AuditEntry, EmailSummary, GatewayId
from mm_tui.text import OneLine

T = TypeVar("T")

KEY_LIFETIME = timedelta(hours=23)
"""How long a submission may be repeated under its idempotency key. The gateway remembers keys for 24 hours."""

DecideAction = Literal["approve", "reject"]

_EMPTY = OneLine("")


class Listing(tuple[T, ...]):
    """A list's usable items in the gateway's order. `refused` says of each other item why it could not be used."""

    refused: tuple[OneLine, ...]

    def __new__(cls, items: Iterable[T] = (), refused: Iterable[OneLine] = ()) -> Self:
        made = super().__new__(cls, items)
        made.refused = tuple(refused)
        return made


class EmailFilter(msgspec.Struct, frozen=True):
    """A filter for `emails`: an email must match every field that is set. Times need a time zone."""

    status: str | None = None
    date_after: datetime | None = None
    direction: str | None = None
    since_id: str | None = None
    """Only mail newer than this id. Changed statuses of older mail are not included."""


class EmailPage(msgspec.Struct, frozen=True):
    """A page of mail, newest first. `cursor` fetches the next one; None at the end."""

    emails: Listing[EmailSummary]
    cursor: str | None = None


class AuditPage(msgspec.Struct, frozen=True):
    """A page of the gateway's audit log, newest first. `cursor` fetches the next one; None at the end."""

    entries: Listing[AuditEntry]
    cursor: str | None = None


class Pages:
    """Notices when a gateway's pages repeat, so that reading them ends."""

    def __init__(self, cursor: str | None = None) -> None:
        """`cursor`: the cursor of the first page."""
        self._cursors = {cursor}
        self._ids: frozenset[str] = frozenset()

    def is_last(self, page: EmailPage | AuditPage) -> bool:
        """Whether nothing new follows this page, the next one read."""
        items = page.emails if isinstance(page, EmailPage) else page.entries
        before, self._ids = self._ids, frozenset(item.id for item in items)
        if page.cursor is None or page.cursor in self._cursors or (before and before == self._ids):
            return True
        self._cursors.add(page.cursor)
        return False


Page = TypeVar("Page", EmailPage, AuditPage)


async def pages_of(ask: Callable[..., Awaitable[Page]], *, most: int | None = None) -> AsyncIterator[Page]:
    """The pages of a list, newest first, each requested with its `cursor` when it is needed; at most `most` of them. Of
    the last one the cursor is None, also if the gateway would only repeat what was read."""
    cursor: str | None = None
    read = Pages()
    for _ in count() if most is None else range(most):
        page = await ask(cursor=cursor)
        if read.is_last(page):
            yield msgspec.structs.replace(page, cursor=None)
            return
        yield page
        cursor = page.cursor


class OutgoingAttachment(msgspec.Struct, frozen=True):
    """A file to send, with its name exactly as the recipient should see it."""

    name: str
    content: bytes
    content_type: str = "application/octet-stream"

    def __repr__(self) -> str:
        return f"<OutgoingAttachment of {len(self.content)} bytes>"


class Contact(msgspec.Struct, frozen=True):
    """An entry of the account's address book."""

    id: GatewayId
    email: OneLine
    created_at: datetime | None = None


class ApiKey(msgspec.Struct, frozen=True):
    """A key of the account, without the key itself."""

    id: GatewayId
    name: OneLine


class Suppression(msgspec.Struct, frozen=True):
    """An address that the gateway does not send to, and why."""

    address: OneLine
    reason: OneLine = _EMPTY
    created_at: datetime | None = None
