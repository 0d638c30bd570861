"""Editing and releasing: the stages submit, wait, retire, release and withdraw.

The gateway cannot edit a waiting email, so an edit is a new email. The order keeps the promises: the edit exists at the
gateway before the original is retired (R4), and it is approved only after the original can no longer be (R3).
"""

from __future__ import annotations

from msgspec.structs import replace

from mm_tui.decision.effects import EntryKind, Pause, WriteEntry
from mm_tui.decision.events import CallConflict, CallRefused, Done, Event, KeyExpired, OutcomeUnknown, Submitted
from mm_tui.decision.moves import (
    Move,
    ask,
    check,
    decide,
    doubt,
    edit_released,
    end,
    find,
    keep_reading,
    read_back,
    record,
    record_approval,
    stay,
    submit,
    submitted,
    target,
    with_journal,
    withdraw,
)
from mm_tui.decision.state import ABOUT_RELATIVES, Choice, Outcome, Question, RemoteState, Snapshot, Stage, State, Step


def checked(state: State, snapshot: Snapshot) -> Move:
    """Handles a reading of the target of the stage's call."""
    match state.stage:
        case Stage.SUBMIT:
            return _before_submit(state, snapshot)
        case Stage.WAIT:
            return _waiting(state, snapshot)
        case Stage.RETIRE:
            return _before_retire(state, snapshot)
        case Stage.RELEASE:
            return _before_release(state, snapshot)
    return stay(state)


def _before_submit(state: State, snapshot: Snapshot) -> Move:
    if snapshot.remote_state is RemoteState.UNCLEAR:
        return end(state, Outcome.UNCLEAR, snapshot=snapshot)
    if snapshot.remote_state is not RemoteState.PENDING:
        return end(state, Outcome.ELSEWHERE, snapshot=snapshot)
    if snapshot.digest != state.seen:
        return end(state, Outcome.CHANGED, snapshot=snapshot)
    return submit(state)


def _waiting(state: State, snapshot: Snapshot) -> Move:
    match snapshot.remote_state:
        case RemoteState.SCANNING:
            return state, (Pause(),)
        case RemoteState.PENDING:
            if snapshot.fingerprint != state.case.fingerprint and snapshot.digest != state.verified:
                return ask(state, Question.EDIT_DIFFERS, snapshot=snapshot)
            return check(replace(state, verified=snapshot.digest), Stage.RETIRE)
    return _edit_moved(state, snapshot)


def _edit_moved(state: State, snapshot: Snapshot) -> Move:
    """Handles an edit that is neither being scanned nor waiting."""
    match snapshot.remote_state:
        case RemoteState.RELEASED if state.stage is Stage.RELEASE:
            # No answer tells whether by this call or another with the same key.
            return edit_released(state, replace(snapshot, is_ours=None))
        case RemoteState.RELEASED:
            return check(_gone(state, snapshot), Stage.RETIRE)
        case RemoteState.FAILED:
            return end(state, Outcome.EDIT_FAILED, snapshot=snapshot)
        case RemoteState.REJECTED | RemoteState.CANCELLED:
            return end(state, Outcome.EDIT_CLOSED, snapshot=snapshot)
    return ask(state, Question.EDIT_UNCLEAR, snapshot=snapshot)


def _gone(state: State, snapshot: Snapshot) -> State:
    """Handles an edit that was already sent, either as the human wrote it or with other content."""
    as_seen = snapshot.fingerprint == state.case.fingerprint or snapshot.digest == state.verified
    return replace(state, sent=True, differs=not as_seen)


def _before_retire(state: State, snapshot: Snapshot) -> Move:
    if snapshot.remote_state is not RemoteState.PENDING:
        return _original_moved(state, snapshot)
    if snapshot.digest != state.seen:
        return ask(state, Question.ORIGINAL_CHANGED, snapshot=snapshot)
    if state.stale and not state.sent:
        return ask(state, Question.GO_ON, snapshot=snapshot)
    return decide(state, approve=False)


