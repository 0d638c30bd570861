"""Editing and releasing: the stages submit, wait, retire, release and withdraw.

The gateway cannot edit a waiting email, so an edit is a new email. The order keeps the promises: the edit exists at the
gateway before the original is retired (R4), and it is approved only after the original can no longer be (R3).
"""

from __future__ import annotations

from msgspec.structs import replace

from mm_tui.decision.effects import Entry, Pause, WriteEntry
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


def checked(state: State, sighting: Snapshot) -> Move:
    """Handles a reading of the target of the stage's call."""
    match state.stage:
        case Stage.SUBMIT:
            return _before_submit(state, sighting)
        case Stage.WAIT:
            return _waiting(state, sighting)
        case Stage.RETIRE:
            return _before_retire(state, sighting)
        case Stage.RELEASE:
            return _before_release(state, sighting)
    return stay(state)


def _before_submit(state: State, sighting: Snapshot) -> Move:
    if sighting.standing is RemoteState.UNCLEAR:
        return end(state, Outcome.UNCLEAR, sighting=sighting)
    if sighting.standing is not RemoteState.PENDING:
        return end(state, Outcome.ELSEWHERE, sighting=sighting)
    if sighting.digest != state.seen:
        return end(state, Outcome.CHANGED, sighting=sighting)
    return submit(state)


def _waiting(state: State, sighting: Snapshot) -> Move:
    match sighting.standing:
        case RemoteState.SCANNING:
            return state, (Pause(),)
        case RemoteState.PENDING:
            if sighting.fingerprint != state.case.fingerprint and sighting.digest != state.verified:
                return ask(state, Question.EDIT_DIFFERS, sighting=sighting)
            return check(replace(state, verified=sighting.digest), Stage.RETIRE)
    return _edit_moved(state, sighting)


def _edit_moved(state: State, sighting: Snapshot) -> Move:
    """Handles an edit that is neither being scanned nor waiting."""
    match sighting.standing:
        case RemoteState.RELEASED if state.stage is Stage.RELEASE:
            # No answer tells whether by this call or another with the same key.
            return edit_released(state, replace(sighting, is_ours=None))
        case RemoteState.RELEASED:
            return check(_gone(state, sighting), Stage.RETIRE)
        case RemoteState.FAILED:
            return end(state, Outcome.EDIT_FAILED, sighting=sighting)
        case RemoteState.REJECTED | RemoteState.CANCELLED:
            return end(state, Outcome.EDIT_CLOSED, sighting=sighting)
    return ask(state, Question.EDIT_UNCLEAR, sighting=sighting)


def _gone(state: State, sighting: Snapshot) -> State:
    """Handles an edit that was already sent, either as the human wrote it or with other content."""
    as_seen = sighting.fingerprint == state.case.fingerprint or sighting.digest == state.verified
    return replace(state, sent=True, differs=not as_seen)


def _before_retire(state: State, sighting: Snapshot) -> Move:
    if sighting.standing is not RemoteState.PENDING:
        return _original_moved(state, sighting)
    if sighting.digest != state.seen:
        return ask(state, Question.ORIGINAL_CHANGED, sighting=sighting)
    if state.stale and not state.sent:
        return ask(state, Question.GO_ON, sighting=sighting)
    return decide(state, approve=False)


def _original_moved(state: State, sighting: Snapshot) -> Move:
    """Handles an original that is no longer waiting although no answer confirmed that we retired it."""
    if sighting.standing is RemoteState.RELEASED:
        if state.sent:
            return end(state, Outcome.INCIDENT, sighting=sighting)
        return withdraw(state, forced=True, sighting=sighting)
    if not sighting.standing.is_settled_unreleased:
        return ask(state, Question.ORIGINAL_UNCLEAR, sighting=sighting)
    if state.sent:
        return edit_released(state, sighting)
    ours = state.called and sighting.standing is RemoteState.REJECTED
    return ask(state, Question.RETIRED_UNSURE if ours else Question.ORIGINAL_CLOSED, sighting=sighting)


def rival(state: State, sighting: Snapshot) -> Move:
    """Handles the original or another edit that is still open before the edit is released."""
    if sighting.standing is RemoteState.RELEASED:
        return withdraw(state, forced=True, sighting=sighting)
    if state.todo[0] == state.case.item:
        retiring = replace(state, stage=Stage.RETIRE, called=False)
        return ask(retiring, Question.ORIGINAL_UNCLEAR, sighting=sighting)
    return ask(state, Question.SIBLING_WAITING, sighting=sighting)


