"""The decision procedure as a pure function: from a state and an event to the next state and the effects.

It keeps the promises R1 to R9 of docs/safety.md. It does no I/O and knows no time: `services/decisions/` performs the
effects and returns the events. `tests/unit/test_decision_space.py` visits every state that can be reached.

Deciding on an email: hold, check, decide, and read back if no answer came. Editing and releasing, in
`replacement.py`: hold, check, submit, wait, retire the original, release the edit.
"""

from __future__ import annotations

from msgspec.structs import replace

from mm_tui.decision import replacement
from mm_tui.decision.effects import DropText, EntryKind, Hold, Pause, Reschedule, WriteEntry
from mm_tui.decision.events import (
    Answer,
    CallConflict,
    CallRefused,
    CheckOutdated,
    Done,
    Elapsed,
    Event,
    MayHaveMoved,
    NotMade,
    Observed,
    OutcomeUnknown,
    Quit,
    ReadFailed,
    Restarted,
    Slept,
    Undo,
)
from mm_tui.decision.moves import (
    Move,
    ask,
    check,
    decide,
    doubt,
    end,
    find,
    in_doubt,
    newly_named,
    read_back,
    read_on,
    record,
    record_approval,
    released,
    stay,
    target,
    with_journal,
    withdraw,
)
from mm_tui.decision.reading_back import doubting, finding, moved, recording
from mm_tui.decision.state import (
    MOST_RELATIVES,
    Act,
    Case,
    Choice,
    Outcome,
    Question,
    RemoteState,
    Snapshot,
    Stage,
    State,
    Step,
)

FIRST_STAGE = {
    Act.APPROVE: Stage.DECIDE,
    Act.APPROVE_FIRST: Stage.DECIDE,
    Act.REJECT: Stage.DECIDE,
    Act.RELEASE_EDIT: Stage.SUBMIT,
    Act.RESCHEDULE: Stage.RESCHEDULE,
}


def begin(case: Case) -> Move:
    """Starts the hold after a human has decided. Nothing leaves this machine before it ends."""
    state = State(case, FIRST_STAGE[case.act], seen=case.digest)
    named = (one for one in case.named if one != case.item and one not in case.siblings)
    state = replace(state, relatives=tuple(named)[:MOST_RELATIVES])
    if case.doubtful:
        return end(state, Outcome.DOUBTFUL)
    return state, (WriteEntry(EntryKind.HELD, case.item, case.digest), Hold())


def step(state: State, event: Event) -> Move:
    """The next state and its effects. An event that does not fit the state changes nothing."""
    if state.ended:
        return stay(state)
    match event:
        case Restarted():
            return _resume(replace(state, closing=False))
        case Quit():
            return _close(state)
        case NotMade(undone):
            return _not_made(state, undone=undone) if state.step is Step.CALL else stay(state)
        case CheckOutdated() if state.step is Step.CALL:
            return _not_made(state, undone=False) if state.closing else _check_again(state)
        case Undo():
            return end(state, Outcome.UNDONE) if can_undo(state) else stay(state)
        case Slept():
            return (state, (Hold(),)) if state.step is Step.HOLD else stay(state)
        case MayHaveMoved():
            return _look_early(state) if state.step is Step.HOLD else stay(state)
        case _ if state.closing:
            return _closing(state, event)
        case Answer(choice):
            return _answer(state, choice) if choice in state.choices else stay(state)
    return _advance(state, event)


def _advance(state: State, event: Event) -> Move:
    """The next state after the driver has performed an effect."""
    match state.step:
        case Step.HOLD:
            return check(state) if isinstance(event, Elapsed) else stay(state)
        case Step.CHECK:
            return _checking(state, event)
        case Step.CALL:
            return _calling(state, event)
        case Step.DOUBT:
            return doubting(state, event)
        case Step.FIND:
            return finding(state, event)
        case Step.RECORD:
            return recording(state, event)
    return stay(state)


def can_undo(state: State) -> bool:
    """Whether the decision can still be undone, because nothing of it has left the machine."""
    return _is_first(state) and state.step in (Step.HOLD, Step.CHECK, Step.ASK)


def _is_first(state: State) -> bool:
    """Whether no call of this decision has been made."""
    return state.stage is FIRST_STAGE[state.case.act] and not state.called


def _close(state: State) -> Move:
    """Undoes what has not been sent; otherwise waits only for the answer to a call in progress."""
    return end(state, Outcome.FELL_BACK) if can_undo(state) else (replace(state, closing=True), ())


