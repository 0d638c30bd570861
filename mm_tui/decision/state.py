"""The state of a decision: plain frozen values, so that a test can visit every reachable one. It holds no content, only
ids and digests. Nothing here acts: `machine.py`, `reading_back.py` and `replacement.py` define the transitions."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Act(StrEnum):
    """What the human decided."""

    APPROVE = "approve"
    APPROVE_FIRST = "approve_first"
    """Record at the gateway that this reviewer approves it. It releases nothing: another reviewer's approval does."""
    REJECT = "reject"
    RELEASE_EDIT = "release_edit"
    """Submit an edited text, retire the original, release the edit."""
    RESCHEDULE = "reschedule"
    """Change a scheduled email that has not been approved, in place."""


class Stage(StrEnum):
    """The current part of the procedure."""

    DECIDE = "decide"
    """Approve or reject the email itself, or record a first approval of it."""
    SUBMIT = "submit"
    """Submit the edited text to the gateway."""
    WAIT = "wait"
    """Wait until the gateway has scanned the edit, and check that it is what the human wrote."""
    RETIRE = "retire"
    """Reject the original."""
    RELEASE = "release"
    """Approve the edit, or record a first approval of it."""
    WITHDRAW = "withdraw"
    """Cancel the edit."""
    RESCHEDULE = "reschedule"
    """Change a scheduled mail in place."""


class Step(StrEnum):
    """The current step of the stage."""

    HOLD = "hold"
    """Counting down; nothing has left this machine."""
    CHECK = "check"
    """Reading what the gateway has, before the call."""
    CALL = "call"
    """The call is in progress. It is made once."""
    DOUBT = "doubt"
    """It is not known whether the call took effect; the gateway is being read."""
    FIND = "find"
    """Looking for a submitted edit whose id is not known."""
    ASK = "ask"
    """A human must answer."""
    RECORD = "record"
    """Done; reading once more what the gateway recorded."""
    END = "end"
    """Nothing follows."""


class RemoteState(StrEnum):
    """What an email's status at the gateway means for a decision."""

    SCANNING = "scanning"
    PENDING = "pending"
    SCHEDULED = "scheduled"
    RELEASED = "released"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FAILED = "failed"
    UNCLEAR = "unclear"
    """An unknown status, or no such email: nothing can be concluded from it."""

    @property
    def is_settled_unreleased(self) -> bool:
        """It was not sent and never will be."""
        return self in (RemoteState.REJECTED, RemoteState.CANCELLED, RemoteState.FAILED)


class Snapshot(msgspec.Struct, frozen=True):
    """One email as the gateway described it at one moment."""

    remote_state: RemoteState = msgspec.field(name="standing")
    digest: str = ""
    """Digest of the whole content, from `digest.digest_of`."""
    fingerprint: str = ""
    """Fingerprint of what a recipient would get, from `draft.fingerprint`."""
    status: str = ""
    """The status in the gateway's word."""
    decided_by: str = ""
    decided_at: str = ""
    """ISO 8601, or empty."""
    is_ours: bool | None = None
    """Whether it was decided with this program's key; None if that is not known. Other programs may use the same key,
    so True does not prove that it was our call."""
    relatives: tuple[str, ...] = ()
    """Ids of the emails that its tags name as its original or its edits: anybody with a send key can set them."""
    edited_by: str = ""
    """The reviewer whose edit it is, as its tags say."""
    is_approved_by_us: bool = False
    """Its tags hold this reviewer's first approval of just this content."""
    is_approved_by_other: bool = False
    """Its tags hold another reviewer's first approval of just this content."""
    is_late: bool = False
    """Its send time had passed, so that an approval sends it at once."""


