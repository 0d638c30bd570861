"""What must hold in every state of the walk, and what must be remembered to know it."""

from __future__ import annotations

from mm_tui.decision.effects import Call, Decide, Effect, Look, RecordApproval, Reschedule, Submit
from mm_tui.decision.events import (
    Answer,
    CallConflict,
    CallRefused,
    Done,
    Elapsed,
    Event,
    Found,
    Observed,
    OutcomeUnknown,
    ReadFailed,
    Submitted,
)
from mm_tui.decision.state import CONCLUSIVE, SUBMISSION, Act, Choice, Outcome, RemoteState, Snapshot, State, Step
from mm_tui.services.decisions.view import Phase, phase_of
from tests.support.decision_world import (
    CONFIRMING,
    MOVABLE,
    ORIGINAL,
    WRITTEN,
    Broken,
    Memory,
    World,
    about,
    family_of,
    mail_of,
)


def memory_after(world: World, event: Event) -> Memory:
    """What must be remembered once the core has taken an event in."""
    memory = world.memory
    if world.state.step is Step.RECORD and isinstance(world.doing, Look) and isinstance(event, Observed | ReadFailed):
        memory = memory._replace(after=memory.after | {world.doing.email_id})
    match event:
        case Observed(email_id, seen):
            memory = remembered(memory, world.state, email_id, seen)
            if seen.remote_state is RemoteState.RELEASED:
                memory = memory._replace(released=memory.released | {email_id})
            if seen.remote_state is not RemoteState.UNCLEAR and memory.unknown == email_id:
                memory = memory._replace(unknown="")
            closed = email_id == ORIGINAL and seen.remote_state in (RemoteState.REJECTED, RemoteState.CANCELLED)
            if closed and memory.overruled is False and mail_of(world, ORIGINAL).by != "us":
                memory = memory._replace(overruled=True)
        case Submitted(email_id) if memory.unknown == SUBMISSION:
            memory = memory._replace(unknown="")
        case Found(email_id) if email_id and memory.unknown == SUBMISSION:
            memory = memory._replace(unknown="")
        case ReadFailed() if not world.state.early:
            # During the hold the network may come and go: it is read again after it.
            memory = memory._replace(consent=False)
        case Answer(choice) if choice in world.state.choices:
            if choice in CONFIRMING:
                overruled = None if memory.overruled else memory.overruled
                memory = memory._replace(consent=True, decided=frozenset(), overruled=overruled)
            if choice in (Choice.GO_ON, Choice.UNRELATED) and world.state.rival:
                memory = memory._replace(waiting=memory.waiting - {world.state.rival})
            if choice is Choice.UNRELATED:
                memory = memory._replace(denied=memory.denied | {world.state.rival})
            if choice is Choice.ACCEPT and world.state.snapshot is not None:
                memory = memory._replace(accepted=memory.accepted | {world.state.snapshot.digest})
        case CallRefused() | CallConflict() if (
            isinstance(world.doing, Decide | RecordApproval) and memory.unknown != world.doing.email_id
        ):
            # It surely had no effect, so that making it again repeats nothing.
            had_none = (world.doing.email_id, isinstance(world.doing, RecordApproval) or world.doing.approve)
            memory = memory._replace(decided=memory.decided - {had_none}, left=None)
        case CallConflict() if isinstance(world.doing, Reschedule) and not memory.unknown:
            memory = memory._replace(left=None)
        case OutcomeUnknown():
            assert isinstance(world.doing, Call)
            memory = memory._replace(unknown=about(world, world.doing))
        case Done():
            assert isinstance(world.doing, Call)
            done = about(world, world.doing)
            if isinstance(world.doing, Decide) and world.doing.approve:
                memory = memory._replace(released=memory.released | {done})
            if memory.unknown == done:
                memory = memory._replace(unknown="")
    return memory


def remembered(memory: Memory, state: State, email_id: str, seen: Snapshot) -> Memory:
    """What a reading tells this client of the versions of an email, and of what others did."""
    if email_id == state.case.item and seen.remote_state not in MOVABLE and seen.decided_by not in ("us", ""):
        memory = memory._replace(theirs=True)
    ours = {state.case.item, state.replacement, *state.case.siblings}
    named = memory.named | (set(seen.relatives) - ours)
    waiting = memory.waiting - {email_id}
    if seen.remote_state in MOVABLE and email_id not in state.beside and email_id not in memory.denied:
        waiting |= {email_id}
    also, read = memory.also, memory.read | ({email_id} - ours)
    if seen.remote_state is RemoteState.RELEASED:
        also |= {email_id} - ours
    return memory._replace(named=named, waiting=waiting & named, also=also, read=read)


