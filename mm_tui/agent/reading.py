"""Reads an email with its context."""

from __future__ import annotations

import asyncio

import msgspec

from mm_tui.agent import policy
from mm_tui.agent.jobs import Job
from mm_tui.agent.tools import Tools
from mm_tui.gateway.errors import Forbidden, Malformed, NotFound
from mm_tui.models import Direction, EmailDetail, EmailSummary, Thread
from mm_tui.services import tags
from mm_tui.services.assistant.conversation import Conversation
from mm_tui.text import OneLine

MOST_OTHERS = 10
"""How many of a thread's newest earlier emails are read for context."""


class MailReading(msgspec.Struct, frozen=True):
    """An email as the agent has read it, with its thread."""

    mail: EmailDetail
    thread: Thread | None
    conversation: Conversation
    was_opened: bool
    """Whether an agent had opened it before, according to its tags."""


class LeftAlone(Exception):
    """The agent does not handle an email in its present status, which is the message."""


class MailReader:
    """Reads the email of a job and its thread, and tags the email as opened by an agent."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._gateway = tools.gateway

    async def read(self, job: Job) -> MailReading:
        """Reads the email that a job is about, and what was exchanged in its thread. Raises LeftAlone if the agent does
        not handle it, GatewayError if it could not be read."""
        thread = await self._tools.thread(job.mailbox_id, job.thread_id)
        listed = policy.listed(thread, job.answered_id)
        _refuse_unworked(listed)
        was_opened = await self._mark_opened(job.mailbox_id, job.answered_id)
        mail = await self._gateway.email(job.mailbox_id, job.answered_id)
        if listed is None or mail.thread_id not in (None, job.thread_id):
            # It was listed or announced without its thread, or with another one.
            thread = await self.thread_with(mail)
            _refuse_unworked(policy.listed(thread, mail.id) or (mail if mail.status else None))
            if mail.thread_id:
                await asyncio.to_thread(self._tools.jobs.set_thread, job.email_id, mail.thread_id)
        mails = [*await self._others(mail, thread), mail]
        mails.sort(key=lambda one: (one.received_at.timestamp() if one.received_at else 0.0, one.id))
        return MailReading(mail, thread, Conversation.of(mails, mail), was_opened)

    async def thread_with(self, mail: EmailDetail) -> Thread | None:
        """The current thread of an email; None if it has none. Raises Malformed if the gateway's answer is another
        thread, which would show the wrong mail to the model."""
        thread = await self._tools.thread(mail.mailbox_id, mail.thread_id)
        if thread is not None and policy.listed(thread, mail.id) is None:
            raise Malformed("The gateway's answer about a thread lacks the email that belongs to it.")
        return thread

    async def _mark_opened(self, mailbox_id: str, email_id: str) -> bool:
        """Tags an email before opening it, which hides it from polls for unread mail. Returns whether it was tagged."""
        opened = self._tools.clock.now().isoformat()
        email_tags = await self._tools.set_tags(
            mailbox_id, email_id, {tags.OPENED: opened}, unless=(tags.OPENED, tags.LABEL)
        )
        return email_tags is not None and email_tags.get(OneLine(tags.OPENED), opened) != opened

    async def _others(self, mail: EmailDetail, thread: Thread | None) -> list[EmailDetail]:
        others = [
            other
            for other in (thread or ())
            if other.id != mail.id and policy.may_be_said(other) and mail.thread_id in (None, other.thread_id)
        ]
        others = others[-MOST_OTHERS:]
        # Opening an unread email hides it from polls, so its job is stored first, and it is tagged like any other.
        unread = [other for other in others if policy.is_worked(other) and str(other.status) == "unread"]
        await asyncio.to_thread(
            self._tools.jobs.add,
            [Job(other.id, mail.mailbox_id, other.thread_id or mail.thread_id or "") for other in unread],
        )
        said: list[EmailDetail] = []
        for other in others:
            if str(other.direction) == Direction.INBOUND and not policy.is_worked(other):
                continue
            try:
                if other in unread:
                    await self._mark_opened(mail.mailbox_id, other.id)
                detail = await self._gateway.email(mail.mailbox_id, other.id)
            except (NotFound, Forbidden):
                continue
            # The detail has no direction, but only it has the approval time of an email with an unknown status.
            if detail.replaced(direction=other.direction).is_exchanged:
                said.append(detail)
        return said


def _refuse_unworked(listed: EmailSummary | None) -> None:
    if listed is not None and not policy.is_worked(listed):
        raise LeftAlone(listed.status)
