"""An email's full history, oldest first: what the gateway, this program, its human and its models did with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec.structs import replace

from mm_tui.models import Direction, EmailDetail, EmailSummary
from mm_tui.review.digest import short
from mm_tui.services.audit.key_names import actor_words
from mm_tui.services.audit.line import AuditLine, AuditLines, Tone
from mm_tui.store.assist import AssistStore, ResultKey
from mm_tui.store.audit.folding import Folder
from mm_tui.store.audit.timeline import LineFilter, Source
from mm_tui.store.database import Database
from mm_tui.store.decisions.records import DecisionStore, SavedDecision
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import OneLine

_NOTHING = OneLine("")
_PLAIN_IDS = frozenset({"mailbox_id", "thread_id"})
MOST_LINES = 2000
"""The most log lines read for one email."""


class Origin(StrEnum):
    MAIL = "mail"
    """The email as listed by the gateway: its times and receipts."""
    GATEWAY = "gateway"
    JOURNAL = "journal"
    MODEL = "model"
    HERE = "here"
    """This program, on this machine."""


class HistoryEvent(msgspec.Struct, frozen=True):
    """One event in the history of an email."""

    at: datetime | None
    origin: Origin
    words: OneLine
    who: OneLine = OneLine("")
    more: OneLine = OneLine("")
    relation: OneLine = OneLine("")
    """If it happened to a related email: what that is to this one, such as `its edited text`."""
    tone: Tone = Tone.PLAIN


class History(msgspec.Struct, frozen=True):
    """Everything that is known about one email."""

    email_id: str
    summary: EmailSummary | None
    detail: EmailDetail | None
    """None if it was not opened on this machine: its tags and approver are then unknown."""
    family: Mapping[str, OneLine]
    """Its edited texts, or its original, by their ids: what each is to it."""
    events: tuple[HistoryEvent, ...]
    """Oldest first; those without a time last."""


class Histories:
    """Reads histories from the store. It takes some tens of milliseconds: call it in a thread."""

    def __init__(self, database: Database, lines: AuditLines) -> None:
        self._database = database
        self._lines = lines
        self._assist = AssistStore(database)
        self._mail = MailStore(database)
        self._pending = PendingStore(database)
        self._decisions = DecisionStore(database)

    def of(self, email_id: str) -> History:
        self._lines.learn()
        summary = self._mail.summary(email_id)
        detail = self._mail.detail(email_id)
        rows = self._decisions.family(email_id)
        family = family_of(email_id, rows)
        events = list(self._mail_events(email_id, summary, detail))
        for other, relation in family.items():
            other_summary = self._mail.summary(other)
            events += self._mail_events(other, other_summary, self._mail.detail(other), relation)
        seen: set[int] = set()
        for one in (email_id, *family):
            events += self._logged(one, seen, family.get(one, _NOTHING))
        events += self._assisted(email_id, summary)
        events.sort(key=lambda event: (event.at is None, event.at or datetime.max.replace(tzinfo=UTC)))
        return History(email_id, summary, detail, family, tuple(events))

    def _mail_events(
        self, email_id: str, summary: EmailSummary | None, detail: EmailDetail | None, relation: OneLine = _NOTHING
    ) -> Iterable[HistoryEvent]:
        if summary is None:
            return
        inbound = str(summary.direction) == Direction.INBOUND
        came = "arrived" if inbound else "written"
        sender = summary.sender.address
        yield HistoryEvent(summary.received_at, Origin.MAIL, OneLine(came), sender, relation=relation)
        if (seen_at := self._pending.seen_at(email_id)) is not None:
            yield HistoryEvent(seen_at, Origin.HERE, OneLine("entered the queue here"), relation=relation)
        if (read_at := self._mail.detail_at(email_id)) is not None:
            yield HistoryEvent(read_at, Origin.HERE, OneLine("last read from the gateway"), relation=relation)
        if detail is not None and detail.approved_at is not None:
            ours = next((one.who for one in self._lines.journaled.about(email_id) if one.approved), None)
            who = ours or actor_words(detail.approved_by, self._lines.names)
            by = OneLine(f"by {who}") if who else OneLine("")
            yield HistoryEvent(
                detail.approved_at, Origin.MAIL, OneLine("approved"), by, relation=relation, tone=Tone.DECISION
            )
        if summary.delivered_at is not None:
            words = OneLine("delivery receipt")
            yield HistoryEvent(summary.delivered_at, Origin.MAIL, words, relation=relation, tone=Tone.DECISION)
        if summary.bounced_at is not None:
            words = OneLine(f"bounced {summary.bounce_type}".strip())
            yield HistoryEvent(summary.bounced_at, Origin.MAIL, words, relation=relation, tone=Tone.FAILURE)

    def _logged(self, email_id: str, seen: set[int], relation: OneLine) -> Iterable[HistoryEvent]:
        keys: list[int] = []
        for chunk in self._lines.keys(LineFilter(email_id=email_id)):
            keys += [key for key in chunk if key not in seen]
            if len(keys) >= MOST_LINES:
                break
        seen.update(keys)
        folder = Folder(self._database, decisions=False)
        for shown in self._lines.lines(folder.fold(keys[:MOST_LINES]))[::-1]:
            folded = folder.folded.get(shown.line.key, 0)
            yield _logged_event(replace(shown, folded=folded), relation)

    def _assisted(self, email_id: str, summary: EmailSummary | None) -> Iterable[HistoryEvent]:
        subjects = [email_id]
        if summary is not None and summary.thread_id is not None:
            subjects.append(summary.thread_id)
        for found in self._assist.about(subjects):
            of_thread = " (its thread)" if found.key.subject_id != email_id else ""
            words, who, more = _assist_words(found.key, found.result)
            yield HistoryEvent(found.made_at, Origin.MODEL, OneLine(words + of_thread), who, more)


def family_of(email_id: str, rows: Sequence[SavedDecision]) -> dict[str, OneLine]:
    """The related emails in these decisions by id, each with what it is to this one."""
    edits = {row.replacement_id for row in rows if row.item_id == email_id}
    originals = {row.item_id for row in rows if row.replacement_id == email_id}
    members = {member for row in rows for member in (row.item_id, row.replacement_id) if member}
    return {
        other: OneLine(
            "its edited text" if other in edits else "its original" if other in originals else "another edited text"
        )
        for other in sorted(members - {email_id})
    }


def _logged_event(shown: AuditLine, relation: OneLine) -> HistoryEvent:
    line = shown.line
    if line.source is Source.GATEWAY:
        parts = [f"{key}: {value}" for key, value in line.details if str(key) not in _PLAIN_IDS]
    else:
        parts = _journal_details(line.action, {str(key): str(value) for key, value in line.details})
    if shown.folded:
        parts.append(f"{shown.folded} earlier tag {'change' if shown.folded == 1 else 'changes'}")
    return HistoryEvent(
        at=line.at,
        origin=Origin(line.source.value),
        words=shown.words,
        who=shown.who,
        more=OneLine(" · ".join(parts)),
        relation=relation,
        tone=shown.tone,
    )


def _journal_details(action: str, details: Mapping[str, str]) -> list[str]:
    """The details of an entry; those repeated by all entries of a decision appear with its first only."""
    parts: list[str] = []
    if action == "held":
        parts += [f"digest {short(details['digest'])}"] if details.get("digest") else []
        parts += [f"reason: {details['reason']}"] if details.get("reason") else []
        parts += [f"despite {details['found']}"] if details.get("found") else []
        parts += [f"written by {details['written_by']}"] if details.get("written_by") else []
    elif action == "submitted" and details.get("about"):
        parts += [f"the edited text is {details['about']}"]
    elif action == "snoozing":
        parts += [f"until {details.get('until', '')}"]
    elif action in ("noting", "assigning"):
        parts += [details.get("text") or f"to {details.get('to', 'nobody')}"]
    elif action == "done" and details.get("note"):
        parts += [f"the gateway answered: {details['note'].replace('_', ' ')}"]
    return parts


def _assist_words(key: ResultKey, result: dict[str, Any]) -> tuple[str, OneLine, OneLine]:
    """What a model did, which model answered, and what it found."""
    done = {
        "classify": "labelled", "summarise": "summarised", "extract": "read for facts", "draft": "drafted",
        "second_reader": "read as second reader", "tags": "read from its tags",
    }  # fmt: skip
    value = result.get("value", result)
    named = value.items() if isinstance(value, dict) else [("", value)]
    found = [
        f"{name}: {said}".removeprefix(": ") for name, said in named if isinstance(said, str | int | float) and said
    ]
    return done.get(key.task, key.task), OneLine(result.get("model") or key.model), OneLine(" · ".join(found))
