"""Rules about contradictions: within a draft, with our earlier emails, and with what was asked."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

from mm_tui.models import Direction
from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.facts import Day, days_there, find_dates
from mm_tui.review.risk.phrases import lowered, opposites, pattern, phrases
from mm_tui.review.risk.rule import LONGEST_DRAFT, WRAP, Reading, agrees, quoted, rule
from mm_tui.review.risk.states import opposed, statements
from mm_tui.text import OneLine, unquoted

_CLAUSE = re.compile(r"[^,.;:!?()\n。！？、，；（）]+")
_LONG_WORD = re.compile(r"[^\W\d_]{4,}|[\u3400-\u9fff\u30a0-\u30ff]{2}")
_ROOT = 4
_MOST_CLAUSES = 600


class Clause(NamedTuple):
    """Part of a sentence: the roots of its words, and whether it is negated."""

    span: Span
    roots: frozenset[str]
    denies: bool


def _clauses(text: str, last: int) -> list[Clause]:
    found = []
    no, ifs = _places("negations", text, last), _places("conditions", text, last)
    for match in _CLAUSE.finditer(text, 0, last):
        if text[match.end() : match.end() + 1] in "?？" or _any_within(ifs, match):
            continue
        roots = _roots_of(match[0])
        if roots:
            found.append(Clause(Span(*match.span()), roots, _any_within(no, match)))
        if len(found) >= _MOST_CLAUSES:
            break
    return found


def _places(key: str, text: str, last: int) -> list[int]:
    return [match.start() for match in pattern(key).finditer(text, 0, last)]


def _any_within(places: list[int], match: re.Match[str]) -> bool:
    return bisect_left(places, match.start()) < bisect_left(places, match.end())


@cache
def _hollow() -> frozenset[str]:
    """Roots of words without content."""
    words = "have been with from this that your will would could should they their them there what which when more some"
    words += (
        " just only also very please thank thanks dear here time need know look like make want able sure still again"
    )
    return frozenset(word[:_ROOT] for word in [*words.split(), *phrases("unfinished"), *phrases("negations")])


def _turned(first: Clause, second: Clause) -> bool:
    """Whether two clauses affirm and deny the same thing: they share most words, and at least two."""
    shared = first.roots & second.roots
    return first.denies != second.denies and len(shared) >= 2 and len(shared) * 5 >= len(first.roots | second.roots) * 3


@rule("contradicts_itself", "says a thing and its opposite")
def contradicts_itself(reading: Reading) -> Iterator[Finding]:
    """Two statements in the draft cannot both be true: one says what the other denies ("the policy has
    begun", "the policy has not begun yet"), or they name two states that exclude each other (delivered and still in our
    warehouse, fully booked and a place is free). Conditions and questions do not count. Medium."""
    low = reading.low[: min(reading.written, LONGEST_DRAFT)]
    clauses = _clauses(low, len(low)) if pattern("negations").search(low) else []
    clauses = [clause for clause in clauses if not _signs(reading, clause.span)]
    for first in (clause for clause in clauses if clause.denies):
        for second in clauses:
            if _turned(first, second):
                yield _itself(reading, *sorted((first.span, second.span)))
                return
    said = statements(low)
    for first_said, second_said in opposed(said, said):
        if first_said.sentence != second_said.sentence:
            yield _itself(reading, *sorted(_around(low, one.span) for one in (first_said, second_said)))
            return
    any_first, pairs = opposites()
    for one, other in pairs if any_first.search(low) else ():
        here = one.search(low)
        for there in other.finditer(low) if here else ():
            assert here is not None
            spans = (Span(*here.span()), Span(*there.span()))
            parts = [_sentence(low, span) for span in spans]
            apart = there.end() <= here.start() or here.end() <= there.start()
            if apart and parts[0] != parts[1] and not any(pattern("conditions").search(low, *part) for part in parts):
                yield _itself(reading, *sorted(_around(low, span) for span in spans))
                return


_LONGEST_SIGNATURE_LINE = 50


def _signs(reading: Reading, span: Span) -> bool:
    """Whether a clause is a line of the signature: a short one near the end without a full stop."""
    if span.start < reading.last_lines:
        return False
    begin, end = reading.low.rfind("\n", 0, span.end) + 1, reading.low.find("\n", span.end)
    line = reading.low[begin : end if end >= 0 else None].strip()
    return len(line) <= _LONGEST_SIGNATURE_LINE and line[-1:] not in ".!?:。！？"


def _sentence(text: str, span: Span) -> tuple[int, int]:
    ends = [match.end() for match in re.finditer(r"[.!?。！？\n](?:\s|\Z)|[。！？\n]", text)]
    begins = max((end for end in ends if end <= span.start), default=0)
    return begins, min((end for end in ends if end >= span.end), default=len(text))


def _around(text: str, span: Span) -> Span:
    """The clause around a position."""
    for match in _CLAUSE.finditer(text):
        if match.start() <= span.start < match.end():
            return Span(match.start() + len(match[0]) - len(match[0].lstrip()), max(match.end(), span.end))
    return span


def _itself(reading: Reading, first: Span, second: Span) -> Finding:
    one, other = (quoted(reading.body[slice(*span)].strip()) for span in (first, second))
    return Finding("contradicts_itself", Level.MEDIUM, OneLine(f"says {one} and {other}"), (first, second))


@rule("contradicts_us", "denies what we wrote before", needs_thread=True)
def contradicts_us(reading: Reading) -> Iterator[Finding]:
    """An earlier email of ours in this thread says no where the draft says yes, or the reverse, in the same words; or
    it names a state that excludes the draft's ("has been delivered", "is still in our warehouse"). Medium: one of the
    two is wrong, or the change should be explained."""
    low = reading.low[: min(reading.written, LONGEST_DRAFT)]
    ours = [
        mail
        for mail in reading.context.messages
        if mail.body is not None and (mail.direction != Direction.INBOUND or reading.is_ours(mail.sender.address))
    ]
    if not ours:
        return
    mine, said = _clauses(low, len(low)), statements(low)
    for mail in reversed(ours[-3:]):
        text = unquoted(WRAP.sub(" ", lowered(str(mail.body)[:LONGEST_DRAFT])))
        theirs = _clauses(text, len(text))
        for clause in mine:
            other = next((one for one in theirs if _turned(clause, one) and _affirmed(low, clause, text, one)), None)
            if other:
                in_thread = quoted(text[slice(*other.span)].strip())
                words = f"says {quoted(reading.body[slice(*clause.span)].strip())}, while we wrote {in_thread}"
                yield Finding("contradicts_us", Level.MEDIUM, OneLine(words), (clause.span,))
                return
        turned = next(((one.sentence, other.sentence) for one, other in opposed(said, statements(text))), None)
        if states := turned or _other_state(low, text):
            here, there = states
            mine_said, in_thread = quoted(reading.body[slice(*here)].strip()), quoted(text[slice(*there)].strip())
            words = f"says {mine_said}, while we wrote {in_thread}"
            yield Finding("contradicts_us", Level.MEDIUM, OneLine(words), (here,))
            return


def _affirmed(mine: str, first: Clause, theirs: str, second: Clause) -> bool:
    """Whether the sentence with the clause that affirms denies nothing: "not in the hall, because of the licence"."""
    text, clause = (theirs, second) if first.denies else (mine, first)
    return pattern("negations").search(text, *_sentence(text, clause.span)) is None


def _other_state(mine: str, theirs: str) -> tuple[Span, Span] | None:
    """Two sentences about the same thing with states that exclude each other."""
    for pair in opposites()[1]:
        for one, other in (pair, pair[::-1]):
            here = one.search(mine)
            there = other.search(theirs) if here else None
            if here is None or there is None:
                continue
            sentences = [Span(*_sentence(mine, Span(*here.span()))), Span(*_sentence(theirs, Span(*there.span())))]
            roots = [_roots_of(text[slice(*span)]) for text, span in zip((mine, theirs), sentences, strict=True)]
            conditional = any(
                pattern("conditions").search(text, *span) for text, span in zip((mine, theirs), sentences, strict=True)
            )
            if roots[0] & roots[1] and not conditional and one.search(theirs) is None:
                return sentences[0], sentences[1]
    return None


def _roots_of(text: str) -> frozenset[str]:
    return frozenset(word[:_ROOT] for word in _LONG_WORD.findall(text)) - _hollow()


@rule("date_called_off", "keeps a date that was called off", needs_thread=True)
def date_called_off(reading: Reading) -> Iterator[Finding]:
    """The other side's newest email cancels a day, and the draft confirms that day without mentioning it.
    Medium."""
    low = reading.low[: reading.written]
    mine = find_dates(low)
    if not mine or pattern("calls_off").search(low):
        return
    for match in re.finditer(r"[^.!?\n。！？]+", _undotted(reading.asked_text)):
        sentence = reading.asked_text[slice(*match.span())]
        off = find_dates(sentence) if pattern("calls_off").search(sentence) else ()
        if len(off) != 1:
            continue
        for day in mine:
            if day.readings & off[0].readings and agrees(reading, day.span):
                in_thread = quoted(sentence.strip())
                words = f"confirms {quoted(reading.body[slice(*day.span)])}, while the last mail says {in_thread}"
                yield Finding("date_called_off", Level.MEDIUM, OneLine(words), (day.span,))


def _undotted(text: str) -> str:
    """`text` with commas for the dots of ordinals and dates, so that they do not end a sentence."""
    return re.sub(r"(?<=\d)\.(?=[ \d])", ",", text)


_NEAR_BEFORE, _NEAR_AFTER = 45, 20
"""How many characters around a day are searched for words about the future."""
_LONGEST_PAST = timedelta(days=120)
_LONGEST_OF = 14
_OF_THAT_DAY = re.compile(r"\b(?:of|dated|from|since|vom|seit|bis(?: zum)?|ab(?: dem)?|van|sinds|z dnia)\s(?:the\s)?\Z")
"""Words before the day of a letter or a period: "the letter of 14 September"."""


@rule("date_past", "a future day that has passed")
def date_past(reading: Reading) -> Iterator[Finding]:
    """The draft speaks of a future day ("you can come on", "see you on"), but that day was before the draft. A day
    without a year means the nearest one. Medium; days that the thread names are accepted."""
    today = reading.context.today
    if today is None:
        return
    body = reading.body[: reading.written]
    days = find_dates(body)
    known = days_there(reading, days) if days else ()
    came = {(mail.received_at.month, mail.received_at.day) for mail in reading.context.messages if mail.received_at}
    years = {month: day.year for day in (*known, *days) if day.year for month, _ in day.readings}
    for day in days:
        if day.readings & came or any(day.readings & other.readings for other in known) or not day.exists:
            continue
        if not day.year and any(years.get(month, 0) > today.year for month, _ in day.readings):
            continue
        if _OF_THAT_DAY.search(reading.low, max(0, day.span.start - _LONGEST_OF), day.span.start):
            continue
        first, last = reading.sentence(day.span.start)
        near = max(first, day.span.start - _NEAR_BEFORE), min(last, day.span.end + _NEAR_AFTER)
        if not pattern("future").search(reading.low, *near):
            continue
        if when := _past(day, today):
            words = (
                f"speaks of {quoted(body[slice(*day.span)])} as a day to come: it was {(today - when).days} days ago"
            )
            yield Finding("date_past", Level.MEDIUM, OneLine(words), (day.span,))


def _past(day: Day, today: date) -> date | None:
    """The day, if it can only be in the past."""
    nearest = []
    for month, number in day.readings:
        found = []
        for year in (day.year,) if day.year else (today.year - 1, today.year, today.year + 1):
            try:
                found.append(date(year, month, number))
            except ValueError:
                continue
        if not found:
            continue
        nearest.append(min(found, key=lambda one: abs(one - today)))
    if not nearest or any(one >= today for one in nearest):
        return None
    late = max(nearest)
    return late if today - late <= _LONGEST_PAST else None


CONTRADICTION_RULES = (contradicts_itself, contradicts_us, date_called_off, date_past)
