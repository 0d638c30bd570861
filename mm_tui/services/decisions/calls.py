"""Makes the gateway calls of a decision, and turns each result into an event of the decision procedure."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

from msgspec.structs import replace

from mm_tui.clock import Clock, noticing_sleep, uptime
from mm_tui.decision.effects import Call, Cancel, Decide, RecordApproval, Reschedule, Submit
from mm_tui.decision.events import (
    CallConflict,
    CallRefused,
    CheckOutdated,
    Done,
    Event,
    Found,
    KeyExpired,
    NotMade,
    Observed,
    OutcomeUnknown,
    ReadFailed,
    Submitted,
)
from mm_tui.decision.moves import target
from mm_tui.decision.relatives import relatives_in
from mm_tui.decision.state import Act, RemoteState, Snapshot, Stage, State, Step
from mm_tui.gateway.client import GatewayClient, first_pages
from mm_tui.gateway.errors import Closing, Conflict, GatewayError, NotFound, TooMany
from mm_tui.gateway.shapes import KEY_LIFETIME, EmailFilter, OutgoingAttachment
from mm_tui.gateway.witness import already_written
from mm_tui.models import Direction, EditedDraft, EmailDetail, EmailSummary, SendReceipt, Status
from mm_tui.review.draft import fingerprint, starts_thread, with_listed
from mm_tui.review.subject import topic
from mm_tui.services.decisions.record import ActiveDecision, DecisionMeta
from mm_tui.services.decisions.remote_state import remote_state_of, snapshot_of
from mm_tui.services.presence.approvals import Approver
from mm_tui.services.presence.tags import mark_pair
from mm_tui.services.tags import TagsDiffer, merge

SET_BACK = timedelta(minutes=10)
"""If the clock was set back by more than this, the age of an idempotency key is not known."""
READ_TRIES = 3
"""How many times a read is tried before the network counts as down."""
CHECK_LIFETIME = 30.0
"""How many seconds after its last reading an email may still be approved."""
FIND_PAGES = 5
"""How many pages of 100 emails are searched for an edit whose id was never received."""

log = logging.getLogger("mm_tui.decisions")


Rest = Callable[[float, bool], Awaitable[None]]


class DecisionCalls:
    """Performs those effects of the decision procedure that call the gateway. None of these methods raises."""

    def __init__(self, gateway: GatewayClient, clock: Clock, us: Approver) -> None:
        self._gateway = gateway
        self._clock = clock
        self._us = us
        self._reviewer = us.name
        self._our_name = ""
        """The name under which the gateway records approvals made with our key, once known."""
        self.limited: set[str] = set()
        """The ids of decisions with a call that was refused because of too many requests."""

    async def perform(self, decision: ActiveDecision, effect: Call) -> Event:
        """Makes one call and returns its result as an event."""
        try:
            match effect:
                case Decide():
                    return await self._decide(decision, effect)
                case RecordApproval(email_id, digest):
                    return await self._record_approval(decision, email_id, digest)
                case Submit():
                    return await self._submit(decision)
                case Cancel(email_id):
                    receipt = await self._gateway.cancel(decision.meta.mailbox_id, email_id)
                    return _as_asked(receipt.status, RemoteState.CANCELLED)
                case Reschedule():
                    return await self._reschedule(decision)
        except Closing:
            return NotMade(undone=False)
        except GatewayError as error:
            if isinstance(error, TooMany):
                self.limited.add(decision.decision_id)
            result = _refused(error)
            if isinstance(result, CallRefused) and error.status is not None and not isinstance(effect, Cancel):
                return await self._checked_refusal(decision, effect, result)
            return result
        except Exception as error:  # noqa: BLE001 - whatever went wrong here, the call may have left: it is read back
            log.error("a call failed in an unforeseen way: %s", type(error).__name__)
            return OutcomeUnknown(f"unforeseen: {type(error).__name__}")

    async def _checked_refusal(self, decision: ActiveDecision, effect: Call, refused: CallRefused) -> Event:
        """The refusal, if the gateway shows no effect of the call: something on the way, or a call that arrived twice,
        may answer a call that succeeded with any status."""
        words, about = refused.words, target(decision.state)
        try:
            if isinstance(effect, Submit):
                found = await self.find(decision)
                return CallConflict(words) if isinstance(found, Found) and found.email_id else refused
            now = await self._snapshot(decision, about)
        except NotFound:
            return CallConflict(words)
        except GatewayError as error:
            # If it refuses every call, it refused this one.
            return refused if error.status is not None and error.status < 500 else OutcomeUnknown(words)
        except Exception as error:  # noqa: BLE001 - as in `perform`
            log.error("a refusal could not be checked: %s", type(error).__name__)
            return OutcomeUnknown(words)
        if isinstance(effect, Reschedule):
            return CallConflict(words) if now.fingerprint == decision.state.case.fingerprint else refused
        recorded = isinstance(effect, RecordApproval) and now.is_approved_by_us
        return refused if now.remote_state is RemoteState.PENDING and not recorded else CallConflict(words)

    async def look(self, decision: ActiveDecision, email_id: str, rest: Rest) -> Observed | ReadFailed:
        """Reads one email. A failed read is repeated a few times before the network counts as down. `rest` waits before
        the next try, with the seconds, and whether the gateway asked for the wait."""
        tries = 0
        while True:
            try:
                began = uptime()
                snapshot, slept = await noticing_sleep(self._snapshot(decision, email_id))
                # An answer that arrived before the machine slept is as old as the request.
                decision.read_at = began if slept else uptime()
                return Observed(email_id, snapshot)
            except NotFound as error:
                return Observed(email_id, Snapshot(RemoteState.UNCLEAR, status=error.message))
            except GatewayError as error:
                tries += 1
                if tries >= READ_TRIES or error.status in (401, 403):
                    return ReadFailed(error.message)
                await rest(error.retry_after or 2.0 ** (tries - 1), error.retry_after is not None)

    async def _snapshot(self, decision: ActiveDecision, email_id: str) -> Snapshot:
        """The email as it is now. An email about to be decided must also be in the gateway's queue. Reading the details
        of approved inbound mail would mark it as read and hide it from the agent, so only its status is read."""
        direction = decision.meta.direction
        inbound = direction == Direction.INBOUND
        listed = True
        state = decision.state
        before_call = state.step is Step.CHECK and state.todo == (email_id,)
        before_call = before_call and state.stage not in (Stage.WAIT, Stage.RESCHEDULE)
        if inbound or before_call:
            waiting = await self._waiting(decision, email_id)
            listed = email_id in waiting
            if state.stage is Stage.SUBMIT and not state.called:
                decision.waited_before = waiting
        if inbound and not listed:
            status = await self._status(decision, email_id)
            if status == Status.UNREAD:
                return Snapshot(remote_state_of(status, direction), status=status)
        mail = await self._gateway.email(decision.meta.mailbox_id, email_id)
        if self._lost_its_mark(decision, mail):
            decision.marked_again = True
            await self.mark_pair(decision)
            mail = await self._gateway.email(decision.meta.mailbox_id, email_id)
        if not listed and remote_state_of(mail.status, direction) is RemoteState.PENDING:
            # The queue was read first; a scan that ended in between has added the email since.
            listed = email_id in await self._waiting(decision, email_id)
        mail = decision.whole(mail)
        decision.read[email_id] = mail.raw
        if email_id == decision.email_id:
            decision.meta = replace(
                decision.meta,
                thread_id=decision.meta.thread_id or mail.thread_id,
                received_at=decision.meta.received_at or mail.received_at,
            )
        if state.step is Step.RECORD and email_id == target(state) and mail.approved_by and _approves(state):
            self._our_name = mail.approved_by
        snapshot = snapshot_of(mail, direction, self._our_name, now=self._clock.now(), us=self._us)
        if snapshot.remote_state is RemoteState.PENDING and not listed:
            return Snapshot(RemoteState.UNCLEAR, status=f"{mail.status}, but not in the queue")
        return snapshot

    async def _waiting(self, decision: ActiveDecision, email_id: str) -> frozenset[str]:
        """The ids of the emails in the gateway's queue now. What it tells of this email is kept."""
        items = await self._gateway.pending()
        decision.listed |= {item.id: item.raw for item in items if item.id == email_id}
        return frozenset(item.id for item in items)

    async def _status(self, decision: ActiveDecision, email_id: str) -> str:
        """An email's status, without reading its details. Raises NotFound if no list has it."""
        meta = decision.meta
        if meta.thread_id is not None:
            thread = await self._gateway.thread(meta.mailbox_id, meta.thread_id)
            mails: list[EmailSummary] = list(thread)
        else:
            mails = [mail async for mail in self._since(decision, Direction.INBOUND)]
        for mail in mails:
            if mail.id == email_id:
                return str(mail.status)
        raise NotFound("the gateway lists it nowhere")

    async def _since(self, decision: ActiveDecision, direction: Direction) -> AsyncIterator[EmailSummary]:
        """The mailbox's emails in this direction, newest first, back to the time of the draft."""
        received = decision.meta.received_at
        # The gateway's filter may exclude the given moment itself.
        after = received - timedelta(seconds=1) if received is not None else None
        wanted = EmailFilter(direction=direction, date_after=after)
        async for page in first_pages(self._gateway, decision.meta.mailbox_id, wanted, most=FIND_PAGES):
            for mail in page.emails:
                yield mail

    async def _decide(self, decision: ActiveDecision, effect: Decide) -> Event:
        if effect.approve and uptime() - decision.read_at > CHECK_LIFETIME:
            return CheckOutdated()
        reason: str | None = None
        if effect.superseded_by:
            reason = f"superseded by {effect.superseded_by}, edited by {self._reviewer}"
        elif not effect.approve and decision.content is not None:
            reason = decision.content.reason
        status = await self._gateway.decide(effect.email_id, "approve" if effect.approve else "reject", reason)
        if effect.approve and status == "scheduled":
            return Done(status)
        wanted = RemoteState.RELEASED if effect.approve else RemoteState.REJECTED
        return _as_asked(status, wanted, decision.meta.direction)

    async def _record_approval(self, decision: ActiveDecision, email_id: str, digest: str) -> Event:
        tag = self._us.tag(digest, self._clock.now())
        try:
            with already_written():
                decision.tags = await merge(self._gateway, decision.meta.mailbox_id, email_id, tag)
        except TagsDiffer:
            return OutcomeUnknown("somebody else writes the tags at the same time")
        return Done("recorded")

    async def _submit(self, decision: ActiveDecision) -> Event:
        if not -SET_BACK <= self._clock.now() - decision.meta.key_since <= KEY_LIFETIME:
            return KeyExpired()
        _, _, mine = decision.texts
        try:
            files = await self._files(decision)
            parent = await self._answered(decision)
        except GatewayError as error:
            return CallRefused(error.message)
        if any(len(file.content) != size for file, (_, size, _) in zip(files, mine.attachments, strict=True)):
            return CallRefused("an attachment of the original did not arrive complete and cannot be added to the edit")
        if len({file.name for file in files}) != len(files):
            return CallRefused("two attachments have the same name, and the gateway returns only one of them")
        try:
            receipt = await self._send(decision, parent, files)
        except NotFound as error:
            return await self._checked_refusal(decision, Submit(), CallRefused(error.message))
        if receipt.id in {decision.email_id, *decision.state.case.siblings, *decision.waited_before}:
            # Then the edit is looked for by its content.
            return CallConflict("the gateway gave your edit the id of an email that was there before")
        return Submitted(receipt.id)

    async def _send(
        self, decision: ActiveDecision, parent: str | None, files: tuple[OutgoingAttachment, ...]
    ) -> SendReceipt:
        box, key, (_, _, mine) = decision.meta.mailbox_id, decision.meta.key, decision.texts
        if parent is not None:
            return await self._gateway.reply(
                box, parent, mine.body, cc=mine.cc, bcc=mine.bcc, attachments=files, idempotency_key=key
            )
        return await self._gateway.send(box, mine, attachments=files, idempotency_key=key)

    async def _files(self, decision: ActiveDecision) -> tuple[OutgoingAttachment, ...]:
        """The original's attachments, with their bytes."""
        files = []
        for name, size, content_type in decision.texts[0].attachments:
            content = await self._gateway.attachment(decision.meta.mailbox_id, decision.email_id, name, size=size)
            files.append(OutgoingAttachment(name, content, content_type or "application/octet-stream"))
        return tuple(files)

    async def _answered(self, decision: ActiveDecision) -> str | None:
        """The email that the original answers, if a reply to it has the same recipients and subject."""
        meta, (base, edit, mine) = decision.meta, decision.texts
        if meta.thread_id is None or starts_thread(base, edit):
            return None
        thread = await self._gateway.thread(meta.mailbox_id, meta.thread_id)
        inbound = [
            mail
            for mail in thread
            if str(mail.direction) == Direction.INBOUND
            and (mail.received_at is None or meta.received_at is None or mail.received_at <= meta.received_at)
        ]
        if not inbound:
            return None
        sender, subject = str(inbound[-1].sender.address), str(inbound[-1].subject)
        return None if starts_thread(mine, EditedDraft((sender,), subject, edit.body)) else inbound[-1].id

    async def _reschedule(self, decision: ActiveDecision) -> Event:
        box, item, (_, edit, _) = decision.meta.mailbox_id, decision.email_id, decision.texts
        await self._gateway.edit_schedule(box, item, to=edit.to, subject=edit.subject, body=edit.body)
        return Done("changed")

    def _lost_its_mark(self, decision: ActiveDecision, mail: EmailDetail) -> bool:
        """Whether the original's tags do not name our edit, because another program wrote them at the same moment."""
        state = decision.state
        marks = decision.marking is not None and not decision.marked_again and state.stage is Stage.RETIRE
        return marks and mail.id == state.case.item and state.replacement not in relatives_in(mail.tags, mail.id)

    async def mark_pair(self, decision: ActiveDecision) -> None:
        """Tags original and edit as versions of one email, for other reviewers and their programs."""
        state = decision.state
        try:
            await mark_pair(self._gateway, decision.meta.mailbox_id, state.case.item, state.replacement, self._reviewer)
        except (GatewayError, TagsDiffer) as error:
            log.info("a pair could not be marked: %s", type(error).__name__)

    async def find(self, decision: ActiveDecision) -> Found | ReadFailed:
        """Looks for an email that is newer than the original and has exactly the edit's content. An edit in the
        original's thread is looked for only there, any other among all sent emails."""
        case, meta, (base, edit, mine) = decision.state.case, decision.meta, decision.texts
        try:
            if meta.thread_id is not None and not starts_thread(base, edit):
                thread = await self._gateway.thread(meta.mailbox_id, meta.thread_id)
                mails = [mail for mail in reversed(thread) if str(mail.direction) == Direction.OUTBOUND]
            else:
                mails = [mail async for mail in self._since(decision, Direction.OUTBOUND)]
            for mail in mails:
                if mail.id == case.item or mail.id in case.siblings or not _may_be(mail, edit.subject, meta):
                    continue
                found = with_listed((await self._gateway.email(meta.mailbox_id, mail.id)).raw, mine)
                decision.read[mail.id] = found
                if fingerprint(found) == case.fingerprint:
                    return Found(mail.id)
        except GatewayError as error:
            return ReadFailed(error.message)
        return Found()


def _approves(state: State) -> bool:
    """Whether the call being recorded was an approval."""
    return state.case.act is Act.APPROVE or state.stage is Stage.RELEASE


def _may_be(mail: EmailSummary, subject: str, meta: DecisionMeta) -> bool:
    """Whether a listed email may be the edit, by the fields that a list has."""
    if mail.received_at is not None and meta.received_at is not None and mail.received_at < meta.received_at:
        return False
    # The list's text is cleaned and ours is not, so ours is cleaned before they are compared.
    return topic(mail.subject) == topic(type(mail.subject)(subject))


def _as_asked(status: str, wanted: RemoteState, direction: str = Direction.OUTBOUND) -> Done | OutcomeUnknown:
    """A successful answer counts only if it names the email that was asked for; otherwise the outcome is unknown."""
    if remote_state_of(status, direction) is wanted:
        return Done(status)
    return OutcomeUnknown(f"the gateway answered {status!r}")


def _refused(error: GatewayError) -> CallRefused | CallConflict | OutcomeUnknown:
    if error.may_have_happened:
        return OutcomeUnknown(error.message)
    if isinstance(error, (NotFound, Conflict)):
        return CallConflict(error.message)
    return CallRefused(error.message)