def _before_release(state: State, sighting: Snapshot) -> Move:
    if sighting.standing is not RemoteState.PENDING:
        return _edit_moved(state, sighting)
    if sighting.digest != state.verified:
        return ask(state, Question.EDIT_DIFFERS, sighting=sighting)
    if state.stale:
        return ask(state, Question.GO_ON, sighting=sighting)
    if not state.case.needs_second:
        return decide(state, approve=True)
    if sighting.is_approved_by_us:
        return end(state, Outcome.FIRST_APPROVED, sighting=sighting)
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
    """Handles a submission of which it is unknown whether it arrived."""
    return ask(replace(state, called=True), Question.SUBMIT_UNKNOWN, said=words)


def found(state: State, email_id: str) -> Move:
    """Handles the result of the search for the edit."""
    return submitted(state, email_id) if email_id else unknown(state, state.said)


def refused(state: State, question: Question, words: str) -> Move:
    """Asks a human about a call that was refused. After a crash it must not look as if it were in doubt."""
    return with_journal(ask(state, question, said=words), WriteEntry(Entry.REFUSED, target(state), words))


def _retire_answered(state: State, event: Event) -> Move:
    match event:
        case Done(words):
            retired = WriteEntry(Entry.RETIRED, state.case.item, words)
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
    return end(state, Outcome.WITHDRAWN if state.forced else Outcome.TAKEN_BACK, sighting=state.sighting)


def read_back_seen(state: State, sighting: Snapshot) -> Move:
    """Handles a reading of the target of a call with an unknown outcome."""
    match state.stage:
        case Stage.RETIRE:
            if sighting.standing is RemoteState.PENDING:
                return keep_reading(state, Question.NOT_RETIRED, sighting)
            return _original_moved(state, sighting)
        case Stage.RELEASE:
            if sighting.standing is RemoteState.PENDING:
                if state.case.needs_second and sighting.is_approved_by_us and sighting.digest == state.verified:
                    return end(state, Outcome.FIRST_APPROVED, sighting=sighting)
                return keep_reading(state, Question.NOT_RELEASED, sighting)
            return _edit_moved(state, sighting)
        case Stage.WITHDRAW:
            return _withdraw_read_back(state, sighting)
    return stay(state)


def _withdraw_read_back(state: State, sighting: Snapshot) -> Move:
    if sighting.standing.is_settled_unreleased:
        return _withdrawn(state)
    if sighting.standing is RemoteState.RELEASED:
        if state.forced:
            return end(state, Outcome.INCIDENT, sighting=state.sighting)
        # It was sent although the human wanted it back: ask about the original, unless that is settled.
        return read_back(replace(_gone(state, sighting), stage=Stage.RETIRE, question=None))
    # Keep the snapshot of the original: it says why the edit must be cancelled.
    return replace(state, step=Step.DOUBT, question=Question.NOT_WITHDRAWN), (Pause(),)


def answer(state: State, choice: Choice) -> Move:
    """Handles a human's choice. Every choice except cancelling again starts with a fresh check."""
    sighting = state.sighting
    if choice is Choice.LOOK and state.called and state.question not in ABOUT_RELATIVES:
        # Reading must never lead to repeating a call whose outcome is unknown.
        return read_back(replace(state, question=None, sighting=None))
    match state.question, choice:
        case Question.NOT_WITHDRAWN, Choice.AGAIN:
            return withdraw(state, forced=state.forced, sighting=sighting)
        case Question.EDIT_DIFFERS, Choice.ACCEPT if sighting is not None:
            accepted = replace(state, verified=sighting.digest)
            return check(accepted, Stage.RETIRE if state.stage is Stage.WAIT else Stage.RELEASE)
        case Question.ORIGINAL_CHANGED, Choice.ACCEPT if sighting is not None:
            return check(replace(state, seen=sighting.digest))
        case Question.RELATIVE_WAITING, Choice.GO_ON:
            return check(replace(state, beside=(*state.beside, state.rival)))
        case ((Question.RELATIVE_RELEASED | Question.RELATIVE_UNCLEAR), Choice.UNRELATED):
            return check(replace(state, unrelated=(*state.unrelated, state.rival)))
        case ((Question.ORIGINAL_CLOSED | Question.RETIRED_UNSURE), Choice.GO_ON):
            return check(state, Stage.RELEASE)
    return check(state)
