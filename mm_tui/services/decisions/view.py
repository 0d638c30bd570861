"""What screens and commands show about a decision in progress."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

import msgspec

from mm_tui.decision.state import Act, Choice, Outcome, Question, Stage, State, Step
from mm_tui.models import EmailDetail, PendingItem, RawContent
from mm_tui.review.disclosure import NOT_DISCLOSED
from mm_tui.review.draft import same_form
from mm_tui.text import ManyLine, OneLine

Seen = PendingItem | EmailDetail
"""An email as it was on the screen when the human decided. A `PendingItem` must be `complete`."""


class Phase(StrEnum):
    """The rough state of a decision, which determines a line's colour."""

    HELD = "held"
    """The hold: `undo` works, and nothing has left this machine."""
    WORKING = "working"
    """The gateway is being read or called. `undo` works until the first call that changes something."""
    WAITING = "waiting"
    """The edited text is at the gateway and is being scanned."""
    UNKNOWN = "unknown"
    """A call was made and its outcome is unknown; the gateway is being read."""
    ASKING = "asking"
    """A human must answer `question` before it continues."""
    DONE = "done"
    """It is as the human wanted, by this program's call."""
    DECIDED = "decided"
    """It is as the human wanted, but it is unknown whether by this program's call or another's (R16)."""
    UNDECIDED = "undecided"
    """It ended without effect; the email waits as before."""
    CHANGED = "changed"
    """Refused, because the content is not what was on the screen. `changed` holds both."""
    ELSEWHERE = "elsewhere"
    """Somebody else decided. `decided_by` and `decided_at` say who and when, if the gateway says so."""
    INCIDENT = "incident"
    """An incident: two versions of one email were sent, or content that nobody saw."""


AS_WANTED = frozenset({Phase.DONE, Phase.DECIDED})
ENDED = AS_WANTED | frozenset({Phase.UNDECIDED, Phase.CHANGED, Phase.ELSEWHERE, Phase.INCIDENT})

_OUTCOMES = {
    Outcome.APPROVED: Phase.DONE,
    Outcome.REJECTED: Phase.DONE,
    Outcome.DECIDED: Phase.DECIDED,
    Outcome.EDIT_RELEASED: Phase.DONE,
    Outcome.RESCHEDULED: Phase.DONE,
    Outcome.FIRST_APPROVED: Phase.DONE,
    Outcome.CHANGED: Phase.CHANGED,
    Outcome.ELSEWHERE: Phase.ELSEWHERE,
    Outcome.SIBLING_RELEASED: Phase.ELSEWHERE,
    Outcome.WITHDRAWN: Phase.ELSEWHERE,
    Outcome.EDIT_CLOSED: Phase.ELSEWHERE,
    Outcome.INCIDENT: Phase.INCIDENT,
    Outcome.NOT_AS_SEEN: Phase.INCIDENT,
}

_WANTED = frozenset({Outcome.UNDONE, Outcome.LEFT, Outcome.TAKEN_BACK, Outcome.FELL_BACK})
"""Outcomes without effect that the human asked for, or knew of when they left."""

_SETTLED = frozenset({
    Outcome.APPROVED, Outcome.REJECTED, Outcome.DECIDED, Outcome.NOT_AS_SEEN, Outcome.EDIT_RELEASED, Outcome.ELSEWHERE,
    Outcome.WITHDRAWN, Outcome.INCIDENT,
})  # fmt: skip
"""Outcomes after which the email does not wait any more."""

WITHOUT_EFFECT = frozenset({
    Outcome.UNREACHABLE, Outcome.DENIED, Outcome.CHANGED, Outcome.TOO_LATE, Outcome.NOT_SUBMITTED
})  # fmt: skip
"""Outcomes that nobody asked for, and that certainly changed nothing."""
SAME_TO_READ = "The text and the recipients are unchanged: only the way an address is written differs."
_NOT_DONE = {
    Act.APPROVE: "not approved",
    Act.APPROVE_FIRST: "not approved",
    Act.REJECT: "not rejected",
    Act.RELEASE_EDIT: "not approved",
    Act.RESCHEDULE: "not changed",
}


def phase_of(state: State) -> Phase:
    """The phase of a state. A call with an unknown outcome always shows as unknown or as a question (R5)."""
    if state.outcome is not None:
        return _OUTCOMES.get(state.outcome, Phase.UNDECIDED)
    if state.question is not None:
        return Phase.ASKING
    if state.step is Step.HOLD or state.early:
        return Phase.HELD
    if state.called or state.step in (Step.DOUBT, Step.FIND):
        return Phase.UNKNOWN
    return Phase.WAITING if state.stage is Stage.WAIT else Phase.WORKING


