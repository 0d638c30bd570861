"""Rules about two answers to one email."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from mm_tui.review.findings import Finding, Level
from mm_tui.review.risk.model import OtherAnswer
from mm_tui.review.risk.rule import Reading, flag, rule


@rule("two_answers", "two answers to one email")
def two_answers(reading: Reading) -> Iterator[Finding]:
    """Another email of ours answers the same email: `already_answered` if it was sent, `another_answer` if it is
    waiting, scheduled, or it is not known whether it was sent. Low for one that was sent, medium for the others; never
    approved in a batch. Two emails answer the same one if both name it (In-Reply-To) or, if the gateway does not say,
    if both came after it in its thread. An edit and the draft that it replaces do not count as two, nor does an email
    that went only to our own people."""
    sent = [answer for answer in reading.context.answers if answer.left]
    if sent:
        words = f"already answered {_moment(sent[-1], reading.context.today)} ({_state(sent[-1])})"
        yield flag("already_answered", words + _more(len(sent) - 1), level=Level.LOW)
    waiting = [answer for answer in reading.context.answers if not answer.left]
    if waiting:
        state = "" if str(waiting[0].status) == "pending_send_approval" else f" ({_state(waiting[0])})"
        words = f"another draft answers this too{state}" if len(waiting) == 1 else f"{len(waiting)} others answer this"
        yield flag("another_answer", words)


def _state(answer: OtherAnswer) -> str:
    return str(answer.status).replace("_", " ") or "status unknown"


def _more(number: int) -> str:
    return f" and {number} more {'time' if number == 1 else 'times'}" if number else ""


def _moment(answer: OtherAnswer, today: date | None) -> str:
    if answer.at is None:
        return "at a time that is not known"
    local: datetime = answer.at.astimezone()
    day = "" if local.date() == today else f"on {local.day} {local:%b %Y} "
    return f"{day}at {local:%H:%M}"
