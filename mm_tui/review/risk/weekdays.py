"""Finds weekdays in texts; the rule about a weekday that does not fit its date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import pairwise

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.facts import Day, find_dates
from mm_tui.review.risk.phrases import ordered, tree
from mm_tui.review.risk.pieces import find_all
from mm_tui.review.risk.rule import Reading, quoted, rule
from mm_tui.review.risk.sequence import BETWEEN, JOINED
from mm_tui.text import OneLine

_FAR_DAYS = 100
"""Days from today after which a day without a year may as well be the coming one."""


_IS = re.compile(
    r" (?:is|was|falls on|ist|war|fällt auf|est|tombe|es|cae en|é|cai|è|cade di|valt op|to|jest|wypada w)"
    r"(?: an?| ein| une?| uma?| een)? "
)
"""Between a date and the weekday that it is said to be."""


@cache
def _weekday() -> re.Pattern[str]:
    names = [name for name in ordered("weekdays") if len(name) > 1]
    latin = tree(name for name in names if name[0].isascii() or (name.isalpha() and name[0] < "\u2e80"))
    other = tree(name for name in names if name[0] >= "\u2e80" or not name[0].isalnum())
    return re.compile(rf"(?<!\w)(?:{latin})(?!\w)|{other}")


def weekdays_in(text: str) -> list[tuple[int, Span]]:
    return [(ordered("weekdays")[match[0]], Span(*match.span())) for match in find_all(_weekday(), text)]


def likely_years(day: Day, today: date) -> Iterator[date]:
    for month, number in day.readings:
        for year in (day.year,) if day.year else (today.year - 1, today.year, today.year + 1):
            try:
                yield date(year, month, number)
            except ValueError:
                continue


@rule("weekday_wrong", "a weekday that does not fit its date")
def weekday_wrong(reading: Reading) -> Iterator[Finding]:
    """A weekday does not match the date beside it. A date without a year means the nearest one,
    or the coming one if that is months away. Medium."""
    came = [mail.received_at.date() for mail in reading.context.messages if mail.received_at]
    today = reading.context.today or (came[-1] if came else None)
    dates = find_dates(reading.body)
    if not dates:
        return
    weekdays = weekdays_in(reading.low)
    ranges = {
        one.start
        for (_, first), (_, last) in pairwise(weekdays)
        if BETWEEN.fullmatch(reading.low, first.end, last.start)
        for one in (first, last)
    }
    listed_days = {
        place
        for first, last in pairwise(sorted(dates, key=lambda day: day.span.start))
        if JOINED.fullmatch(reading.low, first.span.end, last.span.start)
        for place in (first.span.start, last.span.start)
    }
    listed_names = {
        place
        for (_, first), (_, last) in pairwise(weekdays)
        if JOINED.fullmatch(reading.low, first.end, last.start)
        for place in (first.start, last.start)
    }
    for number, span in weekdays:
        if span.start in ranges:
            continue
        for day in dates:
            is_said = _IS.fullmatch(reading.low, day.span.end, span.start) is not None
            if not (0 <= day.span.start - span.end <= 8 or 0 <= span.start - day.span.end <= 3 or is_said):
                continue
            if span.start in listed_names and day.span.start in listed_days:
                # "Monday and Tuesday, 14 and 15 December"
                continue
            gap = reading.low[min(span.end, day.span.end) : max(span.start, day.span.start)]
            after = span.start >= day.span.end
            if re.search(r"[.!?;\n]\s|[\d)）]", gap) or (today is None and day.year is None) or (after and "\n" in gap):
                continue
            if not after and any(
                0 <= span.start - other.span.end <= 1 or _IS.fullmatch(reading.low, other.span.end, span.start)
                for other in dates
            ):
                # "6月10日(水)までに届けば、6月18日": it belongs to the date before it.
                continue
            if after and any(0 <= other.span.start - span.end <= 2 for other in dates):
                # "Tuesday 19 January, Thursday 21 January": it belongs to the date after it.
                continue
            when = list(likely_years(day, today or date(2000, 1, 1)))
            if day.year is None and today is not None:
                near = min((abs((one - today).days) for one in when), default=999)
                coming = min((one for one in when if one > today), default=today) if near > _FAR_DAYS else today
                when = [
                    one
                    for one in when
                    if abs((one - today).days) == near or len(day.readings) > 1 or one == coming > today
                ]
            if when and all(one.isoweekday() != number for one in when):
                both = Span(min(span.start, day.span.start), max(span.end, day.span.end))
                right = f"{when[0]:%A}"
                words = f"{quoted(reading.body[slice(*both)])}: that day is a {right}"
                yield Finding("weekday_wrong", Level.MEDIUM, OneLine(words), (both,))
                break


WEEKDAY_RULES = (weekday_wrong,)
