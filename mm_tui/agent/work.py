"""Handles one email. Every step can be repeated: finished steps are detected, and paid answers are cached."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import msgspec

from mm_tui.agent import policy
from mm_tui.agent.jobs import Job, JobState
from mm_tui.assist import tasks
from mm_tui.assist.prompts import Letter
from mm_tui.gateway.errors import BadRequest, Conflict, Forbidden, GatewayError, Malformed, NotFound, ReadOnlyMailbox
from mm_tui.models import Direction
from mm_tui.services import redraft_tags, tags
from mm_tui.services.assistant.conversation import Conversation
from mm_tui.services.assistant.service import background
from mm_tui.services.examples import USED, Examples
from mm_tui.services.facts import HouseFacts
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mm_tui.agent.boxes import Boxes
    from mm_tui.agent.jobs import Jobs
    from mm_tui.agent.log import Log
    from mm_tui.clock import Clock
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.models import EmailDetail, EmailSummary, Mailbox, ThreadSummary
    from mm_tui.services.assistant.service import Assistant
    from mm_tui.settings.sections import Settings

T = TypeVar("T")

MOST_OTHERS = 10
"""How many of a thread's newest earlier emails are read for context."""
MOST_LOOKS = 100
"""How many finished emails' tags are looked at after one poll."""
LOOK_AGAIN = timedelta(minutes=1)
MOST_LOST = 3
"""Faults of an email after which its tags are not looked at any more: another program may remove them each time."""


class MailReading(msgspec.Struct, frozen=True):
    """An email with its context."""

    mail: EmailDetail
    thread: ThreadSummary | None
    conversation: Conversation


