"""Applies the risk rules to the queue, and caches their findings until something that they depend on changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from mm_tui.clock import Clock
from mm_tui.decision.relatives import REPLACED_BY, REPLACES
from mm_tui.models import NOT_SENT, Direction, EditedDraft, EmailDetail, EmailSummary, Party, PendingItem, Status
from mm_tui.review.disclosure import late
from mm_tui.review.findings import Finding, Level
from mm_tui.review.risk.engine import assess_within
from mm_tui.review.risk.model import Assessment, Draft, EarlierEmail, HouseText, OtherAnswer, ThreadContext
from mm_tui.review.risk.rule import Reading
from mm_tui.services.knowledge.contacts import Contacts
from mm_tui.services.knowledge.facts import Facts, HouseFacts
from mm_tui.services.queue.entry import ThreadMail, newer_mail
from mm_tui.services.queue.resubmitted import Resubmissions
from mm_tui.services.queue.stored import StoredEmail
from mm_tui.services.sync.mail import synced
from mm_tui.settings.sections import Risk
from mm_tui.store.database import Database
from mm_tui.store.decisions.records import DecisionStore
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.state import StateStore
from mm_tui.text import ManyLine, OneLine

MAX_ASSESSED = 20_000
"""The most cached assessments. For a longer queue nothing is cached."""


class _Assessed(msgspec.Struct):
    """The rules' findings, and what they asked about correspondents."""

    assessment: Assessment
    asked: Mapping[tuple[str, ...], object]
    version: int
    """The version of the correspondents for which the answers were last found unchanged."""


class Assessing:
    """Assesses the drafts of one profile. Takes some milliseconds a draft: call it in a thread."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        risk: Risk,
        house: HouseFacts | None,
        contacts: Contacts,
        resubmissions: Resubmissions,
    ) -> None:
        self._mail = MailStore(database)
        self._decisions = DecisionStore(database)
        self._contacts = contacts
        self._clock = clock
        self._risk = risk
        self._house = house
        self._assessed: OrderedDict[object, _Assessed] = OrderedDict()
        self._resubmissions = resubmissions
        self._addresses: Mapping[str, str] = {}
        self._state = StateStore(database)
        self._synced: frozenset[str] = frozenset()
        self._own: frozenset[str] = frozenset()

    def refresh(self) -> Mapping[str, str]:
        """Updates what drafts are compared with. Returns the mailboxes' addresses by id."""
        self._addresses = self._mail.addresses()
        # Whose initial sync has ended is read before the correspondents: all that they wrote is there.
        before, self._synced = self._synced, synced(self._state, self._addresses)
        self._contacts.refresh(at_once=self._synced != before)
        self._own = frozenset(map(str.lower, self._addresses.values()))
        return self._addresses

    def assess(self, stored: StoredEmail) -> Assessment:
        """Assesses what would be sent: the human's text, if there is one."""
        item, thread = stored.item, stored.thread
        written = stored.edit.text if stored.edit is not None else None
        read = tuple((mail.summary.id, mail.detail is not None, mail.mail.is_exchanged) for mail in thread)
        answers, house = self._answers(item, thread), self._house_facts(item.mailbox_id)
        has_history = item.mailbox_id in self._synced
        today, rejected = self._clock.now().date(), self._resubmissions.rejected
        since = _since(item, thread, self._clock.now(), edited=written is not None)
        around = (answers, house, has_history, today, rejected, self._own)
        key = (stored.digest, item.complete, since, read, written, around)
        known = self._assessed.get(key)
        if known is not None and known.version == self._contacts.version:
            return known.assessment
        draft = Draft.of(item) if written is None else edited_draft(item, written)
        reading = Reading(draft, self._context(item, thread, answers), self._risk)
        if known is not None and reading.known.answers_as(known.asked):
            known.version = self._contacts.version
            return known.assessment
        found = assess_within(reading)
        found = _with(replace(found, unchecked=(*found.unchecked, *house.problems)), since)
        self._assessed[key] = _Assessed(found, reading.known.asked, self._contacts.version)
        if len(self._assessed) > MAX_ASSESSED:
            self._assessed.popitem(last=False)
        return found

    def assess_text(self, item: PendingItem, thread: Sequence[ThreadMail], draft: Draft) -> Assessment:
        """Assesses another text in place of the waiting one."""
        reading = Reading(draft, self._context(item, thread, self._answers(item, thread)), self._risk)
        return _with(assess_within(reading), _since(item, thread, self._clock.now(), edited=draft.replaces))

    def assess_submitted(self, item: PendingItem, thread: Sequence[ThreadMail]) -> Assessment:
        """Assesses the waiting text, even if there is a human's text in place of it."""
        return self.assess_text(item, thread, Draft.of(item))

    def _house_facts(self, mailbox_id: str) -> Facts:
        if self._house is None or not self._house.named:
            return Facts()
        return self._house.of(self._addresses.get(mailbox_id, ""))

    def _context(
        self, item: PendingItem, thread: Sequence[ThreadMail], answers: tuple[OtherAnswer, ...]
    ) -> ThreadContext:
        return ThreadContext(
            messages=tuple(EarlierEmail.of(mail.mail) for mail in thread if mail.mail.is_exchanged),
            own_addresses=self._own,
            contacts=self._contacts.known_to(item.id, item.mailbox_id, item.thread_id, item.received_at),
            answers=answers,
            rejected=tuple(old for old in self._resubmissions.rejected if old.body != item.body),
            house=tuple(HouseText(file.name, file.text) for file in self._house_facts(item.mailbox_id).files),
            history_read=item.mailbox_id in self._synced,
            today=self._clock.now().date(),
        )

    def _answers(self, item: PendingItem, thread: Iterable[ThreadMail]) -> tuple[OtherAnswer, ...]:
        others = list(thread)

        def family() -> set[str]:
            details = [mail.detail for mail in others if mail.detail is not None]
            own = self._mail.detail(item.id)
            return family_of(item.id, self._decisions, details if own is None else [*details, own])

        return other_answers(item, [mail.mail for mail in others], family)


