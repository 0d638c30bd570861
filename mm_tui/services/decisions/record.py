"""One decision on its way as the service holds it, and as it is kept in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import TypeAdapter

from mm_tui.decision.state import INCIDENTS, Outcome, State
from mm_tui.models import EditedDraft, RawContent
from mm_tui.review.draft import edited
from mm_tui.store.decisions.records import SavedDecision
from mm_tui.text import OneLine


@dataclass(frozen=True, slots=True)
class DecisionMeta:
    """What does not change while a decision is on its way. No content."""

    mailbox_id: str
    direction: str
    key_since: datetime
    """Before any use of the idempotency key."""
    received_at: datetime | None = None
    thread_id: str | None = None
    key: str = ""
    """The idempotency key of the submission."""
    batch: str | None = None
    author: str = ""
    """The human who wrote it, where one did."""
    author_proven: bool = False
    """By this machine's journal; else a tag says so."""
    found: str = ""
    """What of risk was found in what was decided, as codes with their levels; see `findings.codes`."""
    reviewer: str = ""
    """Who decided; empty in rows of versions that did not keep it."""
    by_command: bool = False
    """Made on the command line, not in the app."""
    with_examples: bool = False
    """A tag says that the agent wrote it with examples of what humans released."""
    asks_redraft: bool = False
    """The rejection asks the agent for another draft."""


@dataclass(frozen=True, slots=True)
class Content:
    """The texts of a decision: kept in the store while they may be needed, and nowhere else."""

    base: RawContent
    """What was on the screen."""
    edit: EditedDraft | None = None
    reason: str = ""
    left: RawContent | None = None
    """What left instead, of an incident."""

    @property
    def mine(self) -> RawContent | None:
        """The whole content that the human means to send."""
        return edited(self.base, self.edit) if self.edit is not None else None


_STATE: TypeAdapter[State] = TypeAdapter(State)
_FACTS: TypeAdapter[DecisionMeta] = TypeAdapter(DecisionMeta)
_CONTENT: TypeAdapter[Content] = TypeAdapter(Content)


@dataclass(slots=True, eq=False)
class ActiveDecision:
    """A decision of this run of the program."""

    release_id: str
    state: State
    facts: DecisionMeta
    content: Content | None
    hold_seconds: float = 0.0
    ends_at: float = 0.0
    """End of the hold by the monotonic clock, seconds."""
    deadline: datetime | None = None
    doubt_since: datetime | None = None
    pauses: int = 0
    """How many pauses in a row: the next one is longer."""
    read: dict[str, RawContent] = field(default_factory=dict)
    """Contents as last read, for diffs."""
    trouble: str = ""
    """What keeps the journal from being written, or the gateway from being asked."""
    undo_asked: bool = False
    """The human took it back while the journal was being written: the call that it announces is not begun."""
    has_slot: bool = False
    """Whether it is one of those that talk to the gateway now."""
    looked_at: bool = False
    """A human has taken note of how it ended."""
    followed_up: bool = False
    """What follows from its end was begun."""
    is_lost: bool = False
    """Another process took it over: nothing is done about it here any more."""
    turn: int = 0
    """Counts what the driver began for this decision; what an earlier turn brings back is ignored."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    activity: asyncio.Task[None] | None = None
    marking: asyncio.Task[None] | None = None
    """Sets the tags that name original and edit as a pair."""
    tags: Mapping[OneLine, OneLine] = field(default_factory=dict)
    """What an email's tags are since a first approval of it was recorded."""
    marked_again: bool = False
    """The tags were lost once, to another who wrote at the same moment, and set anew."""
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def must_ask_redraft(self, state: State) -> bool:
        """Whether the email was rejected, and the agent is still to be asked for another draft."""
        return self.facts.asks_redraft and state.outcome in (Outcome.REJECTED, Outcome.DECIDED)

    def saved(self, state: State, at: datetime) -> SavedDecision:
        """The row that keeps `state`."""
        # Once it has ended, the edit alone is kept, in its own table, where the human can find or discard it; of an
        # incident both texts, until somebody has looked at it; and a message for the agent, until it was delivered.
        content = self.content
        if content is not None and state.outcome in INCIDENTS:
            content = replace(content, left=self.read.get(state.replacement or state.case.item))
        elif state.ended and not self.must_ask_redraft(state):
            content = None
        return SavedDecision(
            release_id=self.release_id,
            item_id=state.case.item,
            replacement_id=state.replacement or None,
            state=_STATE.dump_json(state).decode(),
            facts=_FACTS.dump_json(self.facts).decode(),
            content=_CONTENT.dump_json(content).decode() if content is not None else None,
            ended=state.ended,
            doubts=state.doubts,
            updated_at=at,
        )


def restored(row: SavedDecision) -> ActiveDecision:
    """The decision that a row keeps.

    Raises:
        ValueError: the row was not written by this program.
    """
    return ActiveDecision(
        release_id=row.release_id,
        state=state_of(row),
        facts=facts_of(row),
        content=_CONTENT.validate_json(row.content) if row.content is not None else None,
    )


def state_of(row: SavedDecision) -> State:
    """The state that a row keeps."""
    return _STATE.validate_json(row.state)


def facts_of(row: SavedDecision) -> DecisionMeta:
    """The facts that a row keeps."""
    return _FACTS.validate_json(row.facts)
