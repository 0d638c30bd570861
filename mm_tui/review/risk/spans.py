"""The rule about a span of days that differs from the one that was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.facts import Day, find_dates
from mm_tui.review.risk.phrases import pattern
from mm_tui.review.risk.rule import Reading, quoted, rule
from mm_tui.review.risk.sequence import BETWEEN
from mm_tui.review.risk.weekdays import weekdays_in
from mm_tui.text import OneLine

_NEAR = 24
"""The most characters between the two days of a span."""


def _spans_of(text: str, days: tuple[Day, ...]) -> list[tuple[Day, Day]]:
    """The pairs of days that a text spans: "11 to 18 July", "du samedi 11 au samedi 18 juillet"."""
    found = []
    for first, last in pairwise(sorted(days, key=lambda day: day.span.start)):
        gap = text[first.span.end : last.span.start]
        if len(gap) <= _NEAR and first.readings != last.readings:
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
    moved = pattern("calls_off", "moves").search(asked) is not None
    here = _spans_of(body, mine) if len(theirs) > 1 else []
    there = _spans_of(asked, theirs) if here else []
    if moved or len(here) != 1 or len(there) != 1 or len(theirs) > 2:
        return
    (first, last), (their_first, their_last) = here[0], there[0]
    same = bool(first.readings & their_first.readings), bool(last.readings & their_last.readings)
    if all(same) or reading.is_question(first.span.start):
        return
    if reading.sentence_has(first.span.start, "denies", "calls_off", "conditions"):
        return
    elsewhere = asked[: their_first.span.start] + asked[their_last.span.end :]
    if all(one or _names(elsewhere, day) for one, day in zip(same, here[0], strict=True)):
        return
    if any(same) or _length(first, last) == _length(their_first, their_last):
        whole = Span(first.span.start, last.span.end)
        said = quoted(reading.body[slice(*whole)])
        named = quoted(asked[their_first.span.start : their_last.span.end])
        words = f"names {said}, while the last mail names {named}"
        yield Finding("span_differs", Level.MEDIUM, OneLine(words), (whole,))


def _names(text: str, day: Day) -> bool:
    """Whether the number of a day is in a text: "could we stay until the 7th?"."""
    numbers = "|".join(str(number) for _, number in day.readings)
    return re.search(rf"(?<![\d.,])0?(?:{numbers})(?!\d)", text) is not None


def _length(first: Day, last: Day) -> int:
    """The days from one day to another."""
    start, end = min(first.readings), min(last.readings)
    return (date(2001 + (end < start), *end) - date(2001, *start)).days if first.exists and last.exists else 0


SPAN_RULES = (span_differs,)
