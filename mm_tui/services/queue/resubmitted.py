"""Finds waiting drafts that follow a rejected one: by whom it was rejected, why, and its text.

Decisions made with this program are in the journal, with the reason; other reviewers' rejections show in the email's
status and in the gateway's log. It is only information: rules and digest do not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from mm_tui.clock import at_time, moment_in
from mm_tui.decision.relatives import is_replaced
from mm_tui.models import Direction, EmailDetail, EmailSummary, PendingItem, RawContent, Status
from mm_tui.review.risk.model import Rejected
from mm_tui.store.audit.actions import Meaning, meaning
from mm_tui.store.audit.entries import RETIRED, AuditStore
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore, MailView
from mm_tui.text import OneLine, folded_name

MOST_BEFORE = 50
"""How many recently rejected drafts a draft is compared with."""
AGAIN_AFTER = timedelta(minutes=2)
"""How long the list of recently rejected drafts is cached."""
SKEW = timedelta(minutes=2)
"""The greatest difference allowed between the gateway's clock and this machine's."""
LONGEST_REASON = 160
SENT_BACK = "sent_back"
"""The journal's detail of a rejection that includes the reviewer's own text."""
ASKS_REDRAFT = "asks_redraft"
"""The journal's detail of a rejection that asks the agent for another draft."""
SUGGESTED = "\n\nSuggested instead:\n"
"""Separates the reason from that text in the message to the agent."""
_JOURNALED = frozenset({"rejected", "decided"})
_NOTHING = OneLine("")


class Rejection(NamedTuple):
    """How one draft was rejected."""

    at: datetime | None
    who: OneLine = _NOTHING
    """The reviewer, from this machine's journal; empty if another program rejected it."""
    reason: OneLine = _NOTHING
    sent_back: bool = False
    """Whether it includes the text that the reviewer would rather send."""


class Resubmission(msgspec.Struct, frozen=True):
    """The last rejected draft that a waiting draft follows."""

    email_id: str
    rejection: Rejection
    before: RawContent | None
    """The rejected text; None if it was never read on this machine."""
    earlier: int = 0
    """How many others were rejected before that one."""

    def words(self, reviewer: str, now: datetime) -> OneLine:
        """`you rejected one at 15:17: wrong amount`."""
        rejection = self.rejection
        act = "sent one back" if rejection.sent_back else "rejected one"
        is_own = folded_name(rejection.who) == folded_name(OneLine(reviewer))
        who = ("you" if is_own else rejection.who) if rejection.who else "another reviewer"
        said = f"{who} {act}"
        if rejection.at is not None:
            said += f" {at_time(rejection.at, now.astimezone().date())}"
        reason = rejection.reason.strip()
        said += f": {reason[:LONGEST_REASON]}{'…' if len(reason) > LONGEST_REASON else ''}" if reason else ""
        if self.earlier:
            said += f" (and {self.earlier} before it)"
        return OneLine(said)


