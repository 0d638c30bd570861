"""The review queue as text and as JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from mm_tui import query
from mm_tui.commands import risk_gate
from mm_tui.commands.online import mailbox_of, online, read_drafts, refresh_queue, unsynced
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.commands.printed import FIRST_OF_TWO, Printed, remember, thread_moved
from mm_tui.commands.waiting import seen
from mm_tui.models import Mailbox
from mm_tui.review.digest import short
from mm_tui.review.disclosure import BCC_NOT_DISCLOSED, NOT_DISCLOSED, disclosure, send_time_words
from mm_tui.review.findings import Level
from mm_tui.review.rendered import needs_rendering, rendered
from mm_tui.review.risk.engine import NO_HISTORY
from mm_tui.review.risk.model import NOT_READ
from mm_tui.services.assistant.cards import CardPhase
from mm_tui.services.assistant.second_reader import SecondReader, SecondReaderState
from mm_tui.services.events import ignore, span
from mm_tui.services.mail.unsent import unsent_words
from mm_tui.services.queue.entries import ordered
from mm_tui.services.queue.entry import Order, QueueEntry
from mm_tui.services.queue.filter import FilterContext, QueueFilter, saved_filters
from mm_tui.session import Session
from mm_tui.settings.sections import Settings
from mm_tui.text import ManyLine, OneLine, file_label, subject_words

_RULE = "-" * 72
MOST_HIDDEN = 5
HIDDEN_CHARACTERS = 120
_IN_LIST = frozenset({"already_answered", "another_answer"})
"""Findings about answers, which the list names behind the subject."""


async def listing(arguments: argparse.Namespace, chosen: Settings) -> int:
    async with online(chosen) as session:
        await refresh_queue(session)
        details = await read_drafts(session)
        boxes = {box.id: box for box in session.mail.mailboxes()}
        mailbox_id = mailbox_of(arguments.mailbox, session.mail.addresses())
        order = Order.RISKIEST if arguments.order == "riskiest" else Order.OLDEST
        queue = session.queue
        # The digest here is that of the agent's text, even if an edit is saved on this machine.
        waiting = queue.entries(mailbox_id=mailbox_id, assignee=session.reviewer, why_unread=details.why_not)
        entries = [queue.as_submitted(entry) for entry in waiting]
        if arguments.filter is not None:
            chosen_filter = queue_filter_of(arguments.filter, chosen, queue.filter_context())
            entries = list(chosen_filter.select(entries))
        entries = ordered(entries, order)
        boxes_unsynced = unsynced(session)
        if any(entry.item.mailbox_id in boxes_unsynced for entry in entries):
            emit.note(OneLine(f"note: {NO_HISTORY}"))
        now = session.clock.now()
    if unread := [entry for entry in entries if not entry.is_checked]:
        reasons = "; ".join(dict.fromkeys(entry.unread_words for entry in unread))
        emit.note(OneLine(f"note: {len(unread)} of {len(entries)} are not checked yet: {reasons}"))
    if arguments.json:
        emit.data({"pending": [summary_data(entry, boxes) for entry in entries]})
    elif entries:
        # Scripts read the rows without a head; for them it stays as it was.
        head = [["id", "waits", "risk", "way", "with", "subject"]] if sys.stdout.isatty() else []
        emit.table(head + [_row(entry, now) for entry in entries])
    else:
        emit.note(
            OneLine("Nothing is waiting for a decision." if arguments.filter is None else "No waiting email matches.")
        )
    return Exit.OK


def queue_filter_of(text: str, chosen: Settings, context: FilterContext) -> QueueFilter:
    """The saved filter with that name, or the text as a query."""
    known = {str(one.name): one.query for one in saved_filters(chosen.filters.queue, list(context.addresses.items()))}
    chosen_filter = QueueFilter(known.get(text, text), context)
    if chosen_filter.complaints:
        words = str(chosen_filter.complaints[0]).removesuffix(query.IGNORED).removesuffix(query.AS_WORDS)
        raise CommandError(
            Exit.USAGE,
            f"--filter: {words}",
            f"`mm-tui docs configuration` lists the operators. Saved filters: {', '.join(known)}.",
        )
    return chosen_filter


def _row(entry: QueueEntry, now: datetime) -> list[str]:
    item = entry.item
    age = span(now - item.received_at) if item.received_at else "?"
    other = (
        item.sender.address if entry.is_inbound else ", ".join(party.address for party in item.to) or "(not disclosed)"
    )
    way = "in" if entry.is_inbound else "out"
    way = f"{way}, {entry.author_words}" if entry.author is not None else way
    answers = [entry.elsewhere_words] if entry.decided_by_other else []
    answers += [finding.words for finding in entry.assessment.findings if finding.code in _IN_LIST]
    answers += [entry.snoozed or entry.woken] if entry.snoozed or entry.woken else []
    answers += [entry.approvals.words] if entry.approvals.words else []
    answers += [entry.assignment.words] if entry.assignment is not None else []
    answers += [entry.note.words] if entry.note is not None else []
    subject = f"{subject_words(item.subject)}" + (f"  [{'; '.join(answers)}]" if answers else "")
    # "none" alone would look like an all-clear.
    risk = "none found" if entry.risk_word == Level.NONE.word else entry.risk_word
    return [item.id, age, risk, way, other, subject]


def summary_data(entry: QueueEntry, boxes: dict[str, Mailbox]) -> dict[str, object]:
    """A queue entry as JSON, as in a list: without its text."""
    item = entry.item
    box = boxes.get(item.mailbox_id)
    return {
        "id": item.id,
        "mailbox_id": item.mailbox_id,
        "mailbox": box.address if box else None,
        "direction": item.direction,
        "status": item.status,
        "from": item.sender.header,
        "to": [party.header for party in item.to],
        "subject": item.subject,
        "received_at": _iso(item.received_at),
        "risk": entry.risk_word,
        "written_by": entry.author.name if entry.author is not None else None,
        "checked": entry.is_checked,
        "not_checked_because": entry.unread_words or None,
        "resubmission": _resubmission(entry),
        "snoozed": entry.snoozed or entry.woken or None,
        "needs_second_approval": entry.approvals.needed,
        "approved_by": [
            {"by": one.by, "at": _iso(one.at), "you": one is entry.approvals.ours}
            for one in (entry.approvals.other, entry.approvals.ours)
            if one is not None
        ],
        "being_decided_by": entry.decided_by_other or None,
        "assigned_to": entry.assignment.to if entry.assignment is not None else None,
        "note": {"by": entry.note.by, "at": _iso(entry.note.at), "text": entry.note.text} if entry.note else None,
        "flags": [
            {"code": finding.code, "level": finding.level.word, "words": finding.words}
            for finding in entry.assessment.findings
        ],
        "unchecked": list(entry.assessment.unchecked),
    }


def _resubmission(entry: QueueEntry) -> dict[str, object] | None:
    if (found := entry.resubmission) is None:
        return None
    rejection = found.rejection
    return {
        "after": found.email_id,
        "rejected_at": _iso(rejection.at),
        "rejected_by": rejection.who or None,
        "reason": rejection.reason or None,
        "sent_back": rejection.sent_back,
    }


async def show(arguments: argparse.Namespace, chosen: Settings) -> int:
    async with online(chosen) as session:
        entry = await seen(session, arguments.id, with_bodies=arguments.thread)
        boxes = {box.id: box for box in session.mail.mailboxes()}
        box = boxes.get(entry.item.mailbox_id)
        read = await second_reading(session, entry, box) if arguments.second_reader else None
        if arguments.json:
            reading = second_reader_data(read) if read is not None else None
            emit.data({**_item_data(entry, boxes, box), "live": chosen.profile.is_live, "second_reader": reading})
        else:
            kind = "LIVE: approved mail is really sent"
            if not chosen.profile.is_live:
                kind = "TEST: nothing is delivered"
            emit.line(OneLine(f"profile  {chosen.profile.name}, {kind}"))
            for text in _item_text(entry, box, read):
                emit.line(text)
            for words in risk_gate.how_to_approve(
                entry.item.id, entry.digest, entry.assessment, getattr(arguments, "profile", None)
            ):
                emit.line(OneLine(words))
        # Only now: if the reader stopped reading, nothing was shown.
        sys.stdout.flush()
        remember(session.database, Printed.RISKS, entry.digest, risk_gate.shown(entry.assessment))
        first = [FIRST_OF_TWO] if entry.approvals.is_first else []
        moved = thread_moved(entry.assessment)
        remember(session.database, Printed.CONTENT, entry.item.id, [entry.digest, *first, *moved])
    return Exit.OK


def _item_data(entry: QueueEntry, boxes: dict[str, Mailbox], box: Mailbox | None) -> dict[str, object]:
    item = entry.item
    return {
        **summary_data(entry, boxes),
        "digest": entry.digest,
        "cc": None if "cc" in item.raw.undisclosed else [party.header for party in item.cc],
        "bcc": [party.header for party in item.bcc] or None,
        "body": item.body,
        "attachments": [
            {"name": file.name, "size": file.size, "content_type": file.content_type} for file in item.attachments
        ]
        if item.attachments or "attachments" not in item.raw.undisclosed
        else None,
        "thread_id": item.thread_id,
        "hidden_characters_removed": item.body.removed + item.subject.removed,
        "send_at": OneLine(item.raw.send_at) or None,
        "disclosure": [*disclosure(box, item.bcc), *_when(entry)],
        "in_house_facts": list(entry.assessment.known),
        "oversight_mode": box.oversight_mode if box else None,
        "edited_here": entry.edit is not None,
        "claimed": {"by": entry.presence.by, "since": _iso(entry.presence.since), "until": _iso(entry.presence.until)}
        if entry.presence is not None
        else None,
        "thread": [
            {
                "id": mail.summary.id,
                "direction": mail.summary.direction,
                "from": mail.summary.sender.header,
                "subject": mail.summary.subject,
                "status": mail.summary.status,
                "received_at": _iso(mail.summary.received_at),
                "exchanged": mail.mail.is_exchanged,
                "body": mail.detail.body if mail.detail else None,
            }
            for mail in entry.thread
        ],
    }


def _when(entry: QueueEntry) -> list[OneLine]:
    """When a draft will be sent, once approved."""
    return [] if entry.is_inbound else [send_time_words(entry.item.raw.send_at, datetime.now(UTC))]


def _item_text(entry: QueueEntry, box: Mailbox | None, read: SecondReaderState | None) -> Iterator[OneLine | ManyLine]:
    """The item as text, in an order suitable for screen readers: head, risks, text, thread, digest."""
    item = entry.item
    yield OneLine(f"id       {item.id}")
    yield OneLine(f"mailbox  {box.address} ({box.oversight_mode})" if box else f"mailbox  {item.mailbox_id}")
    yield OneLine(f"from     {item.sender}")
    if entry.author is not None:
        known = "journaled on this machine" if entry.author.proven else "according to its tag"
        yield OneLine(f"author   {entry.author.name}, a human ({known})")
    yield OneLine(f"to       {', '.join(map(str, item.to)) or NOT_DISCLOSED}")
    no_cc = NOT_DISCLOSED if "cc" in item.raw.undisclosed else "none"
    yield OneLine(f"cc       {', '.join(map(str, item.cc)) or no_cc}")
    yield OneLine(f"subject  {subject_words(item.subject)}")
    for file in item.attachments:
        yield OneLine(f"file     {file_label(file.name)} ({file.size} bytes, {file.content_type})")
    if "attachments" in item.raw.undisclosed:
        yield OneLine(f"file     {NOT_DISCLOSED}")
    # The output says below that bcc is unknown, with what was not checked.
    for words in () if entry.is_inbound else disclosure(box, item.bcc):
        if words != BCC_NOT_DISCLOSED:
            yield OneLine(f"note     {words}")
    for words in _when(entry):
        yield OneLine(f"when     {words if item.raw.send_at else NOT_DISCLOSED}")
    if entry.decided_by_other:
        yield OneLine(f"note     {entry.elsewhere_words}")
    if entry.resubmission is not None:
        yield OneLine(f"note     {entry.resubmitted_words} ({entry.resubmission.email_id})")
    yield from _risk_text(entry, read)
    for plain in _unlike_source(item.body):
        yield OneLine(f"note     {plain}")
    yield OneLine(_RULE)
    yield item.body
    yield OneLine(_RULE)
    for mail in entry.thread:
        summary = mail.summary
        state = f"[{unsent_words(mail.mail)}] " if not mail.mail.is_exchanged else ""
        came = f"{_iso(summary.received_at)} {summary.direction}"
        yield OneLine(f"thread   {state}{came} {summary.sender}: {subject_words(summary.subject)}")
        if mail.detail is not None:
            yield mail.detail.body
            yield OneLine(_RULE)
    yield OneLine(f"digest   {short(entry.digest)} (whole: {entry.digest})")


def _risk_text(entry: QueueEntry, read: SecondReaderState | None) -> Iterator[OneLine]:
    """What was found about the item, and what colleagues and this machine have noted about it."""
    for finding in entry.assessment.findings:
        yield OneLine(f"{finding.level.sign.strip() or '-'} {risk_gate.finding_words(finding)}")
    if not entry.assessment.findings:
        yield OneLine(f"risk     {entry.assessment.nothing}")
    for words in entry.assessment.known:
        yield OneLine(f"note     {words}")
    for words in entry.assessment.unchecked:
        yield OneLine(f"note     {words if words.startswith(NOT_READ) else f'not checked: {words}'}")
    if read is not None:
        yield OneLine(f"reader   {read.summary}")
        for remark in read.remarks:
            yield OneLine(f"reader   {remark.line}")
    if removed := entry.item.body.removed + entry.item.subject.removed:
        yield OneLine(f"warning  {removed} hidden characters removed")
    if entry.presence is not None:
        yield OneLine(f"note     {entry.presence.words}")
    if words := entry.approvals.words:
        yield OneLine(f"note     {words}")
    if entry.assignment is not None:
        yield OneLine(f"note     {entry.assignment.words}")
    if entry.note is not None:
        yield OneLine(f"note     {entry.note.words}")
    if entry.edit is not None:
        yield OneLine("note     an unsent edit of this draft is saved on this machine")


def _unlike_source(body: ManyLine) -> Iterator[str]:
    """Says that the text is printed as written, and which parts the recipient does not see."""
    if not needs_rendering(body):
        return
    yield "the text is printed as written, in Markdown"
    made = rendered(body)
    hidden = [made.text[one.start : one.end] for one in made.styles if one.style == "hidden"]
    for text in hidden[:MOST_HIDDEN]:
        yield f"the recipient does not see: {text[:HIDDEN_CHARACTERS].strip()}"
    if len(hidden) > MOST_HIDDEN:
        yield f"the recipient does not see {len(hidden) - MOST_HIDDEN} more parts"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


async def second_reading(session: Session, entry: QueueEntry, box: Mailbox | None) -> SecondReaderState:
    """Has a draft read, unless the answer is cached. Failures are reported in the state."""
    reader = SecondReader(session.build_assistant(), session.house_facts, ignore)
    return await reader.read(entry, box.address if box is not None else "")


def second_reader_data(read: SecondReaderState) -> dict[str, object]:
    """The remarks as JSON. `lines` is None if the draft was not read; an empty list is not an all-clear."""
    lines = [
        {
            "kind": remark.kind,
            "draft": remark.draft,
            "thread": remark.source,
            "source": remark.source_id,
            "from": remark.source_name,
        }
        for remark in read.remarks
    ]
    return {
        "phase": str(read.phase),
        "words": read.summary,
        "model": read.model or None,
        "stand_in": read.stand_in,
        "dropped": read.dropped,
        "lines": lines if read.phase is CardPhase.DONE else None,
    }
