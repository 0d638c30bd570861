"""A world for the decision core to live in, small enough that a test can visit all of it.

The core is composed with a gateway, a second reviewer, the agent, a network and a machine that may crash. Every one of
them may move at any moment, as often as it likes: losses, delays and crashes are not counted. A request whose answer
was lost may still arrive at any later time, or never. `walk` visits every state that can be reached so and asserts the
promises R1 to R9 of docs/safety.md in each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

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
    Submitted,
    Undo,
)
from mm_tui.decision.machine import can_undo
from mm_tui.decision.relatives import is_doubtful
from mm_tui.decision.state import CONCLUSIVE, SUBMISSION, Act, Case, Choice, Outcome, RemoteState, Snapshot, State, Step
from mm_tui.services.decisions.view import Phase, phase_of

ORIGINAL = "original"
THEIRS = "their edit"
"""What a colleague submitted in place of the original, from another machine."""
WRITTEN = "what the human wrote"
"""The fingerprint of the edit."""
CONFIRMING = (Choice.AGAIN, Choice.GO_ON, Choice.ACCEPT)
"""Answers by which a human says: go on."""

MOVABLE = (RemoteState.PENDING, RemoteState.SCANNING, RemoteState.SCHEDULED)
"""An email in one of these states can still go either way; all others have come to rest."""

Move = tuple[State, tuple[Effect, ...]]


class Mail(NamedTuple):
    """An email at the gateway."""

    remote_state: RemoteState
    digest: str
    fingerprint: str
    by: str = ""
    """Who moved it last: us, other, agent, gateway; twin: another program with our key."""
    relatives: tuple[str, ...] = ()
    """The emails that its tags name as versions of it."""
    approvals: frozenset[tuple[str, str]] = frozenset()
    """First approvals that its tags hold: by us or other, and the digest of what was approved."""
    is_late: bool = False
    """Its send time has passed."""


class Request(NamedTuple):
    """A call as it travels. The idempotency key of a submission stands for the edit that it makes."""

    call: Effect
    edit: str
    fingerprint: str


class World(NamedTuple):
    """Everything, at one moment."""

    mails: tuple[tuple[str, Mail], ...]
    wire: frozenset[Request]
    """Requests that may still arrive though we have given them up."""
    state: State
    saved: State
    """The state on the disk: what a crash leaves."""
    before: State
    """What came before `state`, where a call has just been announced."""
    doing: Effect | None
    """What the driver is about."""
    text: bool
    """The edited text is in the local store."""
    memory: Memory
    past: tuple[State, ...]
    """Decisions that ended before this one."""


class Memory(NamedTuple):
    """What the assertions must remember of the way so far."""

    consent: bool = False
    """A human has wanted the release, and neither crash nor lost network came since."""
    decided: frozenset[tuple[str, bool]] = frozenset()
    """Decisions sent since a human last said so."""
    released: frozenset[str] = frozenset()
    """What this client could know to be released."""
    ours: frozenset[str] = frozenset()
    """What this client's calls released."""
    accepted: frozenset[str] = frozenset()
    """Digests that a human has seen and wants."""
    unknown: str = ""
    """The email about which a call of ours has an outcome that nobody has read."""
    left: bool | None = False
    """A call of this decision has left. None: one has, and surely had no effect."""
    overruled: bool | None = False
    """Another closed the original, and no human has said since to release the edit all the same. None: one has."""
    named: frozenset[str] = frozenset()
    """Mails that tags have named to this client as versions of what it decides on."""
    denied: frozenset[str] = frozenset()
    """Those of which a human has said that they are none."""
    waiting: frozenset[str] = frozenset()
    """Those that waited when they were read last, and of which no human has said that they may."""
    also: frozenset[str] = frozenset()
    """Those that were read as released since this program was started."""
    read: frozenset[str] = frozenset()
    """Those that were read at all."""
    after: frozenset[str] = frozenset()
    """Those that were looked at after our release."""
    theirs: bool = False
    """This client has read that another decided about the item."""