def check_call(world: World, call: Effect, event: Event | None) -> World:
    """A call leaves this machine: the promises that concern that moment."""
    memory, case = world.memory._replace(left=True), world.state.case
    family = {case.item, world.state.replacement, *case.siblings, *(memory.named - memory.denied)} - {""}
    if isinstance(call, Submit) or (isinstance(call, Decide) and call.approve):
        target = about(world, call)
        if not memory.consent:
            raise Broken(f"R1/R7: {call} without a human who wanted it")
        if isinstance(call, Decide) and case.needs_second:
            read = event.snapshot if isinstance(event, Observed) else None
            if case.act is not Act.APPROVE or read is None or not read.is_approved_by_other:
                raise Broken(f"R1: {call} though no other reviewer has approved this content")
        if known := (memory.released & family) - {target}:
            raise Broken(f"R3: {call} though {sorted(known)} is known to be released")
        if unread := memory.named - memory.denied - memory.read - family_of(case, world.state):
            raise Broken(f"R3: {call} though nobody has read {sorted(unread)}")
        if asked := (memory.waiting & memory.named) - {target, case.item}:
            raise Broken(f"R3: {call} though {sorted(asked)} waits too, and no human was asked")
    if isinstance(call, Submit) and not (isinstance(event, Elapsed) and memory.unknown == SUBMISSION):
        seen = event.snapshot if isinstance(event, Observed) and event.email_id == case.item else None
        if seen is None or seen.remote_state is not RemoteState.PENDING or seen.digest not in memory.accepted:
            raise Broken("R2: an edit is submitted without a fresh reading of its original")
    if isinstance(call, RecordApproval):
        seen = event.snapshot if isinstance(event, Observed) and event.email_id == call.email_id else None
        if not memory.consent or not case.needs_second:
            raise Broken(f"R1/R7: {call} without a human who wanted it")
        written = seen is not None and call.email_id == world.state.replacement
        written = written and seen is not None and seen.fingerprint == case.fingerprint
        if seen is None or seen.remote_state is not RemoteState.PENDING or seen.digest != call.digest:
            raise Broken(f"R2: {call} without a fresh reading of what is approved")
        if call.digest not in memory.accepted and not written:
            raise Broken(f"R2: {call} of what no human saw")
        if (call.email_id, True) in memory.decided:
            raise Broken(f"R5: {call} was repeated by a machine")
        memory = memory._replace(decided=memory.decided | {(call.email_id, True)})
    if isinstance(call, Decide):
        if call.approve and call.email_id not in (case.item, world.state.replacement):
            raise Broken(f"R1: {call} is not what the human decided on")
        if memory.overruled and call.approve and case.act is Act.RELEASE_EDIT:
            raise Broken("R8: another's decision about the original was overruled unasked")
        if not (isinstance(event, Observed) and event.email_id == call.email_id):
            raise Broken(f"R2: {call} without a fresh reading")
        seen = event.snapshot
        written = call.email_id == world.state.replacement and seen.fingerprint == case.fingerprint
        if seen.remote_state is not RemoteState.PENDING or (seen.digest not in memory.accepted and not written):
            raise Broken(f"R2: {call} of what no human saw")
        if call.approve and seen.is_late:
            raise Broken(f"R2: {call} sends at once what the human saw with a send time to come")
        if (call.email_id, call.approve) in memory.decided:
            raise Broken(f"R5: {call} was repeated by a machine")
        if call.superseded_by and call.superseded_by not in dict(world.mails):
            raise Broken("R4: the original is retired before its replacement exists")
        memory = memory._replace(decided=memory.decided | {(call.email_id, call.approve)})
    return world._replace(memory=memory)


