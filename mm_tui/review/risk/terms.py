"""Rules about days that do not fit: a term that is counted wrongly, a day on which we are closed."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.lookalike import one_slip_apart
from mm_tui.review.risk.counts import SPANS_OF_TIME, find_counts
from mm_tui.review.risk.facts import Day, days_there, find_dates
from mm_tui.review.risk.phrases import weekday_names, weekday_number
from mm_tui.review.risk.rule import Reading, quoted, rule
from mm_tui.text import OneLine

_UNITS = {
    "days": "day days tage tagen jour jours día días dia dias giorni dagen dni",
    "weeks": "week weeks woche wochen semaine semaines semanas settimane weken tygodni tygodnie",
    "months": "month months monat monate monaten mois mês mes meses mesi maanden miesięcy miesiące",
    "years": "year years jahre jahren ans años anos anni jaar lat",
}
_UNIT = {word: unit for unit, words in _UNITS.items() for word in words.split()}
_NEAR_SPAN = timedelta(days=1)
"""Whether the first day counts is a matter of taste."""


def _dates(day: Day, today: date) -> list[date]:
    """The days that it can mean; without a year the one nearest to today."""
    found = []
    for month, number in day.readings:
        years = (day.year,) if day.year else (today.year - 1, today.year, today.year + 1)
        try:
            found.append(min((date(year, month, number) for year in years), key=lambda one: abs(one - today)))
        except ValueError:
            continue
    return found


def _later(first: date, number: int, unit: str) -> date:
    if unit in ("days", "weeks"):
        return first + timedelta(days=number * (7 if unit == "weeks" else 1))
    months = first.month - 1 + number * (12 if unit == "years" else 1)
    year, month = first.year + months // 12, months % 12 + 1
    return date(year, month, min(first.day, monthrange(year, month)[1]))


def _is_slip(said: date, expected: date) -> bool:
    """Whether one day is the other with a wrong digit, in the wrong month or in the wrong year."""
    if said.month == expected.month and said.year == expected.year:
        first, second = str(said.day), str(expected.day)
        return one_slip_apart(first, second) and (len(first) != len(second) or first[-1] == second[-1])
    return said.day == expected.day


@rule("term_wrong", "a term that does not come out")
def term_wrong(reading: Reading) -> Iterator[Finding]:
    """A sentence counts days, weeks, months or years from one day to another, and the other is a slip of the one that
    comes out: "30 days from 20 January, that is 9 February" for 19 February. Years count from any day of the thread
    with the same day and month. Medium."""
    today = reading.context.today
    days = find_dates(reading.body[: reading.written]) if today else ()
    sentences: dict[tuple[int, int], list[Day]] = {}
    for day in days:
        sentences.setdefault(reading.sentence(day.span.start), []).append(day)
    for (start, end), named in sentences.items():
        counts = {
            (int(one.number), _UNIT[one.unit])
            for one in find_counts(reading.low[start:end])
            if one.unit in _UNIT and one.unit in SPANS_OF_TIME and one.number == int(one.number)
        }
        said = named[-1]
        if _BEGINS.search(reading.low, start, said.span.start):
            # "Two years from 14 January": the day on which it begins.
            continue
        if len(counts) != 1 or today is None:
            continue
        number, unit = counts.pop()
        if unit == "years" and said.year is None:
            continue
        before = [*named[:-1], *days_there(reading, (said,))] if unit == "years" else named[:-1]
        expected = [_later(one, way * number, unit) for day in before for one in _dates(day, today) for way in (1, -1)]
        ends = _dates(said, today)
        if not 0 < number < _LONGEST_TERM or any(abs(one - end) <= _NEAR_SPAN for one in expected for end in ends):
            continue
        wrong = [one for one in expected[::2] for end in ends if end > today - _LONG_AGO and _is_slip(end, one)]
        if wrong:
            it_is = f"{wrong[0].day} {wrong[0]:%B %Y}"
            words = f"{number} {unit} do not end on {quoted(reading.body[slice(*said.span)])}, but on {it_is}"
            yield Finding("term_wrong", Level.MEDIUM, OneLine(words), (said.span,))


_BEGINS = re.compile(
    r"(?:\b(?:from|since|starting(?: on)?|beginning(?: on)?|as of|ab|seit|vom|à partir du|à compter du|depuis le|dès le"
    r"|desde(?: el)?|a partir d[eo](?:l| dia)?|a contar d[eo]|dal|a partire dal|a decorrere dal|vanaf|sinds|od)"
    r"(?: dem| dnia)?)\s\Z"
)
_LONGEST_TERM = 400
_LONG_AGO = timedelta(days=400)
_CLOSED = re.compile(
    r"\b(?:closed|shut|geschlossen|ruhetag|fermée?s?|cerrad[oa]s?|cerramos|fechad[oa]s?|encerrad[oa]s?|fechamos"
    r"|chius[oaie]|gesloten|dicht|nieczynn[eya]|zamknięt[eya])\b|定休|休業|休み|休息|不营业|关门"
)
_PARTLY = re.compile(r"publi|públic|pubblic|öffentlich|一般|公众")
"""Closed to some people: "to the public"."""
_DATE_AFTER = re.compile(r"[,.]? {0,2}(?:the |dem |den |le |el |il |de |a )?\d")
_PART = re.compile(r"(?:(?!\s(?:but|and|aber|und|mais|et|pero|y|mas|e|ma|maar|en|ale|i)\s)[^.,;:!?\n。！？、，；])+")
_NEAR_DAY = 40
_WITH_TIME = re.compile(r"\d")


_PART_OF_US = re.compile(
    r"\b(?:door|gate|entrance|exit|one|lift|bridge|road|pool|kitchen|tür|tor|eingang|aufzug|küche|porte|entrée|portail"
    r"|ascenseur|cuisine|puerta|entrada|ascensor|cocina|porta|portão|cozinha|ingresso|cancello|cucina|deur|poort|ingang"
    r"|keuken|brama|drzwi|wejście|winda|kuchnia)s?\b|入口|ドア|门|电梯"
)
"""What may be closed while we are open."""


def _closed_on(text: str) -> dict[int, Span]:
    """The weekdays, by number, on which a text says that something is always closed."""
    found: dict[int, Span] = {}
    for part in _PART.finditer(text) if _CLOSED.search(text) else ():
        if _CLOSED.search(part[0]) and not any(sign.search(part[0]) for sign in (_WITH_TIME, _PARTLY, _PART_OF_US)):
            for name in weekday_names().finditer(part[0]):
                if _DATE_AFTER.match(text, part.start() + name.end()):
                    continue
                span = Span(part.start() + len(part[0]) - len(part[0].lstrip()), part.end())
                found.setdefault(weekday_number(name[0]) or 0, span)
    return found


@rule("closed_day", "names a day on which we are closed")
def closed_day(reading: Reading) -> Iterator[Finding]:
    """The draft says that we are closed on a weekday, and names a date or time on that weekday ("closed on Mondays",
    "see you on Monday, 15 June"). Medium."""
    low = reading.low[: reading.written]
    closed = _closed_on(low)
    for name in weekday_names().finditer(low) if closed else ():
        place = closed.get(weekday_number(name[0]) or 0)
        first, last = reading.sentence(name.start())
        if place is None or place.start <= name.start() < place.end or _CLOSED.search(low, first, last):
            continue
        if reading.is_question(name.start()) or reading.sentence_has(name.start(), "denies", "calls_off", "conditions"):
            continue
        if _WITH_TIME.search(low, name.end(), min(last, name.end() + _NEAR_DAY)):
            here = Span(name.start(), name.end())
            words = f"names {quoted(reading.body[slice(*here)])}, and says {quoted(reading.body[slice(*place)])}"
            yield Finding("closed_day", Level.MEDIUM, OneLine(words), (here, place))
            return


TERM_RULES = (term_wrong, closed_day)
