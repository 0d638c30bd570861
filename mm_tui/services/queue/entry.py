"""An entry of the review queue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from mm_tui.models import Direction, EditedDraft, EmailDetail, EmailSummary, PendingItem, Status
from mm_tui.query import UNCHECKED
from mm_tui.review.digest import digest_of
from mm_tui.review.draft import edited
from mm_tui.review.findings import Level
from mm_tui.review.risk.model import Assessment
from mm_tui.services.presence.approvals import NO_APPROVALS, Approvals
from mm_tui.services.presence.notes import Assignment, TeamNote
from mm_tui.services.presence.tags import Presence
from mm_tui.services.queue.authors import Author
from mm_tui.services.queue.resubmitted import Resubmission
from mm_tui.store.decisions.edits import SavedEdit
from mm_tui.text import OneLine

_NOTHING = OneLine("")


class Order(StrEnum):
    """How the queue is sorted."""

    OLDEST = "oldest first"
    RISKIEST = "riskiest first"


class ThreadMail(msgspec.Struct, frozen=True):
    """An email of the draft's thread: as listed, and as opened if it was opened on this machine."""

    summary: EmailSummary
    detail: EmailDetail | None

    @property
    def mail(self) -> EmailSummary:
        """The most complete form known."""
        return self.detail or self.summary


def newer_mail(item: PendingItem, thread: Iterable[ThreadMail]) -> tuple[ThreadMail, ...]:
    """The emails that came in the thread after the draft was written."""
    written = item.received_at
    return tuple(
        one
        for one in thread
        if written is not None
        and one.summary.received_at is not None
        and one.summary.received_at > written
        and str(one.summary.direction) == Direction.INBOUND
        and one.mail.is_exchanged
    )


