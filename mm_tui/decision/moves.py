"""Transitions shared by all parts of the procedure."""

from __future__ import annotations

from msgspec.structs import replace

from mm_tui.decision.effects import (
    Cancel,
    Decide,
    DropText,
    Effect,
    EntryKind,
    Find,
    Look,
    Pause,
    RecordApproval,
    Submit,
    WriteEntry,
)
from mm_tui.decision.state import MOST_RELATIVES, SUBMISSION, Act, Outcome, Question, Snapshot, Stage, State, Step

Move = tuple[State, tuple[Effect, ...]]
"""The next state, and what the driver must do, in order."""


def stay(state: State) -> Move:
    """Ignores an event that does not fit."""
    return state, ()


def target(state: State) -> str:
    """The id of the email that the stage's call is about."""
    about_edit = state.stage in (Stage.WAIT, Stage.RELEASE, Stage.WITHDRAW)
    return state.replacement if about_edit else state.case.item


def end(state: State, outcome: Outcome, *, snapshot: Snapshot | None = None, said: str = "") -> Move:
    ended = replace(
        state, step=Step.END, todo=(), question=None, outcome=outcome, snapshot=snapshot, said=said or state.said
    )
    entry = {Outcome.UNDONE: EntryKind.UNDONE, Outcome.FELL_BACK: EntryKind.FELL_BACK}.get(outcome, EntryKind.ENDED)
    journal = WriteEntry(entry, state.replacement or state.case.item, outcome)
    if outcome in (Outcome.EDIT_RELEASED, Outcome.RESCHEDULED):
        return ended, (journal, DropText())
    return ended, (journal,)


def is_first_approval(state: State) -> bool:
    """Whether the stage's call records the first of two approvals, which releases nothing."""
    return state.case.act is Act.APPROVE_FIRST or (state.stage is Stage.RELEASE and state.case.needs_second)


def is_other(snapshot: Snapshot | None, seen: str) -> bool:
    """Whether the email that was read is known to have another digest."""
    return snapshot is not None and snapshot.digest not in ("", seen)


def edit_released(state: State, snapshot: Snapshot | None = None) -> Move:
    """Ends a decision whose edit was sent, either as the human saw it or with other content."""
    differs = state.differs or (not state.sent and is_other(snapshot, state.verified))
    return released(state, Outcome.NOT_AS_SEEN if differs else Outcome.EDIT_RELEASED, snapshot)


def released(state: State, outcome: Outcome, snapshot: Snapshot | None) -> Move:
    """The wanted email was sent. The decision ends once the other versions have been read. Another reviewer may have
    released one of them at the same moment."""
    state = replace(state, step=Step.RECORD, reached=outcome, snapshot=snapshot, todo=state.versions, question=None)
    return (state, (Look(state.todo[0]),)) if state.todo else end(state, outcome, snapshot=snapshot)


def ask(state: State, question: Question, *, snapshot: Snapshot | None = None, said: str = "") -> Move:
    """Stops until a human answers the question."""
    return replace(state, step=Step.ASK, todo=(), question=question, snapshot=snapshot, said=said), ()


def check(state: State, stage: Stage | None = None) -> Move:
    """Reads everything that the stage's call depends on, its target last, shortly before the call."""
    stage = stage or state.stage
    called = state.called and stage is state.stage
    state = replace(state, stage=stage, step=Step.CHECK, called=called, question=None, snapshot=None, said="")
    ahead: tuple[str, ...] = ()
    if stage is Stage.SUBMIT or (stage is Stage.DECIDE and state.case.act is Act.APPROVE):
        ahead = state.versions
    elif stage is Stage.RETIRE and not state.sent:
        ahead = state.tagged_versions
    elif stage is Stage.RELEASE:
        ahead = (*state.versions, state.case.item)
    todo = (*ahead, target(state))
    return replace(state, todo=todo), (Look(todo[0]),)


def newly_named(state: State, snapshot: Snapshot) -> tuple[str, ...]:
    """The emails that this one's tags name as its versions, without those already known."""
    may_release = state.case.act is Act.RELEASE_EDIT or (state.stage is Stage.DECIDE and state.case.act is Act.APPROVE)
    if not may_release or state.stage is Stage.WAIT:
        return ()
    known = {state.case.item, state.replacement, *state.case.siblings, *state.relatives}
    fresh = tuple(dict.fromkeys(one for one in snapshot.relatives if one not in known))
    return fresh[: MOST_RELATIVES - len(state.relatives)]