class Question(StrEnum):
    """What only a human may answer."""

    STILL_PENDING = "still_pending"
    """The outcome is unknown and the email is still waiting: try again?"""
    SUBMIT_UNKNOWN = "submit_unknown"
    """It is not known whether the edit reached the gateway."""
    GO_ON = "go_on"
    """The program or the network was interrupted: continue with the decision?"""
    EDIT_DIFFERS = "edit_differs"
    """What the gateway holds is not what the human wrote."""
    EDIT_UNCLEAR = "edit_unclear"
    """The edit has a status from which nothing can be concluded."""
    ORIGINAL_CHANGED = "original_changed"
    """The original has changed since it was edited."""
    ORIGINAL_CLOSED = "original_closed"
    """Somebody else rejected or cancelled the original."""
    RETIRED_UNSURE = "retired_unsure"
    """The original is rejected, by us or by somebody else: the answer to our call was lost."""
    ORIGINAL_UNCLEAR = "original_unclear"
    """The original has a status from which nothing can be concluded."""
    NOT_RETIRED = "not_retired"
    """The gateway refused to reject the original, or it is still waiting after our call."""
    NOT_RELEASED = "not_released"
    """The gateway refused to approve the edit, or it is still waiting after our call."""
    SIBLING_WAITING = "sibling_waiting"
    """Another edit of the same original is still open."""
    RELATIVE_RELEASED = "relative_released"
    """An email that the tags name as another version of this one was released."""
    RELATIVE_WAITING = "relative_waiting"
    """An email that the tags name as another version of this one is waiting too."""
    RELATIVE_UNCLEAR = "relative_unclear"
    """An email that the tags name as another version of this one cannot be found, or has an unknown status."""
    NOT_WITHDRAWN = "not_withdrawn"
    """The edit could not be cancelled and is still waiting."""


class Choice(StrEnum):
    """What a human may answer."""

    AGAIN = "again"
    """Make the call again, after a fresh check."""
    LOOK = "look"
    """Read the gateway again."""
    GO_ON = "go_on"
    """Continue with the decision, after a fresh check."""
    ACCEPT = "accept"
    """Approve the content that is shown now."""
    UNRELATED = "unrelated"
    """The tags are wrong, it is not a version of this email: continue, after a fresh check."""
    WITHDRAW = "withdraw"
    """Cancel the edit; its text is kept."""
    LEAVE = "leave"
    """Stop here and leave everything at the gateway as it is."""


CHOICES: dict[Question, tuple[Choice, ...]] = {
    Question.STILL_PENDING: (Choice.AGAIN, Choice.LEAVE),
    Question.SUBMIT_UNKNOWN: (Choice.AGAIN, Choice.LEAVE),
    Question.GO_ON: (Choice.GO_ON, Choice.WITHDRAW, Choice.LEAVE),
    Question.EDIT_DIFFERS: (Choice.ACCEPT, Choice.WITHDRAW, Choice.LEAVE),
    Question.EDIT_UNCLEAR: (Choice.LOOK, Choice.WITHDRAW, Choice.LEAVE),
    Question.ORIGINAL_CHANGED: (Choice.ACCEPT, Choice.WITHDRAW, Choice.LEAVE),
    Question.ORIGINAL_CLOSED: (Choice.GO_ON, Choice.WITHDRAW, Choice.LEAVE),
    Question.RETIRED_UNSURE: (Choice.GO_ON, Choice.WITHDRAW, Choice.LEAVE),
    Question.ORIGINAL_UNCLEAR: (Choice.LOOK, Choice.WITHDRAW, Choice.LEAVE),
    Question.NOT_RETIRED: (Choice.AGAIN, Choice.WITHDRAW, Choice.LEAVE),
    Question.NOT_RELEASED: (Choice.AGAIN, Choice.WITHDRAW, Choice.LEAVE),
    Question.SIBLING_WAITING: (Choice.LOOK, Choice.WITHDRAW, Choice.LEAVE),
    Question.RELATIVE_RELEASED: (Choice.LOOK, Choice.UNRELATED, Choice.WITHDRAW, Choice.LEAVE),
    Question.RELATIVE_WAITING: (Choice.GO_ON, Choice.LOOK, Choice.WITHDRAW, Choice.LEAVE),
    Question.RELATIVE_UNCLEAR: (Choice.LOOK, Choice.UNRELATED, Choice.WITHDRAW, Choice.LEAVE),
    Question.NOT_WITHDRAWN: (Choice.AGAIN, Choice.LEAVE),
}
"""The answers to each question, safest last. WITHDRAW is offered while an edit of ours waits at the gateway."""

