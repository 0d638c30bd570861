"""The review queue: waiting emails with their age, risk and context. Uses no network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from mm_tui.clock import Clock
from mm_tui.decision.relatives import NAMES as RELATION_TAGS
from mm_tui.decision.relatives import PREFIX, editor_in, is_edit, relatives_in
from mm_tui.models import PendingItem
from mm_tui.review.risk.model import Assessment, Draft
from mm_tui.services.knowledge.contacts import Contacts
from mm_tui.services.knowledge.facts import HouseFacts
from mm_tui.services.presence.approvals import NO_APPROVALS, SecondApproval, is_approval
from mm_tui.services.presence.notes import NAMES as NOTE_TAGS
from mm_tui.services.presence.notes import assignment_in, note_in
from mm_tui.services.presence.tags import NAMES as PRESENCE_TAGS
from mm_tui.services.presence.tags import NOBODY, Presence, PresenceReader, Seat, pair_words
from mm_tui.services.queue.assessing import Assessing
from mm_tui.services.queue.authors import Authors
from mm_tui.services.queue.due import due_at
from mm_tui.services.queue.entry import Order, QueueEntry
from mm_tui.services.queue.filter import FilterContext
from mm_tui.services.queue.resubmitted import Resubmissions
from mm_tui.services.queue.snooze import Snoozes
from mm_tui.services.queue.stored import StoredEmail, StoredQueue
from mm_tui.services.redraft_tags import FOLLOWS, follows
from mm_tui.settings.sections import Risk
from mm_tui.store.audit.journaled import JournaledDecisions
from mm_tui.store.database import Database
from mm_tui.store.decisions.locks import LockStore
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import OneLine, folded_name

FIRST_READ = 25
"""How many entries to read first: more than a screen shows."""
MOST_AT_ONCE = 100
"""How many emails are read from the store in one query."""
LONGEST_TAG = 2000
"""The most characters read of a tag's value: anybody may have set it."""
READ_TAGS = NOTE_TAGS | PRESENCE_TAGS | RELATION_TAGS | {FOLLOWS}
"""The tags that the queue reads. All others are ignored."""


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
        contacts: Contacts | None = None,
    ) -> None:
        """`house` provides the house facts of each mailbox, `second` which emails two reviewers must approve,
        `contacts` the correspondents, by default read again."""
        self._second = second
        self._mail = MailStore(database)
        self._journaled = JournaledDecisions(database)
        self._snoozes = Snoozes(database, clock)
        self._pending = PendingStore(database)
        self._stored = StoredQueue(database)
        self._resubmissions = Resubmissions(database)
        self._assessing = Assessing(
            database, clock, risk, house, contacts or Contacts(database, clock), self._resubmissions
        )
        self._authors = Authors(database)
        self._locks = LockStore(database)
        self._presence = PresenceReader()
        self._clock = clock
        self._sla_minutes = sla_minutes or {}
        self._addresses: Mapping[str, str] = {}
        """The mailboxes' addresses by id."""
        self._lock = threading.RLock()
        """Several threads read the queue; none waits longer than for one batch."""

    def entries(
        self,
        *,
        mailbox_id: str | None = None,
        hidden: Iterable[str] = (),
        seat: Seat = NOBODY,
        assignee: str = "",
        why_unread: Callable[[str], OneLine] = lambda _: OneLine(""),
        stop: Callable[[], bool] = lambda: False,
        so_far: Callable[[list[QueueEntry], int], object] = lambda entries, count: None,
    ) -> list[QueueEntry]:
        """The waiting emails, oldest first.

        Args:
            hidden: ids to leave out, such as edits in progress that are shown with their original.
            seat: who reads the queue; determines which presence is theirs.
            assignee: the reviewer to whom emails may be assigned; empty for the seat's.
            why_unread: why the details of an email could not be read, as `WaitingDetails.why_not`.
            stop: called between items; True ends early with the entries so far.
            so_far: called with the oldest entries and the total number, first when `FIRST_READ` are read and then each
                time their number has doubled. All rules have been applied to each entry.
        """
        left_out = frozenset(hidden)
        ids = [key for key in self._stored.ids(mailbox_id) if key not in left_out]
        tags, now, snoozes = self._tags(), self._clock.now(), self._snoozes.all()
        deciding = self._locks.elsewhere(now)
        pairs = _pairs(tags, set(ids))
        self._refresh(now)
        found: list[QueueEntry] = []
        next_report = FIRST_READ
        for stored in self._read(ids):
            if stop():
                break
            item = stored.item
            entry = self._as_seen(stored, tags.get(item.id, {}), now, seat, assignee or seat.reviewer)
            if item.id in pairs:
                entry = replace(entry, pair=pairs[item.id])
            entry = _with_decider(entry, deciding, seat.reviewer)
            if (snooze := snoozes.get(item.id)) is not None:
                woken = OneLine(snooze.why_over(entry, now))
                entry = replace(entry, woken=woken, snoozed=OneLine("") if woken else snooze.words)
            if not item.complete and (why := why_unread(item.id)):
                entry = replace(entry, unread_because=why)
            found.append(entry)
            if len(found) == next_report:
                so_far(ordered(found[:], Order.OLDEST), len(ids))
                next_report *= 2
        return ordered(found, Order.OLDEST)

    def prepare(self) -> None:
        """Reads the first emails, so that the queue opens at once."""
        read: list[int] = []
        self.entries(so_far=lambda entries, _: read.append(len(entries)), stop=lambda: bool(read))

    def _refresh(self, now: datetime) -> None:
        """Updates what emails are compared with."""
        with self._lock:
            self._resubmissions.read_new(now)
            self._authors.read_new()
            self._addresses = self._assessing.refresh()

    def _read(self, ids: Sequence[str]) -> Iterator[StoredEmail]:
        """Reads these emails in growing batches, so that the first ones are shown at once."""
        start, size = 0, FIRST_READ
        while start < len(ids):
            with self._lock:
                batch = self._stored.read(ids[start : start + size])
            yield from batch
            start, size = start + size, MOST_AT_ONCE

    def _as_seen(
        self, stored: StoredEmail, tags: Mapping[OneLine, OneLine], now: datetime, seat: Seat, assignee: str
    ) -> QueueEntry:
        """The entry of an email with these tags, for the reviewer in this seat."""
        entry = self._resubmitted(self._entry(stored), stored.seen_at, seat.reviewer, now, follows(tags))
        if (author := self._authors.known(stored.item, tags)) is not None:
            entry = replace(entry, author=author, is_own_reply=author.is_same(seat.reviewer))
        entry = _with_presence(entry, self._presence_in(entry.item.id, tags, now, seat) if tags else None, seat)
        return self._with_approvals(self._with_notes(entry, tags, assignee), tags)

    def _with_notes(self, entry: QueueEntry, tags: Mapping[OneLine, OneLine], reviewer: str) -> QueueEntry:
        """Adds the notes and assignments in the tags to the entry."""
        if not tags:
            return entry
        note, assignment = note_in(tags), assignment_in(tags)
        if note is None and assignment is None:
            return entry
        is_ours = assignment is not None and (
            assignment.is_for(reviewer) or assignment.is_for(reviewer, self._own_keys())
        )
        return replace(entry, note=note, assignment=assignment, is_mine=entry.is_mine or is_ours)

    def _with_approvals(self, entry: QueueEntry, tags: Mapping[OneLine, OneLine]) -> QueueEntry:
        """Adds the first approvals of the content in the tags to the entry. An edit has none yet."""
        if self._second is None:
            return entry
        own = tags if entry.edit is None else {}
        approvals = self._second.of(entry.item.mailbox_id, own, entry.digest, entry.assessment.findings)
        return replace(entry, approvals=approvals) if approvals != NO_APPROVALS else entry

    def _own_keys(self) -> frozenset[str]:
        """Names and ids of the keys used for decisions in this store."""
        self._journaled.learn()
        return self._journaled.own_keys

    def _resubmitted(
        self, entry: QueueEntry, seen_at: datetime | None, reviewer: str, now: datetime, named: str
    ) -> QueueEntry:
        """The entry, with the rejected draft that it follows; `named` is the draft in its tags."""
        others = [mail.mail for mail in entry.thread]
        found = self._resubmissions.of(entry.item, others, seen_at, named)
        if found is None:
            return entry
        return replace(entry, resubmission=found, resubmitted_words=found.words(reviewer, now))

    def _presence_in(
        self, email_id: str, tags: Mapping[OneLine, OneLine], now: datetime, seat: Seat
    ) -> Presence | None:
        """The presence in an email's tags, with the time when they were read if that is longer ago than a poll."""
        known = [at for at in (self._mail.detail_at(email_id), seat.tags_seen_at(email_id)) if at is not None]
        seen = max(known, default=None)
        found = self._presence.of(email_id, tags, now, seen)
        is_fresh = seen is None or (now - seen).total_seconds() <= seat.fresh_seconds
        return found if found is None or is_fresh else replace(found, as_of=seen)

    def filter_context(self) -> FilterContext:
        """What filters of the queue need besides the emails."""
        return FilterContext(self._clock.now(), self._mail.addresses())

    def entry(self, email_id: str) -> QueueEntry | None:
        """One waiting email; None if it no longer waits."""
        now = self._clock.now()
        self._refresh(now)
        stored = next(self._read([email_id]), None)
        if stored is None:
            return None
        entry = self._as_seen(stored, self._tags().get(email_id, {}), now, NOBODY, "")
        return _with_decider(entry, self._locks.elsewhere(now), NOBODY.reviewer)

    def entry_of(self, item: PendingItem) -> QueueEntry:
        """An entry for an email that no longer waits, as it was seen."""
        self._refresh(self._clock.now())
        with self._lock:
            stored = self._stored.of(item)
        return self._entry(stored)

    def assess_edit(self, entry: QueueEntry, draft: Draft) -> Assessment:
        """The risk of an edited text in place of the agent's."""
        with self._lock:
            self._assessing.refresh()
            return self._assessing.assess_text(entry.item, entry.thread, draft)

    def as_submitted(self, entry: QueueEntry) -> QueueEntry:
        """The risk of the agent's own text, if the entry assesses the human's edit."""
        if entry.edit is None:
            return entry
        with self._lock:
            self._assessing.refresh()
            submitted = replace(entry, edit=None, assessment=self._assessing.assess_submitted(entry.item, entry.thread))
        return replace(self._with_approvals(submitted, self._tags().get(entry.item.id, {})), edit=entry.edit)

    def _entry(self, stored: StoredEmail) -> QueueEntry:
        with self._lock:
            assessment = self._assessing.assess(stored)
        return QueueEntry(stored.item, stored.digest, assessment, stored.edit, stored.thread, self._due_at(stored.item))

    def _tags(self) -> dict[str, dict[OneLine, OneLine]]:
        """The tags of other reviewers' programs and agents, from the stored details."""
        return {
            email_id: {OneLine(name): OneLine(value[:LONGEST_TAG]) for name, value in tags.items() if _is_read(name)}
            for email_id, tags in self._pending.tagged(PREFIX, FOLLOWS).items()
        }

    def _due_at(self, item: PendingItem) -> datetime | None:
        if not self._sla_minutes:
            return None
        return due_at(item.received_at, self._addresses.get(item.mailbox_id, ""), self._sla_minutes)


