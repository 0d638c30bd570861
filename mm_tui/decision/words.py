"""The sentences that a human reads about a decision in progress. They are raw: the caller cleans them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from mm_tui.clock import at_time, short_time
from mm_tui.decision.state import Act, Choice, Outcome, Question, RemoteState, Snapshot, Stage, State, Step

_HELD = {
    Act.APPROVE: "approving",
    Act.APPROVE_FIRST: "recording your approval, the first of two,",
    Act.REJECT: "rejecting",
    Act.RELEASE_EDIT: "sending your edit",
    Act.RESCHEDULE: "changing the scheduled email",
}
_WORK: Mapping[tuple[Stage, Step], str] = {
    (Stage.DECIDE, Step.CHECK): "checking that nothing changed",
    (Stage.DECIDE, Step.CALL): "telling the gateway",
    (Stage.SUBMIT, Step.CHECK): "checking that nothing changed",
    (Stage.SUBMIT, Step.CALL): "submitting your edit",
    (Stage.WAIT, Step.CHECK): "your edit is being scanned",
    (Stage.RETIRE, Step.CHECK): "checking the original",
    (Stage.RETIRE, Step.CALL): "retiring the original",
    (Stage.RELEASE, Step.CHECK): "checking your edit before approving it",
    (Stage.RELEASE, Step.CALL): "approving your edit",
    (Stage.WITHDRAW, Step.CALL): "withdrawing your edit",
    (Stage.RESCHEDULE, Step.CHECK): "checking that nothing changed",
    (Stage.RESCHEDULE, Step.CALL): "changing the scheduled email",
}
_IN_DOUBT = {
    Stage.DECIDE: "outcome unknown",
    Stage.SUBMIT: "unknown whether your edit arrived",
    Stage.RETIRE: "unknown whether the original was retired",
    Stage.RELEASE: "unknown whether your edit was approved",
    Stage.WAIT: "your edit is being scanned",
    Stage.WITHDRAW: "unknown whether your edit was withdrawn",
    Stage.RESCHEDULE: "unknown whether the change arrived",
}
_QUESTIONS = {
    Question.STILL_PENDING: "outcome unknown, still pending: try again?",
    Question.SUBMIT_UNKNOWN: "unknown whether your edit arrived: submit it again?",
    Question.GO_ON: "your edit is waiting at the gateway and nothing was sent: go on and approve it?",
    Question.EDIT_DIFFERS: "the gateway holds a different text from yours: read it. Approve it as it is there?",
    Question.EDIT_UNCLEAR: "your edit has the status {status}, which does not say what happened",
    Question.ORIGINAL_CHANGED: "the original changed after your edit: replace it anyway?",
    Question.ORIGINAL_CLOSED: "the original was {status}{by}{at}: send your edit anyway?",
    Question.RETIRED_UNSURE: "the original is rejected, by you or somebody else (the answer was lost): send your edit?",
    Question.ORIGINAL_UNCLEAR: "the original has the status {status}, which does not say what happened",
    Question.NOT_RETIRED: "the original could not be retired and is still waiting: try again?",
    Question.NOT_RELEASED: "the original is retired, but your edit is still waiting: try again to approve it?",
    Question.SIBLING_WAITING: "another edit of the same original is {status}: decide on that one first",
    Question.RELATIVE_RELEASED: "{rival} was {status}{by}{at}: a version of this email was already sent. Send yours"
    " anyway?",
    Question.RELATIVE_WAITING: "{rival} is {status} too: send this one instead? The other then stays where it is and"
    " must be rejected or withdrawn",
    Question.RELATIVE_UNCLEAR: "{rival} is named as a version of this email and has the status {status}, which does not"
    " say what happened",
    Question.NOT_WITHDRAWN: "your edit could not be withdrawn and is still waiting: try again?",
}
_OUTCOMES = {
    Outcome.APPROVED: "approved{by}{at}{later}",
    Outcome.REJECTED: "rejected",
    Outcome.DECIDED: "{status}{by}{at}; no answer tells whether by your call or somebody else's",
    Outcome.NOT_AS_SEEN: "A DIFFERENT TEXT WAS SENT: it changed just before it was approved{by}{at}",
    Outcome.EDIT_RELEASED: "your edit was approved{by}{at}{later}; the original is retired",
    Outcome.RESCHEDULED: "changed; it is now scanned and waits for approval",
    Outcome.FIRST_APPROVED: "your approval is recorded; another reviewer must approve it too",
    Outcome.NOT_SECONDED: "undecided: this text no longer has the approval of another reviewer",
    Outcome.TOO_LATE: "undecided: its send time has passed meanwhile, so it would be sent at once",
    Outcome.UNDONE: "undone: nothing was sent",
    Outcome.FELL_BACK: "undecided: the program ended before anything was sent",
    Outcome.UNREACHABLE: "undecided: it could not be checked",
    Outcome.CHANGED: "changed since you looked: read it again",
    Outcome.DENIED: "undecided: the gateway refused",
    Outcome.UNCLEAR: "undecided: the status {status} does not say what happened",
    Outcome.ELSEWHERE: "{status} elsewhere{by}{at}",
    Outcome.SIBLING_RELEASED: "undecided: another version of this email was already sent{by}{at}",
    Outcome.SIBLING_WAITING: "undecided: another version of this email is {status}; decide on that one first",
    Outcome.DOUBTFUL: "undecided: an earlier call for this email may still take effect; reject it, or wait a day",
    Outcome.NOT_SUBMITTED: "your edit was not accepted; the original is untouched",
    Outcome.EDIT_FAILED: "your edit was blocked or could not be sent",
    Outcome.EDIT_CLOSED: "your edit was {status} elsewhere{by}{at}",
    Outcome.WITHDRAWN: "the original was approved elsewhere{by}{at}; your edit was withdrawn",
    Outcome.TAKEN_BACK: "your edit was withdrawn",
    Outcome.LEFT: "left as it is at the gateway",
    Outcome.INCIDENT: "INCIDENT: two versions of this email were sent, approved by different people{by}{at}",
}
_EDIT_FOR_TWO = "your edit waits for another reviewer's approval; the original is retired"
_CHOICES = {
    Choice.AGAIN: "try again",
    Choice.LOOK: "look again",
    Choice.GO_ON: "go on and approve",
    Choice.ACCEPT: "accept what is there now",
    Choice.UNRELATED: "the tags are wrong and it is a different email: go on",
    Choice.WITHDRAW: "withdraw my edit",
    Choice.LEAVE: "leave it as it is",
}
_REMOTE_STATES = {
    RemoteState.RELEASED: "approved",
    RemoteState.SCANNING: "being scanned",
    RemoteState.PENDING: "still waiting",
}


def sentence(
    state: State,
    *,
    text_kept: bool = False,
    seconds_left: float = 0.0,
    doubt_since: datetime | None = None,
    today: date | None = None,
) -> str:
    """Describes this state in a sentence. `text_kept`: an edit that was not released is in the local store.
    `seconds_left`: the rest of the hold. `today`: the reader's date: an earlier day is named."""
    said = f": {state.said}" if state.said else ""
    if state.outcome is not None:
        tells = state.outcome in (Outcome.DENIED, Outcome.UNREACHABLE, Outcome.NOT_SUBMITTED)
        left = "; a call in doubt may still take effect" if state.doubts else ""
        kept = "; your text is saved" if text_kept else ""
        words = (
            _EDIT_FOR_TWO
            if _is_edit_for_two(state) and state.outcome is Outcome.FIRST_APPROVED
            else (_OUTCOMES[state.outcome])
        )
        return _filled(words, state, today) + (said if tells else "") + kept + left
    if state.question is not None:
        reading = "; reading back" if state.step is Step.DOUBT else ""
        return question(state, today) + said + reading
    if state.step is Step.HOLD or state.early:
        doing = "submitting your edit for two approvals" if _is_edit_for_two(state) else _HELD[state.case.act]
        return f"held: {doing} in {max(0, -int(-seconds_left // 1))} s"
    if state.step is Step.DOUBT:
        since = f" since {short_time(doubt_since, today)}" if doubt_since else ""
        return f"{_IN_DOUBT[state.stage]}{since}: reading back"
    if state.step is Step.FIND:
        return f"{_IN_DOUBT[Stage.SUBMIT]}: looking for it"
    if state.called and state.step is Step.CHECK:
        return f"{_IN_DOUBT[state.stage]}: checking before another try"
    if state.step is Step.RECORD:
        return "done: reading what was recorded"
    return _WORK.get((state.stage, state.step), "working") + (
        f" ({state.said}; reading again)" if state.stale and state.said else ""
    )