ABOUT_RELATIVES = frozenset({Question.RELATIVE_RELEASED, Question.RELATIVE_WAITING, Question.RELATIVE_UNCLEAR})

MOST_RELATIVES = 12
"""The most versions of one email that are taken from tags, so that checking a draft ends."""


class Outcome(StrEnum):
    """How it ended."""

    APPROVED = "approved"
    REJECTED = "rejected"
    DECIDED = "decided"
    """As the human wanted, but it is not known whether by this program's call or by another at the same time."""
    NOT_AS_SEEN = "not_as_seen"
    """It was released with other content than the human saw: it changed between the last read and the call."""
    EDIT_RELEASED = "edit_released"
    """The edit was sent and the original is retired."""
    RESCHEDULED = "rescheduled"
    FIRST_APPROVED = "first_approved"
    """The first of two approvals is recorded; nothing was released."""
    NOT_SECONDED = "not_seconded"
    """It needs two approvals, and no other reviewer approves this content (any more); nothing was decided."""
    TOO_LATE = "too_late"
    """Its send time passed after the human decided, so that it would have been sent at once; nothing was decided."""
    UNDONE = "undone"
    FELL_BACK = "fell_back"
    """The program crashed or quit before anything had left this machine."""
    UNREACHABLE = "unreachable"
    """The gateway could not be read or the journal not written, so nothing was decided."""
    CHANGED = "changed"
    """The content differed from what the human had seen."""
    DENIED = "denied"
    """The gateway refused the call; nothing was decided."""
    UNCLEAR = "unclear"
    """The status allows no conclusion; nothing was decided."""
    ELSEWHERE = "elsewhere"
    """Somebody else decided, cancelled or released it."""
    SIBLING_RELEASED = "sibling_released"
    """Another of {original, edits} was released before."""
    SIBLING_WAITING = "sibling_waiting"
    """Another of {original, edits} still waits and must be settled first."""
    DOUBTFUL = "doubtful"
    """An earlier call for this item may still take effect, and this act would not be safe beside it."""
    NOT_SUBMITTED = "not_submitted"
    """The gateway refused the edit; the original is untouched."""
    EDIT_FAILED = "edit_failed"
    """The edit was blocked or could not be sent; the original is as it was."""
    EDIT_CLOSED = "edit_closed"
    """Somebody rejected or cancelled the edit."""
    WITHDRAWN = "withdrawn"
    """The original was released as it was; the edit was withdrawn."""
    TAKEN_BACK = "taken_back"
    """The human withdrew the edit."""
    LEFT = "left"
    """The human left it as it stands."""
    INCIDENT = "incident"
    """Two of {original, edits} were released, by different hands."""


INCIDENTS = frozenset({Outcome.INCIDENT, Outcome.NOT_AS_SEEN})
"""Ends after which something has left that nobody wanted."""

SUBMISSION = "submission"
"""Stands for an edit that may be at the gateway under an id that we never received."""

CONCLUSIVE = frozenset(
    {
        Outcome.APPROVED,
        Outcome.REJECTED,
        Outcome.DECIDED,
        Outcome.NOT_AS_SEEN,
        Outcome.EDIT_RELEASED,
        Outcome.RESCHEDULED,
        Outcome.ELSEWHERE,
        Outcome.EDIT_CLOSED,
        Outcome.EDIT_FAILED,
        Outcome.WITHDRAWN,
        Outcome.TAKEN_BACK,
        Outcome.INCIDENT,
    }
)
"""Outcomes that were read from the gateway, so that no call of ours can still take effect."""


