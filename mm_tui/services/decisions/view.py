"""What screens and commands show about a decision in progress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mm_tui.decision.state import Act, Choice, Outcome, Question, Stage, State, Step
from mm_tui.models import EmailDetail, PendingItem, RawContent
from mm_tui.text import ManyLine, OneLine

Seen = PendingItem | EmailDetail
"""What was on the screen when the human decided. A `PendingItem` must be `complete`."""


class Phase(StrEnum):
    """Where a decision stands, coarse enough to colour a line by."""

    HELD = "held"
    """Counting down; `undo` works, nothing has left this machine."""
    WORKING = "working"
    """The gateway is being asked. Until the first call that changes something, `undo` works."""
    WAITING = "waiting"
    """The edited text is at the gateway and is being scanned."""
    UNKNOWN = "unknown"
    """A call was made and its outcome is not known; it is being read back."""
    ASKING = "asking"
    """`question` must be answered by a human before anything goes on."""
    DONE = "done"
    """What the human wanted has happened, by this program's call."""
    DECIDED = "decided"
    """It is as the human wanted, but nobody can tell whether by this program's call or another's (R16)."""
    UNDECIDED = "undecided"
    """It ended without effect; the item waits as before."""
    CHANGED = "changed"
    """Refused: the content is not what was on the screen. `changed` holds both."""
    ELSEWHERE = "elsewhere"
    """Somebody else decided. `decided_by` and `decided_at` say who and when, where the gateway tells."""
    INCIDENT = "incident"
    """Something left that nobody wanted: two versions of one email, or other content than was seen."""


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
"""Ends without effect that the human asked for, or knew of when they left."""


def phase_of(state: State) -> Phase:
    """The phase of a state. A call whose outcome has not been read back always shows as unknown, or asks (R5)."""
    if state.outcome is not None:
        return _OUTCOMES.get(state.outcome, Phase.UNDECIDED)
    if state.question is not None:
        return Phase.ASKING
    if state.step is Step.HOLD or state.early:
        return Phase.HELD
    if state.called or state.step in (Step.DOUBT, Step.FIND):
        return Phase.UNKNOWN
    return Phase.WAITING if state.stage is Stage.WAIT else Phase.WORKING


@dataclass(frozen=True, slots=True)
class Shown:
    """An email's content cleaned for showing, for diffs."""

    to: tuple[OneLine, ...]
    cc: tuple[OneLine, ...]
    subject: OneLine
    body: ManyLine
    attachments: tuple[OneLine, ...] = ()
    send_at: OneLine = OneLine("")
    """As given by the gateway; empty if not given."""

    @classmethod
    def of(cls, raw: RawContent) -> Shown:
        """From raw content."""
        return cls(
            to=tuple(map(OneLine, raw.to)),
            cc=tuple(map(OneLine, raw.cc)),
            subject=OneLine(raw.subject),
            body=ManyLine(raw.body),
            attachments=tuple(OneLine(f"{name} ({size} bytes)") for name, size, _ in raw.attachments),
            send_at=OneLine(raw.send_at),
        )

    def changed_fields(self, now: Shown) -> Iterator[tuple[str, str, str]]:
        """What but the body differs from `now`: the field's name, and its text in each; `nothing` where it is empty."""
        for name, before, after in (
            ("to", ", ".join(self.to), ", ".join(now.to)),
            ("cc", ", ".join(self.cc), ", ".join(now.cc)),
            ("subject", self.subject, now.subject),
            ("attached", ", ".join(self.attachments), ", ".join(now.attachments)),
            ("send time", self.send_at, now.send_at),
        ):
            if before != after:
                yield name, before or "nothing", after or "nothing"


@dataclass(frozen=True, slots=True)
class Changed:
    """What was seen against what is there now; `mine` is the human's edit where there is one (three-way)."""

    base: Shown | None
    now: Shown | None
    mine: Shown | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that the machine may not answer."""

    question: Question
    words: OneLine
    choices: tuple[tuple[Choice, OneLine], ...]
    """Each choice with the words for its button, safest last."""


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One decision on its way, as it stands now. Read it again on `DecisionChanged` and on every tick while held."""

    id: str
    """The decision's own id (an item may be decided on more than once)."""
    email_id: str
    mailbox_id: str
    act: Act
    phase: Phase
    words: OneLine
    """The plain sentence to show."""
    outcome: Outcome | None
    """How it ended, exactly; None until then."""
    digest: OneLine
    """The digest (64 hex digits) of what the human decided on."""
    deadline: datetime | None = None
    """End of the hold, by the wall clock (UTC)."""
    question: Asked | None = None
    changed: Changed | None = None
    replacement_id: str | None = None
    """The id of the edited email, once the gateway has given it one."""
    decided_by: OneLine = OneLine("")
    decided_at: datetime | None = None
    batch: str | None = None
    """Decisions made in one act share it: one deadline, one undo."""
    about: OneLine = OneLine("")
    """Whom the email is to, or from where it came in, in a few words."""
    status: OneLine = OneLine("")
    """The email's status as last given by the gateway."""
    unsent: bool = False
    """Nothing that belongs to it has left this machine."""
    looked_at: bool = False
    """A human has taken note of how it ended."""

    @property
    def ended(self) -> bool:
        """Nothing more will happen by itself."""
        return self.phase in ENDED

    @property
    def failed(self) -> bool:
        """It ended without the effect that was wanted, and by no act of the human's."""
        return self.ended and self.phase not in AS_WANTED and self.outcome not in _WANTED

    @property
    def must_be_seen(self) -> bool:
        """It stays where the reader sees it until they have looked at it."""
        return self.failed and not self.looked_at

    def is_told_by_tags(self, email_id: str) -> bool:
        """Whether it ended with a first approval of this email, which waits on: its tags say who has approved it."""
        about_edit = self.act is Act.RELEASE_EDIT
        return self.outcome is Outcome.FIRST_APPROVED and (email_id == self.replacement_id or not about_edit)

    @property
    def can_undo(self) -> bool:
        """Whether `undo` has an effect (R6)."""
        return self.phase is Phase.HELD or (self.unsent and not self.ended)
