"""The rule about spans of time that end before they begin, and times and days that cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.facts import Day, find_dates
from mm_tui.review.risk.phrases import pattern
from mm_tui.review.risk.pieces import find_all
from mm_tui.review.risk.rule import Reading, quoted, rule
from mm_tui.text import OneLine

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
            words = f"ends before it begins: {quoted(body[slice(*both)])}"
            yield Finding("time_order", Level.MEDIUM, OneLine(words), (both,))
    yield from _hours(body, low)
    today = reading.context.today
    for day in days if today else ():
        begin, end = reading.sentence(day.span.start)
        before = low[max(begin, day.span.start - 45) : day.span.start]
        if today and _still_to_come(day, today) and pattern("happened").search(before):
            if pattern("future", "conditions", "duties").search(low, begin, end):
                continue
            words = f"tells as done what has a day still to come: {quoted(body[slice(*day.span)])}"
            yield Finding(
                "time_order", Level.MEDIUM, OneLine(words), (Span(max(begin, day.span.start - 45), day.span.end),)
            )


def _still_to_come(day: Day, today: date) -> bool:
    """Whether the nearest day that it can mean is within the next months."""
    for month, number in day.readings:
        try:
            found = [
                date(year, month, number)
                for year in ((day.year,) if day.year else (today.year - 1, today.year, today.year + 1))
            ]
        except ValueError:
            return False
        nearest = min(found, key=lambda one: abs(one - today))
        if not 1 < (nearest - today).days < _LONGEST_BACK:
            return False
    return bool(day.readings)


def _hours(body: str, low: str) -> Iterator[Finding]:
    for wrong in find_all(_NO_HOUR, low):
        words = f"names a time that does not exist: {quoted(wrong[0])}"
        yield Finding("time_order", Level.MEDIUM, OneLine(words), (Span(*wrong.span()),))
    clocks = [match for match in find_all(_CLOCK, low) if match["m"] or match["half"] or match["unit"]]
    for first, last in pairwise(clocks):
        between = low[first.end() : last.start()]
        near = low[max(0, first.start() - _NEAR) : first.start()]
        spanned = BETWEEN.fullmatch(between) or (_AND.fullmatch(between) and _BETWEEN.search(near))
        if len(between) > 24 or not spanned:
            continue
        start, end = _minutes(first), _minutes(last)
        if start is None or end is None or (bool(first["half"]) != bool(last["half"])):
            continue
        if pattern("moves").search(low, max(0, first.start() - _MOVED_NEAR), first.start()):
            # "Move it from 20:15 to 17:45."
            continue
        sure = start > 12 * 60 or bool(first["half"])
        if sure and end < start and start - end <= _SAME_DAY_HOURS * 60 and end > 5 * 60:
            both = Span(first.start(), last.end())
            words = f"ends before it begins: {quoted(body[slice(*both)].strip())}"
            yield Finding("time_order", Level.MEDIUM, OneLine(words), (both,))


SEQUENCE_RULES = (time_order,)