class Case(msgspec.Struct, frozen=True):
    """What the human decided, on what: fixed from the beginning."""

    item: str
    """The id of the waiting email."""
    act: Act
    digest: str
    """The digest of what was on the screen."""
    fingerprint: str = ""
    """The fingerprint of the edited content, for an edit."""
    siblings: tuple[str, ...] = ()
    """Other emails of which at most one may be released together with this one: earlier edits, or the original."""
    named: tuple[str, ...] = ()
    """Emails that earlier read tags name as versions of this one."""
    needs_second: bool = False
    """Whether two reviewers must approve it: it is released only if another has approved it too."""
    sends_late: bool = False
    """Whether the human was shown that its send time has passed."""
    doubtful: bool = False
    """Whether an earlier call for this email may still take effect and would not be harmless beside this act."""


class State(msgspec.Struct, frozen=True):
    """The state of one decision."""

    case: Case
    stage: Stage
    step: Step = Step.HOLD
    todo: tuple[str, ...] = ()
    """Ids still to be read in this check; the last one is what the call is about."""
    seen: str = ""
    """The digest that the human accepted: of what was on the screen, or of what was accepted since."""
    replacement: str = ""
    """The id of the edit at the gateway."""
    verified: str = ""
    """The digest of the edit at the gateway, if it is what the human wrote or accepted."""
    called: bool = False
    """Whether a call of this stage was made that may have taken effect."""
    may_release: str = ""
    """What a call with an unknown outcome may still release: an email's id, or `SUBMISSION` for an edit without a known
    id."""
    sent: bool = False
    """Whether the edit was already sent (allow-list, autonomous mailbox, another reviewer)."""
    differs: bool = False
    """Whether something else was sent than the human wrote."""
    relatives: tuple[str, ...] = ()
    """Emails that tags name as versions of this one."""
    unrelated: tuple[str, ...] = ()
    """Those that a human has called unrelated."""
    beside: tuple[str, ...] = ()
    """Those that may keep waiting while this one is released, as a human has said."""
    rival: str = ""
    """The email that the question is about."""
    left: tuple[str, ...] = ()
    """Those that were found to be released."""
    reached: Outcome | None = None
    """The outcome, unless another version turns out to have been sent too."""
    stale: bool = False
    """Whether a crash or network failure interrupted it, so that a human must confirm before anything is released."""
    early: bool = False
    """Whether the email is read during the hold, because somebody may have decided."""
    closing: bool = False
    """Whether the program is closing: only the answer to a call in progress is still handled."""
    forced: bool = False
    """Whether the edit is being withdrawn because the original or another edit was released."""
    question: Question | None = None
    snapshot: Snapshot | None = msgspec.field(default=None, name="sighting")
    """The last reading that explains the question or the outcome. Stored decisions call it by the name given here."""
    outcome: Outcome | None = None
    said: str = ""
    """The gateway's words, raw."""

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        return self.step is Step.END

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The choices that the human has now."""
        if self.question is None:
            return ()
        waits = self.replacement and not self.sent
        return tuple(choice for choice in CHOICES[self.question] if waits or choice is not Choice.WITHDRAW)

    @property
    def versions(self) -> tuple[str, ...]:
        """All other emails of which at most one may be released together with this one."""
        return (*self.case.siblings, *self.tagged_versions)

    @property
    def tagged_versions(self) -> tuple[str, ...]:
        """The versions that only tags name, without those that a human has called unrelated."""
        return tuple(one for one in self.relatives if one not in self.unrelated)

    @property
    def doubts(self) -> str:
        """What a call of ours with an unknown outcome may still release; empty if nothing."""
        if self.outcome in CONCLUSIVE and self.may_release != SUBMISSION:
            return ""
        return self.may_release

    @property
    def keeps_text(self) -> bool:
        """Whether the edited text must stay in the local store."""
        return self.case.act in (Act.RELEASE_EDIT, Act.RESCHEDULE) and self.outcome not in (
            Outcome.EDIT_RELEASED,
            Outcome.RESCHEDULED,
        )
