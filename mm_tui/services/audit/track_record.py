"""A mailbox's track record: what humans did with its drafts, from the local journal.

It covers the decisions made with this program on this machine; decisions made elsewhere are counted separately from the
gateway's log. Nothing here proposes a mode: a human draws the conclusion (R10).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import sqrt
from statistics import median

import msgspec

from mm_tui.clock import Clock, moment_in
from mm_tui.models import Direction, Mailbox
from mm_tui.store.audit.entries import AuditStore, LoggedDecision
from mm_tui.store.audit.journal import Journal, JournalEntry
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore

WINDOWS = (7, 30)
"""The periods covered, in days."""
Z95 = 1.96
"""Standard deviations that cover 95 % of a normal distribution."""
FEW = 20
"""With fewer decisions the figures mean little, which the screen points out."""


class Decided(msgspec.Struct, frozen=True):
    """One decision that was made here and took effect."""

    mailbox_id: str
    at: datetime
    """When the human decided: the start of the hold."""
    outcome: str
    """approved, edit_released, rescheduled or rejected."""
    inbound: bool
    seconds: float | None
    """Seconds from the email's arrival in the queue to the decision; None if unknown."""
    words_changed: int = 0
    words: int = 0
    """Words of the draft and of the text sent, added up; 0 if the journal does not say."""
    email_id: str = ""
    reason: str = ""
    """Why it was rejected."""
    flags: tuple[str, ...] = ()
    """Codes of what was found risky in it, each once."""
    with_examples: bool = False
    """The agent wrote it with examples of texts that humans had sent."""


class Tally(msgspec.Struct, frozen=True):
    """What humans did with a mailbox's drafts in a period."""

    as_written: int = 0
    edited: int = 0
    rejected: int = 0
    inbound_let_in: int = 0
    inbound_rejected: int = 0
    seconds: float | None = None
    """Median seconds from arrival to decision; None without decisions."""
    changed: float | None = None
    """Share of the words of sent drafts that humans changed, 0 to 1; None if no draft was sent."""

    @property
    def drafts(self) -> int:
        """All decisions about drafts."""
        return self.as_written + self.edited + self.rejected

    @property
    def surely_as_written(self) -> float:
        """The lower bound, 0 to 1, of the share of drafts sent as written: the lower end of Wilson's 95 % interval. 3
        of 3 prove no more than 44 %."""
        if not self.drafts:
            return 0.0
        n, share = self.drafts, self.as_written / self.drafts
        spread = Z95 * sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2))
        return max(0.0, (share + Z95**2 / (2 * n) - spread) / (1 + Z95**2 / n))


class Learning(msgspec.Struct, frozen=True):
    """Whether examples save humans edits: how much of sent drafts they changed, over the longest period."""

    without: int
    """Sent drafts that were written without examples."""
    changed_without: float | None
    """Share of their words that humans changed, 0 to 1; None if there are none."""
    with_examples: int
    changed_with: float | None


class OthersDecisions(msgspec.Struct, frozen=True):
    """Decisions with one key that were not made with this program on this machine. The gateway's log does not show
    edits."""

    key_id: str
    """Empty if the log does not name a key."""
    approved: int
    """Drafts."""
    rejected: int
    """Drafts."""
    decided: int
    """All decisions, inbound mail included."""


class TrackRecord(msgspec.Struct, frozen=True):
    """The decisions about the drafts of one mailbox, for its row and its page."""

    mailbox: Mailbox
    pending: int
    tallies: Mapping[int, Tally]
    """By days, for each of `WINDOWS`."""
    days: Sequence[tuple[int, int]]
    """For each of the last 30 days, the oldest first: (drafts released as written, drafts edited or rejected)."""
    learning: Learning = Learning(0, None, 0, None)
    others: Sequence[OthersDecisions] = ()
    """Decisions of the last 30 days in the gateway's log but not in the local journal: made by other reviewers or on
    other machines."""

    @property
    def elsewhere(self) -> int:
        """The number of decisions made elsewhere."""
        return sum(one.decided for one in self.others)