def read_on(state: State, todo: tuple[str, ...]) -> Move:
    """Reads these emails, one after the other."""
    return replace(state, todo=todo), (Look(todo[0]),)


def decide(state: State, *, approve: bool) -> Move:
    """Journals and makes the call that approves or rejects the target. It is made once."""
    about = target(state)
    entry = EntryKind.RETIRING if state.stage is Stage.RETIRE else EntryKind.DECIDING
    superseded_by = state.replacement if state.stage is Stage.RETIRE else ""
    called = replace(state, step=Step.CALL, todo=(), question=None, snapshot=None)
    return called, (
        WriteEntry(entry, about, "approve" if approve else "reject"),
        Decide(about, approve, superseded_by),
    )


def record_approval(state: State, digest: str) -> Move:
    """Records the first of two approvals, of the content with this digest. It releases nothing."""
    about = target(state)
    recording = replace(state, step=Step.CALL, todo=(), question=None, snapshot=None)
    return recording, (WriteEntry(EntryKind.RECORDING_APPROVAL, about, digest), RecordApproval(about, digest))


def submit(state: State) -> Move:
    """Sends the edit, or sends it again under the same key."""
    return replace(state, step=Step.CALL, todo=(), question=None, snapshot=None), (
        WriteEntry(EntryKind.SUBMITTING, state.case.item, state.case.fingerprint),
        Submit(),
    )


def withdraw(state: State, *, forced: bool, snapshot: Snapshot | None = None) -> Move:
    """Cancels the edit, because its original or another edit was released (`forced`) or the human wants it."""
    # An earlier unknown outcome stays unknown, unless a read has just shown why the edit must be cancelled.
    in_doubt_still = state.called and (not forced or state.stage is Stage.WITHDRAW)
    cancelling = replace(
        state,
        stage=Stage.WITHDRAW,
        step=Step.CALL,
        todo=(),
        called=in_doubt_still,
        forced=forced,
        question=None,
        snapshot=snapshot,
    )
    return cancelling, (WriteEntry(EntryKind.WITHDRAWING, state.replacement), Cancel(state.replacement))


def in_doubt(state: State) -> State:
    """Handles a call that may have taken effect."""
    may_release = ""
    if state.stage is Stage.SUBMIT:
        may_release = SUBMISSION
    elif (state.stage is Stage.RELEASE and not is_first_approval(state)) or (
        state.stage is Stage.DECIDE and state.case.act is Act.APPROVE
    ):
        may_release = target(state)
    return replace(state, called=True, may_release=may_release or state.may_release)


def doubt(state: State, said: str) -> Move:
    """Journals that the call may have taken effect, then reads it back."""
    doubting = replace(in_doubt(state), step=Step.DOUBT, said=said)
    return doubting, (WriteEntry(EntryKind.IN_DOUBT, target(state)), Pause())


def read_back(state: State, said: str = "") -> Move:
    """Reads the target of the call at once."""
    return replace(state, step=Step.DOUBT, said=said or state.said), (Look(target(state)),)


def record(state: State, said: str) -> Move:
    """Reads once more what the gateway recorded, after it confirmed the call."""
    about = target(state)
    entry = EntryKind.APPROVAL_RECORDED if is_first_approval(state) else EntryKind.DONE
    recording = replace(state, step=Step.RECORD, said=said, todo=(about,))
    return recording, (WriteEntry(entry, about, said), Look(about))


def keep_reading(state: State, question: Question, snapshot: Snapshot) -> Move:
    """Asks the human, because nothing has changed, and keeps reading, because the call may still take effect."""
    return replace(state, step=Step.DOUBT, question=question, snapshot=snapshot), (Pause(),)


def find(state: State, said: str = "") -> Move:
    """Searches for a submitted edit by its content."""
    return replace(in_doubt(state), step=Step.FIND, question=None, said=said), (Find(),)


def submitted(state: State, email_id: str) -> Move:
    """Records the id under which the gateway holds the edit."""
    known = replace(state, replacement=email_id, may_release="")
    waiting, looks = check(known, Stage.WAIT)
    return waiting, (WriteEntry(EntryKind.SUBMITTED, email_id, state.case.fingerprint), *looks)


def with_journal(move: Move, *entries: WriteEntry) -> Move:
    """The same transition with journal entries before all its effects."""
    state, effects = move
    return state, (*entries, *effects)