def ordered(entries: list[QueueEntry], order: Order) -> list[QueueEntry]:
    """Sorts emails, given oldest first, in this order; those back from a snooze come first."""
    found = sorted(entries, key=lambda entry: -entry.concern) if order is Order.RISKIEST else entries
    return sorted(found, key=lambda entry: not entry.woken)


def _with_decider(entry: QueueEntry, deciding: Mapping[str, OneLine], reviewer: str) -> QueueEntry:
    """Adds to the entry who decides about it in another program on this store."""
    if (by := deciding.get(entry.item.id)) is None:
        return entry
    is_own = folded_name(by) == folded_name(reviewer)
    return replace(entry, decided_by_other=OneLine("you") if is_own else by)


def _with_presence(entry: QueueEntry, presence: Presence | None, seat: Seat) -> QueueEntry:
    other = None if presence is not None and seat.is_own(presence.token) else presence
    named = other is not None and folded_name(other.by) == folded_name(OneLine(seat.reviewer))
    other = replace(other, is_own=True) if other is not None and named else other
    mine = named or entry.edit is not None
    return replace(entry, presence=other, is_mine=mine) if other is not None or mine else entry


def _pairs(tags: Mapping[str, Mapping[OneLine, OneLine]], waiting: set[str]) -> dict[str, OneLine]:
    """What to show for two waiting emails if one is to replace the other."""
    found: dict[str, OneLine] = {}
    for email_id, own in tags.items():
        others = waiting.intersection(relatives_in(own, email_id))
        if email_id not in waiting or not others:
            continue
        found[email_id] = pair_words(own) or OneLine("")
        if is_edit(own):
            for other in others:
                # The original may have been read before its tag was set.
                found.setdefault(other, OneLine(f"being replaced by {editor_in(own) or 'another reviewer'}"))
    return found
