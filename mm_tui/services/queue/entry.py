"""One waiting mail as the queue shows it, and who reads the queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from mm_tui.models import Direction, EmailDetail, EmailSummary, PendingItem
from mm_tui.query import UNCHECKED
from mm_tui.review.findings import Level
from mm_tui.review.risk import Assessment
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


@dataclass(frozen=True)
class ThreadMail:
    """An email of the draft's thread: as listed, and opened where it was opened on this machine."""

    summary: EmailSummary
    detail: EmailDetail | None

    @property
    def mail(self) -> EmailSummary:
        """All that is known of it."""
        return self.detail or self.summary


@dataclass(frozen=True)
class QueueEntry:
    """One waiting mail as the queue shows it."""

    item: PendingItem
    digest: str
    """Of the content that is stored now; only that of a `complete` item can be approved."""
    assessment: Assessment
    edit: SavedEdit | None = None
    thread: tuple[ThreadMail, ...] = ()
    """The other emails of its thread, oldest first; those that came after it stand last."""

    due_at: datetime | None = None
    """By when it should be decided; None when no time is set for its mailbox."""
    claim: Presence | None = None
    """Another's claim: they have it open. It only tells, and keeps nobody from deciding."""
    pair: OneLine = _NOTHING
    """That another reviewer's edit is to replace it, or that it is one; empty when not."""
    resubmission: Resubmission | None = None
    """The rejected draft that this one follows."""
    resubmitted_words: OneLine = _NOTHING
    """Who rejected that one, when and why; empty where it follows none."""
    author: Author | None = None
    """The human who wrote it in this program; None for an agent's draft."""
    is_own_reply: bool = False
    """This seat's reviewer wrote it."""
    unread_because: OneLine = _NOTHING
    """Why its details could not be read; empty when they were, or when nothing failed so far."""
    ended: OneLine = _NOTHING
    """How it was decided, of an email that waits no more and is still shown; empty while it waits."""
    is_mine: bool = False
    """Open at this seat, claimed under the reviewer's own name or assigned to them, or with an edit."""
    note: TeamNote | None = None
    """What a reviewer noted for the others."""
    snoozed: OneLine = _NOTHING
    """Until when it is out of sight on this machine; empty when it is not."""
    woken: OneLine = _NOTHING
    """Why it is back after it was snoozed; empty when it was not."""
    assignment: Assignment | None = None
    """Whose it is to decide. It only tells, and keeps nobody from deciding."""

    @property
    def author_words(self) -> OneLine:
        """Which human wrote it; empty for an agent's draft."""
        if self.author is None:
            return _NOTHING
        return OneLine("written by you") if self.is_own_reply else OneLine(f"written by {self.author.name}")

    @property
    def is_checked(self) -> bool:
        """Its details have been read; before, the rules know neither cc nor files nor thread."""
        return self.item.complete

    @property
    def unread_words(self) -> str:
        """What of it is not known yet, and why; empty when its details have been read."""
        if self.is_checked:
            return ""
        if self.unread_because:
            return f"cc, attachments and thread could not be read: {self.unread_because}"
        if self.is_inbound:
            return "cc and attachments are loaded when it is opened"
        return "cc, attachments and thread are still being loaded from the gateway"

    @property
    def risk_sign(self) -> str:
        """How risky it is as it stands in a list, two cells wide: `Level.sign`, with a `?` while it is not checked."""
        level = self.assessment.level
        if self.is_checked or level is Level.HIGH:
            return level.sign
        return "!?" if level is Level.MEDIUM else " ?"

    @property
    def risk_word(self) -> str:
        """The level's word, or `unchecked`: what was found so far says nothing of what is still unread."""
        level = self.assessment.level
        return level.word if self.is_checked or level is Level.HIGH else UNCHECKED

    @property
    def concern(self) -> float:
        """What the riskiest first go by: the level; what is not checked stands between medium and high, or is high."""
        level = self.assessment.level
        return level if self.is_checked else max(level, Level.MEDIUM + 0.5)

    @property
    def is_inbound(self) -> bool:
        """It came in and waits for a human before the agent may see it."""
        return str(self.item.direction) == Direction.INBOUND

    @property
    def version(self) -> str:
        """Names what would leave: another one with every content, and once the details of a listed mail are read."""
        if (edit := self.edit) is not None:
            # By its text: revisions begin anew when an edit was thrown away.
            return f"{self.item.id} {self.digest} edit {edit.text.digest}"
        return f"{self.item.id} {self.digest} {'whole' if self.item.complete else 'listed'}"

    @property
    def edit_is_current(self) -> bool:
        """There is an edit, and it was begun from this very content."""
        return self.edit is not None and self.edit.base_digest == self.digest


class Seat(NamedTuple):
    """Who reads the queue, as claims know them."""

    reviewer: str = ""
    token: str = ""
    """Of the claims that this very program sets."""
    open_id: str | None = None
    """The email that is open here."""
    fresh_seconds: float = float("inf")
    """A claim that was seen longer ago than this says when that was."""
    tags_seen_at: Callable[[str], datetime | None] = lambda _: None
    """When the tags of an email were read last, apart from its details."""


NOBODY = Seat()
