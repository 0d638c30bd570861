"""The review queue: waiting emails with their age, risk and context. Uses no network."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mm_tui.decision.relatives import NAMES as RELATION_TAGS
from mm_tui.decision.relatives import PREFIX, editor_in, is_edit, relatives_in
from mm_tui.models import Direction, EditedDraft, EmailSummary, Party, PendingItem
from mm_tui.review.digest import digest_of
from mm_tui.review.findings import Finding, Level
from mm_tui.review.risk import Assessment, Draft, HouseText, Message, OtherAnswer, Rejected, ThreadContext, assess
from mm_tui.services.contacts import Contacts
from mm_tui.services.facts import Facts
from mm_tui.services.presence.approvals import NO_APPROVALS, is_approval
from mm_tui.services.presence.notes import NAMES as NOTE_TAGS
from mm_tui.services.presence.notes import assignment_in, note_in
from mm_tui.services.presence.tags import NAMES as CLAIM_TAGS
from mm_tui.services.presence.tags import ClaimReader, Presence, pair_words
from mm_tui.services.queue.answers import family_of, other_answers
from mm_tui.services.queue.authors import Authors
from mm_tui.services.queue.due import due_at
from mm_tui.services.queue.entry import NOBODY, Order, QueueEntry, Seat, ThreadMail
from mm_tui.services.queue.filter import FilterContext
from mm_tui.services.queue.resubmitted import Resubmissions
from mm_tui.services.queue.snooze import Snoozes
from mm_tui.services.redraft_tags import FOLLOWS, follows
from mm_tui.store.audit.timeline import Timeline
from mm_tui.store.decisions.edits import EditStore
from mm_tui.store.decisions.records import DecisionStore
from mm_tui.store.mail.mails import MailStore, MailView
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import ManyLine, OneLine

if TYPE_CHECKING:
    from mm_tui.clock import Clock
    from mm_tui.services.facts import HouseFacts
    from mm_tui.services.presence.second_approval import SecondApproval
    from mm_tui.settings.sections import Risk
    from mm_tui.store.database import Database

MAX_ASSESSED = 20_000
"""The size of the cache: more than usually wait at once, as a longer queue would get nothing from it."""
FIRST_READ = 25
"""How many entries to read first: more than a screen shows."""
MAX_REJECTED = 50
"""How many previously rejected drafts a new one is compared with."""
LONGEST_TAG = 2000
"""The most characters read of a tag's value: anybody may have set it."""
READ_TAGS = NOTE_TAGS | CLAIM_TAGS | RELATION_TAGS | {FOLLOWS}
"""The tags that the queue reads. All others are ignored."""
REJECTED_AGE = timedelta(minutes=2)
"""How long the list of rejected drafts is cached."""


def _is_read(tag: str) -> bool:
    return tag in READ_TAGS or is_approval(tag)


