"""The outcome of a decision as text and as JSON, and the requests for other drafts that follow it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import Exit
from mm_tui.decision.state import Choice, Outcome
from mm_tui.review.diff import Kind, compare, marked
from mm_tui.review.digest import short
from mm_tui.services.decisions.overview import ASKS_REDRAFT
from mm_tui.services.decisions.redrafts import RedraftRequests
from mm_tui.services.decisions.view import SAME_TO_READ, Changed, DecisionView, Phase, Shown
from mm_tui.services.events import RedraftNotAsked, ServiceEvent
from mm_tui.session import Session
from mm_tui.text import ManyLine, OneLine

LATER = OneLine("another draft will be asked for when mm-tui runs next")


class RedraftsAsked(msgspec.Struct, frozen=True):
    """The result of the requests: for the emails that are in neither, another draft was asked for."""

    refused: dict[str, RedraftNotAsked]
    """By email: requests that can never succeed."""
    later: frozenset[str]
    """Emails whose request failed, and is repeated when mm-tui runs next."""

    def fields(self, email_id: str) -> dict[str, object]:
        """The result for an email, for JSON."""
        if email_id in self.refused:
            return {"state": "refused", "words": self.refused[email_id].words}
        return {"state": "later", "words": LATER} if email_id in self.later else {"state": "asked", "words": None}

    def status(self, email_id: str) -> Exit:
        """The exit status: a request that is repeated later is no failure."""
        refused = self.refused.get(email_id)
        if refused is None:
            return Exit.OK
        return Exit.AUTH if refused.needs_key else Exit.GATEWAY


async def ask_redrafts(session: Session) -> RedraftsAsked:
    """Makes each request once, also those that earlier runs left."""
    refused: dict[str, RedraftNotAsked] = {}

    def note(event: ServiceEvent) -> None:
        if isinstance(event, RedraftNotAsked):
            refused[event.email_id] = event

    later = await RedraftRequests(session.database, session.network.gateway, session.clock, note).ask()
    return RedraftsAsked(refused, frozenset(later))


def print_outcome(view: DecisionView, status: Exit, redrafts: RedraftsAsked | None, *, as_json: bool) -> None:
    """Prints how a decision ended or what it asks, with what changed, and what became of the requests for drafts."""
    asked = view.question
    redrafts = redrafts or RedraftsAsked({}, frozenset())
    refused = redrafts.refused.get(view.email_id)
    if refused is not None:
        view = replace(view, words=OneLine(view.words.removesuffix(ASKS_REDRAFT)))
    if as_json:
        redraft = redrafts.fields(view.email_id) if view.asks_redraft else None
        emit.data(_data(view, status or redrafts.status(view.email_id)) | {"redraft": redraft})
    elif status is Exit.OK:
        emit.line(view.words)
    for event in redrafts.refused.values():
        emit.error(event.words)
    if redrafts.later:
        emit.note(OneLine(f"note: {LATER}"))
    if as_json or status is Exit.OK:
        return
    cure = ""
    if asked is not None:
        cure = f"Answer it: mm-tui pending answer {view.email_id} CHOICE"
    elif view.phase is Phase.UNKNOWN:
        cure = "It is never repeated automatically. The app, or `mm-tui pending answer`, reads the outcome."
    emit.error(view.words, cure)
    if view.changed is not None:
        for text in _change_text(view.changed, left=view.outcome is Outcome.NOT_AS_SEEN):
            emit.note(text)
    if asked is not None:
        emit.error(asked.words)
        for choice, words in asked.choices:
            named = f" --digest {short(asked.digest)}" if choice is Choice.ACCEPT else ""
            emit.note(OneLine(f"  {choice.value}{named}: {words}"))


def _data(view: DecisionView, status: Exit) -> dict[str, object]:
    asked, changed = view.question, view.changed
    question = asked and {
        "words": asked.words,
        "choices": [choice.value for choice, _ in asked.choices],
        "digest": asked.digest or None,
    }
    return {
        "id": view.email_id,
        "act": str(view.act),
        "phase": str(view.phase),
        "outcome": str(view.outcome) if view.outcome is not None else None,
        "words": view.words,
        "digest": view.digest,
        "replacement_id": view.replacement_id,
        "decided_by": view.decided_by or None,
        "decided_at": view.decided_at.isoformat() if view.decided_at else None,
        "changed": changed and {"seen": _side(changed.base), "now": _side(changed.now)},
        "question": question,
        "exit_status": int(status),
    }


def _side(shown: Shown | None) -> dict[str, object] | None:
    if shown is None:
        return None
    return {
        "from": shown.sender,
        "to": list(shown.to),
        "cc": list(shown.cc),
        "bcc": list(shown.bcc) or None,
        "subject": shown.subject,
        "body": shown.body,
        "attachments": list(shown.attachments),
        "send_at": shown.send_at or None,
    }


def _change_text(changed: Changed, *, left: bool) -> Iterator[OneLine | ManyLine]:
    """The difference as `[-what was seen-]`, `{+what is there now+}`; `left`: the second is what left."""
    old, new = changed.base, changed.now
    if old is None or new is None:
        yield OneLine("what differs could not be read")
        return
    yield OneLine(f"[-as seen-] {{+as it {'left' if left else 'is now'}+}}:")
    fields = list(old.changed_fields(new))
    for name, before, after in fields:
        removed, added = marked(Kind.REMOVED, before), marked(Kind.ADDED, after)
        yield OneLine(f"{name}: {''.join(removed)} {''.join(added)}")
    body = compare(old.body, new.body)
    if body.changed:
        yield ManyLine("".join("".join(marked(segment.kind, segment.text)) for segment in body.segments))
        yield OneLine(body.words)
    elif not fields and old != new:
        yield OneLine(SAME_TO_READ)