def _original_moved(state: State, snapshot: Snapshot) -> Move:
    """Handles an original that is no longer waiting although no answer confirmed that we retired it."""
    if snapshot.remote_state is RemoteState.RELEASED:
        if state.sent:
            return end(state, Outcome.INCIDENT, snapshot=snapshot)
        return withdraw(state, forced=True, snapshot=snapshot)
    if not snapshot.remote_state.is_settled_unreleased:
        return ask(state, Question.ORIGINAL_UNCLEAR, snapshot=snapshot)
    if state.sent:
        return edit_released(state, snapshot)
    ours = state.called and snapshot.remote_state is RemoteState.REJECTED
    return ask(state, Question.RETIRED_UNSURE if ours else Question.ORIGINAL_CLOSED, snapshot=snapshot)


def rival(state: State, snapshot: Snapshot) -> Move:
    """Handles the original or another edit that is still open before the edit is released."""
    if snapshot.remote_state is RemoteState.RELEASED:
        return withdraw(state, forced=True, snapshot=snapshot)
    if state.todo[0] == state.case.item:
        retiring = replace(state, stage=Stage.RETIRE, called=False)
        return ask(retiring, Question.ORIGINAL_UNCLEAR, snapshot=snapshot)
    return ask(state, Question.SIBLING_WAITING, snapshot=snapshot)


def _before_release(state: State, snapshot: Snapshot) -> Move:
    if snapshot.remote_state is not RemoteState.PENDING:
        return _edit_moved(state, snapshot)
    if snapshot.digest != state.verified:
        return ask(state, Question.EDIT_DIFFERS, snapshot=snapshot)
    if state.stale:
        return ask(state, Question.GO_ON, snapshot=snapshot)
    if not state.case.needs_second:
        return decide(state, approve=True)
    if snapshot.is_approved_by_us:
        return end(state, Outcome.FIRST_APPROVED, snapshot=snapshot)
    return record_approval(state, state.verified)


def called(state: State, event: Event) -> Move:
    """Handles the answer to the stage's call."""
    match state.stage:
        case Stage.SUBMIT:
            return _submit_answered(state, event)
        case Stage.RETIRE:
            return _retire_answered(state, event)
        case Stage.RELEASE:
            return _release_answered(state, event)
        case Stage.WITHDRAW:
            return _withdraw_answered(state, event)
    return stay(state)


def _submit_answered(state: State, event: Event) -> Move:
    match event:
        case Submitted(email_id):
            return submitted(state, email_id)
        case CallRefused(words):
            if state.called:
                return unknown(state, words)
            return end(state, Outcome.NOT_SUBMITTED, said=words)
        case CallConflict(words):
            return find(state, words)
        case KeyExpired():
            return find(state)
        case OutcomeUnknown(words):
            if state.called:
                return unknown(state, words)
            return doubt(state, words)
    return stay(state)


def unknown(state: State, words: str) -> Move:
    """Handles a submission that may or may not have arrived."""
    return ask(replace(state, called=True), Question.SUBMIT_UNKNOWN, said=words)


def found(state: State, email_id: str) -> Move:
    """Handles the result of the search for the edit."""
    return submitted(state, email_id) if email_id else unknown(state, state.said)


def refused(state: State, question: Question, words: str) -> Move:
    """Asks a human about a call that was refused. After a crash it must not look as if it were in doubt."""
    return with_journal(ask(state, question, said=words), WriteEntry(EntryKind.REFUSED, target(state), words))


def _retire_answered(state: State, event: Event) -> Move:
    match event:
        case Done(words):
            retired = WriteEntry(EntryKind.RETIRED, state.case.item, words)
            if state.sent:
                return with_journal(edit_released(state), retired)
            return with_journal(check(state, Stage.RELEASE), retired)
        case CallRefused(words):
            return refused(state, Question.NOT_RETIRED, words)
        case CallConflict(words):
            # The call may have arrived twice, and this may be the answer to the second.
            return read_back(replace(state, called=True), words)
        case OutcomeUnknown(words):
            return doubt(state, words)
    return stay(state)