def edited_draft(item: PendingItem, text: EditedDraft) -> Draft:
    """The item with a human's text for the rules; cc and attachments stay."""
    return replace(
        Draft.of(item),
        to=tuple(Party.parse(one) for one in text.to),
        subject=OneLine(text.subject),
        body=ManyLine(text.body),
        undisclosed=frozenset(item.raw.undisclosed) - {"to"},
        replaces=str(item.status) != Status.SCHEDULED,
    )


def _since(item: PendingItem, thread: Iterable[ThreadMail], now: datetime, *, edited: bool) -> tuple[Finding, ...]:
    """What happened since the draft was written: mail arrived in its thread, its send time passed. An `edited` text has
    no send time."""
    passed = () if edited else late(item.raw.send_at, now)
    newer = newer_mail(item, thread)
    if not newer:
        return passed
    came = "an email came" if len(newer) == 1 else f"{len(newer)} emails came"
    words = f"the thread continued: {came} in after this draft was written"
    return (*passed, Finding("thread_moved", Level.MEDIUM, OneLine(words)))


def _with(assessment: Assessment, found: tuple[Finding, ...]) -> Assessment:
    """The assessment with these findings, the highest level first."""
    if not found:
        return assessment
    findings = sorted((*assessment.findings, *found), key=lambda finding: -finding.level)
    return replace(assessment, findings=tuple(findings))


WAITING = frozenset({Status.PENDING_SCAN, Status.PENDING_SEND_APPROVAL, Status.SCHEDULED})
GONE = NOT_SENT - WAITING | {Status.DELETED}
"""Statuses of drafts that will not be sent, unless they were sent already."""


def other_answers(
    item: PendingItem, others: Sequence[EmailSummary], family: Callable[[], Iterable[str]]
) -> tuple[OtherAnswer, ...]:
    """The other answers to the email that the waiting draft `item` answers, oldest first. `others`: the other emails of
    its thread, opened where they were, oldest first. `family` returns the ids of emails that replace the draft or are
    replaced by it. These are no second answer while they wait, but are one once sent."""
    if str(item.direction) == Direction.INBOUND:
        return ()
    answered = _answered(item, others)
    found = [one for one in others if _answers(one, item, answered)]
    if any(not one.is_exchanged for one in found):
        related = set(family())
        found = [one for one in found if one.is_exchanged or one.id not in related]
    return tuple(OtherAnswer(one.status, _left_at(one), one.is_exchanged) for one in found)


def family_of(item_id: str, decisions: DecisionStore, details: Iterable[EmailDetail]) -> set[str]:
    """The ids of a draft's edits and originals, from our decisions and from other reviewers' tags."""
    found = {item_id}
    for record in decisions.family(item_id):
        found.update(filter(None, (record.item_id, record.replacement_id)))
    for detail in details:
        tags = {str(name): str(value) for name, value in detail.tags.items()}
        linked = {tags[name] for name in (REPLACES, REPLACED_BY) if tags.get(name)}
        if detail.id == item_id:
            found |= linked
        elif item_id in linked:
            found.add(detail.id)
    return found


def _answered(item: PendingItem, others: Iterable[EmailSummary]) -> EmailSummary | None:
    """The email that a draft answers, judging by times: the newest that had arrived when it was written."""
    before = [
        one
        for one in others
        if str(one.direction) == Direction.INBOUND and one.is_exchanged and not _is_later(one, item.received_at)
    ]
    return before[-1] if before else None


def _answers(other: EmailSummary, item: PendingItem, answered: EmailSummary | None) -> bool:
    if str(other.direction) == Direction.INBOUND or (str(other.status) in GONE and not other.is_exchanged):
        return False
    if answered is not None and not _reaches(other, item, answered):
        return False
    named = str(other.in_reply_to) if isinstance(other, EmailDetail) else ""
    if item.in_reply_to and named:
        return named == str(item.in_reply_to)
    return answered is not None and _is_later(other, answered.received_at)


def _reaches(other: EmailSummary, item: PendingItem, answered: EmailSummary) -> bool:
    """Whether it went to whom the draft goes or answers, and not only to colleagues whom we asked."""
    copies = other.cc if isinstance(other, EmailDetail) else ()
    went = {str(party.address).lower() for party in (*other.to, *copies)}
    meant = {str(party.address).lower() for party in (answered.sender, *item.to, *item.cc)}
    return not went or bool(went & meant)


def _is_later(mail: EmailSummary, moment: datetime | None) -> bool:
    return moment is not None and mail.received_at is not None and mail.received_at > moment


def _left_at(mail: EmailSummary) -> datetime | None:
    approved = mail.approved_at if isinstance(mail, EmailDetail) else None
    return approved or mail.delivered_at or mail.received_at