LADDER: Mapping[str, str] = {
    "read_only": "nothing can be sent",
    "gated_all": "drafts and inbound mail both need approval",
    "gated_send": "drafts need approval; inbound mail goes straight to the agent",
    "monitored": "drafts are sent at once; a copy goes to the operator",
    "autonomous": "drafts are sent at once without approval",
}
"""The trust ladder, lowest first, and what each step means."""


def step_up(mode: str) -> tuple[str, ...]:
    """The modes above this one, nearest first; none for an unknown mode."""
    modes = list(LADDER)
    return tuple(modes[modes.index(mode) + 1 :]) if mode in LADDER else ()


def step_down(mode: str) -> tuple[str, ...]:
    """The modes below this one, nearest first; none for an unknown mode."""
    modes = list(LADDER)
    return tuple(reversed(modes[: modes.index(mode)])) if mode in LADDER else ()


class TrackRecords:
    """Reads track records from the store. It takes some milliseconds per thousand decisions: call it in a thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._journal = Journal(database)
        self._mail = MailStore(database)
        self._pending = PendingStore(database)
        self._audit = AuditStore(database)
        self._clock = clock
        self._read_to = 0
        self._held: dict[str, JournalEntry] = {}
        self._decided: list[Decided] = []
        """In the journal's order, without those older than the longest period."""
        self._made_here: set[str] = set()

    def all(self) -> list[TrackRecord]:
        """One row per mailbox, in the order of their addresses."""
        now = self._clock.now()
        oldest = now - timedelta(days=WINDOWS[-1])
        self._decided += ended(self._new_entries(), self._held)
        self._decided = [one for one in self._decided if one.at >= oldest]
        elsewhere = self._elsewhere(oldest)
        records = []
        for box in sorted(self._mail.mailboxes(), key=lambda box: box.address):
            mine = self.decided(box.id)
            lately = {days: [one for one in mine if one.at >= now - timedelta(days=days)] for days in WINDOWS}
            records.append(
                TrackRecord(
                    mailbox=box,
                    pending=self._pending.count(box.id),
                    tallies={days: tally(decided) for days, decided in lately.items()},
                    days=by_day(mine, now),
                    learning=learning(mine),
                    others=elsewhere.get(box.id, ()),
                )
            )
        return records

    def decided(self, mailbox_id: str) -> list[Decided]:
        """The decisions about a mailbox's mail in the longest period, as last read by `all`."""
        return [one for one in self._decided if one.mailbox_id == mailbox_id]

    def _new_entries(self) -> Iterator[JournalEntry]:
        for entry in self._journal.entries(after=self._read_to):
            self._read_to = entry.number
            if entry.kind in ("done", "retired"):
                self._made_here.add(entry.details.get("about", ""))
            yield entry

    def _elsewhere(self, since: datetime) -> Mapping[str, Sequence[OthersDecisions]]:
        """The decisions made elsewhere, by mailbox and key, busiest key first."""
        found: dict[str, dict[str, list[LoggedDecision]]] = {}
        for one in self._audit.decided(since):
            if one.email_id not in self._made_here and not one.retired:
                found.setdefault(one.mailbox_id, {}).setdefault(one.key_id, []).append(one)
        return {mailbox_id: _by_key(keys) for mailbox_id, keys in found.items()}


def _by_key(keys: Mapping[str, Sequence[LoggedDecision]]) -> Sequence[OthersDecisions]:
    made = []
    for key_id, decided in keys.items():
        drafts = [one for one in decided if one.direction != Direction.INBOUND]
        approved = sum(one.approved for one in drafts)
        made.append(OthersDecisions(key_id, approved, len(drafts) - approved, len(decided)))
    return sorted(made, key=lambda one: (-one.decided, one.key_id))