class ReviewQueue:
    """Reads the queue from the stores. Everything here may take some milliseconds per item: call it in a thread."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        risk: Risk,
        sla_minutes: Mapping[str, int] | None = None,
        house: HouseFacts | None = None,
        second: SecondApproval | None = None,
    ) -> None:
        """`house` provides the house facts of each mailbox, `second` which emails two reviewers must approve."""
        self._second = second
        self._mail = MailStore(database)
        self._timeline = Timeline(database)
        self._snoozes = Snoozes(database, clock)
        self._pending = PendingStore(database)
        self._edits = EditStore(database)
        self._authors = Authors(database)
        self._claims = ClaimReader()
        self._resubmissions = Resubmissions(database)
        self._clock = clock
        self._risk = risk
        self._sla_minutes = sla_minutes or {}
        self._house = house
        self._contacts = Contacts(database, clock)
        self._releases = DecisionStore(database)
        self._assessed: OrderedDict[object, Assessment] = OrderedDict()
        self._rejected: tuple[datetime, tuple[Rejected, ...]] | None = None

    def entries(
        self,
        order: Order = Order.OLDEST,
        *,
        mailbox_id: str | None = None,
        hidden: Iterable[str] = (),
        seat: Seat = NOBODY,
        assignee: str = "",
        why_unread: Callable[[str], OneLine] = lambda _: OneLine(""),
        stop: Callable[[], bool] = lambda: False,
        so_far: Callable[[list[QueueEntry], int], object] = lambda entries, count: None,
    ) -> list[QueueEntry]:
        """The waiting emails.

        Args:
            order: oldest first, or riskiest first and then oldest.
            mailbox_id: one mailbox only.
            hidden: ids to leave out, such as edits in progress that are shown with their original.
            seat: who reads the queue; determines which claims are theirs.
            assignee: the reviewer to whom emails may be assigned; empty for the seat's.
            why_unread: why the details of an email could not be read, as `WaitingDetails.why_not`.
            stop: called between items; True ends early with the entries so far.
            so_far: called with the oldest entries and the total number, first when `FIRST_READ` are read and then each
            time their number has doubled. All rules have been applied to each entry.
        """
        left_out = frozenset(hidden)
        items = self._pending.items(mailbox_id=mailbox_id)
        tags, now, snoozes = self._tags(), self._clock.now(), self._snoozes.all()
        pairs = _pairs(tags, {item.id for item in items} - left_out)
        self._resubmissions.take_in(now)
        found: list[QueueEntry] = []
        told = FIRST_READ
        for item in items:
            if stop():
                break
            if item.id in left_out:
                continue
            entry = self._resubmitted(self._entry(item), seat.reviewer, now, follows(tags.get(item.id, {})))
            entry = _claimed(entry, self._claim_in(item.id, tags.get(item.id, {}), now, seat), seat)
            entry = self._with_notes(entry, tags.get(item.id, {}), assignee or seat.reviewer)
            entry = self._with_approvals(entry, tags.get(item.id, {}))
            if entry.claim is not None:
                entry = replace(entry, claim=self._dated(entry.claim, item.id, now, seat))
            if item.id in pairs:
                entry = replace(entry, pair=pairs[item.id])
            if (author := self._authors.of(item, tags.get(item.id, {}))) is not None:
                entry = replace(entry, author=author, is_own_reply=author.is_same(seat.reviewer))
            if (snooze := snoozes.get(item.id)) is not None:
                woken = OneLine(snooze.why_over(entry, now))
                entry = replace(entry, woken=woken, snoozed=OneLine("") if woken else snooze.words)
            if not item.complete and (why := why_unread(item.id)):
                entry = replace(entry, unread_because=why)
            found.append(entry)
            if len(found) == told:
                so_far(ordered(found[:], order), len(items))
                told *= 2
        return ordered(found, order)

    def _with_notes(self, entry: QueueEntry, held: Mapping[OneLine, OneLine], reviewer: str) -> QueueEntry:
        """The entry, with what reviewers say about it by tags."""
        note, assignment = note_in(held), assignment_in(held)
        if note is None and assignment is None:
            return entry
        is_ours = assignment is not None and (
            assignment.is_for(reviewer) or assignment.is_for(reviewer, self._own_keys())
        )
        return replace(entry, note=note, assignment=assignment, is_mine=entry.is_mine or is_ours)

    def _with_approvals(self, entry: QueueEntry, held: Mapping[OneLine, OneLine]) -> QueueEntry:
        """The entry, with what tags say of first approvals of what would leave. Nobody has approved an edit yet."""
        if self._second is None:
            return entry
        tags = held if entry.edit is None else {}
        approvals = self._second.of(entry.item.mailbox_id, tags, entry.digest, entry.assessment.findings)
        return replace(entry, approvals=approvals) if approvals != NO_APPROVALS else entry

    def _own_keys(self) -> frozenset[str]:
        """Names and ids of the keys used for decisions in this store."""
        self._timeline.learn_decisions()
        return self._timeline.own_keys

    def _resubmitted(self, entry: QueueEntry, reviewer: str, now: datetime, named: str) -> QueueEntry:
        """The entry, with the rejected draft that it follows; `named` is the draft in its tags."""
        others = [mail.mail for mail in entry.thread]
        found = self._resubmissions.of(entry.item, others, self._pending.seen_at(entry.item.id), named)
        if found is None:
            return entry
        return replace(entry, resubmission=found, resubmitted_words=found.words(reviewer, now))

    def _claim_in(
        self, email_id: str, held: Mapping[OneLine, OneLine], now: datetime, seat: Seat = NOBODY
    ) -> Presence | None:
        return self._claims.of(email_id, held, now, self._seen_at(email_id, seat)) if held else None

    def _seen_at(self, email_id: str, seat: Seat) -> datetime | None:
        """When the tags of an email were read; None if that is not known."""
        seen = [at for at in (self._mail.detail_at(email_id), seat.tags_seen_at(email_id)) if at is not None]
        return max(seen, default=None)

    def _dated(self, claim: Presence, email_id: str, now: datetime, seat: Seat) -> Presence:
        """The claim, with the time when it was seen if that is longer ago than a poll."""
        seen = self._seen_at(email_id, seat)
        is_fresh = seen is None or (now - seen).total_seconds() <= seat.fresh_seconds
        return claim if is_fresh else replace(claim, as_of=seen)

    def around(self) -> FilterContext:
        """What filters of the queue need besides the emails."""
        return FilterContext(self._clock.now(), {box.mailbox_id: box.address for box in self._mail.mailbox_rows()})

    def entry(self, email_id: str) -> QueueEntry | None:
        """One waiting email; None if it no longer waits."""
        item = self._pending.get(email_id)
        if item is None:
            return None
        held = self._tags().get(email_id, {})
        now = self._clock.now()
        self._resubmissions.take_in(now)
        entry = replace(
            self._resubmitted(self._entry(item), "", now, follows(held)), author=self._authors.of(item, held)
        )
        entry = self._with_notes(_claimed(entry, self._claim_in(email_id, held, now), NOBODY), held, "")
        return self._with_approvals(entry, held)

    def entry_of(self, item: PendingItem) -> QueueEntry:
        """An entry for an email that no longer waits, as it was seen."""
        return self._entry(item)

    def assess_edit(self, entry: QueueEntry, draft: Draft) -> Assessment:
        """The risk of an edited text in place of the agent's."""
        return assess(draft, self._context(entry.item, entry.thread), self._risk)

    def as_submitted(self, entry: QueueEntry) -> QueueEntry:
        """The risk of the agent's own text, if the entry assesses the human's edit."""
        if entry.edit is None:
            return entry
        _, newer = self._thread_around(entry.item)
        return replace(entry, assessment=_with_newer(self.assess_edit(entry, Draft.of(entry.item)), newer))

    def _thread_around(self, item: PendingItem) -> tuple[list[ThreadMail], int]:
        """The other emails of the thread, and how many of them arrived after this one was written."""
        thread_id = item.thread_id
        if thread_id is None:
            listed = self._mail.summary(item.id)
            thread_id = listed.thread_id if listed else None
        if thread_id is None:
            return [], 0
        others = [summary for summary in self._mail.thread(item.mailbox_id, thread_id) if summary.id != item.id]
        thread = [ThreadMail(summary, self._mail.detail(summary.id)) for summary in others]
        newer = sum(
            _is_later(one.summary, item) and str(one.summary.direction) == Direction.INBOUND and one.mail.is_exchanged
            for one in thread
        )
        return thread, newer

    def _entry(self, item: PendingItem) -> QueueEntry:
        digest = digest_of(item.id, item.mailbox_id, item.direction, item.raw)
        thread, newer = self._thread_around(item)
        edit = self._edits.get(item.id)
        # Assess what would be sent: the human's text, if there is one.
        written = edit.text if edit is not None else None
        read = tuple((mail.summary.id, mail.detail is not None, mail.mail.is_exchanged) for mail in thread)
        self._contacts.refresh()
        answers = self._answers(item, thread)
        house = self._house_facts(item.mailbox_id)
        key = (digest, item.complete, newer, read, answers, written, self._contacts.version, house)
        known = self._assessed.get(key)
        if known is None:
            draft = Draft.of(item) if edit is None else edited_draft(item, edit.text)
            known = assess(draft, self._context(item, thread), self._risk)
            known = replace(known, unchecked=(*known.unchecked, *house.problems))
            self._assessed[key] = known = _with_newer(known, newer)
            if len(self._assessed) > MAX_ASSESSED:
                self._assessed.popitem(last=False)
        return QueueEntry(item, digest, known, edit, tuple(thread), self._due_at(item))

    def _house_facts(self, mailbox_id: str) -> Facts:
        if self._house is None or not self._house.named:
            return Facts()
        boxes = self._mail.mailbox_rows()
        return self._house.of(next((str(box.address) for box in boxes if box.mailbox_id == mailbox_id), ""))

    def _tags(self) -> dict[str, dict[OneLine, OneLine]]:
        """The tags of other reviewers' programs and agents, from the stored details."""
        return {
            email_id: {OneLine(name): OneLine(value[:LONGEST_TAG]) for name, value in tags.items() if _is_read(name)}
            for email_id, tags in self._pending.tagged(PREFIX, FOLLOWS).items()
        }

    def _due_at(self, item: PendingItem) -> datetime | None:
        if not self._sla_minutes:
            return None
        addresses = {box.mailbox_id: box.address for box in self._mail.mailbox_rows()}
        return due_at(item.received_at, addresses.get(item.mailbox_id, ""), self._sla_minutes)

    def _context(self, item: PendingItem, thread: Sequence[ThreadMail]) -> ThreadContext:
        known = self._contacts.known_to(item.id, item.mailbox_id, item.thread_id, item.received_at)
        return ThreadContext(
            messages=tuple(Message.of(mail.mail) for mail in thread if mail.mail.is_exchanged),
            own_addresses=frozenset(box.address.lower() for box in self._mail.mailbox_rows()),
            contacts=known,
            answers=self._answers(item, thread),
            rejected=tuple(old for old in self._rejected_before() if old.body != item.body),
            house=tuple(HouseText(file.name, file.text) for file in self._house_facts(item.mailbox_id).files),
            today=self._clock.now().date(),
        )

    def _answers(self, item: PendingItem, thread: Sequence[ThreadMail]) -> tuple[OtherAnswer, ...]:
        def family() -> set[str]:
            details = [mail.detail for mail in thread if mail.detail is not None]
            own = self._mail.detail(item.id)
            return family_of(item.id, self._releases, details if own is None else [*details, own])

        return other_answers(item, [mail.mail for mail in thread], family)

    def _rejected_before(self) -> tuple[Rejected, ...]:
        now = self._clock.now()
        if self._rejected is None or now - self._rejected[0] > REJECTED_AGE:
            ids = self._mail.ids(MailView(status="rejected"), limit=MAX_REJECTED)
            details = [detail for email_id in ids if (detail := self._mail.detail(email_id)) is not None]
            self._rejected = now, tuple(Rejected(detail.body) for detail in details)
        return self._rejected[1]


