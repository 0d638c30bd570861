"""Handles one email. Every step can be repeated: finished steps are detected, and paid answers are cached."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TypeVar

from mm_tui.agent import policy
from mm_tui.agent.jobs import FOLLOWED, Job, JobState
from mm_tui.agent.reading import LeftAlone, MailReader
from mm_tui.agent.tools import Tools
from mm_tui.assist import tasks
from mm_tui.gateway.errors import BadRequest, Conflict, Forbidden, GatewayError, Malformed, NotFound, ReadOnlyMailbox
from mm_tui.models import Mailbox, Thread
from mm_tui.services import redraft_tags, tags
from mm_tui.services.assistant.service import background
from mm_tui.services.knowledge.examples import USED
from mm_tui.text import OneLine

T = TypeVar("T")

MOST_LOOKS = 100
"""How many finished emails' tags are looked at after one poll."""
LOOK_AGAIN = timedelta(minutes=1)
MOST_LOST = 3
"""Faults of an email after which its tags are not looked at any more: another program may remove them each time."""


class Work:
    """Handles emails, any number at the same time."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    async def do(self, job: Job) -> None:
        """Labels, tags and, if the policy says so, answers an email; records the result in the job. Raises GatewayError
        or AssistError if a call or the model failed: call again later with the job as then stored."""
        await EmailWork(self.tools, job).do()

    async def look_at_tags(self) -> None:
        """Looks once more at the tags of emails that were finished lately, and takes on again those without a label.
        Setting tags replaces all of them. A call that the network delivers late, or twice, undoes later ones."""
        jobs, gateway, clock = self.tools.jobs, self.tools.gateway, self.tools.clock
        for job in await asyncio.to_thread(jobs.tagged_lately, clock.now(), MOST_LOOKS):
            try:
                is_tagged = OneLine(tags.LABEL) in await gateway.tags(job.mailbox_id, job.email_id)
            except (BadRequest, Forbidden, NotFound):
                is_tagged = True  # it is gone or withheld, which another look would not change
            except GatewayError as error:
                # The next poll finds out whether this concerns all emails.
                again, is_fault = clock.now() + LOOK_AGAIN, isinstance(error, Malformed)
                await asyncio.to_thread(jobs.put_off, job.email_id, again, job.why, is_try=False, is_fault=is_fault)
                self.tools.log("put off", email_id=job.email_id, why=f"its tags cannot be read: {error.message}")
                if is_fault and job.faults + 1 >= MOST_LOST:
                    await asyncio.to_thread(jobs.looked_at, job.email_id, is_tagged=True)
                return
            await asyncio.to_thread(jobs.looked_at, job.email_id, is_tagged=is_tagged)
            if not is_tagged:
                self.tools.log("label lost", email_id=job.email_id, why="another call replaced the tags")


class EmailWork:
    """The work on one email. `job`: as stored."""

    def __init__(self, tools: Tools, job: Job) -> None:
        self._tools = tools
        self._gateway = tools.gateway
        self._jobs = tools.jobs
        self._reader = MailReader(tools)
        self._job = job
        self._label: str | None = None
        """None until it is known."""

    async def do(self) -> None:
        """Does the whole work, as `Work.do` describes it."""
        job = self._job
        try:
            reading = self._reading = await self._reader.read(job)
        except LeftAlone as status:
            await self._leave_alone(str(status))
            return
        self._label = await (self._known_label() if job.is_redraft else self._find_label())
        if job.reply_id is not None:
            await self._finish(reply=job.reply_id)
            return
        if job.draft is None and (own := await self._written_before()):
            await self._finish(why=f"it was answered before: {own}")
            return
        if job.draft is None:
            reason = await self._write()
        elif (answer := self._answer(reading.thread)) is not None:
            # If it is ours, it arrived, but the gateway's answer did not.
            await self._finish_answered(answer)
            return
        else:
            # Much may have happened since it was written.
            reason = self._why_no_reply(await self._mailbox(), reading.thread)
        if reason is not None:
            await self._finish(why=reason)
            return
        await self._submit()

    async def _leave_alone(self, status: str) -> None:
        """Ends the work on an email that the agent does not handle in its present status."""
        if self._job.is_redraft or self._job.reply_id is not None:
            await self._finish(why=f"the email's status is {status}")
        else:
            await asyncio.to_thread(self._jobs.forget, self._job.email_id)
            self._tools.log("left alone", email_id=self._job.email_id, why=f"its status is {status}")

    async def _mailbox(self) -> Mailbox:
        return await self._tools.boxes.known(self._job.mailbox_id)

    # Labels and tags

    async def _find_label(self) -> str:
        job, reading, assistant = self._job, self._reading, self._tools.assistant
        about, emails = [reading.conversation.about], reading.conversation.for_prompt
        outcomes = await asyncio.gather(
            assistant.classify(job.email_id, about, automatic=True),
            assistant.summarise(job.email_id, emails, automatic=True),
            assistant.extract(job.email_id, about, automatic=True),
            return_exceptions=True,  # so that each finishes and its answer is cached
        )
        label, summary, facts = _given(outcomes[0]), _given(outcomes[1]), _given(outcomes[2])
        models = list(dict.fromkeys([label.model, summary.model, facts.model]))
        wanted = tags.of_results(label.value, tags.BY_MODEL, summary.value, facts.value, models)
        email_tags = await self._tools.set_tags(job.mailbox_id, job.email_id, wanted)
        if email_tags is None:
            email_tags = await self._gateway.tags(job.mailbox_id, job.email_id)
        said = {str(key): str(value) for key, value in email_tags.items()}
        return said.get(tags.LABEL, label.value) if said.get(tags.LABEL_BY) == tags.BY_HUMAN else label.value

    async def _known_label(self) -> str:
        """The current label of the answered email; if it has none any more, that does not prevent a reply."""
        email_tags = await self._gateway.tags(self._job.mailbox_id, self._job.answered_id)
        return str(email_tags.get(OneLine(tags.LABEL), "")) or next(iter(self._tools.settings.agent.reply_labels), "")

    # The reply

    async def _write(self) -> str | None:
        """Drafts the reply and stores it; returns the reason if there is to be none."""
        job, mail, tools = self._job, self._reading.mail, self._tools
        mailbox = await self._mailbox()
        if (reason := self._why_no_reply(mailbox, self._reading.thread)) is not None:
            return reason
        emails = self._reading.conversation.for_reply
        facts = await asyncio.to_thread(tools.facts.of, mailbox.address)
        examples = await asyncio.to_thread(tools.examples.like, f"{mail.subject}\n{mail.body}", self._label or "")
        known, assist = background(facts, examples), tools.settings.assist
        rejected = ""
        if job.is_redraft:
            asked = redraft_tags.read(await self._gateway.tags(job.mailbox_id, job.email_id))
            if asked is None:
                return "the reviewer no longer asks for another draft"
            rejected = str((await self._gateway.email(job.mailbox_id, job.email_id)).body)
            request = tasks.prepare_redraft_for_reviewer(
                emails, rejected, asked.reason, asked.suggestion, assist, known
            )
        else:
            request = tasks.prepare_draft(emails, mailbox.address, "", assist, known)
        draft = str((await tools.assistant.write_whole(request, automatic=True)).text)
        # A human, or another agent, may have answered meanwhile.
        thread, mailbox = await self._reader.thread_with(mail), await self._mailbox()
        if (reason := self._why_no_reply(mailbox, thread)) is not None:
            return reason
        if (reason := policy.why_not_this_draft(draft, mailbox, mail)) is not None:
            return reason
        if job.is_redraft and draft.split() in (rejected.split(), []):
            return "the model wrote nothing new"
        reader, now = policy.who_is_answered(mail), tools.clock.now()
        await asyncio.to_thread(
            self._jobs.write_draft, job.email_id, draft, now, writes_to=reader, examples=len(examples)
        )
        return None

    async def _written_before(self) -> str | None:
        """Records the drafts that answer this email, if the agent wrote them and then lost its store, so that a
        reviewer can still ask for others. Returns the first; None if there is none. The tag says that it wrote them:
        another program may draft, too."""
        job, mail, first = self._job, self._reading.mail, None
        if job.is_redraft or not self._reading.was_opened:
            return None
        own = self._jobs.replies_in(self._thread_id)
        for draft in policy.drafts_after(mail, self._reading.thread, self._tools.clock.now() - FOLLOWED):
            if draft.id in own:
                continue
            email_tags = await self._gateway.tags(job.mailbox_id, draft.id)
            if str(email_tags.get(OneLine(tags.ANSWERS), "")) != job.email_id:
                continue
            follows = str(email_tags.get(OneLine(redraft_tags.FOLLOWS), ""))
            made = Job(
                follows or job.email_id,
                job.mailbox_id,
                self._thread_id,
                reply_id=draft.id,
                submitted_at=draft.received_at,
                answers=job.email_id if follows else "",
            )
            await asyncio.to_thread(self._jobs.adopt, made)
            first = first or draft.id
        return first

    @property
    def _thread_id(self) -> str:
        return self._reading.mail.thread_id or self._job.thread_id

    def _why_no_reply(self, mailbox: Mailbox, thread: Thread | None) -> str | None:
        job, mail, tools = self._job, self._reading.mail, self._tools
        own = self._jobs.replies_in(self._thread_id)
        situation = policy.Situation(
            mail=mail,
            label=self._label or "",
            mailbox=mailbox,
            thread=thread,
            own_addresses=tools.boxes.own_addresses,
            own_replies=own,
            now=tools.clock.now(),
        )
        reason = policy.why_no_reply(situation, tools.settings.agent)
        has_thread = thread is not None or not self._thread_id
        if reason is None and not has_thread and not policy.is_gated(mailbox, mail):
            raise NotFound("the email's thread is not found, and no human would be asked")
        if reason is None and job.is_redraft:
            reason = policy.why_no_redraft(thread, job.email_id, own, self._jobs.redrafts_of(job.answers))
        return reason

    async def _submit(self) -> None:
        job = await asyncio.to_thread(self._jobs.get, self._job.email_id)
        if job is None or job.draft is None or job.submitted_at is None:
            return
        self._job, mail, tools = job, self._reading.mail, self._tools
        # It decides whether a human is asked.
        mailbox = await tools.boxes.known(job.mailbox_id, at_most=0)
        reason = policy.why_not_gated(mailbox, tools.settings.agent, mail)
        if reason is None and not policy.is_gated(mailbox, mail):
            reason = policy.why_not_this_draft(job.draft, mailbox, mail)
            yesterday = tools.clock.now() - timedelta(days=1)
            if await asyncio.to_thread(self._jobs.written_before, job, yesterday) >= policy.MOST_REPLIES:
                reason = "too many replies to this sender today"
        if reason is not None:
            await self._finish(why=reason)
            return
        try:
            receipt = await self._gateway.reply(
                job.mailbox_id, job.answered_id, job.draft, idempotency_key=job.idempotency_key
            )
        except Conflict:
            # The gateway received the same content within the last minute, so it is or will be in the thread.
            if (answer := self._answer(await tools.thread(job.mailbox_id, mail.thread_id))) is None:
                raise
            await self._finish_answered(answer)
        except ReadOnlyMailbox:
            await self._finish(why="the mailbox is read_only")
        except BadRequest as error:
            await self._finish(state=JobState.FAILED, why=f"the gateway refused the reply: {error.message}")
        else:
            await self._finish(reply=receipt.id)

    def _answer(self, thread: Thread | None) -> str | None:
        return policy.answer_in(thread, self._reading.mail, self._jobs.replies_in(self._thread_id))

    async def _finish_answered(self, answer: str) -> None:
        """Ends the work on an email that has an answer, which is the agent's if it has the text of its draft."""
        job = self._job
        body = (await self._gateway.email(job.mailbox_id, answer)).body
        if job.draft is not None and " ".join(job.draft.split()) in " ".join(body.split()):
            await self._finish(reply=answer)
        else:
            await self._finish(why=f"the thread has an answer: {answer}")

    async def _finish(self, *, state: JobState = JobState.DONE, why: str = "", reply: str | None = None) -> None:
        job, label = self._job, self._label
        if reply:
            await self._tag_draft(reply)
        is_looked_at = label is not None and not job.is_redraft and job.faults < MOST_LOST
        tagged_at = self._tools.clock.now() if is_looked_at else None
        await asyncio.to_thread(self._jobs.finish, job.email_id, state, why, reply_id=reply, tagged_at=tagged_at)
        done = ("redrafted", "not redrafted") if job.is_redraft else ("replied", "labelled")
        event = "failed" if state is JobState.FAILED else done[0 if reply else 1]
        self._tools.log(event, email_id=job.email_id, label=label, reply=reply, why=why or None)

    async def _tag_draft(self, reply: str) -> None:
        """Tags a draft with the email it answers, the rejected one it replaces, and the number of its examples."""
        job = self._job
        wanted = {tags.ANSWERS: job.answered_id} | ({USED: str(job.examples)} if job.examples else {})
        if job.is_redraft:
            number = self._jobs.redrafts_of(job.answers) + 1
            wanted |= {redraft_tags.FOLLOWS: job.email_id, redraft_tags.ROUND: str(number)}
        try:
            await self._tools.set_tags(job.mailbox_id, reply, wanted)
        except (BadRequest, Forbidden, NotFound) as error:
            # The draft is submitted all the same.
            self._tools.log("tags refused", email_id=reply, why=str(error.message))


def _given(outcome: T | BaseException) -> T:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
