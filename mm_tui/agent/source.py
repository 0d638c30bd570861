"""Polls for new mail, and for reviewers' requests about the agent's rejected drafts."""

from __future__ import annotations

import asyncio

import msgspec

from mm_tui.agent.boxes import Boxes
from mm_tui.agent.jobs import Job, Jobs
from mm_tui.agent.policy import is_worked
from mm_tui.clock import Clock
from mm_tui.gateway.client import GatewayClient, first_pages
from mm_tui.gateway.errors import (
    BadRequest,
    Forbidden,
    GatewayError,
    Malformed,
    MissingKey,
    NotFound,
    RateLimited,
    Unauthorized,
    Unreachable,
)
from mm_tui.gateway.shapes import EmailFilter
from mm_tui.models import EmailSummary, Mailbox
from mm_tui.services import redraft_tags
from mm_tui.services.tags import OPENED, Tags
from mm_tui.text import OneLine

UNREAD_PAGES = 5
"""The most pages of unread mail per poll. Handled mail becomes read, so the next poll reaches the rest."""
NEW_PAGES = 200
REJECTED_PAGES = 5
"""The most pages of rejected drafts, newest first, that a poll searches for its own."""
BEGUN_PAGES = 3
"""The most pages of read mail that an agent without any state searches for unfinished work."""
UNREAD = EmailFilter(status="unread", direction="inbound")
READ = EmailFilter(status="read", direction="inbound")
REJECTED = EmailFilter(status="rejected", direction="outbound")
_OF_ALL = (Unauthorized, MissingKey, RateLimited, Unreachable)
"""Failures that say nothing of one mailbox. A key that may list mailboxes may read: a 403 is about the mailbox."""
_OF_EMAIL = (BadRequest, Forbidden, Malformed, NotFound)
"""Failures of one email."""


class Polled(msgspec.Struct, frozen=True):
    """What a poll found, and the first failure if there was one."""

    new: int
    more: bool
    """Whether there is more unread mail than was listed."""
    failed: GatewayError | None = None
    """The first failure, if only some of the mailboxes could be read."""
    failed_in: str | None = None
    """The id of the mailbox with that failure."""


class MailSource:
    """Polls lists, never bodies: unread mail, and new mail that somebody else has already read."""

    def __init__(self, gateway: GatewayClient, jobs: Jobs, boxes: Boxes, clock: Clock) -> None:
        self._gateway = gateway
        self._jobs = jobs
        self._boxes = boxes
        self._clock = clock

    async def poll(self) -> Polled:
        """Polls each mailbox once. One that cannot be read does not keep the others waiting. Raises GatewayError if no
        mailbox could be read, or the failure concerns all; lists read before are kept."""
        await self._boxes.refresh()
        new, more, read = 0, False, 0
        failed: GatewayError | None = None
        failed_in: str | None = None
        for box in self._boxes.worked:
            for step in (self._since, self._unread, self._sent_back):
                try:
                    found, rest = await step(box)
                except _OF_ALL:
                    raise
                except GatewayError as error:
                    if failed is None:
                        failed, failed_in = error, box.id
                else:
                    # The search for rejected drafts asks nothing if there is none to follow.
                    read += step != self._sent_back
                    new, more = new + found, more or rest
        if failed is not None and not read:
            raise failed
        return Polled(new, more, failed, failed_in)

    async def summary(self, job: Job) -> EmailSummary | None:
        """The email of a job as its thread lists it; None if its thread is not known. Raises GatewayError."""
        if not job.thread_id:
            return None
        thread = await self._gateway.thread(job.mailbox_id, job.thread_id)
        return next((mail for mail in thread if mail.id == job.answered_id), None)

    async def _unread(self, box: Mailbox) -> tuple[int, bool]:
        new, more = 0, False
        async for page in first_pages(self._gateway, box.id, UNREAD, most=UNREAD_PAGES):
            new += await self._take(page.emails)
            more = page.cursor is not None
        return new, more

    async def _since(self, box: Mailbox) -> tuple[int, bool]:
        name = f"since {box.id}"
        since = await asyncio.to_thread(self._jobs.note, name)
        if since is None:
            found = await self._begun(box)
            page = await self._gateway.emails(box.id, limit=1)
            if page.emails:
                await asyncio.to_thread(self._jobs.set_note, name, page.emails[0].id)
            return found, False
        new, newest = 0, ""
        wanted = EmailFilter(direction="inbound", since_id=since)
        async for page in first_pages(self._gateway, box.id, wanted, most=NEW_PAGES):
            new += await self._take(page.emails)
            if not newest and page.emails:
                newest = page.emails[0].id  # lists come newest first
        if newest and newest != since:
            await asyncio.to_thread(self._jobs.set_note, name, newest)
        return new, False

    async def _begun(self, box: Mailbox) -> int:
        """Adds mail that an agent opened before its state was lost: it is read, and has the agent's tag. Finished work
        is found finished: the thread has the answer, or the label needs none. After a failure the next call continues
        from there."""
        name, new = f"begun {box.id}", 0
        looked = await asyncio.to_thread(self._jobs.note, name)
        async for page in first_pages(self._gateway, box.id, READ, most=BEGUN_PAGES):
            for mail in page.emails:
                if looked is not None and mail.id >= looked:
                    continue
                if OneLine(OPENED) in await self._tags(box, mail.id):
                    new += await self._take((mail,))
                await asyncio.to_thread(self._jobs.set_note, name, mail.id)
        return new

    async def _sent_back(self, box: Mailbox) -> tuple[int, bool]:
        """Adds the agent's drafts that were rejected with a request for another; see `services.redraft_tags`."""
        now = self._clock.now()
        oldest = await asyncio.to_thread(self._jobs.oldest_followed, box.id, now)
        if oldest is None:
            return 0, False
        new = 0
        async for page in first_pages(self._gateway, box.id, REJECTED, most=REJECTED_PAGES):
            own = await asyncio.to_thread(self._jobs.followed, [mail.id for mail in page.emails], now)
            for mail in page.emails:
                made = own.get(mail.id)
                if made is None or not await asyncio.to_thread(self._jobs.is_looked_at, mail.id, self._clock.now()):
                    continue
                if redraft_tags.read(await self._tags(box, mail.id)) is not None:
                    job = Job(mail.id, box.id, mail.thread_id or made.thread_id, answers=made.answered_id)
                    new += await asyncio.to_thread(self._jobs.add, [job])
            if page.emails and page.emails[-1].id < oldest:
                break
        return new, False

    async def _tags(self, box: Mailbox, email_id: str) -> Tags:
        """An email's tags; none if the gateway does not give them, so that one email stops no search."""
        try:
            return await self._gateway.tags(box.id, email_id)
        except _OF_EMAIL:
            return {}

    async def _take(self, mails: tuple[EmailSummary, ...]) -> int:
        jobs = [Job(mail.id, mail.mailbox_id, mail.thread_id or "") for mail in mails if is_worked(mail)]
        return await asyncio.to_thread(self._jobs.add, jobs, is_listed=True) if jobs else 0
