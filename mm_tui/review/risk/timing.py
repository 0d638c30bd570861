"""The rule about days, weekdays and times that contradict the thread."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise, product
from typing import NamedTuple

import msgspec

from mm_tui.review.findings import Finding, Level, Span, span_of
from mm_tui.review.lookalike import reordered
from mm_tui.review.risk.days import BETWEEN, weekdays_in
from mm_tui.review.risk.facts import Day, days_there, find_dates
from mm_tui.review.risk.phrases import has_words, lowered, ordered, pattern, word_set
from mm_tui.review.risk.pieces import find_near_digits
from mm_tui.review.risk.rule import Reading, flag, listed, quoted, rule
from mm_tui.review.risk.sentences import agrees

_MANY_DAYS = 20
"""A draft with more days is a list: its days are not compared one by one."""
_SHORT_MAIL = 400
_NEAR = 24
"""The most characters between a date and the word that says what it is the date of."""
_HALF_DAY = 12 * 60
_WEEK = 7

_CLOCK = re.compile(
    r"(?<![\d.,:])(?P<h>2[0-3]|[01]?\d)(?!\d)"
    r"(?:(?::|h|\.(?=\d\d(?: ?(?:uhr|uur|h\b|[ap]\.?m)))"
    r"|(?<=\s(?:at|um|om|by|às)\s\d)\.|(?<=\s(?:at|um|om|by|às)\s\d\d)\.)"
    r"(?P<m>[0-5]\d)(?!\d|[.:]\d))?"
    r"(?P<end>\s?(?:[ap]\.?m\b\.?|u(?:hr|ur)\b|o'clock|h\b|点|時))?"
)
_ZONE = re.compile(
    r"\b(?:utc|gmt|cet|cest|est|edt|cst|cdt|mst|mdt|pst|pdt|ist|jst|bst|aest|eet|msk|et|pt|ct)\b", re.IGNORECASE
)


class Time(NamedTuple):
    """A time of day in a text."""

    minutes: int
    """Since midnight."""
    span: Span
    zone: str
    """The time zone named after it, in capitals; empty if there is none."""


@lru_cache(maxsize=64)
def times_of_day(text: str) -> tuple[Time, ...]:
    """The times of day in a text."""
    found = []
    for match in find_near_digits(_CLOCK, text):
        if match["m"] is None and not match["end"]:
            continue
        hour, end = int(match["h"]), (match["end"] or "").strip()
        if end.startswith("p") and hour < 12:
            hour += 12
        elif end.startswith("a") and hour == 12:
            hour = 0
        zone = _ZONE.match(text, match.end() + (1 if text[match.end() : match.end() + 1] == " " else 0))
        found.append(Time(hour * 60 + int(match["m"] or 0), span_of(match), zone[0].upper() if zone else ""))
    return tuple(found)


class _Compared(msgspec.Struct, frozen=True, dict=True):
    """What a draft and its thread say about days and times."""

    reading: Reading

    @property
    def body(self) -> str:
        """The draft's text in lower case, without its signature."""
        return self.reading.low[: self.reading.written]

    @property
    def asked(self) -> str:
        """The other side's newest email, in lower case."""
        return self.reading.asked_text

    @cached_property
    def asks_when(self) -> bool:
        """Whether that email asks for a day or time."""
        return has_words(self.asked, "asks_when")

    @cached_property
    def moved(self) -> bool:
        """Whether a day or time was called off or moved: another one is no slip."""
        return has_words(self.asked, "calls_off", "moves") or has_words(self.body, "calls_off")

    @cached_property
    def days(self) -> tuple[Day, ...]:
        """The days that the draft's own text names."""
        return tuple(day for day in find_dates(self.reading.body) if day.span.end <= len(self.body))

    @cached_property
    def figures(self) -> str:
        """The thread's lines with digits, in lower case."""
        return lowered(self.reading.figures)

    def is_open(self, span: Span) -> bool:
        """Whether the sentence proposes, asks or declines, or follows one that declines without agreeing itself."""
        reading = self.reading
        if reading.is_question(span.start) or reading.sentence_has(span.start, "proposes", "denies"):
            return True
        first, _ = reading.sentence(span.start)
        refused = first > 1 and reading.sentence_has(first - 2, "negations", "denies")
        return refused and not agrees(reading, span)

    def finding(self, level: Level, spans: Sequence[Span], named: str) -> Finding:
        """That the draft names what is at `spans`, and the thread `named`."""
        words = f"names {self.reading.quoted(spans[0])}, while the thread names {quoted(named)}"
        return flag("date_differs", words, *spans, level=level)