OUTCOMES = frozenset({"approved", "edit_released", "rescheduled", "rejected"})
"""The outcomes of a decision that took effect."""


def ended(entries: Iterable[JournalEntry], held: dict[str, JournalEntry]) -> Iterator[Decided]:
    """The decisions that end in these entries of the journal. `held` has those that have begun, by id."""
    for entry in entries:
        decision_id = entry.details.get("release", "")
        if entry.kind == "held":
            held[decision_id] = entry
        elif entry.kind in ("ended", "undone", "fell_back") and (began := held.pop(decision_id, None)) is not None:
            found = _decision(began, entry.details.get("note", ""))
            if found is not None:
                yield found


def _decision(held: JournalEntry, outcome: str) -> Decided | None:
    """Combines a decision's first entry and its outcome; None if it did not take effect, has no mailbox, or was about a
    human's own reply."""
    details, at = held.details, moment_in(held.at)
    if outcome not in OUTCOMES or "mailbox" not in details or at is None:
        return None
    author, known = details.get("written_by"), details.get("written_by_known_from")
    if author and (known == "journal" or outcome == "approved"):
        # A human's reply says nothing about the agent. If only a tag says that it is one, an agent could have set the
        # tag: it never counts in the agent's favour, but still counts against it.
        return None
    changed, words = _words(details.get("words_changed", ""))
    received = moment_in(details.get("received"))
    return Decided(
        mailbox_id=details["mailbox"],
        at=at,
        outcome=outcome,
        inbound=details.get("direction") == Direction.INBOUND,
        seconds=max(0.0, (at - received).total_seconds()) if received is not None else None,
        words_changed=changed,
        words=words,
        email_id=held.email_id,
        reason=details.get("reason", "") if outcome == "rejected" else "",
        with_examples=details.get("with_examples") == "yes",
        flags=tuple(dict.fromkeys(one.split()[0] for one in details.get("found", "").split(",") if one.strip())),
    )


def tally(decided: Sequence[Decided]) -> Tally:
    """Counts decisions by their outcome."""
    drafts = [one for one in decided if not one.inbound]
    inbound = [one for one in decided if one.inbound]
    seconds = [one.seconds for one in decided if one.seconds is not None]
    return Tally(
        as_written=sum(one.outcome == "approved" for one in drafts),
        edited=sum(one.outcome in ("edit_released", "rescheduled") for one in drafts),
        rejected=sum(one.outcome == "rejected" for one in drafts),
        inbound_let_in=sum(one.outcome == "approved" for one in inbound),
        inbound_rejected=sum(one.outcome == "rejected" for one in inbound),
        seconds=median(seconds) if seconds else None,
        changed=_changed(drafts),
    )


def learning(decided: Iterable[Decided]) -> Learning:
    """How much humans changed in sent drafts written without and with examples."""
    counted = [one for one in decided if one.words and not one.inbound]
    without, used = ([one for one in counted if one.with_examples is flag] for flag in (False, True))
    return Learning(len(without), _changed(without), len(used), _changed(used))


def _changed(decided: Sequence[Decided]) -> float | None:
    words = sum(one.words for one in decided)
    return sum(one.words_changed for one in decided) / words if words else None


def by_day(decided: Sequence[Decided], now: datetime) -> list[tuple[int, int]]:
    """For each of the last 30 days, the oldest first: (drafts released as written, drafts edited or rejected)."""
    today = now.astimezone().date()
    days = [(0, 0) for _ in range(WINDOWS[-1])]
    for one in decided:
        at = WINDOWS[-1] - 1 - (today - one.at.astimezone().date()).days
        if one.inbound or not 0 <= at < len(days):
            continue
        written, other = days[at]
        days[at] = (written + 1, other) if one.outcome == "approved" else (written, other + 1)
    return days


def _words(text: str) -> tuple[int, int]:
    changed, of, words = text.partition(" of ")
    return (int(changed), int(words)) if of and changed.isdecimal() and words.isdecimal() else (0, 0)
