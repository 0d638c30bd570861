"""What a reading of the gateway says about a call: whether it took effect, and by whom."""

from __future__ import annotations

from msgspec.structs import replace

from mm_tui.decision import replacement
from mm_tui.decision.effects import Find, Look, Pause
from mm_tui.decision.events import Elapsed, Event, Found, Observed, ReadFailed
from mm_tui.decision.moves import (
    Move,
    doubt,
    edit_released,
    end,
    is_first_approval,
    is_other,
    keep_reading,
    newly_named,
    read_on,
    released,
    stay,
    submit,
    target,
)
from mm_tui.decision.state import Act, Outcome, Question, RemoteState, Snapshot, Stage, State, Step

DOES = {
    Act.APPROVE: (RemoteState.RELEASED, Outcome.APPROVED),
    Act.REJECT: (RemoteState.REJECTED, Outcome.REJECTED),
}
"""The result of each kind of decision, as a status."""


def moved(state: State, snapshot: Snapshot) -> Move:
    """Handles an email that is no longer waiting."""
    if snapshot.remote_state is RemoteState.UNCLEAR:
        if state.called:
            return keep_reading(state, Question.STILL_PENDING, snapshot)
        return end(state, Outcome.UNCLEAR, snapshot=snapshot)
    wanted, _ = DOES.get(state.case.act, (None, None))
    called = state.called or state.step is Step.DOUBT
    if not called or snapshot.remote_state is not wanted or snapshot.is_ours is False:
        return end(state, Outcome.ELSEWHERE, snapshot=snapshot)
    # Only a successful answer proves that it was our call: another program may use the same key, and a call repeated on
    # the way is answered as if somebody else had been first.
    return _decided(state, Outcome.DECIDED, snapshot)


def _decided(state: State, outcome: Outcome, snapshot: Snapshot | None) -> Move:
    if state.case.act is not Act.APPROVE:
        return end(state, outcome, snapshot=snapshot)
    return released(state, Outcome.NOT_AS_SEEN if is_other(snapshot, state.seen) else outcome, snapshot)


def doubting(state: State, event: Event) -> Move:
    """The next state while it is not known whether the call took effect."""
    match event:
        case Elapsed():
            if state.stage is Stage.SUBMIT:
                # It is repeated once without asking, because the same key means the same email.
                return submit(state)
            return state, (Look(target(state)),)
        case ReadFailed(words):
            return replace(state, said=words), (Pause(),)
        case Observed(email_id, snapshot) if email_id == target(state):
            state = replace(state, relatives=(*state.relatives, *newly_named(state, snapshot)))
            if state.stage is Stage.DECIDE:
                if snapshot.remote_state is RemoteState.PENDING:
                    if state.case.act is Act.APPROVE_FIRST and snapshot.is_approved_by_us:
                        return end(state, Outcome.FIRST_APPROVED, snapshot=snapshot)
                    return keep_reading(state, Question.STILL_PENDING, snapshot)
                return moved(state, snapshot)
            if state.stage is Stage.RESCHEDULE:
                return _schedule_read_back(state, snapshot)
            return replacement.read_back_seen(state, snapshot)
    return stay(state)


def _schedule_read_back(state: State, snapshot: Snapshot) -> Move:
    if snapshot.fingerprint == state.case.fingerprint:
        return end(state, Outcome.RESCHEDULED, snapshot=snapshot)
    if snapshot.remote_state in (RemoteState.SCHEDULED, RemoteState.SCANNING, RemoteState.UNCLEAR):
        return keep_reading(state, Question.STILL_PENDING, snapshot)
    return end(state, Outcome.ELSEWHERE, snapshot=snapshot)


def finding(state: State, event: Event) -> Move:
    """The next state while a submitted edit is searched for."""
    match event:
        case Elapsed():
            return state, (Find(),)
        case ReadFailed(words):
            return replace(state, stale=True, said=words), (Pause(),)
        case Found(email_id):
            return replacement.found(state, email_id)
    return stay(state)


def recording(state: State, event: Event) -> Move:
    """The next state after the gateway confirmed the call, while what it recorded is read."""
    about, rest = state.todo[0], state.todo[1:]
    match event:
        case Observed(email_id, snapshot) if email_id == about:
            if state.reached is None:
                fresh = newly_named(state, snapshot)
                return _recorded(replace(state, relatives=(*state.relatives, *fresh)), snapshot)
            if snapshot.remote_state is RemoteState.RELEASED:
                return end(replace(state, rival=about), Outcome.INCIDENT, snapshot=snapshot)
        case ReadFailed():
            if state.reached is None:
                return _recorded(state, None)
        case _:
            return stay(state)
    if rest or state.reached is None:
        return read_on(state, rest)
    known = set(state.left) & set(state.versions)
    return end(state, Outcome.INCIDENT if known else state.reached, snapshot=state.snapshot)


def _recorded(state: State, snapshot: Snapshot | None) -> Move:
    """The call succeeded; the outcome is the one it was made for, unless the gateway then shows something else."""
    if state.stage is not Stage.RESCHEDULE and snapshot is not None and snapshot.remote_state is RemoteState.PENDING:
        if not is_first_approval(state):
            return doubt(state, f"the gateway answered {state.said!r}, but it is still {snapshot.status}")
        if not snapshot.is_approved_by_us:
            return doubt(state, "the tag that records your approval is not there: another program wrote tags too")
    if state.stage is Stage.RELEASE:
        waits_on = state.case.needs_second and (snapshot is None or snapshot.remote_state is not RemoteState.RELEASED)
        return end(state, Outcome.FIRST_APPROVED, snapshot=snapshot) if waits_on else edit_released(state, snapshot)
    if state.stage is Stage.RESCHEDULE:
        if snapshot is not None and snapshot.fingerprint == state.case.fingerprint:
            return end(state, Outcome.RESCHEDULED, snapshot=snapshot)
        return end(state, Outcome.UNCLEAR, snapshot=snapshot)
    if state.case.act is Act.APPROVE_FIRST:
        moved_on = snapshot is not None and snapshot.remote_state not in (RemoteState.PENDING, RemoteState.UNCLEAR)
        return end(state, Outcome.ELSEWHERE if moved_on else Outcome.FIRST_APPROVED, snapshot=snapshot)
    return _decided(state, DOES[state.case.act][1], snapshot)