class Broken(AssertionError):
    """A promise does not hold in a reachable state."""


@dataclass(frozen=True)
class Scope:
    """Who may do what in a walk."""

    acts: tuple[Act, ...]
    """What the human does first, and after its end what else, on the original or an edit."""
    others: bool = True
    """A second reviewer and the agent move."""
    glitches: bool = True
    """The gateway may answer a reading with a status that we do not know."""
    sends_at_once: bool = True
    """A submission may be released without a gate (allow-list, autonomous mailbox)."""
    signs: bool = True
    """The gateway may add to an edit."""
    colleague: bool = False
    """A second reviewer with a program of their own submits an edit of the original, and their tags say so."""
    rewrites: bool = True
    """The agent may rewrite a waiting email at any moment, also between a reading and the call."""
    names_us: bool = False
    """This client knows under which name the gateway records its approvals. Another program decides under it too."""
    needs_second: bool = False
    """Two reviewers must approve. The second one may tag a first approval at any moment, and anybody may remove it."""
    copies: bool = True
    """Something on the way may repeat a call, so that the answer is that to the copy."""
    is_timed: bool = False
    """The email has a send time, which may pass at any moment. The human has not seen that it has."""
    doubtful: Callable[..., bool] = is_doubtful
    step: Callable[[State, Event], Move] | None = None
    begin: Callable[[Case], Move] | None = None


@dataclass
class Count:
    """What a walk has seen."""

    states: int = 0
    transitions: int = 0
    endings: int = 0
    outcomes: frozenset[Outcome] = frozenset()


