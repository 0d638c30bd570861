"""What the walk over the decision core is about: emails at a gateway, calls on their way, and what a client knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from mm_tui.decision.effects import Cancel, Decide, DropText, Effect, RecordApproval, Reschedule, Submit, WriteEntry
from mm_tui.decision.events import Event
from mm_tui.decision.relatives import is_doubtful
from mm_tui.decision.state import SUBMISSION, Act, Case, Choice, RemoteState, State

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


def family_of(case: Case, state: State) -> set[str]:
    """The emails that this decision knows by itself."""
    return {case.item, state.replacement, *case.siblings}


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