def edited_draft(item: PendingItem, text: EditedDraft) -> Draft:
    """The item with a human's text for the rules; cc and attachments stay."""
    return replace(
        Draft.of(item),
        to=tuple(Party.parse(one) for one in text.to),
        subject=OneLine(text.subject),
        body=ManyLine(text.body),
    )


def ordered(entries: list[QueueEntry], order: Order) -> list[QueueEntry]:
    """Sorts emails, given oldest first, in this order; those back from a snooze come first."""
    found = sorted(entries, key=lambda entry: -entry.concern) if order is Order.RISKIEST else entries
    return sorted(found, key=lambda entry: not entry.woken)


def _claimed(entry: QueueEntry, claim: Presence | None, seat: Seat) -> QueueEntry:
    is_ours = claim is not None and claim.token != "" and claim.token == seat.token
    other = None if is_ours else claim
    named = other is not None and other.by == seat.reviewer
    mine = named or entry.edit is not None or entry.item.id == seat.open_id
    return replace(entry, claim=other, is_mine=mine) if other is not None or mine else entry


def _pairs(tags: Mapping[str, Mapping[OneLine, OneLine]], waiting: set[str]) -> dict[str, OneLine]:
    """What to show for two waiting emails of which one is to replace the other."""
    found: dict[str, OneLine] = {}
    for email_id, held in tags.items():
        others = waiting.intersection(relatives_in(held, email_id))
        if email_id not in waiting or not others:
            continue
        found[email_id] = pair_words(held) or OneLine("")
        if is_edit(held):
            for other in others:
                # The original may have been read before its tag was set.
                found.setdefault(other, OneLine(f"being replaced by {editor_in(held) or 'another reviewer'}"))
    return found


def _with_newer(assessment: Assessment, newer: int) -> Assessment:
    """Adds a finding that newer mail arrived in the thread after the draft was written."""
    if not newer:
        return assessment
    came = "an email came" if newer == 1 else f"{newer} emails came"
    moved = Finding(
        "thread_moved", Level.MEDIUM, OneLine(f"the thread continued: {came} in after this draft was written")
    )
    findings = sorted((*assessment.findings, moved), key=lambda finding: -finding.level)
    return replace(assessment, findings=tuple(findings))


def _is_later(summary: EmailSummary, item: PendingItem) -> bool:
    if summary.received_at is None or item.received_at is None:
        return False
    return summary.received_at > item.received_at