class Walker:
    """Visits everything in a scope."""

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
        self._numbers: dict[object, int] = {}

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

    def key(self, world: World) -> tuple[object, ...]:
        """A short name of the world, equal for equal worlds."""
        numbers = self._numbers
        past = tuple(id(self.one(state)) for state in world.past)
        parts = (world.mails, world.wire, world.doing, world.memory)
        return (
            *[numbers.setdefault(part, len(numbers)) for part in parts],
            id(world.state),
            id(world.saved),
            isinstance(world.doing, Call) and can_undo(world.before),
            world.text,
            past,
        )

    def walk(self) -> Count:
        """Breadth first, so that a broken promise is shown by a shortest way."""
        start = self.beginning()
        index = {self.key(start): 0}
        queue = deque([(0, start)])
        came_from: list[int] = [0]
        before: list[list[int]] = [[]]
        how: list[str] = [""]
        over: list[int] = []
        outcomes: set[Outcome] = set()
        transitions = 0
        while queue:
            number, world = queue.popleft()
            if world.state.ended:
                over.append(number)
                assert world.state.outcome is not None
                outcomes.add(world.state.outcome)
            name = ""
            try:
                for name, following in self.moves(world):
                    transitions += 1
                    self.check(following)
                    if following is world:
                        continue
                    following = tidy(following)
                    key = self.key(following)
                    known = index.get(key)
                    if known is None:
                        known = len(index)
                        index[key] = known
                        came_from.append(number)
                        before.append([])
                        how.append(name)
                        queue.append((known, following))
                    before[known].append(number)
            except Broken as broken:
                way = [name]
                while number:
                    way.append(how[number])
                    number = came_from[number]
                raise Broken(f"{broken}\n  after: " + "\n         ".join(reversed(way))) from None
        self.all_can_end(over, before)
        return Count(len(index), transitions, len(over), frozenset(outcomes))

    def all_can_end(self, over: list[int], before: list[list[int]]) -> None:
        """From everywhere some end can be reached: nothing hangs for ever by itself."""
        reached = set(over)
        queue = deque(over)
        while queue:
            for number in before[queue.popleft()]:
                if number not in reached:
                    reached.add(number)
                    queue.append(number)
        if len(reached) != len(before):
            raise Broken(f"{len(before) - len(reached)} states can never end")

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

    # Moves

    def moves(self, world: World) -> Iterator[tuple[str, World]]:
        """Everything that may happen next."""
        yield from self.network(world)
        yield from self.gateway(world)
        if world.state.ended:
            # Nobody reads the gateway any more: others may do what they like unseen. Our own late requests may not.
            yield from self.another_act(world)
            return
        if self.scope.others:
            yield from self.other_people(world)
        if world.state.closing:
            yield from self.closing(world)
            return
        yield from self.driver(world)
        yield from self.human(world)
        yield "crash", self.crashed(world)

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
                yield f"reads {email_id}", self.fed(world, Observed(email_id, self.snapshot(mail)))
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
                for name, moved, answer in self.arrival(world, request):
                    yield f"{doing} {name}", self.fed(moved, answer)
                    if self.scope.copies and isinstance(doing, Decide) and isinstance(answer, Done):
                        yield f"{doing} {name}, and its copy is answered", self.fed(moved, CallConflict())
                    yield f"{doing} {name}, the answer is lost", self.fed(moved, OutcomeUnknown())
                if isinstance(doing, Submit):
                    yield "the key is too old", self.fed(world, KeyExpired())
                    yield "the gateway says duplicate", self.fed(world, CallConflict())

    def network(self, world: World) -> Iterator[tuple[str, World]]:
        """A request that was given up arrives after all, or never will."""
        for request in world.wire:
            rest = world._replace(wire=world.wire - {request})
            for name, moved, _ in self.arrival(rest, request):
                yield f"late: {request.call} {name}", moved

    def arrival(self, world: World, request: Request) -> Iterator[tuple[str, World, Event]]:
        """What a request does when it arrives at the gateway, and the gateway's answer."""
        match request.call:
            case Decide(email_id, approve):
                mail = mail_of(world, email_id)
                if mail.remote_state is not RemoteState.PENDING:
                    yield "comes too late", world, CallConflict()
                else:
                    remote_state = RemoteState.RELEASED if approve else RemoteState.REJECTED
                    moved = put(world, email_id, mail._replace(remote_state=remote_state, by="us"))
                    yield "takes effect", ours(moved, email_id) if approve else moved, Done()
            case RecordApproval(email_id, digest):
                mail = mail_of(world, email_id)
                tagged = mail._replace(approvals=mail.approvals | {("us", digest)})
                yield "takes effect", put(world, email_id, tagged), Done()
            case Cancel(email_id):
                mail = mail_of(world, email_id)
                if mail.remote_state in (RemoteState.PENDING, RemoteState.SCANNING, RemoteState.CANCELLED):
                    yield (
                        "takes effect",
                        put(world, email_id, mail._replace(remote_state=RemoteState.CANCELLED, by="us")),
                        Done(),
                    )
                else:
                    yield "comes too late", world, CallConflict()
            case Reschedule(email_id):
                mail = mail_of(world, email_id)
                if mail.remote_state is not RemoteState.SCHEDULED:
                    yield "comes too late", world, CallConflict()
                else:
                    yield (
                        "takes effect",
                        put(world, email_id, mail._replace(digest="ours", fingerprint=WRITTEN)),
                        Done(),
                    )
            case Submit():
                edit = request.edit
                if edit in dict(world.mails):
                    yield "is known already", world, Submitted(edit)
                    return
                fresh = Mail(RemoteState.SCANNING, f"{edit} as written", request.fingerprint, "us")
                yield "is taken", put(world, edit, fresh), Submitted(edit)
                if self.scope.signs:
                    signed = fresh._replace(digest=f"{edit} signed", fingerprint="signed")
                    yield "is taken and signed", put(world, edit, signed), Submitted(edit)
                if self.scope.sends_at_once:
                    sent = put(world, edit, fresh._replace(remote_state=RemoteState.RELEASED))
                    yield "is sent at once", ours(sent, edit), Submitted(edit)

    def gateway(self, world: World) -> Iterator[tuple[str, World]]:
        """Scans end well or badly, and send times pass."""
        if world.state.ended and not world.wire:
            return
        for email_id, mail in world.mails:
            if mail.remote_state is RemoteState.SCANNING:
                for remote_state in (RemoteState.PENDING, RemoteState.FAILED):
                    yield (
                        f"scan: {email_id} {remote_state}",
                        put(world, email_id, mail._replace(remote_state=remote_state)),
                    )
            if self.scope.is_timed and not mail.is_late:
                yield f"the send time of {email_id} passes", put(world, email_id, mail._replace(is_late=True))

    def other_people(self, world: World) -> Iterator[tuple[str, World]]:
        """A second reviewer decides, the agent cancels or rewrites."""
        for email_id, mail in world.mails:
            if mail.remote_state is RemoteState.PENDING:
                for remote_state in (RemoteState.RELEASED, RemoteState.REJECTED):
                    yield (
                        f"other: {email_id} {remote_state}",
                        put(world, email_id, mail._replace(remote_state=remote_state, by="other")),
                    )
                    if self.scope.names_us:
                        twins = mail._replace(remote_state=remote_state, by="twin")
                        yield f"another with our key: {email_id} {remote_state}", put(world, email_id, twins)
            if mail.remote_state in (RemoteState.PENDING, RemoteState.SCANNING, RemoteState.SCHEDULED):
                cancelled = mail._replace(remote_state=RemoteState.CANCELLED, by="agent")
                yield f"agent: cancels {email_id}", put(world, email_id, cancelled)
            if (
                (email_id == ORIGINAL or self.scope.rewrites)
                and "rewritten" not in mail.digest
                and mail.remote_state in (RemoteState.PENDING, RemoteState.SCHEDULED)
                and email_id != THEIRS
            ):
                rewritten = mail._replace(digest=f"{email_id} rewritten", fingerprint="rewritten")
                yield f"agent: rewrites {email_id}", put(world, email_id, rewritten)
            if self.scope.needs_second and mail.remote_state is RemoteState.PENDING:
                without = frozenset(approval for approval in mail.approvals if approval[0] != "other")
                approved = mail._replace(approvals=without | {("other", mail.digest)})
                yield f"other: first approval of {email_id}", put(world, email_id, approved)
                taken_back = mail._replace(approvals=without)
                yield f"other: no approval of {email_id} any more", put(world, email_id, taken_back)
        original = mail_of(world, ORIGINAL)
        if self.scope.colleague and THEIRS not in dict(world.mails) and original.remote_state is RemoteState.PENDING:
            theirs = Mail(RemoteState.PENDING, "theirs", "written by the other", "other", (ORIGINAL,))
            tagged = put(world, ORIGINAL, original._replace(relatives=(THEIRS,)))
            yield "other: submits an edit", put(tagged, THEIRS, theirs)

    def snapshot(self, mail: Mail) -> Snapshot:
        """The email as a reading gives it. Who approved is a name that this client knows as its own, or does not."""
        named = self.scope.names_us and mail.remote_state is RemoteState.RELEASED
        return Snapshot(
            mail.remote_state,
            mail.digest,
            mail.fingerprint,
            str(mail.remote_state),
            "us" if mail.by == "twin" else mail.by,
            is_ours=mail.by in ("us", "twin") if named else None,
            relatives=mail.relatives,
            is_approved_by_us=("us", mail.digest) in mail.approvals,
            is_approved_by_other=("other", mail.digest) in mail.approvals,
            is_late=mail.is_late,
        )

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
            Observed(email_id, self.snapshot(mail_of(world, email_id))) for email_id in about if email_id in mails
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
        memory = world.memory
        if (
            world.state.step is Step.RECORD
            and isinstance(world.doing, Look)
            and isinstance(event, Observed | ReadFailed)
        ):
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
            self.check_end(after)
            # What only serves the assertions about this decision is forgotten, so that equal endings are one.
            kept = Memory(released=after.memory.released, ours=after.memory.ours)
            return after._replace(memory=kept, saved=state)
        if isinstance(doing, Call):
            if not isinstance(effects[effects.index(doing) - 1], WriteEntry):
                raise Broken(f"R9: {doing} was not journaled before it left")
            after = self.leaving(after, doing, event)
        return after

    def leaving(self, world: World, call: Effect, event: Event | None) -> World:
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

    def check(self, world: World) -> None:
        """The promises that must hold in every state."""
        state, memory = world.state, world.memory
        if len(memory.ours) > 1:
            raise Broken(f"R3: this client released {sorted(memory.ours)}")
        if not world.text and state.case.fingerprint:
            holder = world.mails if state.case.act is Act.RESCHEDULE else ((state.replacement, None),)
            kept = [mail for email_id, _ in holder if (mail := dict(world.mails).get(email_id)) is not None]
            if state.case.act is Act.RELEASE_EDIT and not any(
                mail.remote_state is RemoteState.RELEASED for mail in kept
            ):
                raise Broken("R4: the edited text is gone and was not released")
            if state.case.act is Act.RESCHEDULE and not any(mail.fingerprint == WRITTEN for mail in kept):
                raise Broken("R4: the edited text is gone and not at the gateway")
        if memory.unknown and not state.ended and phase_of(state) not in (Phase.UNKNOWN, Phase.ASKING):
            raise Broken(f"R5: the outcome for {memory.unknown} is unknown but shown as {phase_of(state)}")

    def check_end(self, world: World) -> None:
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