class Shown(msgspec.Struct, frozen=True):
    """An email's content, cleaned for display, to show differences."""

    sender: OneLine
    to: tuple[OneLine, ...]
    cc: tuple[OneLine, ...]
    subject: OneLine
    body: ManyLine
    attachments: tuple[OneLine, ...] = ()
    send_at: OneLine = OneLine("")
    """As given by the gateway; empty if not given."""
    bcc: tuple[OneLine, ...] = ()

    @classmethod
    def of(cls, raw: RawContent) -> Shown:
        """Makes raw content safe to display."""
        return cls(
            sender=OneLine(raw.sender),
            to=tuple(map(OneLine, raw.to)),
            cc=tuple(map(OneLine, raw.cc)) or _undisclosed(raw, "cc"),
            subject=OneLine(raw.subject),
            body=ManyLine(raw.body),
            attachments=tuple(
                OneLine(f"{name} ({size} bytes{f', {kind}' if kind else ''})") for name, size, kind in raw.attachments
            )
            or _undisclosed(raw, "attachments"),
            send_at=OneLine(raw.send_at),
            bcc=tuple(map(OneLine, raw.bcc)),
        )

    def changed_fields(self, now: Shown) -> Iterator[tuple[str, str, str]]:
        """The fields except the body that differ from `now`: name and both texts, with `nothing` for an empty one.

        Addresses are compared and shown in one form: quotes, a name that only one of them has, and order do not count.
        """
        for name, before, after in (
            ("from", *same_form((self.sender,), (now.sender,))),
            ("to", *same_form(self.to, now.to)),
            ("cc", *same_form(self.cc, now.cc)),
            ("bcc", *same_form(self.bcc, now.bcc)),
            ("subject", self.subject, now.subject),
            ("attached", ", ".join(self.attachments), ", ".join(now.attachments)),
            ("send time", self.send_at, now.send_at),
        ):
            if before != after:
                yield name, before or "nothing", after or "nothing"


def _undisclosed(raw: RawContent, name: str) -> tuple[OneLine, ...]:
    return (OneLine(NOT_DISCLOSED),) if name in raw.undisclosed else ()


class Changed(msgspec.Struct, frozen=True):
    """What was seen and what is there now; `mine` is the human's edit, if there is one."""

    base: Shown | None
    now: Shown | None
    mine: Shown | None = None


class Asked(msgspec.Struct, frozen=True):
    """A question that only a human may answer."""

    question: Question
    words: OneLine
    choices: tuple[tuple[Choice, OneLine], ...]
    """The choices with their button texts, safest last."""
    digest: OneLine = OneLine("")
    """The digest of the content that is there now, if it may be accepted."""


class DecisionView(msgspec.Struct, frozen=True):
    """The current state of a decision. Read it again on `DecisionChanged`, and every second during the hold."""

    id: str
    """The decision's own id, since an email can be decided on more than once."""
    email_id: str
    act: Act
    phase: Phase
    words: OneLine
    """The sentence to show."""
    outcome: Outcome | None
    """The exact outcome; None until it has ended."""
    digest: OneLine
    """The digest (64 hex digits) of the content that was decided on."""
    ends_at: float | None = None
    """End of the hold by the monotonic clock, in seconds; None if it is not held."""
    question: Asked | None = None
    changed: Changed | None = None
    replacement_id: str | None = None
    """The id of the edited email, once the gateway has assigned it."""
    decided_by: OneLine = OneLine("")
    decided_at: datetime | None = None
    about: OneLine = OneLine("")
    """The recipients of the email, or the sender of an inbound one, in a few words."""
    status: OneLine = OneLine("")
    """The email's status as last given by the gateway."""
    unsent: bool = False
    """Whether nothing has been sent yet."""
    in_doubt: bool = False
    """Whether an earlier call may still take effect."""
    asks_redraft: bool = False
    """Whether it was rejected, and the agent is asked for another draft."""
    looked_at: bool = False
    """Whether a human has looked at how it ended."""
    fell_back_unasked: bool = False
    """Whether it ended because a program did, and no human was told."""

    @property
    def ended(self) -> bool:
        return self.phase in ENDED

    @property
    def settled(self) -> bool:
        """Whether the email does not wait any more, here or elsewhere."""
        return self.outcome in _SETTLED

    @property
    def failed(self) -> bool:
        """Whether it ended without the wanted effect, and not because of the human."""
        is_wanted = self.phase in AS_WANTED or (self.outcome in _WANTED and not self.fell_back_unasked)
        return self.ended and not is_wanted

    @property
    def not_done(self) -> str:
        """What certainly was not done, in two words; empty if it was done or that is not certain."""
        had_none = self.outcome in WITHOUT_EFFECT or self.fell_back_unasked
        return _NOT_DONE[self.act] if had_none and not self.in_doubt else ""

    @property
    def must_be_seen(self) -> bool:
        """Whether it stays visible until the reviewer has looked at it."""
        return self.failed and not self.looked_at

    def is_shown_by_tags(self, email_id: str) -> bool:
        """Whether it ended with a first approval. The email still waits, and its tags say who has approved it."""
        about_edit = self.act is Act.RELEASE_EDIT
        return self.outcome is Outcome.FIRST_APPROVED and (email_id == self.replacement_id or not about_edit)

    @property
    def can_undo(self) -> bool:
        """Whether it can be undone (R6)."""
        return self.phase is Phase.HELD or (self.unsent and not self.ended)
