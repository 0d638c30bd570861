"""Replies that a model drafts and changes on request, and their submission for approval."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mm_tui.assist.errors import NoKey
from mm_tui.clock import Clock, SystemClock
from mm_tui.gateway.errors import GatewayError, NotFound
from mm_tui.gateway.shapes import KEY_LIFETIME
from mm_tui.models import EmailDetail, EmailSummary, Party, SendReceipt
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.model import Draft, EarlierEmail, ThreadContext
from mm_tui.services import tags
from mm_tui.services.assistant.cards import DraftText
from mm_tui.services.assistant.conversation import Conversation, Conversations
from mm_tui.services.assistant.service import Assistant, background
from mm_tui.services.knowledge.contacts import Contacts
from mm_tui.services.knowledge.examples import Examples
from mm_tui.services.knowledge.facts import HouseFacts
from mm_tui.services.presence.tags import WRITTEN_BY
from mm_tui.services.queue.authors import IN_DOUBT, REFUSED, SUBMITTED, SUBMITTING, Authors, content_hash
from mm_tui.settings.sections import Settings
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.examples import SavedExample
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.seal import STORE_FAULTS
from mm_tui.text import ManyLine, OneLine, system_words

if TYPE_CHECKING:
    from mm_tui.assist.tasks import Request
    from mm_tui.gateway.client import GatewayClient


LONGEST_NOTE = 200
"""The most characters of the gateway's message to journal."""

log = logging.getLogger("mm_tui.drafts")


class AlreadySubmitted(Exception):
    """An earlier text of this reply had already reached the gateway; the newer one was not submitted.

    Attributes:
        receipt: the gateway's answer for the earlier text.
    """

    def __init__(self, receipt: SendReceipt) -> None:
        self.receipt = receipt
        super().__init__(f"An earlier version was already submitted as {receipt.id}. This text was not.")