class QueueEntry(msgspec.Struct, frozen=True):
    """A waiting email in the queue."""

    item: PendingItem
    digest: str
    """The digest of the stored content; only a `complete` item can be approved."""
    assessment: Assessment
    edit: SavedEdit | None = None
    thread: tuple[ThreadMail, ...] = ()
    """The other emails of its thread, oldest first."""

    due_at: datetime | None = None
    """When it is due; None if no time is set for its mailbox."""
    presence: Presence | None = None
    """Another reviewer's presence: they have it open. It is only shown, and prevents no decision."""
    decided_by_other: OneLine = _NOTHING
    """Who is deciding about it in another program on this store, such as another window; otherwise empty."""
    pair: OneLine = _NOTHING
    """That another reviewer's edit is to replace it, or that it is such an edit; otherwise empty."""
    resubmission: Resubmission | None = None
    """The rejected draft that this one follows."""
    resubmitted_words: OneLine = _NOTHING
    """Who rejected that draft, when and why; empty if it follows none."""
    author: Author | None = None
    """The human who wrote it in this program; None for an agent's draft."""
    is_own_reply: bool = False
    """Whether this seat's reviewer wrote it."""
    unread_because: OneLine = _NOTHING
    """Why its details could not be read; empty if they were, or if nothing has failed yet."""
    ended: OneLine = _NOTHING
    """How it was decided, for an email that no longer waits but is still shown; empty while it waits."""
    is_mine: bool = False
    """Open in another program under the reviewer's name, assigned to them, or edited by them."""
    note: TeamNote | None = None
    """A reviewer's note for the others."""
    approvals: Approvals = NO_APPROVALS
    """Who has approved the content that would leave, and whether two reviewers must."""
    snoozed: OneLine = _NOTHING
    """Until when it is snoozed on this machine; empty if it is not."""
    woken: OneLine = _NOTHING
    """Why it is back from a snooze; empty if it was not snoozed."""
    assignment: Assignment | None = None
    """Who is to decide it. It is only shown, and prevents no decision."""

    @property
    def author_words(self) -> OneLine:
        """Who wrote it, in words; empty for an agent's draft."""
        if self.author is None:
            return _NOTHING
        return OneLine("written by you") if self.is_own_reply else OneLine(f"written by {self.author.name}")

    @property
    def elsewhere_words(self) -> OneLine:
        """That another program on this store is deciding about it; empty if none is."""
        if not self.decided_by_other:
            return _NOTHING
        return OneLine(f"{self.decided_by_other} decided about it in another window: not finished, or it asks there")

    @property
    def colleague_words(self) -> OneLine:
        """That a colleague has it open; empty for nobody, or another window of the same reviewer."""
        return _NOTHING if self.presence is None or self.presence.is_own else self.presence.words

    @property
    def is_checked(self) -> bool:
        """Whether its details have been read; before that the rules know neither cc nor files nor thread."""
        return self.item.complete

    @property
    def unread_words(self) -> str:
        """What is not known yet, and why; empty if its details have been read."""
        if self.is_checked:
            return ""
        if self.unread_because:
            return f"cc, attachments and thread could not be read: {self.unread_because}"
        if self.is_inbound:
            return "cc and attachments are loaded when it is opened"
        return "cc, attachments and thread are still being loaded from the gateway"

    @property
    def risk_sign(self) -> str:
        """The risk for a list, two cells wide: `Level.sign`, with a `?` while it is not checked."""
        level = self.assessment.level
        if self.is_checked or level is Level.HIGH:
            return level.sign
        return "!?" if level is Level.MEDIUM else " ?"

    @property
    def risk_word(self) -> str:
        """The level's word, or `unchecked`, because what was found so far says nothing about unread details."""
        level = self.assessment.level
        return level.word if self.is_checked or level is Level.HIGH else UNCHECKED

    @property
    def concern(self) -> float:
        """The sort key for riskiest first: the level. Unchecked drafts rank between medium and high, or as high."""
        level = self.assessment.level
        return level if self.is_checked else max(level, Level.MEDIUM + 0.5)

    @property
    def is_inbound(self) -> bool:
        """Whether it is inbound mail that the agent may not see before a human decides."""
        return str(self.item.direction) == Direction.INBOUND

    @property
    def text(self) -> EditedDraft:
        """What would be sent: a human's text, or else the draft's own."""
        if self.edit is not None:
            return self.edit.text
        return EditedDraft(tuple(party.header for party in self.item.to), str(self.item.subject), str(self.item.body))

    @property
    def version(self) -> str:
        """Identifies what would be sent: it changes with the content, and when the details are read."""
        if (edit := self.edit) is not None:
            # By its text, because revisions restart after an edit was deleted.
            return f"{self.item.id} {self.digest} edit {edit.text.digest}"
        return f"{self.item.id} {self.digest} {'whole' if self.item.complete else 'listed'}"

    @property
    def newer(self) -> tuple[ThreadMail, ...]:
        """The emails that came in its thread after it was written."""
        return newer_mail(self.item, self.thread)

    @property
    def newer_name(self) -> str:
        """Identifies these emails; empty without any, and while the text of one is not on this machine."""
        if not (newer := self.newer) or any(one.detail is None for one in newer):
            return ""
        return f"{self.item.id} thread {' '.join(one.summary.id for one in newer)}"

    @property
    def found(self) -> frozenset[tuple[str, OneLine]]:
        """What the rules found: code and words of each finding, because one rule may find several things."""
        return frozenset((finding.code, finding.words) for finding in self.assessment.findings)

    @property
    def shown_digest(self) -> str:
        """The digest of what is on the screen: of the edit, if there is one."""
        if (edit := self.edit) is None:
            return self.digest
        item = self.item
        return digest_of(item.id, item.mailbox_id, item.direction, edited(item.raw, edit.text))

    @property
    def replaces(self) -> bool:
        """Whether a human's edit would be sent in its place; a scheduled email is changed in place."""
        return self.edit is not None and str(self.item.status) != Status.SCHEDULED

    @property
    def edit_is_current(self) -> bool:
        """Whether there is an edit, and it is based on the current content."""
        return self.edit is not None and self.edit.base_digest == self.digest