def check_state(world: World) -> None:
    """The promises that must hold in every state."""
    state, memory = world.state, world.memory
    if len(memory.ours) > 1:
        raise Broken(f"R3: this client released {sorted(memory.ours)}")
    if not world.text and state.case.fingerprint:
        holder = world.mails if state.case.act is Act.RESCHEDULE else ((state.replacement, None),)
        kept = [mail for email_id, _ in holder if (mail := dict(world.mails).get(email_id)) is not None]
        if state.case.act is Act.RELEASE_EDIT and not any(mail.remote_state is RemoteState.RELEASED for mail in kept):
            raise Broken("R4: the edited text is gone and was not released")
        if state.case.act is Act.RESCHEDULE and not any(mail.fingerprint == WRITTEN for mail in kept):
            raise Broken("R4: the edited text is gone and not at the gateway")
    if memory.unknown and not state.ended and phase_of(state) not in (Phase.UNKNOWN, Phase.ASKING):
        raise Broken(f"R5: the outcome for {memory.unknown} is unknown but shown as {phase_of(state)}")


def check_end(world: World) -> None:
    """The promises about what is said in the end."""
    state, memory = world.state, world.memory
    mails = dict(world.mails)
    item = mails[state.case.item]
    # A first approval releases nothing, whenever it arrives.
    may_release = not state.case.needs_second or state.case.act is Act.APPROVE
    releasing = may_release and memory.unknown and (memory.unknown, True) in memory.decided
    if releasing and not state.doubts and state.outcome not in CONCLUSIVE:
        raise Broken("R5: a release in doubt was forgotten")
    if memory.unknown == SUBMISSION and state.doubts != SUBMISSION:
        raise Broken("R5: a submission in doubt was forgotten")
    match state.outcome:
        case Outcome.APPROVED | Outcome.NOT_AS_SEEN if RemoteState.RELEASED not in (
            item.remote_state,
            mails[state.replacement or state.case.item].remote_state,
        ):
            raise Broken("R5: said to be approved and is not")
        case Outcome.FIRST_APPROVED:
            about = state.replacement or state.case.item
            digest = state.verified or state.case.digest
            if ("us", digest) not in mails[about].approvals:
                raise Broken("R5: a first approval is said to be recorded and is not")
        case Outcome.REJECTED if item.remote_state is not RemoteState.REJECTED:
            raise Broken("R5: said to be rejected and is not")
        case Outcome.EDIT_RELEASED:
            if (
                mails[state.replacement].remote_state is not RemoteState.RELEASED
                or item.remote_state is RemoteState.PENDING
            ):
                raise Broken("R5: said to be released and retired, and is not")
            if item.remote_state is RemoteState.RELEASED:
                raise Broken("R8: both were released, and it was not said")
        case Outcome.WITHDRAWN:
            edit = mails[state.replacement]
            if edit.remote_state is RemoteState.RELEASED or item.remote_state is not RemoteState.RELEASED:
                raise Broken("R8: said to be withdrawn, and is not")
    shown = state.snapshot
    said = (Outcome.APPROVED, Outcome.REJECTED)
    if not world.past and state.outcome in said and item.by != "us":
        raise Broken("R8: another's decision is recorded as ours")
    if not world.past and state.outcome is Outcome.ELSEWHERE and item.by == "us":
        raise Broken("R8: our own decision is shown as another's")
    if state.outcome is Outcome.DECIDED and shown is not None and shown.is_ours is False:
        raise Broken("R8: another's name is there, and it is shown as perhaps ours")
    if memory.theirs and state.outcome in (*said, Outcome.UNREACHABLE, Outcome.DENIED):
        raise Broken("R8: another decided, which was read, and it is not shown")
    if state.outcome in (Outcome.APPROVED, Outcome.EDIT_RELEASED):
        left = mails[state.replacement or state.case.item]
        wrote = state.replacement and left.fingerprint == state.case.fingerprint
        if shown is not None and shown.digest and not wrote and left.digest not in memory.accepted:
            raise Broken("R2: other content was sent than was seen, and it is not shown")
        also = memory.also & memory.named - memory.denied
        if unread := memory.named - memory.denied - memory.after - family_of(state.case, state):
            raise Broken(f"R3: nobody has read after the release whether {sorted(unread)} left as well")
        if also:
            raise Broken(f"R3: {sorted(also)} was released too, which was read, and it is no incident")
    telling = (Outcome.ELSEWHERE, Outcome.WITHDRAWN, Outcome.SIBLING_RELEASED, Outcome.EDIT_CLOSED)
    if state.outcome in telling and (shown is None or not shown.decided_by):
        raise Broken("R8: decided elsewhere, and by whom is not shown")
