"""Reads a thread for the models: its emails and their bodies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import msgspec

from mm_tui.assist.prompts import PromptEmail
from mm_tui.clock import Clock
from mm_tui.models import ARRIVED, Direction, EmailDetail
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.rows import MailRow
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient

LONGEST_THREAD = 30
"""How many of a thread's newest emails are read; older ones appear in the quotes."""


class Conversation(msgspec.Struct, frozen=True):
    """A thread, ready for a prompt."""

    subject: EmailDetail
    """The email to label, extract from or reply to: the newest inbound one."""
    mails: tuple[EmailDetail, ...]
    """All emails of the thread, oldest first."""
    for_prompt: tuple[PromptEmail, ...]
    """All of them as prompts need them."""
    about: PromptEmail
    """The same of `subject`."""
    shortened: bool
    """The thread has more emails than are read."""

    @classmethod
    def of(cls, mails: Sequence[EmailDetail], subject: EmailDetail, *, shortened: bool = False) -> Self:
        """Builds one from the opened emails of a thread, oldest first; `subject` is one of them."""
        emails = {mail.id: prompt_email(mail) for mail in mails}
        return cls(subject, tuple(mails), tuple(emails.values()), emails[subject.id], shortened)

    @property
    def for_reply(self) -> tuple[PromptEmail, ...]:
        """The emails, with the one to answer at the end, where a drafting prompt expects it."""
        return (*(one for one in self.for_prompt if one is not self.about), self.about)


def prompt_email(mail: EmailDetail) -> PromptEmail:
    """Converts an email for a prompt."""
    return PromptEmail(
        sender=OneLine(str(mail.sender)),
        subject=mail.subject,
        body=mail.body,
        date=OneLine(mail.received_at.date().isoformat() if mail.received_at else ""),
    )


class Conversations:
    """Reads threads from the store, and fetches missing bodies from the gateway."""

    def __init__(self, database: Database, gateway: GatewayClient, clock: Clock) -> None:
        self._mail = MailStore(database)
        self._gateway = gateway
        self._clock = clock

    def subject_row(self, email_id: str) -> MailRow | None:
        """The email that the thread's card describes: the newest inbound one, or itself if there is none."""
        row = self._mail.row(email_id)
        if row is None or row.thread_id is None:
            return row
        inbound = [
            other
            for other in self._mail.thread_rows(row.mailbox_id, row.thread_id)
            if str(other.direction) == Direction.INBOUND
            and (str(other.status) in ARRIVED or other.email_id == email_id)
        ]
        return inbound[-1] if inbound else row

    async def read(self, email_id: str) -> Conversation | None:
        """The conversation around an email; None if it is not in the store. Missing bodies are fetched, which marks
        those emails as read: call it only if a human asked or has switched this on. Raises GatewayError if a body could
        not be read."""
        row = await asyncio.to_thread(self.subject_row, email_id)
        if row is None:
            return None
        said = await asyncio.to_thread(self._said, row.mailbox_id, row.thread_id) or [row.email_id]
        chosen = said[-LONGEST_THREAD:]
        if row.email_id not in chosen:
            chosen = [*chosen, row.email_id]
        details = [await self._detail(row.mailbox_id, mail_id) for mail_id in chosen]
        subject = next(mail for mail in details if mail.id == row.email_id)
        return Conversation.of(details, subject, shortened=len(said) > len(chosen))

    def _said(self, mailbox_id: str, thread_id: str | None) -> list[str]:
        """The ids of the thread's emails that arrived or were sent, oldest first."""
        mails = self._mail.thread(mailbox_id, thread_id) if thread_id else []
        return [mail.id for mail in mails if (self._mail.detail(mail.id) or mail).is_exchanged]

    async def _detail(self, mailbox_id: str, email_id: str) -> EmailDetail:
        kept = await asyncio.to_thread(self._mail.detail, email_id)
        if kept is not None:
            return kept
        detail = await self._gateway.email(mailbox_id, email_id)
        await asyncio.to_thread(lambda: self._mail.save_detail(detail, at=self._clock.now()))
        return detail