class ReplyNotJournaled(Exception):
    """The journal on this machine cannot be written: nothing was submitted."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"The journal on this machine cannot be written ({system_words(error)}); nothing was sent.")


class Drafts:
    """Drafts replies with the models. Recipients and threading come from the answered email, never from a model."""

    def __init__(
        self,
        database: Database,
        gateway: GatewayClient,
        assistant: Assistant,
        settings: Settings,
        clock: Clock | None = None,
        reviewer: str = "",
        contacts: Contacts | None = None,
    ) -> None:
        """`assistant` is shared with `Triage`. `reviewer`: the human who submits replies; empty means the profile's
        reviewer. `contacts`: the correspondents, by default read again."""
        self._clock: Clock = clock or SystemClock()
        self._reviewer = reviewer or settings.profile.reviewer or "unknown"
        self._journal = Journal(database)
        self._mail = MailStore(database)
        self._gateway = gateway
        self._assistant = assistant
        self._settings = settings
        self._conversations = Conversations(database, gateway, self._clock)
        self._facts = HouseFacts(settings)
        self._examples = Examples(settings)
        self._contacts = contacts or Contacts(database, self._clock)
        self._authors = Authors(database)

    @property
    def has_key(self) -> bool:
        """Whether a model can be asked at all."""
        return self._assistant.has_key

    async def draft_reply(self, email_id: str, instruction: str = "") -> AsyncGenerator[DraftText, None]:
        """Drafts a reply to the newest inbound email of the thread. Yields the whole text so far; the last item has
        `done` and `warnings`. Close the generator, or cancel the task, to stop. Raises AssistError if the model failed
        (`str(error)` is a line to show), GatewayError if a body that it needs cannot be read."""
        from mm_tui.assist import tasks

        conversation = await self._read(email_id)
        own = await asyncio.to_thread(self._own, conversation.subject)
        facts = await asyncio.to_thread(self._facts.of, own.address)
        known = background(facts, await self._like(conversation))
        request = tasks.prepare_draft(conversation.for_reply, own.address, instruction, self._settings.assist, known)
        async with aclosing(self._write(request, conversation)) as parts:
            async for part in parts:
                yield part

    async def redraft(self, email_id: str, text: str, instruction: str) -> AsyncGenerator[DraftText, None]:
        """Rewrites `text` as instructed: "shorter", "friendlier", or in free words. Works like `draft_reply`, but if
        the thread cannot be read, the model gets only the text and nothing is compared. Raises AssistError if the model
        failed."""
        from mm_tui.assist import tasks

        try:
            conversation: Conversation | None = await self._read(email_id)
        except GatewayError:
            conversation = None
        emails = conversation.for_reply if conversation else ()
        address = await asyncio.to_thread(self._address_of, email_id)
        facts = await asyncio.to_thread(self._facts.of, address)
        known = background(facts, await self._like(conversation) if conversation else ())
        request = tasks.prepare_redraft(emails, text, instruction, self._settings.assist, known)
        async with aclosing(self._write(request, conversation)) as parts:
            async for part in parts:
                yield part

    async def submit_reply(self, email_id: str, body: str) -> SendReceipt:
        """Submits a reply written by a human for approval, with the send key.

        It is journaled before and after. The reply is tagged with its author; if that fails, only this machine knows
        the author. After a call that was not confirmed, also one of an earlier run, the same idempotency key is used
        again, so that there is one reply.

        Args:
            email_id: the email to answer, which determines recipients, subject and threading.
            body: the text as shown to the human.

        Raises:
            AlreadySubmitted: an earlier text, whose outcome was unknown, had already arrived.
            ReplyNotJournaled: the journal cannot be written, so nothing was sent.
            GatewayError: it can be submitted again.
        """
        mail = await asyncio.to_thread(self._mail.summary, email_id)
        if mail is None:
            raise NotFound("this email is not in the local store")
        try:
            since = self._clock.now() - KEY_LIFETIME
            key, texts, is_doubtful = await asyncio.to_thread(self._authors.unconfirmed, email_id, since)
            details = {"key": key or f"mm-tui-{secrets.token_hex(20)}", "mailbox": mail.mailbox_id}
            await self._append(SUBMITTING, email_id, {**details, "content": content_hash(body)})
        except STORE_FAULTS as error:
            raise ReplyNotJournaled(error) from None
        try:
            receipt = await self._gateway.reply(mail.mailbox_id, email_id, body, idempotency_key=details["key"])
        except GatewayError as error:
            kind = IN_DOUBT if error.may_have_happened or is_doubtful else REFUSED
            await self._record(kind, email_id, {**details, "note": str(error.message)[:LONGEST_NOTE]})
            raise
        await self._record(SUBMITTED, receipt.id, {**details, "about": email_id, "note": str(receipt.status)})
        await self._tag(mail.mailbox_id, receipt.id)
        if receipt.idempotent and texts - {content_hash(body)}:
            raise AlreadySubmitted(receipt)
        return receipt

    async def _append(self, kind: str, email_id: str, details: Mapping[str, str]) -> None:
        await asyncio.to_thread(self._journal.write, kind, self._reviewer, email_id, self._clock.now(), details)

    async def _record(self, kind: str, email_id: str, details: Mapping[str, str]) -> None:
        """Journals the outcome of a call. If that fails the entry stays open, and the reply is recognized later by its
        content."""
        try:
            await self._append(kind, email_id, details)
        except STORE_FAULTS as error:
            log.warning("the outcome of a reply could not be journaled: %s", type(error).__name__)

    async def _tag(self, mailbox_id: str, email_id: str) -> None:
        """Tells other reviewers, and this one on other machines, that a human wrote it."""
        try:
            await tags.merge(self._gateway, mailbox_id, email_id, {WRITTEN_BY: self._reviewer})
        except (GatewayError, tags.TagsDiffer) as error:
            log.info("%s could not be tagged with its author: %s", email_id, type(error).__name__)

    async def _like(self, conversation: Conversation) -> Sequence[SavedExample]:
        """Examples of wording for a reply in this conversation."""
        subject = conversation.subject
        known = self._assistant.known("classify", subject.id) or {}
        label = str(subject.tags.get(OneLine(tags.LABEL), "") or known.get("value", ""))
        return await asyncio.to_thread(self._examples.like, f"{subject.subject}\n{subject.body}", label)

    async def _read(self, email_id: str) -> Conversation:
        if not self._assistant.has_key:
            raise NoKey
        conversation = await self._conversations.read(email_id)
        if conversation is None:
            raise NotFound("this email is not in the local store")
        return conversation

    async def _write(self, request: Request, conversation: Conversation | None) -> AsyncGenerator[DraftText, None]:
        async with aclosing(self._assistant.write(request)) as parts:
            async for part in parts:
                if part.done and conversation is not None:
                    yield await asyncio.to_thread(self._checked, part, conversation)
                else:
                    yield part

    def _checked(self, draft: DraftText, conversation: Conversation) -> DraftText:
        found = self._assess(conversation.subject, conversation.mails, draft.text)
        return replace(draft, warnings=found, cut=draft.cut or conversation.shortened)

    def _address_of(self, email_id: str) -> str:
        """The address of an email's mailbox; empty if the email is not in the store."""
        row = self._mail.row(email_id)
        box = self._mail.mailbox(row.mailbox_id) if row is not None else None
        return box.address if box is not None else ""

    def _own(self, subject: EmailDetail) -> Party:
        if (box := self._mail.mailbox(subject.mailbox_id)) is not None:
            return Party(address=box.address)
        return subject.to[0] if subject.to else Party(address=OneLine(""))

    def _assess(self, subject: EmailDetail, thread: Sequence[EmailSummary], text: str) -> tuple[OneLine, ...]:
        draft = Draft(
            sender=self._own(subject),
            to=(subject.sender,),
            subject=subject.subject,
            body=ManyLine(text),
            sender_verified=True,
        )
        self._contacts.refresh()
        known = self._contacts.known_to(subject.id, subject.mailbox_id, subject.thread_id, None)
        context = ThreadContext(
            messages=tuple(EarlierEmail.of(mail) for mail in thread if mail.is_exchanged),
            own_addresses=frozenset(str(box.address).lower() for box in self._mail.mailboxes()),
            contacts=known,
        )
        return tuple(finding.words for finding in assess(draft, context, self._settings.risk).findings)