def _closing(state: State, event: Event) -> Move:
    """Records the result of the last call, and starts nothing new."""
    if state.step not in (Step.CALL, Step.RECORD):
        return stay(state)
    following, effects = _advance(state, event)
    return following, tuple(effect for effect in effects if isinstance(effect, WriteEntry | DropText))


def _not_made(state: State, *, undone: bool) -> Move:
    """Handles a call that is in the journal but was never started."""
    if _is_first(state):
        return end(state, Outcome.UNDONE if undone else Outcome.FELL_BACK)
    waiting = replace(state, step=Step.CHECK, todo=(), closing=True)
    return waiting, (WriteEntry(EntryKind.STOPPED, target(state)),)


def _check_again(state: State) -> Move:
    """Reads everything again before a call that is in the journal but was never started."""
    return with_journal(check(state), WriteEntry(EntryKind.STOPPED, target(state)))


def _look_early(state: State) -> Move:
    """Reads the email at once, so that the human learns of a colleague's decision before the hold ends."""
    return read_on(replace(state, step=Step.CHECK, early=True), (state.case.item,))


def _looked_early(state: State, event: Event) -> Move:
    """Ends if the email no longer waits; otherwise the hold continues to its deadline."""
    on_time = replace(state, early=False)
    waits = RemoteState.SCHEDULED if state.stage is Stage.RESCHEDULE else RemoteState.PENDING
    match event:
        case Observed(email_id, snapshot) if email_id == state.todo[0]:
            if (snapshot.remote_state, snapshot.digest) != (waits, state.seen) and (
                snapshot.remote_state is not RemoteState.UNCLEAR
            ):
                return _checked(on_time, snapshot)
        case ReadFailed():
            pass
        case _:
            return stay(state)
    return replace(on_time, step=Step.HOLD, todo=()), (Hold(restarts=False),)


def _checking(state: State, event: Event) -> Move:
    if state.early:
        return _looked_early(state, event)
    match event:
        case Observed(email_id, snapshot) if email_id == state.todo[0]:
            fresh = newly_named(state, snapshot)
            state = replace(state, relatives=(*state.relatives, *fresh))
            if len(state.todo) > 1:
                return _version_seen(state, snapshot, fresh)
            if (
                fresh
                and not state.sent
                and (snapshot.remote_state is RemoteState.PENDING or state.stage is Stage.RETIRE)
            ):
                # They are read first, then the target of the call once more.
                return read_on(state, (*fresh, email_id))
            return _checked(state, snapshot)
        case ReadFailed(words):
            if can_undo(state):
                return end(state, Outcome.UNREACHABLE, said=words)
            if state.stage is Stage.SUBMIT:
                return replacement.unknown(state, words)
            if state.stage in (Stage.DECIDE, Stage.RESCHEDULE):
                return replace(state, step=Step.DOUBT, todo=(), said=words), (Pause(),)
            return replace(state, stale=True, said=words), (Pause(),)
        case Elapsed():
            return check(state)
    return stay(state)


def _version_seen(state: State, snapshot: Snapshot, fresh: tuple[str, ...]) -> Move:
    """One of the emails of which at most one may be released together with the target."""
    about, rest = state.todo[0], (*fresh, *state.todo[1:])
    if snapshot.remote_state.is_settled_unreleased:
        return read_on(state, rest)
    if about in state.tagged_versions and about not in state.case.siblings:
        # Anybody could have set the tags, so a human may overrule them.
        if snapshot.remote_state is RemoteState.RELEASED:
            state = replace(state, left=tuple(sorted({*state.left, about})))
            question = Question.RELATIVE_RELEASED
        elif snapshot.remote_state is RemoteState.UNCLEAR:
            question = Question.RELATIVE_UNCLEAR
        elif about in state.beside:
            return read_on(state, rest)
        else:
            question = Question.RELATIVE_WAITING
        return ask(replace(state, rival=about), question, snapshot=snapshot)
    if state.stage is Stage.RELEASE:
        return replacement.rival(state, snapshot)
    released = snapshot.remote_state is RemoteState.RELEASED
    return end(state, Outcome.SIBLING_RELEASED if released else Outcome.SIBLING_WAITING, snapshot=snapshot)


