"""Rules about what was offered and chosen: a day or time other than the chosen one, the price of another offer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date

from mm_tui.review.findings import Finding, Span, line_span
from mm_tui.review.risk.facts import Sum, find_amounts, find_dates
from mm_tui.review.risk.phrases import lowered, pattern, weekday_names, weekday_number
from mm_tui.review.risk.rule import LONGEST_DRAFT, Reading, flag, quoted, rule
from mm_tui.review.risk.sentences import is_open
from mm_tui.review.risk.timing import times_of_day

_DAY, _TIME = "day", "time"
_CLAUSE = re.compile(
    r"(?:(?!\s(?:but|aber|mais|pero|mas|ma|maar|ale)\s)(?:[^.,;:!?\n。！？、，；]|(?<=\d)[.,:](?=\d)))+\??"
)
_OUT = re.compile(r"\b(?:out|except|außer|sauf|salvo|behalve|oprócz|weg|away|absent)\b|以外|除了")
_NEAR_DATE = 12
_LONGEST_CHOICE = 1_500
_MOST_OFFERS = 8


class _Named(dict[tuple[str, int], Span]):
    """The weekdays and times of day that a text names, with the place of the first of each."""


def _named(text: str, begin: int, end: int, today: date | None) -> _Named:
    found = _Named()
    part = text[begin:end]
    days = find_dates(part)
    taken = set[Span]()
    for match in weekday_names().finditer(part):
        if number := weekday_number(match[0]):
            beside = next((day for day in days if 0 <= day.span.start - match.end() <= _NEAR_DATE), None)
            if beside:
                taken.add(beside.span)
            found.setdefault((_DAY, number), Span(begin + match.start(), begin + match.end()))
    for day in days:
        if day.span not in taken and today and len(day.readings) == 1 and (nearest := day.nearest(today)):
            place = Span(begin + day.span.start, begin + day.span.end)
            found.setdefault((_DAY, nearest.isoweekday()), place)
    for minutes, span, _ in times_of_day(part):
        found.setdefault((_TIME, minutes % 720), Span(begin + span.start, begin + span.end))
    return found


def _chosen(text: str, offered: Mapping[tuple[str, int], Span], kind: str) -> tuple[int, Span] | None:
    """The only value of this kind that a text names, outside clauses that say no, if it was offered."""
    values: dict[int, Span] = {}
    for clause in _CLAUSE.finditer(text):
        if pattern("negations", "denies", "calls_off").search(clause[0]) or _OUT.search(clause[0]):
            continue
        for (one, value), span in _named(text, *clause.span(), None).items():
            if one == kind:
                values.setdefault(value, span)
    if len(values) != 1:
        return None
    value, span = values.popitem()
    return (value, span) if (kind, value) in offered else None


@rule("choice_differs", "another day or time than was chosen", needs_thread=True)
def choice_differs(reading: Reading) -> Iterator[Finding]:
    """An earlier email of ours offers several weekdays or times, the other side's newest email chooses one of them, and
    the draft names another of them, or only one that was not offered, and not the chosen one. Medium; a sentence that
    asks, proposes or says no does not count."""
    asked = reading.asked
    if asked is None or len(reading.asked_text) > _LONGEST_CHOICE:
        return
    place = reading.context.messages.index(asked)
    ours = [mail for mail in reading.context.messages[:place] if mail.body is not None and reading.is_sent(mail)]
    if not ours:
        return
    low, today = reading.low[: min(reading.written, LONGEST_DRAFT)], reading.context.today
    text = lowered(str(ours[-1].body)[:LONGEST_DRAFT])
    text = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(">"))
    offered = _named(text, 0, len(text), today)
    mine = _named(low, 0, len(low), today)
    for kind in (_DAY, _TIME):
        values = [value for one, value in offered if one == kind]
        named = [value for one, value in mine if one == kind]
        if not 1 < len(values) <= _MOST_OFFERS or not (len(named) == 1 or set(named) & set(values)):
            continue
        choice = _chosen(reading.asked_text, offered, kind)
        if choice is None or (kind, choice[0]) in mine:
            continue
        others = [mine[kind, value] for value in named if value in values or len(named) == 1]
        sure = [span for span in others if not is_open(reading, span)]
        if sure:
            said, there = reading.quoted(sure[0]), quoted(reading.asked_text[slice(*choice[1])])
            yield flag("choice_differs", f"names {said}, while the last mail chooses {there}", sure[0])
            return


_WORD = re.compile(r"[^\W_]+")
_LONGEST_ROW = 120
_ENOUGH = 2
_MOST_ROWS = 12
_Row = tuple[frozenset[str], Sum]


def _rows(text: str) -> list[_Row]:
    """Short lines one after the other with one amount each: the words of each, and its amount."""
    rows: list[_Row] = []
    block: list[_Row] = []
    for line in [*text.split("\n"), ""]:
        amounts = find_amounts(line) if len(line) <= _LONGEST_ROW else ()
        if len(amounts) == 1 and amounts[0].currency != "%":
            rest = line[: amounts[0].span.start] + " " + line[amounts[0].span.end :]
            block.append((frozenset(_WORD.findall(rest)), amounts[0].sum))
        else:
            rows += block if len(block) > 1 else []
            block = []
    return rows


@rule("row_differs", "the price of another offer", needs_thread=True)
def row_differs(reading: Reading) -> Iterator[Finding]:
    """The thread lists prices line by line, each with its own words ("morning group 80 €", "evening group 95 €"), and a
    paragraph of the draft has the words of one and the price of another. Medium."""
    amounts = find_amounts(reading.body[: reading.written])
    if not amounts:
        return
    rows = _rows(lowered(reading.thread_text)[-LONGEST_DRAFT:])
    if not 1 < len(rows) <= _MOST_ROWS:
        return
    prices = [price for _, price in rows]
    said = {amount.sum for amount in amounts}
    for amount in amounts:
        if prices.count(amount.sum) != 1:
            continue
        mine = rows[prices.index(amount.sum)]
        here = set(_WORD.findall(reading.low[slice(*line_span(reading.low, *amount.span))]))
        if mine[0] & here - _shared(rows, mine):
            continue
        for other in rows:
            if other is not mine and other[1] not in said and len(other[0] & here - _shared(rows, other)) >= _ENOUGH:
                words = f"names {reading.quoted(amount.span)}, which the thread says of something else"
                yield flag("row_differs", words, amount.span)
                return


def _shared(rows: list[_Row], row: _Row) -> frozenset[str]:
    """The words of a row that another one has, too."""
    return row[0] & frozenset().union(*(words for words, _ in (one for one in rows if one is not row)))