def _release_answered(state: State, event: Event) -> Move:
    match event:
        case Done(words):
            return record(state, words)
        case CallRefused(words):
            return refused(state, Question.NOT_RELEASED, words)
        case CallConflict(words):
            return read_back(state, words)
        case OutcomeUnknown(words):
            return doubt(state, words)
    return stay(state)


def _withdraw_answered(state: State, event: Event) -> Move:
    match event:
        case Done():
            return _withdrawn(state)
        case CallRefused(words) | CallConflict(words):
            return read_back(state, words)
        case OutcomeUnknown(words):
            return doubt(state, words)
    return stay(state)


def _withdrawn(state: State) -> Move:
    return end(state, Outcome.WITHDRAWN if state.forced else Outcome.TAKEN_BACK, snapshot=state.snapshot)


def read_back_seen(state: State, snapshot: Snapshot) -> Move:
    """Handles a reading of the target of a call with an unknown outcome."""
    match state.stage:
        case Stage.RETIRE:
            if snapshot.remote_state is RemoteState.PENDING:
                return keep_reading(state, Question.NOT_RETIRED, snapshot)
            return _original_moved(state, snapshot)
        case Stage.RELEASE:
            if snapshot.remote_state is RemoteState.PENDING:
                if state.case.needs_second and snapshot.is_approved_by_us and snapshot.digest == state.verified:
                    return end(state, Outcome.FIRST_APPROVED, snapshot=snapshot)
                return keep_reading(state, Question.NOT_RELEASED, snapshot)
            return _edit_moved(state, snapshot)
        case Stage.WITHDRAW:
            return _withdraw_read_back(state, snapshot)
    return stay(state)


def _withdraw_read_back(state: State, snapshot: Snapshot) -> Move:
    if snapshot.remote_state.is_settled_unreleased:
        return _withdrawn(state)
    if snapshot.remote_state is RemoteState.RELEASED:
        if state.forced:
            return end(state, Outcome.INCIDENT, snapshot=state.snapshot)
        # It was sent although the human wanted it back: ask about the original, unless that is settled.
        return read_back(replace(_gone(state, snapshot), stage=Stage.RETIRE, question=None))
    # Keep the snapshot of the original: it says why the edit must be cancelled.
    return replace(state, step=Step.DOUBT, question=Question.NOT_WITHDRAWN), (Pause(),)


def answer(state: State, choice: Choice) -> Move:
    """Handles a human's choice. Every choice except cancelling again starts with a fresh check."""
    snapshot = state.snapshot
    if choice is Choice.LOOK and state.called and state.question not in ABOUT_RELATIVES:
        # Reading must never lead to repeating a call whose outcome is unknown.
        return read_back(replace(state, question=None, snapshot=None))
    match state.question, choice:
        case Question.NOT_WITHDRAWN, Choice.AGAIN:
            return withdraw(state, forced=state.forced, snapshot=snapshot)
        case Question.EDIT_DIFFERS, Choice.ACCEPT if snapshot is not None:
            accepted = replace(state, verified=snapshot.digest)
            return check(accepted, Stage.RETIRE if state.stage is Stage.WAIT else Stage.RELEASE)
        case Question.ORIGINAL_CHANGED, Choice.ACCEPT if snapshot is not None:
            return check(replace(state, seen=snapshot.digest))
        case Question.RELATIVE_WAITING, Choice.GO_ON:
            return check(replace(state, beside=(*state.beside, state.rival)))
        case ((Question.RELATIVE_RELEASED | Question.RELATIVE_UNCLEAR), Choice.UNRELATED):
            return check(replace(state, unrelated=(*state.unrelated, state.rival)))
        case ((Question.ORIGINAL_CLOSED | Question.RETIRED_UNSURE), Choice.GO_ON):
            return check(state, Stage.RELEASE)
    return check(state)
