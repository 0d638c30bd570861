"""Finds weekdays and spans of time; rules about days and times that cannot be, and other days than were asked for."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cache
from itertools import chain, pairwise

from mm_tui.review.findings import Finding, Span, span_of
from mm_tui.review.risk.facts import Day, find_dates
from mm_tui.review.risk.phrases import has_words, ordered, pattern, tree
from mm_tui.review.risk.pieces import find_all
from mm_tui.review.risk.rule import Reading, flag, quoted, rule
from mm_tui.review.risk.sentences import is_open

_TO = (
    r"\s*(?:uhr|h|am|pm|a\.m\.|p\.m\.|,)?\s*"
    r"(?:-|–|—|to|till?|until|through|bis(?: zum)?|au|à|jusqu'au|al?|hasta(?: el)?"
    r"|até(?: ao| às)?|à?s|fino al|alle|tot(?: en met)?|do|から|至|到|~|～)\s*"
)
BETWEEN = re.compile(rf"(?:{_TO}|\s+and closes? (?:at|on)\s*|,? (?:and )?(?:we )?close at\s*)", re.IGNORECASE)
_BETWEEN = re.compile(
    r"\b(?:between|zwischen|entre|tra(?: le)?|fra(?: le)?|tussen|między)(?: the| las?| les?| le| às)?\s*\Z"
)
_NEAR = 20
_MOVED_NEAR = 80
JOINED = re.compile(r"\s*,?\s*(?:and|und|et|y|e|en|i|&|\+)\s*")
"""What joins two days, or two weekdays."""
_AND = re.compile(
    r"\s*(?:uhr|uur|h|hrs)?\s*(?:and|und|et|y|e|en|a|i)(?: las?| as| às| le)?\s*",
)
_LONGEST_BACK = 200
"""More days back than this are a span over the turn of the year: 20 December to 5 January. One day back is a whole
year: 1 September to 31 August."""
_CLOCK = re.compile(
    r"(?<![\d.,:/-])(?P<h>\d{1,2})(?:[:.h](?P<m>[0-5]\d))?(?![\d:/]|[.,-]\d)\s?(?P<half>[ap]\.?m\b\.?)?(?P<unit>u(?:hr|ur)\b|h\b|時|点)?"
)
_NO_HOUR = re.compile(
    r"(?<![\d.,:/-])(?:2[5-9]|[3-9]\d):[0-5]\d(?![\d:]|[.,]\d)|(?<![\d.,:/-])[01]?\d:[6-9]\d(?![\d:])"
    r"|\b(?:at|à|às|as|las|alle|um|om|o) 2[5-9]h[0-5]\d(?!\d)"
)
_SAME_DAY_HOURS = 10
"""A span that would end more hours back goes over midnight."""


def _days_back(first: Day, last: Day) -> int:
    """How many days the second is before the first; 0 if it need not be."""
    backs = []
    for month, number in first.readings:
        for other_month, other in last.readings:
            try:
                start = date(first.year or last.year or 2001, month, number)
                end = date(last.year or first.year or 2001, other_month, other)
            except ValueError:
                return 0
            backs.append((start - end).days)
    return min(backs, default=0)


def _minutes(match: re.Match[str]) -> int | None:
    """The minutes since midnight, for times that cannot be those of a twelve-hour clock."""
    hour, half = int(match["h"]), (match["half"] or "")[:1]
    if hour > 24 or not (match["m"] or half or match["unit"]):
        return None
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return hour * 60 + int(match["m"] or 0)


@rule("time_order", "an end before its beginning")
def time_order(reading: Reading) -> Iterator[Finding]:
    """A span of days or hours ends before it begins ("from 18 June to 4 June", "from 17:00 to 15:30"), a time of day
    does not exist ("25:30"), or the draft tells as done what has a day still to come ("was sent on" a later day).
    Medium."""
    body, low = reading.body[: reading.written], reading.low[: reading.written]
    days = find_dates(body)
    for first, last in pairwise(days):
        between = low[first.span.end : last.span.start]
        if len(between) <= 12 and BETWEEN.fullmatch(between) and 1 < _days_back(first, last) < _LONGEST_BACK:
            both = Span(first.span.start, last.span.end)
            yield flag("time_order", f"ends before it begins: {quoted(body[slice(*both)])}", both)
    yield from _hours(body, low)
    today = reading.context.today
    for day in days if today else ():
        begin, _ = reading.sentence(day.span.start)
        before = low[max(begin, day.span.start - 45) : day.span.start]
        if today and _still_to_come(day, today) and pattern("happened").search(before):
            words = f"tells as done what has a day still to come: {quoted(body[slice(*day.span)])}"
            yield flag("time_order", words, Span(max(begin, day.span.start - 45), day.span.end))


def _still_to_come(day: Day, today: date) -> bool:
    """Whether the nearest day that it can mean is within the next months."""
    nearest = [min(found, key=lambda one: abs(one - today), default=today) for found in day.dates(today)]
    return all(1 < (one - today).days < _LONGEST_BACK for one in nearest)


def _hours(body: str, low: str) -> Iterator[Finding]:
    for wrong in find_all(_NO_HOUR, low):
        yield flag("time_order", f"names a time that does not exist: {quoted(wrong[0])}", wrong)
    clocks = [match for match in find_all(_CLOCK, low) if match["m"] or match["half"] or match["unit"]]
    for first, last in pairwise(clocks):
        between = low[first.end() : last.start()]
        near = low[max(0, first.start() - _NEAR) : first.start()]
        spanned = BETWEEN.fullmatch(between) or (_AND.fullmatch(between) and _BETWEEN.search(near))
        if len(between) > 24 or not spanned:
            continue
        start, end = _minutes(first), _minutes(last)
        if start is None or end is None:
            continue
        if pattern("moves").search(low, max(0, first.start() - _MOVED_NEAR), first.start()):
            # "Move it from 20:15 to 17:45."
            continue
        sure = start > 12 * 60 or bool(first["half"])
        if sure and end < start and start - end <= _SAME_DAY_HOURS * 60 and end > 5 * 60:
            both = Span(first.start(), last.end())
            yield flag("time_order", f"ends before it begins: {quoted(body[slice(*both)].strip())}", both)


_FAR_DAYS = 100
"""Days from today after which a day without a year may as well be the coming one."""
_IS = re.compile(
    r" (?:is|was|falls on|ist|war|fällt auf|est|tombe|es|cae en|é|cai|è|cade di|valt op|to|jest|wypada w)"
    r"(?: an?| ein| une?| uma?| een)? "
)
"""What may be between a date and its weekday."""
_BESIDE = 24
"""More characters than may be between a date and its weekday."""


@cache
def _weekday() -> re.Pattern[str]:
    names = [name for name in ordered("weekdays") if len(name) > 1]
    latin = tree(name for name in names if name[0].isascii() or (name.isalpha() and name[0] < "\u2e80"))
    other = tree(name for name in names if name[0] >= "\u2e80" or not name[0].isalnum())
    return re.compile(rf"(?<!\w)(?:{latin})(?!\w)|{other}")


def weekdays_in(text: str) -> list[tuple[int, Span]]:
    return [(ordered("weekdays")[match[0]], span_of(match)) for match in find_all(_weekday(), text)]


@rule("weekday_wrong", "a weekday that does not fit its date")
def weekday_wrong(reading: Reading) -> Iterator[Finding]:
    """A weekday does not match the date beside it. A date without a year means the nearest one,
    or the coming one if that is months away. Medium."""
    came = [mail.received_at.date() for mail in reading.context.messages if mail.received_at]
    today = reading.context.today or (came[-1] if came else None)
    low, dates = reading.low, find_dates(reading.body)
    weekdays = weekdays_in(low) if dates else []
    names = [span for _, span in weekdays]
    in_spans, in_rows = _ends(low, names, BETWEEN), _ends(low, names, JOINED)
    days_in_rows = _ends(low, sorted(day.span for day in dates), JOINED)
    beside = _Beside(dates)
    for number, span in weekdays:
        near = beside.of(span) if span not in in_spans else []
        for day in near:
            if span in in_rows and day.span in days_in_rows:
                # "Monday and Tuesday, 14 and 15 December"
                continue
            when = _likely(day, today) if _belongs_to(low, span, day, near) else []
            if when and all(one.isoweekday() != number for one in when):
                both = Span(min(span.start, day.span.start), max(span.end, day.span.end))
                yield flag("weekday_wrong", f"{reading.quoted(both)}: that day is a {when[0]:%A}", both)
                break


class _Beside:
    """Finds the dates beside a weekday without reading all of them: a draft may have thousands of both."""

    def __init__(self, dates: Sequence[Day]) -> None:
        self._dates = dates
        self._starts = sorted((day.span.start, at) for at, day in enumerate(dates))
        self._ends = sorted((day.span.end, at) for at, day in enumerate(dates))

    def of(self, name: Span) -> list[Day]:
        """The dates that begin just after a weekday or end just before it, in their order."""
        after = self._starts[bisect_left(self._starts, (name.end,)) : bisect_left(self._starts, (name.end + _BESIDE,))]
        before = self._ends[
            bisect_left(self._ends, (name.start - _BESIDE,)) : bisect_left(self._ends, (name.start + 1,))
        ]
        return [self._dates[at] for at in sorted({at for _, at in (*after, *before)})]


def _ends(text: str, spans: list[Span], between: re.Pattern[str]) -> set[Span]:
    """Those of `spans` that are joined to the one before or after."""
    pairs = (pair for pair in pairwise(spans) if between.fullmatch(text, pair[0].end, pair[1].start))
    return set(chain.from_iterable(pairs))


def _belongs_to(text: str, name: Span, day: Day, dates: Iterable[Day]) -> bool:
    """Whether a weekday is beside a date, and not also beside another of `dates`."""
    place = day.span
    is_said = _IS.fullmatch(text, place.end, name.start) is not None
    if not (0 <= place.start - name.end <= 8 or 0 <= name.start - place.end <= 3 or is_said):
        return False
    gap = text[min(name.end, place.end) : max(name.start, place.start)]
    is_after = name.start >= place.end
    if re.search(r"[.!?;\n]\s|[\d)）]", gap) or (is_after and "\n" in gap):
        return False
    if is_after:
        # "Tuesday 19 January, Thursday 21 January": it belongs to the date after it.
        return not any(0 <= other.span.start - name.end <= 2 for other in dates)
    # "6月10日(水)までに届けば、6月18日": it belongs to the date before it.
    return not any(
        0 <= name.start - other.span.end <= 1 or _IS.fullmatch(text, other.span.end, name.start) for other in dates
    )


def _likely(day: Day, today: date | None) -> list[date]:
    """The dates that a day most likely means; none without a year if today is not known."""
    if today is None:
        return list(chain.from_iterable(day.dates(date.min))) if day.year else []
    when = list(chain.from_iterable(day.dates(today)))
    if day.year or not when:
        return when
    near = min(abs(one - today) for one in when)
    coming = min((one for one in when if one > today), default=None) if near.days > _FAR_DAYS else None
    return [one for one in when if abs(one - today) == near or len(day.readings) > 1 or one == coming]


_LONGEST_GAP = 24
"""The most characters between the two days of a span."""


def _spans_of(text: str, days: tuple[Day, ...]) -> list[tuple[Day, Day]]:
    """The pairs of days that a text spans: "11 to 18 July", "du samedi 11 au samedi 18 juillet"."""
    found = []
    for first, last in pairwise(sorted(days, key=lambda day: day.span.start)):
        gap = text[first.span.end : last.span.start]
        if len(gap) <= _LONGEST_GAP and first.readings != last.readings:
            for _, span in reversed(weekdays_in(gap)):
                gap = gap[: span.start] + gap[span.end :]
            if BETWEEN.fullmatch(gap.replace(",", "").lstrip(".").rstrip() + " "):
                found.append((first, last))
    return found


@rule("span_differs", "another span of days than was asked for", needs_thread=True)
def span_differs(reading: Reading) -> Iterator[Finding]:
    """The other side's newest email and the draft name one span of days each ("11 to 18 July"), and the draft's is
    another one that is as long or shares an end. Medium; not if the email moves something or names the other days
    too, or the sentence asks or says no."""
    asked, body = reading.asked_text, reading.low[: reading.written]
    mine = find_dates(body)
    theirs = find_dates(asked) if mine else ()
    moved = has_words(asked, "calls_off", "moves")
    here = _spans_of(body, mine) if len(theirs) > 1 else []
    there = _spans_of(asked, theirs) if here else []
    if moved or len(here) != 1 or len(there) != 1 or len(theirs) > 2:
        return
    (first, last), (their_first, their_last) = here[0], there[0]
    same = bool(first.readings & their_first.readings), bool(last.readings & their_last.readings)
    if all(same) or is_open(reading, first.span):
        return
    elsewhere = asked[: their_first.span.start] + asked[their_last.span.end :]
    if all(one or _names(elsewhere, day) for one, day in zip(same, here[0], strict=True)):
        return
    if any(same) or _length(first, last) == _length(their_first, their_last):
        whole = Span(first.span.start, last.span.end)
        said = reading.quoted(whole)
        named = quoted(asked[their_first.span.start : their_last.span.end])
        yield flag("span_differs", f"names {said}, while the last mail names {named}", whole)


def _names(text: str, day: Day) -> bool:
    """Whether the number of a day is in a text: "could we stay until the 7th?"."""
    numbers = "|".join(str(number) for _, number in day.readings)
    return re.search(rf"(?<![\d.,])0?(?:{numbers})(?!\d)", text) is not None


def _length(first: Day, last: Day) -> int:
    """The days from one day to another."""
    start, end = min(first.readings), min(last.readings)
    return (date(2001 + (end < start), *end) - date(2001, *start)).days if first.exists and last.exists else 0