def family_of(case: Case, state: State) -> set[str]:
    """The emails that this decision knows by itself."""
    return {case.item, state.replacement, *case.siblings}


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


def mail_of(world: World, email_id: str) -> Mail:
    """An email at the gateway."""
    return dict(world.mails)[email_id]


def edit_of(world: World) -> str:
    """The id that the gateway gives, or gave, to this decision's submission."""
    same = world.state.case.fingerprint == WRITTEN and world.state.case.item == ORIGINAL
    return "edit" if same else "second edit"


def request_of(world: World, call: Effect) -> Request:
    """The call as it travels."""
    return Request(call, edit_of(world), world.state.case.fingerprint)


def tidy(world: World) -> World:
    """The same world without what can no longer make a difference: requests that would come too late whenever they
    came, and repetitions that could not happen any more."""
    mails = dict(world.mails)
    still = {email_id for email_id, mail in world.mails if mail.remote_state in MOVABLE}
    wire = world.wire
    if wire:
        wire = frozenset(
            request
            for request in wire
            if (request.edit not in mails if isinstance(request.call, Submit) else about(world, request.call) in still)
        )
    decided = frozenset(one for one in world.memory.decided if one[0] in still)
    if wire == world.wire and decided == world.memory.decided:
        return world
    return world._replace(wire=wire, memory=world.memory._replace(decided=decided))


def about(world: World, call: Effect) -> str:
    """The email that a call is about; `SUBMISSION` for one without an id yet."""
    if isinstance(call, (Decide, RecordApproval, Cancel, Reschedule)):
        return call.email_id
    return SUBMISSION


def put(world: World, email_id: str, mail: Mail) -> World:
    """The world with that mail so."""
    return world._replace(mails=tuple(sorted({**dict(world.mails), email_id: mail}.items())))


def ours(world: World, email_id: str) -> World:
    """The world in which this client's call released that mail."""
    return world._replace(memory=world.memory._replace(ours=world.memory.ours | {email_id}))


def begins(effects: tuple[Effect, ...]) -> bool:
    """Whether one of these is more than writing down what has been."""
    return any(not isinstance(effect, WriteEntry | DropText) for effect in effects)
