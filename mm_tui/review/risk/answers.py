"""Rules about two answers to one email."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from mm_tui.review.findings import Finding, Level
from mm_tui.review.risk.model import OtherAnswer
from mm_tui.review.risk.phrases import lowered, pattern
from mm_tui.review.risk.rule import LONGEST_DRAFT, Reading, rule
from mm_tui.text import OneLine


@rule("two_answers", "two answers to one email")
def two_answers(reading: Reading) -> Iterator[Finding]:
    """Another email of ours answers the same email: `already_answered` if it was sent, `another_answer` if it is
    waiting, scheduled, or it is not known whether it was sent. Medium, low for an answer sent more than five days ago,
    after which a draft is a reminder, and for one that announced another ("I'll check and come back to you"); never
    approved in a batch. Two emails answer the same one if both name it (In-Reply-To) or, if the gateway does not say,
    if both came after it in its thread. An edit and the draft that it replaces do not count as two, nor does an email
    that went only to our own people."""
    sent = [answer for answer in reading.context.answers if answer.left]
    if sent:
        words = f"already answered {_moment(sent[-1], reading.context.today)} ({_state(sent[-1])})"
        low = _is_long_ago(sent[-1], reading.context.today) or _announced(reading)
        level = Level.LOW if low else Level.MEDIUM
        yield Finding("already_answered", level, OneLine(words + _more(len(sent) - 1)))
    waiting = [answer for answer in reading.context.answers if not answer.left]
    if waiting:
        state = "" if str(waiting[0].status) == "pending_send_approval" else f" ({_state(waiting[0])})"
        words = f"another draft answers this too{state}" if len(waiting) == 1 else f"{len(waiting)} others answer this"
        yield Finding("another_answer", Level.MEDIUM, OneLine(words))


def _announced(reading: Reading) -> bool:
    """Whether our newest email in the thread only confirmed that something arrived, or said that we write again."""
    ours = [mail for mail in reading.context.messages if mail.body and reading.is_ours(mail.sender.address)]
    return bool(ours) and pattern("announces").search(lowered(str(ours[-1].body)[:LONGEST_DRAFT])) is not None


_REMINDER = timedelta(days=5)


def _is_long_ago(answer: OtherAnswer, today: date | None) -> bool:
    """Whether an answer left so long ago that the draft is a reminder rather than the same answer twice."""
    return today is not None and answer.at is not None and today - answer.at.date() > _REMINDER


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


ANSWER_RULES = (two_answers,)
