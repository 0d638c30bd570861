"""One decision in progress, in memory and in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from mm_tui import typed_json
from mm_tui.clock import moment_in
from mm_tui.decision.effects import EntryKind, WriteEntry
from mm_tui.decision.machine import can_undo
from mm_tui.decision.state import INCIDENTS, Act, Outcome, State
from mm_tui.models import EditedDraft, EmailDetail, RawContent
from mm_tui.review.diff import compare
from mm_tui.review.draft import edited, with_listed
from mm_tui.services.decisions.view import WITHOUT_EFFECT, Phase, phase_of
from mm_tui.services.queue.resubmitted import ASKS_REDRAFT, SENT_BACK, SUGGESTED
from mm_tui.store.decisions.records import SavedDecision
from mm_tui.store.seal import StoreError
from mm_tui.text import OneLine

T = TypeVar("T")


class DecisionMeta(msgspec.Struct, frozen=True):
    """What does not change during a decision. No content."""

    mailbox_id: str
    direction: str
    key_since: datetime
    """A time before any use of the idempotency key."""
    received_at: datetime | None = None
    thread_id: str | None = None
    key: str = ""
    """The idempotency key of the submission."""
    batch: str | None = None
    author: str = ""
    """The human who wrote the email, if one did."""
    author_proven: bool = False
    """Whether this machine's journal names them; otherwise a tag does."""
    found: str = ""
    """The risk findings in the decided content, as codes with levels; see `findings.codes`."""
    reviewer: str = ""
    """Who decided; empty in rows of versions that did not record it."""
    by_command: bool = False
    """Whether it was made on the command line."""
    with_examples: bool = False
    """Whether a tag says that the agent wrote it with examples of sent texts."""
    asks_redraft: bool = False
    """Whether the rejection asks the agent for another draft."""


class DecisionTexts(msgspec.Struct, frozen=True):
    """The texts of a decision, kept only in the store and only while they may be needed."""

    base: RawContent
    """What was on the screen."""
    edit: EditedDraft | None = None
    reason: str = ""
    left: RawContent | None = None
    """In an incident, the content that was sent instead."""

    @property
    def mine(self) -> RawContent | None:
        """The whole content that the human wants to send."""
        return edited(self.base, self.edit) if self.edit is not None else None


class ActiveDecision(msgspec.Struct, eq=False):
    """A decision in progress in this program."""

    decision_id: str
    state: State
    meta: DecisionMeta
    content: DecisionTexts | None
    hold_seconds: float = 0.0
    ends_at: float = 0.0
    """End of the hold by the monotonic clock, in seconds."""
    slept: bool = False
    """Whether the machine slept while the email was read during the hold."""
    step_since: float | None = None
    """Since when it is at its current step, by the monotonic clock, in seconds; None before anything was started."""
    doubt_since: datetime | None = None
    pauses: int = 0
    """The number of consecutive pauses; each is longer than the one before."""
    read: dict[str, RawContent] = msgspec.field(default_factory=dict)
    """Contents as last read, for showing differences."""
    listed: dict[str, RawContent] = msgspec.field(default_factory=dict)
    """Contents as the gateway's queue listed them last."""
    trouble: str = ""
    """Why the journal cannot be written or the gateway cannot be asked."""
    undo_asked: bool = False
    """Whether the human undid it while the journal was being written, so that the announced call is not started."""
    has_slot: bool = False
    """Whether it holds a slot for calls to the gateway."""
    looked_at: bool = False
    """Whether a human has looked at how it ended."""
    was_left: bool = False
    """Whether a program that ended otherwise than by its human left it."""
    followed_up: bool = False
    """Whether the work that follows its end was started."""
    is_lost: bool = False
    """Whether another process took it over, so that this one no longer acts."""
    turn: int = 0
    """Counts the activities started for this decision; results of earlier ones are ignored."""
    lock: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)
    activity: asyncio.Task[None] | None = None
    marking: asyncio.Task[None] | None = None
    """The task that tags original and edit as a pair."""
    tags: Mapping[OneLine, OneLine] = msgspec.field(default_factory=dict)
    """The email's tags after a first approval was recorded."""
    read_at: float = float("-inf")
    """When an email was read last, by `clock.uptime`."""
    waited_before: frozenset[str] = frozenset()
    """The ids of the emails that waited before the edit was submitted."""
    marked_again: bool = False
    """Whether the tags were set again, because another program had overwritten them at the same moment."""
    moved: asyncio.Event = msgspec.field(default_factory=asyncio.Event)

    @property
    def email_id(self) -> str:
        """The email that is decided about."""
        return self.state.case.item

    @property
    def is_undoable(self) -> bool:
        """Whether it can still be undone."""
        return can_undo(self.state) and not self.state.ended

    @property
    def is_unseen_failure(self) -> bool:
        """Whether it certainly had no effect, and nobody has looked at it yet."""
        had_none = self.state.outcome in WITHOUT_EFFECT or self.fell_back_unasked
        return had_none and not self.state.doubts and not self.looked_at

    @property
    def fell_back_unasked(self) -> bool:
        """Whether it ended because a program did, and no human was told."""
        return self.falls_back_unasked(self.state)

    def falls_back_unasked(self, state: State) -> bool:
        return self.was_left and state.outcome is Outcome.FELL_BACK

    @property
    def urgency(self) -> int:
        """Whether a human should look at it: 3 it asks, 2 it failed unseen, 1 its outcome is unknown, or 0."""
        if self.is_unseen_failure:
            return 2
        return {Phase.ASKING: 3, Phase.UNKNOWN: 1}.get(phase_of(self.state), 0)

    @property
    def is_unseen_incident(self) -> bool:
        """Whether it ended with an incident that nobody has looked at yet."""
        return self.state.outcome in INCIDENTS and not self.looked_at

    @property
    def texts(self) -> tuple[RawContent, EditedDraft, RawContent]:
        """What was on the screen, the human's text, and the whole content to send. Only for the decision on an edit."""
        assert self.content is not None and self.content.edit is not None
        return self.content.base, self.content.edit, edited(self.content.base, self.content.edit)

    def whole(self, mail: EmailDetail) -> EmailDetail:
        """The email with what only the gateway's queue tells of it; until it is listed, as in what was decided on."""
        content = self.content
        known = {self.state.replacement: content.mine, self.email_id: content.base} if content is not None else {}
        listed = self.listed.get(mail.id) or known.get(mail.id)
        return mail.replaced(raw=with_listed(mail.raw, listed)) if listed is not None else mail

    def must_ask_redraft(self, state: State) -> bool:
        """Whether the email was rejected, and the agent is still to be asked for another draft."""
        return self.meta.asks_redraft and state.outcome in (Outcome.REJECTED, Outcome.DECIDED)

    def saved(self, state: State, at: datetime) -> SavedDecision:
        """The row that stores the decision with this state."""
        # After the end only the edit is kept, in its own table, where the human can find or discard it. In an incident
        # both texts are kept until somebody has looked at it, and a request to the agent until it was delivered. What
        # fell back unasked needs its text to say whom it was to go to.
        content = self.content
        if content is not None and state.outcome in INCIDENTS:
            content = replace(content, left=self.read.get(state.replacement or state.case.item))
        elif state.ended and not (self.must_ask_redraft(state) or self.falls_back_unasked(state)):
            content = None
        return SavedDecision(
            decision_id=self.decision_id,
            item_id=state.case.item,
            replacement_id=state.replacement or None,
            state=typed_json.dumped(state),
            meta=typed_json.dumped(self.meta),
            content=typed_json.dumped(content) if content is not None else None,
            ended=state.ended,
            doubts=state.doubts,
            updated_at=at,
        )