def _is_edit_for_two(state: State) -> bool:
    return state.case.act is Act.RELEASE_EDIT and state.case.needs_second


def question(state: State, today: date | None = None) -> str:
    """The question to answer; empty if there is none."""
    return "" if state.question is None else _filled(_QUESTIONS[state.question], state, today)


def choice(asked: Choice) -> str:
    return _CHOICES[asked]


def _filled(words: str, state: State, today: date | None) -> str:
    snapshot = state.snapshot or Snapshot(RemoteState.UNCLEAR)
    status = _REMOTE_STATES.get(snapshot.remote_state) or snapshot.status or "not there"
    return words.format(
        rival=_version(state, snapshot),
        status=status if snapshot.remote_state is not RemoteState.UNCLEAR else repr(snapshot.status or "not there"),
        by=f" by {snapshot.decided_by}" if snapshot.decided_by else "",
        at=f" {at_time(datetime.fromisoformat(snapshot.decided_at), today)}" if snapshot.decided_at else "",
        later="; it is scheduled, not sent yet" if snapshot.status == "scheduled" else "",
    )


def _version(state: State, snapshot: Snapshot) -> str:
    """Describes another version of the email as a reviewer knows it."""
    return f"{snapshot.edited_by}'s edit ({state.rival})" if snapshot.edited_by else f"another version ({state.rival})"
