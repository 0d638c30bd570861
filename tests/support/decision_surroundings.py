"""What others do while the decision core works: the network, the gateway, a second reviewer, the agent."""

from __future__ import annotations

from collections.abc import Iterator

from mm_tui.decision.effects import Cancel, Decide, RecordApproval, Reschedule, Submit
from mm_tui.decision.events import CallConflict, Done, Event, Submitted
from mm_tui.decision.state import RemoteState, Snapshot
from tests.support.decision_world import ORIGINAL, THEIRS, WRITTEN, Mail, Request, Scope, World, mail_of, ours, put


def network(scope: Scope, world: World) -> Iterator[tuple[str, World]]:
    """A request that was given up arrives after all, or never will."""
    for request in world.wire:
        rest = world._replace(wire=world.wire - {request})
        for name, moved, _ in arrival(scope, rest, request):
            yield f"late: {request.call} {name}", moved


def arrival(scope: Scope, world: World, request: Request) -> Iterator[tuple[str, World, Event]]:
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
            if scope.signs:
                signed = fresh._replace(digest=f"{edit} signed", fingerprint="signed")
                yield "is taken and signed", put(world, edit, signed), Submitted(edit)
            if scope.sends_at_once:
                sent = put(world, edit, fresh._replace(remote_state=RemoteState.RELEASED))
                yield "is sent at once", ours(sent, edit), Submitted(edit)


def gateway(scope: Scope, world: World) -> Iterator[tuple[str, World]]:
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
        if scope.is_timed and not mail.is_late:
            yield f"the send time of {email_id} passes", put(world, email_id, mail._replace(is_late=True))


def other_people(scope: Scope, world: World) -> Iterator[tuple[str, World]]:
    """A second reviewer decides, the agent cancels or rewrites."""
    for email_id, mail in world.mails:
        if mail.remote_state is RemoteState.PENDING:
            for remote_state in (RemoteState.RELEASED, RemoteState.REJECTED):
                yield (
                    f"other: {email_id} {remote_state}",
                    put(world, email_id, mail._replace(remote_state=remote_state, by="other")),
                )
                if scope.names_us:
                    twins = mail._replace(remote_state=remote_state, by="twin")
                    yield f"another with our key: {email_id} {remote_state}", put(world, email_id, twins)
        if mail.remote_state in (RemoteState.PENDING, RemoteState.SCANNING, RemoteState.SCHEDULED):
            cancelled = mail._replace(remote_state=RemoteState.CANCELLED, by="agent")
            yield f"agent: cancels {email_id}", put(world, email_id, cancelled)
        if (
            (email_id == ORIGINAL or scope.rewrites)
            and "rewritten" not in mail.digest
            and mail.remote_state in (RemoteState.PENDING, RemoteState.SCHEDULED)
            and email_id != THEIRS
        ):
            rewritten = mail._replace(digest=f"{email_id} rewritten", fingerprint="rewritten")
            yield f"agent: rewrites {email_id}", put(world, email_id, rewritten)
        if scope.needs_second and mail.remote_state is RemoteState.PENDING:
            without = frozenset(approval for approval in mail.approvals if approval[0] != "other")
            approved = mail._replace(approvals=without | {("other", mail.digest)})
            yield f"other: first approval of {email_id}", put(world, email_id, approved)
            taken_back = mail._replace(approvals=without)
            yield f"other: no approval of {email_id} any more", put(world, email_id, taken_back)
    original = mail_of(world, ORIGINAL)
    if scope.colleague and THEIRS not in dict(world.mails) and original.remote_state is RemoteState.PENDING:
        theirs = Mail(RemoteState.PENDING, "theirs", "written by the other", "other", (ORIGINAL,))
        tagged = put(world, ORIGINAL, original._replace(relatives=(THEIRS,)))
        yield "other: submits an edit", put(tagged, THEIRS, theirs)


def snapshot_of(scope: Scope, mail: Mail) -> Snapshot:
    """The email as a reading gives it. Who approved is a name that this client knows as its own, or does not."""
    named = scope.names_us and mail.remote_state is RemoteState.RELEASED
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