@rule("date_differs", "a date or time that contradicts the thread", needs_thread=True)
def date_differs(reading: Reading) -> Iterator[Finding]:
    """The draft names a day that the thread does not name, but nearly (21 for 12 December, the same day of another
    month). Medium if its digits are swapped, if the draft agrees to it, or if the same word stands before both
    ("departure 11 May" for "departure 12 May"). Or the other side's newest email names weekdays or times, and the draft
    only others. Medium for one to which the draft agrees, for a time that is nearly the only one of the thread, and for
    a time in another time zone. Low otherwise, and when the draft proposes, asks or says no, or a day was called off. A
    time that keeps to "until 2 pm" contradicts nothing."""
    if reading.asked_text:
        compared = _Compared(reading)
        yield from _other_days(compared)
        yield from _other_weekdays(compared)
        yield from _other_times(compared)
        yield from _slipped_time(compared)
        yield from _other_zones(compared)


_ORDINAL = re.compile(r"\bthe (\d{1,2})(?:st|nd|rd|th)\b")
"""A day without its month: "on the 28th"."""


def _other_days(compared: _Compared) -> Iterator[Finding]:
    """Days of the draft that are not the thread's."""
    reading, mine = compared.reading, compared.days
    if not mine or len(mine) > _MANY_DAYS:
        return
    text = compared.figures
    there = find_dates(text)
    came = {(mail.received_at.month, mail.received_at.day) for mail in reading.context.messages if mail.received_at}
    if reading.context.today:
        came.add((reading.context.today.month, reading.context.today.day))
    every = days_there(reading, mine)
    known = came.union(*(day.readings for day in every))
    ordinals = {int(number) for number in _ORDINAL.findall(text)}
    months = {month for day in there for month, _ in day.readings}
    new = [
        day
        for day in mine
        if not day.readings & known
        and not any(number in ordinals and month in months for month, number in day.readings)
        and not _is_within(text, day, there)
    ]
    named = {day.readings for day in mine}
    missed = [day for day in there if day.readings not in named]
    alone = len(named) == len({day.readings for day in there}) == 1
    week = alone and not compared.moved
    for day in new:
        near = next((other for other in missed if _nearly(day, other, week=week)), None)
        if near is None:
            continue
        agreed = agrees(reading, day.span)
        labelled = not _labels(compared.body, day.span).isdisjoint(_labels(text, near.span))
        likely = agreed or labelled or _has_swapped_digits(day, near)
        if alone and not likely:
            # The day after may be another one, such as that of the delivery.
            likely = _word_before(reading.low, day.span) == _word_before(text, near.span) != ""
            likely = likely or not (compared.asks_when or _is_soon_after(day, near))
        sure = likely and not compared.is_open(day.span)
        level = Level.MEDIUM if sure and (agreed or not compared.moved) else Level.LOW
        yield compared.finding(level, [day.span], text[slice(*near.span)])


def _nearly(day: Day, other: Day, *, week: bool) -> bool:
    """Whether they are the same day of different months, or days of one month with swapped digits, one, ten or twenty
    apart, or `week` apart."""
    apart = (1, 10, 20, _WEEK) if week else (1, 10, 20)
    return any(
        number == their_number if month != their_month else abs(number - their_number) in apart
        for month, number in day.readings
        for their_month, their_number in other.readings
    ) or _has_swapped_digits(day, other)


def _is_soon_after(day: Day, other: Day) -> bool:
    return any(0 < abs(number - theirs) <= _WEEK for (_, number), (_, theirs) in product(day.readings, other.readings))