class Resubmissions:
    """Knows the rejected drafts, and finds which of them the waiting drafts follow. Reads new journal entries each
    time: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._journal = Journal(database)
        self._audit = AuditStore(database)
        self._mail = MailStore(database)
        self._head = ""
        self._read_to = 0
        self._here: dict[str, Rejection] = {}
        """Rejections made with this program, by email id."""
        self._retired: set[str] = set()
        """Ids of originals that were replaced by an edit."""
        self._last: tuple[datetime, tuple[EmailDetail, ...]] | None = None
        self.rejected: tuple[Rejected, ...] = ()
        """The recently rejected drafts, without those that an edit replaced."""

    def read_new(self, now: datetime) -> None:
        """Reads the rejections since the last call."""
        head = self._journal.head()
        changed = head != self._head
        if changed:
            for entry in self._journal.entries(after=self._read_to, naming='"act":"reject"'):
                details = entry.details
                if entry.kind == "ended" and details.get("note") in _JOURNALED:
                    by_us = details["note"] == "rejected"
                    self._here[entry.email_id] = Rejection(
                        moment_in(entry.at),
                        OneLine(entry.who) if by_us else _NOTHING,
                        OneLine(details.get("reason", "")),
                        SENT_BACK in details,
                    )
            for entry in self._journal.entries(after=self._read_to, naming='"kind":"retired"'):
                self._retired.add(entry.details.get("about", ""))
            self._head, self._read_to = head, int(head.partition(":")[0])
        if self._last is None or now - self._last[0] > AGAIN_AFTER:
            ids = self._mail.ids(MailView(status="rejected"), limit=MOST_BEFORE)
            found = (self._mail.detail(email_id) for email_id in ids)
            self._last = now, tuple(detail for detail in found if detail is not None)
            changed = True
        if changed:
            self.rejected = tuple(
                Rejected(detail.body, rejection.reason)
                for detail in self._last[1]
                if (rejection := self._rejection(detail)) is not None
            )

    def of(
        self, item: PendingItem, others: Sequence[EmailSummary], seen_at: datetime | None, named: str = ""
    ) -> Resubmission | None:
        """The rejected draft that a waiting draft follows; None if none is known. `others`: the other emails of its
        thread, opened where they were, oldest first. `seen_at`: when this machine first saw it waiting. `named`: the id
        of the rejected draft in its tags; used if it is plausible."""
        if str(item.direction) == Direction.INBOUND:
            return None
        found = [
            (mail, rejection)
            for mail in self._candidates(item, others)
            if (rejection := self._rejection(mail)) is not None and _follows(item, seen_at, mail, rejection)
        ]
        if not found:
            return None
        found.sort(key=lambda one: (one[1].at or one[0].received_at or datetime.min.replace(tzinfo=UTC), one[0].id))
        at = next((at for at, one in enumerate(found) if one[0].id == named), len(found) - 1)
        mail, rejection = found[at]
        return Resubmission(mail.id, rejection, mail.raw if isinstance(mail, EmailDetail) else None, earlier=at)

    def _candidates(self, item: PendingItem, others: Sequence[EmailSummary]) -> Iterable[EmailSummary]:
        """Drafts in its thread, and drafts in other threads that answer the same email."""
        known = {item.id, *(one.id for one in others)}
        yield from (one for one in others if str(one.direction) != Direction.INBOUND)
        if item.in_reply_to and self._last is not None:
            for detail in self._last[1]:
                if (
                    detail.id not in known
                    and detail.mailbox_id == item.mailbox_id
                    and str(detail.in_reply_to) == str(item.in_reply_to)
                ):
                    yield detail

    def _rejection(self, mail: EmailSummary) -> Rejection | None:
        if (here := self._here.get(mail.id)) is not None:
            return here
        if str(mail.status) != Status.REJECTED or mail.is_exchanged or mail.id in self._retired:
            return None
        if isinstance(mail, EmailDetail) and is_replaced(mail.tags):
            # It was replaced by a reviewer's edit, so nobody asked for a new draft.
            return None
        for entry in reversed(self._audit.of(mail.id)):
            if meaning(entry.action, entry.metadata) is Meaning.REJECTED:
                reason, suggested, _ = entry.metadata.get(OneLine("reason"), _NOTHING).partition(SUGGESTED.strip())
                if RETIRED.match(reason):
                    return None
                return Rejection(entry.created_at, reason=OneLine(reason), sent_back=bool(suggested))
        return Rejection(None)


def _follows(item: PendingItem, seen_at: datetime | None, mail: EmailSummary, rejection: Rejection) -> bool:
    """Whether a draft was written after the other's rejection: two that waited together do not follow each other."""
    came, at = item.received_at, rejection.at
    if came is not None and mail.received_at is not None and came <= mail.received_at:
        return False
    if at is None:
        return came is not None and mail.received_at is not None
    if came is not None and came + SKEW < at:
        return False
    return seen_at is None or seen_at >= at if rejection.who else came is None or came >= at