class Work:
    """Handles emails, any number at the same time."""

    def __init__(
        self,
        gateway: GatewayClient,
        assistant: Assistant,
        jobs: Jobs,
        boxes: Boxes,
        settings: Settings,
        clock: Clock,
        log: Log,
    ) -> None:
        self._gateway = gateway
        self.assistant = assistant
        self._jobs = jobs
        self.boxes = boxes
        self._settings = settings
        self._clock = clock
        self._log = log
        self._facts = HouseFacts(settings)
        self._examples = Examples(settings)

    async def do(self, job: Job) -> None:
        """Labels, tags and, if the policy says so, answers an email; records the result in the job.

        Raises:
            GatewayError: a call failed; call again later with the job as then stored.
            AssistError: the model failed; likewise.
        """
        reading = await self._read(job)
        if reading is None:
            return
        label = await (self._known_label(job) if job.is_redraft else self._label(job, reading))
        if job.reply_id is not None:
            await self._finish(job, label=label, reply=job.reply_id)
            return
        if job.draft is None:
            reason = await self._write(job, reading, label)
        elif (answer := self._answer(job, reading.thread, reading.mail)) is not None:
            # If it is ours, it arrived, but the gateway's answer did not.
            await self._finish_answered(job, answer, label)
            return
        else:
            # Much may have happened since it was written.
            mailbox = await self.boxes.known(job.mailbox_id)
            reason = self._why_no_reply(job, reading, label, mailbox, reading.thread)
        if reason is not None:
            await self._finish(job, label=label, why=reason)
            return
        await self._submit(job.email_id, reading, label)

    async def look_at_tags(self) -> None:
        """Looks once more at the tags of emails that were finished lately, and takes on again those without a label.

        Setting tags replaces all of them. A call that the network delivers late, or twice, undoes later ones.
        """
        for job in await asyncio.to_thread(self._jobs.tagged_lately, self._clock.now(), MOST_LOOKS):
            try:
                is_tagged = OneLine(tags.LABEL) in await self._gateway.tags(job.mailbox_id, job.email_id)
            except (BadRequest, Forbidden, NotFound):
                is_tagged = True  # it is gone or withheld, which another look would not change
            except GatewayError as error:
                # The next poll finds out whether this concerns all emails.
                again, is_fault = self._clock.now() + LOOK_AGAIN, isinstance(error, Malformed)
                await asyncio.to_thread(
                    self._jobs.put_off, job.email_id, again, job.why, is_try=False, is_fault=is_fault
                )
                self._log("put off", email_id=job.email_id, why=f"its tags cannot be read: {error.message}")
                if is_fault and job.faults + 1 >= MOST_LOST:
                    await asyncio.to_thread(self._jobs.looked_at, job.email_id, is_tagged=True)
                return
            await asyncio.to_thread(self._jobs.looked_at, job.email_id, is_tagged=is_tagged)
            if not is_tagged:
                self._log("label lost", email_id=job.email_id, why="another call replaced the tags")

    # Reading

    async def _read(self, job: Job) -> MailReading | None:
        thread = await self._thread(job.mailbox_id, job.thread_id)
        listed = policy.listed(thread, job.answered_id)
        if listed is not None and await self._is_left_alone(job, listed):
            return None
        await self._mark_opened(job.mailbox_id, job.answered_id)
        mail = await self._gateway.email(job.mailbox_id, job.answered_id)
        if listed is None or mail.thread_id not in (None, job.thread_id):
            # It was listed or announced without its thread, or with another one.
            thread = await self._thread_with(mail)
            listed = policy.listed(thread, mail.id) or (mail if mail.status else None)
            if listed is not None and await self._is_left_alone(job, listed):
                return None
            if mail.thread_id:
                await asyncio.to_thread(self._jobs.set_thread, job.email_id, mail.thread_id)
        mails = [*await self._others(mail, thread), mail]
        mails.sort(key=lambda one: (one.received_at.timestamp() if one.received_at else 0.0, one.id))
        return MailReading(mail, thread, Conversation.of(mails, mail))

    async def _is_left_alone(self, job: Job, listed: EmailSummary) -> bool:
        """Ends the work on an email that the agent does not handle in its present status."""
        if policy.is_worked(listed):
            return False
        if job.is_redraft or job.reply_id is not None:
            await self._finish(job, why=f"the email's status is {listed.status}")
        else:
            await asyncio.to_thread(self._jobs.forget, job.email_id)
            self._log("left alone", email_id=job.email_id, why=f"its status is {listed.status}")
        return True

    async def _mark_opened(self, mailbox_id: str, email_id: str) -> None:
        """Tags an email before opening it, because opening hides it from polls for unread mail."""
        opened = {tags.OPENED: self._clock.now().isoformat()}
        await self._set_tags(mailbox_id, email_id, opened, unless=(tags.OPENED, tags.LABEL))

    async def _set_tags(
        self, mailbox_id: str, email_id: str, wanted: Mapping[str, str], *, unless: Iterable[str] = ()
    ) -> tags.Tags | None:
        """Adds tags; returns those that the gateway holds now, or None if someone else keeps changing them."""
        try:
            return await tags.merge(self._gateway, mailbox_id, email_id, wanted, unless=unless)
        except tags.TagsDiffer:
            self._log("tags differ", email_id=email_id, why="someone else sets them too")
            return None

    async def _thread(self, mailbox_id: str, thread_id: str) -> ThreadSummary | None:
        if not thread_id:
            return None
        try:
            return await self._gateway.thread(mailbox_id, thread_id)
        except NotFound:
            return None

    async def _thread_with(self, mail: EmailDetail) -> ThreadSummary | None:
        """The current thread of an email; None if it has none.

        Raises:
            Malformed: the gateway's answer is another thread, which would show the wrong mail to the model.
        """
        thread = await self._thread(mail.mailbox_id, mail.thread_id or "")
        if thread is not None and policy.listed(thread, mail.id) is None:
            raise Malformed("The gateway's answer about a thread lacks the email that belongs to it.")
        return thread

    async def _others(self, mail: EmailDetail, thread: ThreadSummary | None) -> list[EmailDetail]:
        others = [
            other
            for other in (thread.emails if thread else ())
            if other.id != mail.id and policy.may_be_said(other) and mail.thread_id in (None, other.thread_id)
        ]
        others = others[-MOST_OTHERS:]
        # Opening an unread email hides it from polls, so its job is stored first, and it is tagged like any other.
        unread = [other for other in others if policy.is_worked(other) and str(other.status) == "unread"]
        await asyncio.to_thread(
            self._jobs.add,
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

    # Labels and tags

    async def _label(self, job: Job, reading: MailReading) -> str:
        about, letters = [reading.conversation.about], reading.conversation.letters
        outcomes = await asyncio.gather(
            self.assistant.classify(job.email_id, about, automatic=True),
            self.assistant.summarise(job.email_id, letters, automatic=True),
            self.assistant.extract(job.email_id, about, automatic=True),
            return_exceptions=True,  # so that each finishes and its answer is cached
        )
        label, summary, facts = _given(outcomes[0]), _given(outcomes[1]), _given(outcomes[2])
        wanted = tags.of_results(
            label=label.value,
            label_by=tags.BY_MODEL,
            summary=summary.value,
            intent=facts.value.intent,
            requested_action=facts.value.requested_action,
            urgency=facts.value.urgency,
            deadline=facts.value.deadline,
            amounts=facts.value.amounts,
            models=list(dict.fromkeys([label.model, summary.model, facts.model])),
        )
        held = await self._set_tags(job.mailbox_id, job.email_id, wanted)
        if held is None:
            held = await self._gateway.tags(job.mailbox_id, job.email_id)
        said = {str(key): str(value) for key, value in held.items()}
        return said.get(tags.LABEL, label.value) if said.get(tags.LABEL_BY) == tags.BY_HUMAN else label.value

    async def _known_label(self, job: Job) -> str:
        """The current label of the answered email; if it has none any more, that does not prevent a reply."""
        held = await self._gateway.tags(job.mailbox_id, job.answered_id)
        return str(held.get(OneLine(tags.LABEL), "")) or next(iter(self._settings.agent.reply_labels), "")

    # The reply

    async def _write(self, job: Job, reading: MailReading, label: str) -> str | None:
        """Drafts the reply and stores it; returns the reason if there is to be none."""
        mailbox = await self.boxes.known(job.mailbox_id)
        if (reason := self._why_no_reply(job, reading, label, mailbox, reading.thread)) is not None:
            return reason
        letters: tuple[Letter, ...] = reading.conversation.for_reply
        facts = await asyncio.to_thread(self._facts.of, mailbox.address)
        text = f"{reading.mail.subject}\n{reading.mail.body}"
        examples = await asyncio.to_thread(self._examples.like, text, label)
        known, assist = background(facts, examples), self._settings.assist
        rejected = ""
        if job.is_redraft:
            asked = redraft_tags.read(await self._gateway.tags(job.mailbox_id, job.email_id))
            if asked is None:
                return "the reviewer no longer asks for another draft"
            rejected = str((await self._gateway.email(job.mailbox_id, job.email_id)).body)
            request = tasks.prepare_redraft_for_reviewer(
                letters, rejected, asked.reason, asked.suggestion, assist, known
            )
        else:
            request = tasks.prepare_draft(letters, mailbox.address, "", assist, known)
        draft = str((await self.assistant.write_whole(request, automatic=True)).text)
        # A human, or another agent, may have answered meanwhile.
        thread, mailbox = await self._thread_with(reading.mail), await self.boxes.known(job.mailbox_id)
        if (reason := self._why_no_reply(job, reading, label, mailbox, thread)) is not None:
            return reason
        if (reason := policy.why_not_this_draft(draft, mailbox, reading.mail)) is not None:
            return reason
        if job.is_redraft and draft.split() in (rejected.split(), []):
            return "the model wrote nothing new"
        reader, now = policy.who_is_answered(reading.mail), self._clock.now()
        await asyncio.to_thread(
            self._jobs.write_draft, job.email_id, draft, now, writes_to=reader, examples=len(examples)
        )
        return None

    def _why_no_reply(
        self, job: Job, reading: MailReading, label: str, mailbox: Mailbox, thread: ThreadSummary | None
    ) -> str | None:
        own = self._jobs.replies_in(reading.mail.thread_id or job.thread_id)
        situation = policy.Situation(
            mail=reading.mail,
            label=label,
            mailbox=mailbox,
            thread=thread,
            own_addresses=self.boxes.own_addresses,
            own_replies=own,
            now=self._clock.now(),
        )
        reason = policy.why_no_reply(situation, self._settings.agent)
        has_thread = thread is not None or not (reading.mail.thread_id or job.thread_id)
        if reason is None and not has_thread and not policy.is_gated(mailbox, reading.mail):
            raise NotFound("the email's thread is not found, and no human would be asked")
        if reason is None and job.is_redraft:
            reason = policy.why_no_redraft(thread, job.email_id, own, self._jobs.redrafts_of(job.answers))
        return reason

    async def _submit(self, email_id: str, reading: MailReading, label: str) -> None:
        job = await asyncio.to_thread(self._jobs.get, email_id)
        if job is None or job.draft is None or job.submitted_at is None:
            return
        # It decides whether a human is asked.
        mailbox = await self.boxes.known(job.mailbox_id, at_most=0)
        reason = policy.why_not_gated(mailbox, self._settings.agent, reading.mail)
        if reason is None and not policy.is_gated(mailbox, reading.mail):
            reason = policy.why_not_this_draft(job.draft, mailbox, reading.mail)
            yesterday = self._clock.now() - timedelta(days=1)
            if await asyncio.to_thread(self._jobs.written_before, job, yesterday) >= policy.MOST_REPLIES:
                reason = "too many replies to this sender today"
        if reason is not None:
            await self._finish(job, label=label, why=reason)
            return
        try:
            receipt = await self._gateway.reply(
                job.mailbox_id, job.answered_id, job.draft, idempotency_key=job.idempotency_key
            )
        except Conflict:
            # The gateway received the same content within the last minute, so it is or will be in the thread.
            thread = await self._thread(job.mailbox_id, reading.mail.thread_id or "")
            if (answer := self._answer(job, thread, reading.mail)) is None:
                raise
            await self._finish_answered(job, answer, label)
        except ReadOnlyMailbox:
            await self._finish(job, label=label, why="the mailbox is read_only")
        except BadRequest as error:
            why = f"the gateway refused the reply: {error.message}"
            await self._finish(job, state=JobState.FAILED, label=label, why=why)
        else:
            await self._finish(job, label=label, reply=receipt.id)

    def _answer(self, job: Job, thread: ThreadSummary | None, mail: EmailDetail) -> str | None:
        return policy.answer_in(thread, mail, self._jobs.replies_in(mail.thread_id or job.thread_id))

    async def _finish_answered(self, job: Job, answer: str, label: str) -> None:
        """Ends the work on an email that has an answer, which is the agent's if it has the text of its draft."""
        body = (await self._gateway.email(job.mailbox_id, answer)).body
        if job.draft is not None and " ".join(job.draft.split()) in " ".join(body.split()):
            await self._finish(job, label=label, reply=answer)
        else:
            await self._finish(job, label=label, why=f"the thread has an answer: {answer}")

    async def _finish(
        self,
        job: Job,
        *,
        state: JobState = JobState.DONE,
        label: str | None = None,
        why: str = "",
        reply: str | None = None,
    ) -> None:
        if reply:
            await self._tag_draft(job, reply)
        is_looked_at = label is not None and not job.is_redraft and job.faults < MOST_LOST
        tagged_at = self._clock.now() if is_looked_at else None
        await asyncio.to_thread(self._jobs.finish, job.email_id, state, why, reply_id=reply, tagged_at=tagged_at)
        done = ("redrafted", "not redrafted") if job.is_redraft else ("replied", "labelled")
        event = "failed" if state is JobState.FAILED else done[0 if reply else 1]
        self._log(event, email_id=job.email_id, label=label, reply=reply, why=why or None)

    async def _tag_draft(self, job: Job, reply: str) -> None:
        """Tags a draft with the rejected one that it replaces, and with how many examples it was written."""
        known = await asyncio.to_thread(self._jobs.get, job.email_id)
        wanted = {USED: str(known.examples)} if known is not None and known.examples else {}
        if job.is_redraft:
            number = self._jobs.redrafts_of(job.answers) + 1
            wanted |= {redraft_tags.FOLLOWS: job.email_id, redraft_tags.ROUND: str(number)}
        if not wanted:
            return
        try:
            await self._set_tags(job.mailbox_id, reply, wanted)
        except (BadRequest, Forbidden, NotFound) as error:
            # The draft is submitted all the same.
            self._log("tags refused", email_id=reply, why=str(error.message))


def _given(outcome: T | BaseException) -> T:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