def _has_swapped_digits(day: Day, other: Day) -> bool:
    return any(
        (month, f"{number:02}"[::-1]) == (their_month, f"{their_number:02}")
        for month, number in day.readings
        for their_month, their_number in other.readings
    )


def _is_within(text: str, day: Day, days: tuple[Day, ...]) -> bool:
    """Whether a day is within a span of days in `text`: "25 July - 9 August"."""
    for first, last in pairwise(days):
        if BETWEEN.fullmatch(text, first.span.end, last.span.start):
            start, end, own = min(first.readings), min(last.readings), min(day.readings)
            if start <= own <= end or (end < start and not end < own < start):
                return True
    return False


def _labels(text: str, span: Span) -> set[str]:
    """The words right before a date that may say what it is the date of: "departure stays 12 May"."""
    before = re.split(r"[.;,!?\n]", text[max(0, span.start - _NEAR) : span.start])[-1]
    words = set(re.findall(r"[^\W\d_]{5,}", before))
    return words.difference(ordered("months"), ordered("weekdays"), word_set("uncounted"))


def _word_before(text: str, span: Span) -> str:
    before = re.search(r"([^\W\d_]+)\W*\Z", text[max(0, span.start - 16) : span.start])
    return before[1] if before else ""


def _other_weekdays(compared: _Compared) -> Iterator[Finding]:
    """Weekdays of the draft, where it names no date, if the thread names none of them."""
    reading, asked = compared.reading, compared.asked
    here = [] if compared.days else weekdays_in(compared.body)
    there = [span for _, span in weekdays_in(asked) if not _is_past(asked, span)] if here else []
    if not there or any(_names_weekday(reading, number) for number, _ in here):
        return
    spans = [span for _, span in here]
    sure = agrees(reading, spans[0], "yes") and not compared.asks_when and not compared.moved
    sure = sure and not _is_night(times_of_day(compared.body), times_of_day(asked))
    level = Level.MEDIUM if sure and not any(map(compared.is_open, spans)) else Level.LOW
    yield compared.finding(level, spans, asked[slice(*there[0])])


def _names_weekday(reading: Reading, number: int) -> bool:
    """Whether the thread mentions this weekday in any language."""
    names = [name for name, place in ordered("weekdays").items() if place == number and len(name) > 1]
    return any(name in reading.thread_words or (not name.isascii() and name in reading.thread_low) for name in names)


def _is_past(text: str, span: Span) -> bool:
    """Whether a weekday is the last one: "last Monday", "lundi dernier"."""
    around = text[max(0, span.start - 12) : span.start], text[span.end : span.end + 12]
    return any(pattern("last").search(part) for part in around)


def _other_times(compared: _Compared) -> Iterator[Finding]:
    """Times of the draft, one or two, if the thread names none of them."""
    reading, asked = compared.reading, compared.asked
    here = times_of_day(compared.body)
    if not 0 < len(here) <= 2 or _are_hours(compared.body, here):
        return
    there = [time for time in times_of_day(asked) if not _is_kept(asked, time, here)]
    if len(there) < len(times_of_day(asked)):
        # "After 5 pm, or before 10 am": one is enough.
        return
    every = times_of_day(compared.figures)
    known = {time.minutes % _HALF_DAY for time in every}
    only = len(here) == 1 and len(known) == 1
    if not (there or only) or _is_night(here, every) or _is_spanned(asked, here, there, known):
        return
    # Full hours are the same minutes by chance.
    same = {time.minutes % _HOUR for time in here} & {time.minutes % _HOUR for time in there or every} - {0}
    limits = any(_word_before(asked, time.span) in word_set("until", "from") for time in there)
    likely = agrees(reading, here[0].span, "yes") or (
        (bool(same) or limits) and len(asked) <= _SHORT_MAIL and not compared.asks_when
    )
    slip = any(_has_same_digits(one.minutes, other.minutes) for one in here for other in there or every)
    # An answer to a question for the time names one of its own; another one than ours is a slip.
    only = only and bool(same) and not (there and compared.asks_when)
    sure = len(here) == 1 and (likely or slip or only) and not compared.moved
    level = Level.MEDIUM if sure and not any(compared.is_open(time.span) for time in here) else Level.LOW
    named = asked[slice(*there[0].span)] if there else compared.figures[slice(*every[0].span)]
    yield compared.finding(level, [time.span for time in here], named)