def _checked(state: State, snapshot: Snapshot) -> Move:
    match state.stage:
        case Stage.DECIDE:
            return _item_checked(state, snapshot)
        case Stage.RESCHEDULE:
            return _schedule_checked(state, snapshot)
    return replacement.checked(state, snapshot)


def _item_checked(state: State, snapshot: Snapshot) -> Move:
    if snapshot.remote_state is not RemoteState.PENDING:
        return moved(state, snapshot)
    if snapshot.digest != state.seen:
        return end(state, Outcome.CHANGED, snapshot=snapshot)
    if state.case.act is Act.APPROVE_FIRST:
        return _first_approval(state, snapshot)
    if state.case.act is Act.APPROVE and state.case.needs_second and not snapshot.is_approved_by_other:
        return end(state, Outcome.NOT_SECONDED, snapshot=snapshot)
    if state.case.act is Act.APPROVE and snapshot.is_late and not state.case.sends_late:
        return end(state, Outcome.TOO_LATE, snapshot=snapshot)
    return decide(state, approve=state.case.act is Act.APPROVE)


def _first_approval(state: State, snapshot: Snapshot) -> Move:
    """Records the first of two approvals, unless an earlier call that was in doubt has done so."""
    if state.called and snapshot.is_approved_by_us:
        return end(state, Outcome.FIRST_APPROVED, snapshot=snapshot)
    return record_approval(state, state.seen)


def _schedule_checked(state: State, snapshot: Snapshot) -> Move:
    if state.called and snapshot.fingerprint == state.case.fingerprint:
        return end(state, Outcome.RESCHEDULED, snapshot=snapshot)
    if snapshot.remote_state is not RemoteState.SCHEDULED:
        unclear = snapshot.remote_state is RemoteState.UNCLEAR
        return end(state, Outcome.UNCLEAR if unclear else Outcome.ELSEWHERE, snapshot=snapshot)
    if snapshot.digest != state.seen:
        return end(state, Outcome.CHANGED, snapshot=snapshot)
    calling = replace(state, step=Step.CALL, todo=())
    return calling, (
        WriteEntry(EntryKind.RESCHEDULING, state.case.item, state.case.fingerprint),
        Reschedule(state.case.item),
    )


def _calling(state: State, event: Event) -> Move:
    if state.stage not in (Stage.DECIDE, Stage.RESCHEDULE):
        return replacement.called(state, event)
    match event:
        case Done(words):
            return record(state, words)
        case CallRefused(words):
            if state.called:
                return replace(state, step=Step.DOUBT, said=words), (Pause(),)
            return end(state, Outcome.DENIED, said=words)
        case CallConflict(words):
            return read_back(state, words)
        case OutcomeUnknown(words):
            return doubt(state, words)
    return stay(state)


def _answer(state: State, choice: Choice) -> Move:
    answered = WriteEntry(EntryKind.ANSWERED, target(state), choice)
    if choice is Choice.LEAVE:
        return with_journal(end(state, Outcome.LEFT, snapshot=state.snapshot), answered)
    if choice is Choice.WITHDRAW:
        return with_journal(withdraw(state, forced=False), answered)
    if choice not in (Choice.LOOK, Choice.UNRELATED):
        # A human has looked at it: earlier trouble no longer blocks it.
        state = replace(state, stale=False)
    return with_journal(replacement.answer(state, choice), answered)


def _resume(state: State) -> Move:
    """Resumes after a crash from the last journaled state. The gateway is read before anything else."""
    if can_undo(state):
        return end(state, Outcome.FELL_BACK)
    if state.step is Step.RECORD:
        if state.reached is not None:
            return released(state, state.reached, state.snapshot)
        return with_journal(read_on(state, (target(state),)), WriteEntry(EntryKind.RESUMED, target(state)))
    if state.step is Step.CALL:
        state = in_doubt(state)
    # Keep who released the original and so made us withdraw: it must be reported at the end.
    snapshot = state.snapshot if state.stage is Stage.WITHDRAW else None
    state = replace(state, stale=True, question=None, snapshot=snapshot, said="", todo=())
    return with_journal(_read_first(state), WriteEntry(EntryKind.RESUMED, target(state)))


def _read_first(state: State) -> Move:
    if state.stage is Stage.SUBMIT:
        return find(state)
    if state.called or state.stage in (Stage.DECIDE, Stage.RESCHEDULE, Stage.WITHDRAW):
        return read_back(state)
    return check(state, Stage.WAIT if state.stage is Stage.RETIRE else None)
