"""The program in the walk: the decision core, its driver, and the human who decides, undoes, answers and quits."""

from __future__ import annotations

from collections.abc import Iterator

from mm_tui.decision.effects import (
    Call,
    Cancel,
    Decide,
    DropText,
    Effect,
    Find,
    Hold,
    Look,
    Pause,
    RecordApproval,
    Reschedule,
    Submit,
    WriteEntry,
)
from mm_tui.decision.events import (
    Answer,
    CallConflict,
    CallRefused,
    CheckOutdated,
    Done,
    Elapsed,
    Event,
    Found,
    KeyExpired,
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
from mm_tui.decision.machine import can_undo
from mm_tui.decision.state import SUBMISSION, Act, Case, Choice, Outcome, RemoteState, Snapshot, State, Step
from tests.support.decision_promises import check_call, check_end, memory_after
from tests.support.decision_surroundings import arrival, snapshot_of
from tests.support.decision_world import (
    MOVABLE,
    ORIGINAL,
    WRITTEN,
    Broken,
    Mail,
    Memory,
    Move,
    Scope,
    World,
    about,
    begins,
    edit_of,
    mail_of,
    request_of,
)


class Program:
    """The program in its world: the core, the driver that performs its effects, and the human at the keys."""

    def __init__(self, scope: Scope) -> None:
        from mm_tui.decision import machine

        self.scope = scope
        self._step = scope.step or machine.step
        self.begin = scope.begin or machine.begin
        self._known: dict[tuple[int, Event], Move] = {}
        self._states: dict[State, State] = {}
        self._ids: set[int] = set()
        """Of the objects in `_states`."""
        self._quiet: set[tuple[int, tuple[Observed, ...]]] = set()
        """States after a quit, with the readings after which nothing begins."""

    def step(self, state: State, event: Event) -> Move:
        """The core's step. It is pure, so each is computed once; equal states are one object."""
        state = self.one(state)
        move = self._known.get((id(state), event))
        if move is None:
            following, effects = self._step(state, event)
            move = self.one(following), effects
            self._known[id(state), event] = move
        return move

    def one(self, state: State) -> State:
        """The one object for all states that are equal to this one."""
        if id(state) in self._ids:
            return state
        first = self._states.setdefault(state, state)
        self._ids.add(id(first))
        return first

    def beginning(self) -> World:
        act = self.scope.acts[0]
        remote_state = RemoteState.SCHEDULED if act is Act.RESCHEDULE else RemoteState.PENDING
        mails = ((ORIGINAL, Mail(remote_state, "seen", "drafted")),)
        case = Case(
            ORIGINAL,
            act,
            "seen",
            fingerprint=WRITTEN if act in (Act.RELEASE_EDIT, Act.RESCHEDULE) else "",
            needs_second=self.scope.needs_second,
        )
        blank = self.one(self.begin(case)[0])
        world = World(mails, frozenset(), blank, blank, blank, None, case.fingerprint != "", Memory(), ())
        return self.started(world, case)

    def started(self, world: World, case: Case) -> World:
        """The human decides: an explicit act on what they saw."""
        state, effects = self.begin(case)
        state = self.one(state)
        memory = world.memory._replace(
            consent=True,
            decided=frozenset(),
            accepted=frozenset({case.digest}),
            unknown="",
            left=False,
            overruled=False,
        )
        world = world._replace(state=state, saved=state, memory=memory, text=case.fingerprint != "")
        return self.performed(world, state, effects, None)

    def closing(self, world: World) -> Iterator[tuple[str, World]]:
        """The program waits for the answer to its last call, in vain or not, and is started again later."""
        for name, answered in self.driver(world):
            if not answered.state.ended and not answered.state.closing:
                raise Broken("R15: an answer made a program that is being closed go on")
            yield name, answered if answered.state.ended else self.crashed(answered)
        yield "the answer does not come in time", self.crashed(world)

    def driver(self, world: World) -> Iterator[tuple[str, World]]:
        """What the driver is about succeeds or fails."""
        doing = world.doing
        match doing:
            case Hold() | Pause():
                yield "time passes", self.fed(world, Elapsed())
            case Look(email_id):
                mail = mail_of(world, email_id)
                yield f"reads {email_id}", self.fed(world, Observed(email_id, snapshot_of(self.scope, mail)))
                yield f"cannot read {email_id}", self.fed(world, ReadFailed())
                if self.scope.glitches:
                    odd = Observed(email_id, Snapshot(RemoteState.UNCLEAR, status="odd"))
                    yield f"reads {email_id} oddly", self.fed(world, odd)
            case Find():
                edit = edit_of(world)
                made = dict(world.mails).get(edit)
                there = made is not None and made.fingerprint == world.state.case.fingerprint
                yield "searches", self.fed(world, Found(edit if there else ""))
                yield "cannot search", self.fed(world, ReadFailed())
            case Decide() | RecordApproval() | Submit() | Cancel() | Reschedule():
                yield f"{doing} surely fails", self.fed(world, CallRefused())
                request = request_of(world, doing)
                yield (
                    f"{doing} is lost on its way",
                    self.fed(world._replace(wire=world.wire | {request}), OutcomeUnknown()),
                )
                for name, moved, answer in arrival(self.scope, world, request):
                    yield f"{doing} {name}", self.fed(moved, answer)
                    if self.scope.copies and isinstance(doing, Decide) and isinstance(answer, Done):
                        yield f"{doing} {name}, and its copy is answered", self.fed(moved, CallConflict())
                    yield f"{doing} {name}, the answer is lost", self.fed(moved, OutcomeUnknown())
                if isinstance(doing, Submit):
                    yield "the key is too old", self.fed(world, KeyExpired())
                    yield "the gateway says duplicate", self.fed(world, CallConflict())

    def human(self, world: World) -> Iterator[tuple[str, World]]:
        """Undo, quit, and every answer, at any moment."""
        state, effects = self.step(world.state, Undo())
        left = world.memory.left
        if left is False and (state.outcome is not Outcome.UNDONE or begins(effects)):
            raise Broken("R6: nothing had left, and undo did not undo")
        if left and (state, effects) != (world.state, ()):
            raise Broken("R6: something pretended to be undone after a call had left")
        if can_undo(world.state) is not (state.outcome is Outcome.UNDONE):
            raise Broken("R6: what is shown as undoable is not what is")
        slept = self.step(world.state, Slept())
        if slept != (world.state, (Hold(),) if world.state.step is Step.HOLD else ()):
            raise Broken("R6: a hold that was slept through did not start again")
        if world.state.step is Step.HOLD:
            yield "the queue is listed again", self.fed(world, MayHaveMoved())
        elif self.step(world.state, MayHaveMoved()) != (world.state, ()):
            raise Broken("a list of the queue moved a decision that is not held")
        yield "undo", self.fed(world, Undo())
        yield "quit", self.quit(world)
        if isinstance(world.doing, Call):
            # While the journal is written, the call is announced and not begun.
            yield "quit before the call is begun", self.stopped(world, NotMade(undone=False))
            if can_undo(world.before):
                yield "undo before the call is begun", self.stopped(world, NotMade(undone=True))
        if isinstance(world.doing, Decide) and world.doing.approve:
            yield "sleep before the call is begun", self.checked_again(world)
        asked = world.state.choices
        for choice in Choice:
            if choice not in asked:
                if self.step(world.state, Answer(choice)) != (world.state, ()):
                    raise Broken(f"an answer that was not asked for had an effect: {choice}")
                continue
            answered = self.fed(world, Answer(choice))
            if answered != world:
                yield f"answers {choice}", answered

    def another_act(self, world: World) -> Iterator[tuple[str, World]]:
        """After the end, the human decides again about whatever waits."""
        past = (*world.past, world.state)
        if len(past) >= len(self.scope.acts):
            return
        act = self.scope.acts[len(past)]
        doubts = [state.doubts for state in past if state.doubts]
        family = {email_id for state in past for email_id in (state.case.item, state.replacement) if email_id}
        for email_id, mail in world.mails:
            if mail.remote_state is not RemoteState.PENDING:
                continue
            # An edit whose id was never received is recognized by its content.
            doubted = {doubt for doubt in doubts if doubt != SUBMISSION or mail.fingerprint != WRITTEN}
            # The same words go under the same key as long as their first submission is in doubt, else under a new one.
            lost = any(doubt == SUBMISSION for doubt in doubts)
            for same in (True, False) if act is Act.RELEASE_EDIT and lost else (False,):
                case = Case(
                    email_id,
                    act,
                    mail.digest,
                    fingerprint=(WRITTEN if same else "other words") if act is Act.RELEASE_EDIT else "",
                    siblings=tuple(sorted(family - {email_id})),
                    needs_second=self.scope.needs_second,
                    doubtful=self.scope.doubtful(act, email_id, doubted, same_submission=same and email_id == ORIGINAL),
                )
                yield f"the human decides: {act} {email_id}", self.started(world._replace(past=past), case)

    def quit(self, world: World) -> World:
        """The program is being closed."""
        state, effects = self.step(world.state, Quit())
        if begins(effects):
            raise Broken("R15: quitting began something")
        if world.memory.left is False and state.outcome is not Outcome.FELL_BACK:
            raise Broken("R7: nothing had left, and it did not fall back")
        if state.ended:
            return self.performed(world, state, effects, None)
        if state.step is Step.CALL:
            return world._replace(state=state)
        # A reading comes in, or a pause ends: nothing follows.
        about = [mail for mail in (*state.todo, state.case.item, state.replacement) if mail]
        mails = dict(world.mails)
        readings = tuple(
            Observed(email_id, snapshot_of(self.scope, mail_of(world, email_id)))
            for email_id in about
            if email_id in mails
        )
        if (id(state), readings) in self._quiet:
            return self.crashed(world)
        answers = [Answer(choice) for choice in Choice]
        events: tuple[Event, ...] = (*readings, *answers, Elapsed(), ReadFailed(), Found("edit"), Undo(), Slept())
        for event in events:
            if begins(self.step(state, event)[1]):
                raise Broken(f"R15: {event} began something after the quit")
        self._quiet.add((id(state), readings))
        return self.crashed(world)

    def checked_again(self, world: World) -> World:
        """The approval that was journaled is not begun: all is read once more."""
        assert isinstance(world.doing, Decide)
        state, effects = self.step(world.state, CheckOutdated())
        if any(isinstance(effect, Call) for effect in effects):
            raise Broken("R2: a call was begun without another check")
        decided = world.memory.decided - {(world.doing.email_id, world.doing.approve)}
        left = False if can_undo(world.before) else world.memory.left
        checked = world._replace(doing=None, memory=world.memory._replace(decided=decided, left=left))
        return self.performed(checked, state, effects, CheckOutdated())

    def stopped(self, world: World, event: NotMade) -> World:
        """The call that was journaled is not begun."""
        state, effects = self.step(world.state, event)
        if begins(effects):
            raise Broken("R15: what was stopped began something")
        memory = world.memory
        if isinstance(world.doing, Decide):
            memory = memory._replace(decided=memory.decided - {(world.doing.email_id, world.doing.approve)})
        if isinstance(world.doing, RecordApproval):
            memory = memory._replace(decided=memory.decided - {(world.doing.email_id, True)})
        stopped = self.performed(world._replace(doing=None, memory=memory), state, effects, event)
        return stopped if state.ended else self.crashed(stopped)

    def crashed(self, world: World) -> World:
        """The program is gone; what was under way may arrive or not; it is started again on what is on the disk."""
        memory = world.memory._replace(
            consent=False, named=frozenset(), read=frozenset(), waiting=frozenset(), also=frozenset(), after=frozenset()
        )
        wire = world.wire
        if isinstance(world.doing, Call):
            wire |= {request_of(world, world.doing)}
            memory = memory._replace(unknown=about(world, world.doing))
        fallen = world._replace(state=world.saved, doing=None, memory=memory, wire=wire)
        # A question about another version is asked before anything has left, so it may be forgotten with the rest.
        asks_first = world.state.step is Step.ASK and world.state.rival and not world.state.replacement
        if world.saved.step is Step.HOLD and world.state.step not in (Step.HOLD, Step.CHECK) and not asks_first:
            raise Broken("R9: a step beyond the hold is not on the disk")
        return self.fed(fallen, Restarted())

    # Feeding the core

    def fed(self, world: World, event: Event) -> World:
        """The world after the core has taken an event in."""
        memory = memory_after(world, event)
        if memory is not world.memory:
            world = world._replace(memory=memory)
        state, effects = self.step(world.state, event)
        if world.state.early and isinstance(event, Observed):
            moved = event.snapshot.remote_state not in (*MOVABLE, RemoteState.UNCLEAR)
            if moved and not state.ended:
                raise Broken("R8: another's act during the hold was read and is not shown at once")
        if world.state.early and any(isinstance(effect, Call) for effect in effects):
            raise Broken("R6: a call is made before the hold is over")
        if (state, effects) == (world.state, ()):
            return world
        if world.state.step is Step.CALL and isinstance(event, (Undo, Answer, Quit)):
            raise Broken("a human's event moved a call under way")
        return self.performed(world, state, effects, event)

    def performed(self, world: World, state: State, effects: tuple[Effect, ...], event: Event | None) -> World:
        """The world after the driver has taken over state and effects, with what must hold at that moment."""
        doing: Effect | None = None
        journaled = False
        text = world.text
        for effect in effects:
            match effect:
                case WriteEntry():
                    journaled = True
                case DropText():
                    text = False
                case _:
                    if doing is not None:
                        raise Broken("two things at once")
                    doing = effect
        if state.closing and doing is not None:
            raise Broken(f"R15: {doing} after the quit")
        if (doing is None) != (state.step in (Step.ASK, Step.END)) and not state.closing:
            raise Broken(f"nothing is being done and nothing is asked: {state}")
        after = world._replace(
            before=world.state, state=state, doing=doing, saved=state if journaled else world.saved, text=text
        )
        if state.ended:
            check_end(after)
            # What only serves the assertions about this decision is forgotten, so that equal endings are one.
            kept = Memory(released=after.memory.released, ours=after.memory.ours)
            return after._replace(memory=kept, saved=state)
        if isinstance(doing, Call):
            if not isinstance(effects[effects.index(doing) - 1], WriteEntry):
                raise Broken(f"R9: {doing} was not journaled before it left")
            after = check_call(after, doing, event)
        return after