_MANY_TIMES = 4
_HOUR = 60


def _slipped_time(compared: _Compared) -> Iterator[Finding]:
    """The only time of the draft that the thread has not, if that has one with the same minutes past another hour, or
    with the digits in another order, which the draft has not."""
    here, every = times_of_day(compared.body), times_of_day(compared.figures)
    known = {time.minutes % _HALF_DAY for time in every}
    new = [time for time in here if time.minutes % _HALF_DAY not in known]
    if not 1 < len(here) <= _MANY_TIMES or len(new) != 1 or compared.moved or compared.is_open(new[0].span):
        return
    named = {time.minutes % _HALF_DAY for time in here}
    for other in every:
        # Full hours are the same minutes by chance.
        same = other.minutes % _HOUR == new[0].minutes % _HOUR != 0 or _has_same_digits(new[0].minutes, other.minutes)
        if same and other.minutes % _HALF_DAY not in named:
            yield compared.finding(Level.MEDIUM, [new[0].span], compared.figures[slice(*other.span)])
            return


def _has_same_digits(minutes: int, other: int) -> bool:
    """Whether two times of day have the same digits in another order: 13:40 and 14:30."""
    first, second = (f"{one // 60:02}{one % 60:02}" for one in (minutes, other))
    return reordered(first, second)


def _are_hours(text: str, times: Sequence[Time]) -> bool:
    """Whether times are the ends of a span, as opening hours are: "from 10 pm to 7 am"."""
    return len(times) > 1 and all(
        BETWEEN.fullmatch(text, first.span.end, last.span.start)
        for first, last in zip(times[::2], times[1::2], strict=False)
    )


def _is_spanned(text: str, mine: Sequence[Time], theirs: Sequence[Time], known: set[int]) -> bool:
    """Whether one of our times is known, or within a span of hours in `text`: "from 16:00 to 18:00"."""
    spans = [
        (first.minutes, last.minutes)
        for first, last in pairwise(theirs)
        if BETWEEN.fullmatch(text, first.span.end, last.span.start)
    ]
    return any(
        time.minutes % _HALF_DAY in known or any(start <= time.minutes <= end for start, end in spans) for time in mine
    )


def _is_kept(text: str, time: Time, mine: Sequence[Time]) -> bool:
    """Whether a time only says until or from when somebody can ("until 2 pm"), and the draft's times keep to it."""
    word = _word_before(text, time.span)
    return (word in word_set("until") and all(one.minutes <= time.minutes for one in mine)) or (
        word in word_set("from") and all(one.minutes >= time.minutes for one in mine)
    )


_EVENING, _MORNING = 20 * 60, 6 * 60


def _is_night(mine: Sequence[Time], theirs: Sequence[Time]) -> bool:
    """Whether the draft names an hour after midnight and the other side one late in the evening: the next day."""
    return any(time.minutes < _MORNING for time in mine) and any(time.minutes >= _EVENING for time in theirs)


def _other_zones(compared: _Compared) -> Iterator[Finding]:
    """Times of the thread, but in another time zone."""
    theirs = times_of_day(compared.asked)
    zones = {time.zone for time in theirs if time.zone}
    minutes = {time.minutes for time in theirs}
    zoned = [
        time
        for time in times_of_day(compared.body)
        if time.zone and zones and time.zone not in zones and time.minutes in minutes
    ]
    if zoned:
        words = (
            f"names the time zone {listed([time.zone for time in zoned])}, not {listed(sorted(zones))} as the last mail"
        )
        spans = tuple(Span(time.span.start, time.span.end + 1 + len(time.zone)) for time in zoned)
        yield flag("date_differs", words, *spans)
