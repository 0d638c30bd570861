"""Decisions from the command line: the same procedure and journal, no hold, and the digest given by the human."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Collection, Sequence
from contextlib import suppress
from typing import TypeVar

from mm_tui.commands import risk_gate
from mm_tui.commands.decision_output import RedraftsAsked, ask_redrafts, print_outcome
from mm_tui.commands.online import online
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.commands.printed import FIRST_OF_TWO, Printed, printed, remember, thread_moved
from mm_tui.commands.waiting import seen
from mm_tui.decision.state import Act, Choice, Outcome
from mm_tui.models import EditedDraft
from mm_tui.review.digest import is_digest, names
from mm_tui.review.disclosure import BCC_NOT_DISCLOSED
from mm_tui.review.draft import starts_thread
from mm_tui.review.findings import Finding
from mm_tui.services.decisions.record import state_of
from mm_tui.services.decisions.request import OwnReply, WaitsForSecond
from mm_tui.services.decisions.service import Decisions, Refused
from mm_tui.services.decisions.view import DecisionView
from mm_tui.services.queue.assessing import edited_draft
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.session import Session
from mm_tui.settings.sections import Settings
from mm_tui.store.decisions.records import DecisionStore
from mm_tui.store.seal import STORE_FAULTS, fault_of_store
from mm_tui.text import OneLine

Begun = TypeVar("Begun")
_DONE = frozenset(
    {
        Outcome.APPROVED,
        Outcome.FIRST_APPROVED,
        Outcome.REJECTED,
        Outcome.DECIDED,
        Outcome.EDIT_RELEASED,
        Outcome.RESCHEDULED,
    }
)
_REFUSED = frozenset({Outcome.DENIED, Outcome.NOT_SUBMITTED})
_GATEWAY = frozenset({Outcome.UNREACHABLE, Outcome.UNCLEAR, Outcome.NOT_SUBMITTED, Outcome.EDIT_FAILED})


async def approve(arguments: argparse.Namespace, chosen: Settings) -> int:
    async with online(chosen) as session:
        decisions = session.build_decisions(by_command=True)
        entry = await _named(session, arguments)
        if FIRST_OF_TWO in printed(session.database, Printed.CONTENT, entry.item.id) and not entry.approvals.is_first:
            raise CommandError(
                Exit.CHANGED,
                f"your approval would release {entry.item.id}: "
                f"{entry.approvals.words or 'one approval is enough now'}. It was printed as the first of two",
                f"Read it again with `mm-tui pending show {entry.item.id}`. Nothing was decided.",
            )
        before = printed(session.database, Printed.RISKS, entry.digest)
        assessment, also = entry.assessment, _to_ask_about(session, entry)
        despite = await risk_gate.pass_through(
            entry.item.id, assessment, arguments.accept_risk, before, may_ask=not arguments.json, also=also
        )
        found = assessment.findings
        await begun(decisions.approve(entry.item, entry.digest, found=found, shown=entry.approvals, hold=0))
        return await _outcome(session, decisions, arguments, despite)


async def reject(arguments: argparse.Namespace, chosen: Settings) -> int:
    async with online(chosen) as session:
        decisions = session.build_decisions(by_command=True)
        entry = await _named(session, arguments)
        asks = True if arguments.redraft else None
        if asks and chosen.profile.send_key is None:
            raise CommandError(
                Exit.AUTH, "asking for another draft needs a send key", "Set send_key, or leave out --redraft."
            )
        if asks and (entry.is_inbound or entry.author is not None):
            raise CommandError(
                Exit.USAGE,
                f"{entry.item.id} is not a draft of an agent, so nobody can be asked for another one",
                "Leave out --redraft. Nothing was decided.",
            )
        await begun(decisions.reject(entry.item, entry.digest, arguments.reason, asks_redraft=asks, hold=0))
        return await _outcome(session, decisions, arguments)


async def edit(arguments: argparse.Namespace, chosen: Settings, body: str) -> int:
    """Releases an edited text in place of the item with this digest."""
    async with online(chosen) as session:
        decisions = session.build_decisions(by_command=True)
        entry = await _named(session, arguments)
        raw = entry.item.raw
        draft = EditedDraft(
            to=tuple(arguments.to) if arguments.to else raw.to,
            subject=raw.subject if arguments.subject is None else arguments.subject,
            body=body,
        )
        if starts_thread(raw, draft):
            emit.note(OneLine("note: another recipient or subject starts a new thread"))
        written = edited_draft(entry.item, draft)
        if written.replaces and not raw.bcc:
            emit.note(OneLine(f"note: {BCC_NOT_DISCLOSED}, and your edit has none"))
        assessment = session.queue.assess_edit(entry, written)
        also = _to_ask_about(session, entry)
        box = session.mail.mailbox(entry.item.mailbox_id)
        if box is not None and (through := box.let_through((*draft.to, *raw.cc, *raw.bcc))):
            also.append(OneLine(f"{', '.join(through)}: on the mailbox's allowlist. The edit is sent when submitted"))
        # `pending show` prints the risks of the draft: the same code may stand for something else in the edit.
        despite = await risk_gate.pass_through(
            entry.item.id, assessment, arguments.accept_risk, None, may_ask=not arguments.json, also=also
        )
        found = assessment.findings
        await begun(decisions.release_edit(entry.item, entry.digest, draft, found=found, hold=0))
        return await _outcome(session, decisions, arguments, despite)


async def answer(arguments: argparse.Namespace, chosen: Settings) -> int:
    """Answers the question of an unfinished decision, or prints it."""
    async with online(chosen) as session:
        await session.check_account()
        decisions = session.build_decisions(by_command=True)
        await decisions.resume()
        view = decisions.overview.state(arguments.id)
        if view is None:
            raise CommandError(Exit.NOT_FOUND, f"there is no open decision about {arguments.id}")
        view = await _settled(decisions, arguments)
        if arguments.choice is not None and view.question is not None:
            offered = {choice.value: choice for choice, _ in view.question.choices}
            if arguments.choice not in offered:
                raise CommandError(
                    Exit.USAGE, f"{arguments.choice} is not one of the choices", f"Choices: {', '.join(offered)}."
                )
            choice, digest = Choice(arguments.choice), view.question.digest
            before = printed(session.database, Printed.QUESTION, view.id)
            if choice is Choice.ACCEPT:
                _refuse_other(arguments, digest, before, f"mm-tui pending answer {arguments.id}")
            if view.question.words not in before:
                _report(session, view, Exit.CHANGED, as_json=arguments.json)
                emit.note(OneLine("This was not asked before: read it, and answer again. Nothing was decided."))
                return Exit.CHANGED
            await decisions.answer(arguments.id, choice, digest=digest)
        return await _outcome(session, decisions, arguments)


def _to_ask_about(session: Session, entry: QueueEntry) -> list[OneLine]:
    """What a human should know about an email besides its text's risks: a colleague has it open, or its thread has
    continued since it was printed."""
    before = printed(session.database, Printed.CONTENT, entry.item.id)
    moved = [words for words in thread_moved(entry.assessment) if words not in before]
    return [*([entry.colleague_words] if entry.colleague_words else []), *moved]


async def _named(session: Session, arguments: argparse.Namespace) -> QueueEntry:
    """The current item, if it has this digest. Raises CommandError if it has another digest (6), was decided (6), or
    does not exist (3); or if what is given is no digest (2)."""
    entry = await seen(session, arguments.id)
    before = printed(session.database, Printed.CONTENT, arguments.id)
    _refuse_other(arguments, entry.digest, before, f"mm-tui pending show {arguments.id}")
    return entry


def _refuse_other(arguments: argparse.Namespace, digest: str, before: Collection[str], shows: str) -> None:
    """Refuses if the content with this digest is not the one that the arguments name.

    The beginning of a digest names only what was printed on this machine: whoever writes two texts can choose them so
    that both digests begin alike. `before`: the whole digest of what was printed last. `shows`: the command that prints
    it. Raises CommandError if it has another digest (6), or what is given is no digest (2).
    """
    if not is_digest(arguments.digest):
        raise CommandError(
            Exit.USAGE,
            f"{arguments.digest!r} is no digest: it has 8 or more of the digits 0-9 and a-f",
            f"`{shows}` prints it. Nothing was decided.",
        )
    if not names(arguments.digest, digest):
        raise CommandError(
            Exit.CHANGED,
            f"{arguments.id} does not match the digest {arguments.digest}",
            f"Read it again with `{shows}`. Nothing was decided.",
        )
    if len(arguments.digest) < len(digest) and digest not in before:
        raise CommandError(
            Exit.CHANGED,
            f"{arguments.id} as it is now was not printed on this machine, so it needs the whole digest",
            f"Read it with `{shows}`. Nothing was decided.",
        )


async def begun(beginning: Awaitable[Begun]) -> Begun:
    """Starts one or several decisions, and returns the result. Raises CommandError if it cannot start, because another
    is in progress (6), this reviewer may not (4), or the journal cannot be written (10)."""
    try:
        return await beginning
    except Refused as refused:
        status = Exit.CONFIG if refused.__cause__ is not None else Exit.CHANGED
        status = Exit.AUTH if isinstance(refused, OwnReply | WaitsForSecond) else status
        raise CommandError(status, str(refused.message), str(refused.what_to_do)) from None


async def _outcome(
    session: Session, decisions: Decisions, arguments: argparse.Namespace, despite: Sequence[Finding] = ()
) -> int:
    """Waits for the end, prints it with the high risks that it was approved `despite`, and returns its status."""
    view = await _settled(decisions, arguments)
    status = _status(session, decisions, view)
    redrafts = await _follow_up(session, decisions, view) if status is Exit.OK else None
    _report(session, view, status, as_json=arguments.json, redrafts=redrafts)
    for finding in despite if status is Exit.OK else ():
        emit.note(OneLine(f"{finding.level.sign} approved despite {risk_gate.finding_words(finding)}"))
    return status if redrafts is None else redrafts.status(view.email_id)


async def _follow_up(session: Session, decisions: Decisions, view: DecisionView) -> RedraftsAsked:
    """What follows a decision that was made. If the store fails, the outcome is still reported."""
    try:
        if view.act is not Act.APPROVE_FIRST:
            # The next poll would see it too, but nobody should find it waiting in the store before.
            session.pending.remove(view.email_id)
        await decisions.followed_up()
        return await ask_redrafts(session)
    except STORE_FAULTS as error:
        emit.warning(fault_of_store(error))
        return RedraftsAsked({}, frozenset({view.email_id} if view.asks_redraft else ()))


async def _settled(decisions: Decisions, arguments: argparse.Namespace) -> DecisionView:
    """The decision once it has ended or asks, or its state when the time limit is reached."""
    try:
        async with asyncio.timeout(arguments.wait):
            return await decisions.overview.settled(arguments.id)
    except TimeoutError:
        view = decisions.overview.state(arguments.id)
        assert view is not None
        return view


def _status(session: Session, decisions: Decisions, view: DecisionView) -> Exit:
    if not view.ended:
        return Exit.GATEWAY
    row = DecisionStore(session.database).get(view.id)
    outcome = state_of(row).outcome if row is not None else None
    if outcome in _DONE:
        return Exit.OK
    if outcome in _REFUSED and decisions.was_limited(view.id):
        return Exit.RATE_LIMITED
    if outcome is Outcome.DENIED:
        return Exit.AUTH
    return Exit.GATEWAY if outcome in _GATEWAY else Exit.CHANGED


def _report(
    session: Session, view: DecisionView, status: Exit, *, as_json: bool, redrafts: RedraftsAsked | None = None
) -> None:
    asked = view.question
    print_outcome(view, status, redrafts, as_json=as_json)
    # Only now: if the output could not be written, nothing was asked.
    emit.finish()
    with suppress(*STORE_FAULTS, OSError):
        # Without it the question must be read once more, which is no reason to fail now.
        sys.stderr.flush()
        remember(session.database, Printed.QUESTION, view.id, [asked.words, asked.digest] if asked is not None else [])