class UnreadableDecision(StoreError):
    """What is stored of a decision is damaged. Nothing is decided about its email with this store."""

    def __init__(self, row: SavedDecision) -> None:
        super().__init__(
            f"what is stored of a decision about {row.item_id} is damaged: see at the gateway what became of this "
            f"email, and in `mm-tui audit list` what was decided; it cannot be decided here ({row.decision_id})"
        )


def restored(row: SavedDecision) -> ActiveDecision:
    """Restores the decision from a row. Raises UnreadableDecision."""
    return ActiveDecision(
        decision_id=row.decision_id,
        state=state_of(row),
        meta=meta_of(row),
        content=_read(DecisionTexts, row, row.content) if row.content is not None else None,
    )


def state_of(row: SavedDecision) -> State:
    """Raises UnreadableDecision, also if it is another's: an id in the row, or whether it has ended, is damaged."""
    state = _read(State, row, row.state)
    decided_at = state.snapshot.decided_at if state.snapshot is not None else ""
    is_dated = not decided_at or moment_in(decided_at) is not None
    if not is_dated or (state.case.item, state.ended) != (row.item_id, row.ended):
        raise UnreadableDecision(row)
    return state


def meta_of(row: SavedDecision) -> DecisionMeta:
    """Raises UnreadableDecision."""
    return _read(DecisionMeta, row, row.meta)


def _read(kind: type[T], row: SavedDecision, text: str) -> T:
    try:
        return typed_json.read(kind, text)
    except ValueError:
        raise UnreadableDecision(row) from None


_LONGEST = 200
"""The most characters of a gateway's or a human's words in the journal."""


def details_of(decision: ActiveDecision, state: State, entry: WriteEntry) -> dict[str, str]:
    case, content = decision.state.case, decision.content
    details = {"release": decision.decision_id, "act": str(case.act), "digest": case.digest}
    if entry.about:
        details["about"] = entry.about
    if entry.note:
        details["note"] = entry.note[:_LONGEST]
    if state.outcome is Outcome.NOT_AS_SEEN and state.snapshot is not None and not state.sent:
        details["left"] = state.snapshot.digest
    if case.act is Act.REJECT and content is not None:
        # The text that the reviewer would have sent is content.
        reason, suggested, _ = content.reason.partition(SUGGESTED)
        details["reason"] = reason[:_LONGEST]
        if suggested:
            details[SENT_BACK] = "yes"
        if decision.meta.asks_redraft:
            details[ASKS_REDRAFT] = "yes"
    if entry.entry is EntryKind.HELD:
        details |= _track_record(decision)
    return details


def _track_record(decision: ActiveDecision) -> dict[str, str]:
    """What the track record of a mailbox is computed from: where, when, and how much a human changed."""
    meta, content, act = decision.meta, decision.content, decision.state.case.act
    found = {"mailbox": meta.mailbox_id, "direction": meta.direction}
    if meta.received_at is not None:
        found["received"] = meta.received_at.isoformat()
    if meta.found:
        found["found"] = meta.found
    if meta.by_command:
        found["with"] = "command line"
    if meta.author:
        found |= {"written_by": meta.author, "written_by_known_from": "journal" if meta.author_proven else "tag"}
    if content is not None and act in (Act.APPROVE, Act.RELEASE_EDIT):
        difference = compare(content.base.body, content.edit.body if content.edit is not None else content.base.body)
        total = difference.words_before + difference.words_after
        found["words_changed"] = f"{total - 2 * difference.words_kept} of {total}"
    if meta.with_examples:
        found["with_examples"] = "yes"
    return found
