"""The rule about days, weekdays and times that contradict the thread."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.counts import UNCOUNTED
from mm_tui.review.risk.facts import Day, days_there, find_dates
from mm_tui.review.risk.phrases import lowered, ordered, pattern, word_set
from mm_tui.review.risk.pieces import find_near_digits
from mm_tui.review.risk.rule import Reading, agrees, listed, quoted, rule
from mm_tui.review.risk.sequence import BETWEEN
from mm_tui.review.risk.weekdays import likely_years, weekdays_in
from mm_tui.text import OneLine

_MANY_DAYS = 20
"""A draft with more days is a list: its days are not compared one by one."""
_SHORT_MAIL = 400
_FEW_DAYS = 2
"""A draft with more days may offer them."""
_NEAR = 24
"""The most characters between a date and the word that says what it is the date of."""


_CLOCK = re.compile(
    r"(?<![\d.,:])(?P<h>2[0-3]|[01]?\d)(?!\d)"
    r"(?:(?::|h|\.(?=\d\d(?: ?(?:uhr|uur|h\b|[ap]\.?m))))(?P<m>[0-5]\d)(?!\d|[.:]\d))?"
    r"(?P<end>\s?(?:[ap]\.?m\b\.?|u(?:hr|ur)\b|o'clock|h\b|点|時))?"
)
_ZONE = re.compile(
    r"\b(?:utc|gmt|cet|cest|est|edt|cst|cdt|mst|mdt|pst|pdt|ist|jst|bst|aest|eet|msk|et|pt|ct)\b", re.IGNORECASE
)


@lru_cache(maxsize=64)
def times_of_day(text: str) -> tuple[tuple[int, Span, str], ...]:
    """Times of day in minutes, with the zone named after them."""
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
        found.append((hour * 60 + int(match["m"] or 0), Span(*match.span()), zone[0].upper() if zone else ""))
    return tuple(found)


_ORDINAL = re.compile(r"\bthe (\d{1,2})(?:st|nd|rd|th)\b")
"""A day without its month: "on the 28th"."""


def _nearly(day: Day, other: Day) -> bool:
    """Whether they are the same day of different months, or days of one month with swapped digits or one apart."""
    for month, number in day.readings:
        for their_month, their_number in other.readings:
            if number == their_number and month != their_month:
                return True
            swapped = f"{number:02}"[::-1] == f"{their_number:02}"
            if month == their_month and (swapped or abs(number - their_number) in (1, 10, 20)):
                return True
    return False


def _has_same_digits(minutes: int, other: int) -> bool:
    """Whether two times of day have the same digits in another order: 13:40 and 14:30."""
    first, second = (f"{one // 60:02}{one % 60:02}" for one in (minutes, other))
    return first != second and sorted(first) == sorted(second)


def _names_weekday(reading: Reading, number: int) -> bool:
    """Whether the thread mentions this weekday in any language."""
    names = [name for name, place in ordered("weekdays").items() if place == number and len(name) > 1]
    return any(
        name in reading.thread_words or (not name.isascii() and name in reading.thread_text.lower()) for name in names
    )


@rule("date_differs", "a date or time that contradicts the thread", needs_thread=True)
def date_differs(reading: Reading) -> Iterator[Finding]:
    """The other side's newest email names days, weekdays or times, and the draft names only different ones. Medium for
    a day that is easily mixed up with the thread's (21 for 12 December, the same day of another month), for a weekday
    or a single time to which the draft agrees, for a time in another time zone, and for one of several days that is
    nearly the thread's after the same word ("departure 11 May" for "departure 12 May"). Low for any other day or time,
    when the draft proposes, asks or says no, and when that email asks for a time or day or one was called off. A time
    that keeps to "until 2 pm" contradicts nothing."""
    asked, body = reading.asked_text, reading.low[: reading.written]
    if not asked:
        return
    asks = pattern("asks_when").search(asked) is not None
    # Another day or time than the one that was called off is no slip.
    moved = pattern("calls_off", "moves").search(asked) is not None or pattern("calls_off").search(body) is not None
    mine = tuple(day for day in find_dates(reading.body) if day.span.end <= len(body))
    theirs = find_dates(asked) if mine else ()
    every = days_there(reading, mine) if theirs else ()
    came = {(mail.received_at.month, mail.received_at.day) for mail in reading.context.messages if mail.received_at}
    if reading.context.today:
        came.add((reading.context.today.month, reading.context.today.day))
    months = {month for day in theirs for month, _ in day.readings}
    ordinals = {int(number) for number in _ORDINAL.findall(asked)} if theirs else set()
    fits = [
        day
        for day in mine
        if day.readings & came
        or any(day.readings & other.readings for other in every)
        or any(number in ordinals and month in months for month, number in day.readings)
        or (len(mine) <= _MANY_DAYS and _is_within(asked, day, theirs))
    ]
    yield from _otherwise_labelled(reading, body, mine, moved=moved)
    for day in mine if not fits else ():
        near = next((other for other in theirs if _nearly(day, other)), None)
        if theirs:
            other = near or theirs[0]
            # Of two days in a change, the draft's is nearly one.
            changed = (
                moved
                and not reading.is_question(day.span.start)
                and near is not None
                and len(theirs) > 1
                and len(mine) == 1
                and agrees(reading, day.span)
            )
            level = (
                Level.LOW
                if ((moved or _open(reading, day.span)) and not changed)
                or _asks_about(asked, other, day)
                or _is_within_limit(asked, other, day)
                or _has_its_weekday(reading, day)
                or _arrived_later(reading, day, other)
                or near is None
                or (
                    (asks or len(mine) > _FEW_DAYS)
                    and not _labels(body, day.span) & _labels(asked, near.span)
                    and not agrees(reading, day.span)
                )
                else Level.MEDIUM
            )
            words = _other(reading, day.span, asked, other.span)
            yield Finding("date_differs", level, OneLine(words), (day.span,))
    yield from _slip_of_agreed(reading, mine, theirs, moved=moved)
    for day in set(mine).difference(fits) if fits and len(mine) <= _MANY_DAYS else ():
        near = next((one for one in theirs if _nearly(day, one)), None)
        slip = near and _labels(body, day.span) & _labels(asked, near.span) and not _open(reading, day.span)
        if near and slip and not _asks_about(asked, near, day):
            words = _other(reading, day.span, asked, near.span)
            yield Finding("date_differs", Level.MEDIUM, OneLine(words), (day.span,))
    here = weekdays_in(body)
    there = [one for one in weekdays_in(asked) if not _is_past(asked, one[1])] if here and not mine else []
    if here and there and not mine and not any(_names_weekday(reading, number) for number, _ in here):
        sure = agrees(reading, here[0][1], "yes") and not asks and not moved
        sure = sure and not _is_night(times_of_day(body), times_of_day(asked))
        level = Level.MEDIUM if sure and not any(_open(reading, span) for _, span in here) else Level.LOW
        words = _other(reading, here[0][1], asked, there[0][1])
        yield Finding("date_differs", level, OneLine(words), tuple(span for _, span in here))
    here_t = times_of_day(body)
    there_t = [one for one in times_of_day(asked) if not _is_kept(asked, one, here_t)] if here_t else []
    hours = (
        {hour for minutes, _, _ in here_t for hour in (minutes // 60 % 12, minutes // 60 % 12 + 12)} if there_t else ()
    )
    near_text = (
        lowered(reading.lines_with("|".join(f"0?{hour}" for hour in {*hours, *([0] if 12 in hours else [])})))
        if hours
        else ""
    )
    known_t = {minutes % 720 for minutes, _, _ in times_of_day(near_text)}
    if (
        here_t
        and there_t
        and not _are_hours(body, here_t)
        and not _is_night(here_t, there_t)
        and not _spanned(asked, here_t, there_t, known_t)
        and len(here_t) <= 2
    ):
        # Full hours are the same minutes by chance.
        same = {minutes % 60 for minutes, _, _ in here_t} & {minutes % 60 for minutes, _, _ in there_t} - {0}
        limits = any(_word_before(asked, span) in word_set("until", "from") for _, span, _ in there_t)
        likely = agrees(reading, here_t[0][1], "yes") or (
            (bool(same) or limits) and len(asked) <= _SHORT_MAIL and not asks
        )
        slip = any(_has_same_digits(minutes, other) for minutes, _, _ in here_t for other, _, _ in there_t)
        sure = len(here_t) == 1 and (likely or slip) and not moved
        level = Level.MEDIUM if sure and not any(_open(reading, span) for _, span, _ in here_t) else Level.LOW
        words = _other(reading, here_t[0][1], asked, there_t[0][1])
        yield Finding("date_differs", level, OneLine(words), tuple(span for _, span, _ in here_t))
    zones = {zone for _, _, zone in there_t if zone}
    zoned = [
        (span, zone)
        for minutes, span, zone in here_t
        if zone and zones and zone not in zones and minutes in {m for m, _, _ in there_t}
    ]
    if zoned:
        words = (
            f"names the time zone {listed([zone for _, zone in zoned])}, not {listed(sorted(zones))} as the last mail"
        )
        spans = tuple(Span(span.start, span.end + 1 + len(zone)) for span, zone in zoned)
        yield Finding("date_differs", Level.MEDIUM, OneLine(words), spans)


_LABELLED = 40
"""The most characters between the words that say what a date or time is and itself."""
_MOST_LABELLED = 5
_LONGEST_LABELLED = 4000


def _said_of(text: str, span: Span) -> frozenset[str]:
    """The words before a date or time in its sentence; for scripts without spaces, pairs of characters."""
    before = re.split(r"[.!?。！？](?=\s|\Z)|\n", text[max(0, span.start - _LABELLED) : span.start])[-1]
    words = set(re.findall(r"[^\W\d_]{5,}", before)) | set(re.findall(r"[\u30a0-\u30ff\u4e00-\u9fff]{2}", before))
    return frozenset(words.difference(ordered("months"), ordered("weekdays"), UNCOUNTED))


def _otherwise_labelled(reading: Reading, body: str, days: tuple[Day, ...], *, moved: bool) -> Iterator[Finding]:
    """A day or time of which the draft says in the same words what an earlier email of ours says of another one."""
    mine = [(day.readings, day.span) for day in days]
    mine += [(frozenset({(_CLOCK_TIME, minutes % 720)}), span) for minutes, span, _ in times_of_day(body)]
    if moved or not 0 < len(mine) <= _MOST_LABELLED:
        return
    texts = [lowered(str(mail.body)) for mail in reading.context.messages[-_MOST_LABELLED:] if mail.body]
    texts = [text for text in texts if len(text) <= _LONGEST_LABELLED]
    there = [
        (text, day.readings, day.span)
        for text in texts
        for day in find_dates(text)
        if not any(_is_within_limit(text, day, one) for one in days)
    ]
    there += [
        (text, frozenset({(_CLOCK_TIME, minutes % 720)}), span)
        for text in texts
        for minutes, span, _ in times_of_day(text)
    ]
    known = frozenset().union(*(what for _, what, _ in there))
    for what, span in mine:
        label = _said_of(body, span)
        if what & known or not label or _open(reading, span):
            continue
        for text, other, place in there:
            same = _said_of(text, place) & label
            kept = any(other & one for one, _ in mine)
            if _is_clock(other) == _is_clock(what) and len(same) >= _SAME_LABEL and not kept:
                said, in_thread = quoted(reading.body[slice(*span)]), quoted(text[slice(*place)])
                words = f"names {said}, while the thread names {in_thread} for the same"
                yield Finding("date_differs", Level.MEDIUM, OneLine(words), (span,))
                return


_SAME_LABEL = 2
_CLOCK_TIME = 0
"""In place of the month, for times of day."""


def _is_clock(what: frozenset[tuple[int, int]]) -> bool:
    return min(what)[0] == _CLOCK_TIME


def _is_within(text: str, day: Day, days: tuple[Day, ...]) -> bool:
    """Whether a day is within a span of days in `text`: "25 July - 9 August"."""
    for first, last in pairwise(days):
        if BETWEEN.fullmatch(text, first.span.end, last.span.start):
            start, end, own = min(first.readings), min(last.readings), min(day.readings)
            if start <= own <= end or (end < start and not end < own < start):
                return True
    return False


def _are_hours(text: str, times: Sequence[tuple[int, Span, str]]) -> bool:
    """Whether times are the ends of a span, as opening hours are: "from 10 pm to 7 am"."""
    return len(times) > 1 and all(
        BETWEEN.fullmatch(text, first[1].end, last[1].start)
        for first, last in zip(times[::2], times[1::2], strict=False)
    )


def _spanned(
    text: str, mine: Sequence[tuple[int, Span, str]], theirs: Sequence[tuple[int, Span, str]], known: set[int]
) -> bool:
    """Whether one of our times is known, or within a span of hours in `text`: "from 16:00 to 18:00"."""
    spans = [
        (first[0], last[0]) for first, last in pairwise(theirs) if BETWEEN.fullmatch(text, first[1].end, last[1].start)
    ]
    return any(minutes % 720 in known or any(start <= minutes <= end for start, end in spans) for minutes, _, _ in mine)


def _has_its_weekday(reading: Reading, day: Day) -> bool:
    """Whether the right weekday stands before a date: somebody looked at a calendar."""
    today = reading.context.today or date(2000, 1, 1)
    before = weekdays_in(reading.low[max(0, day.span.start - _NEAR) : day.span.start])
    return bool(before) and any(one.isoweekday() == before[-1][0] for one in likely_years(day, today))


def _other(reading: Reading, span: Span, asked: str, their: Span) -> str:
    said, named = quoted(reading.body[slice(*span)]), quoted(asked[slice(*their)])
    return f"names {said}, while the last mail names {named}"


def _is_past(text: str, span: Span) -> bool:
    """Whether a weekday is the last one: "last Monday", "lundi dernier"."""
    around = text[max(0, span.start - 12) : span.start], text[span.end : span.end + 12]
    return any(pattern("last").search(part) for part in around)


def _labels(text: str, span: Span) -> set[str]:
    """The words right before a date that may say what it is the date of: "departure stays 12 May"."""
    before = re.split(r"[.;,!?\n]", text[max(0, span.start - _NEAR) : span.start])[-1]
    words = set(re.findall(r"[^\W\d_]{5,}", before))
    return words.difference(ordered("months"), ordered("weekdays"), UNCOUNTED)


def _word_before(text: str, span: Span) -> str:
    before = re.search(r"([^\W\d_]+)\W*\Z", text[max(0, span.start - 16) : span.start])
    return before[1] if before else ""


def _is_kept(text: str, time: tuple[int, Span, str], mine: Sequence[tuple[int, Span, str]]) -> bool:
    """Whether a time only says until or from when somebody can ("until 2 pm"), and the draft's times keep to it."""
    minutes, span, _ = time
    word = _word_before(text, span)
    return (word in word_set("until") and all(one <= minutes for one, _, _ in mine)) or (
        word in word_set("from") and all(one >= minutes for one, _, _ in mine)
    )


_WEEK = 7


def _slip_of_agreed(
    reading: Reading, mine: tuple[Day, ...], theirs: tuple[Day, ...], *, moved: bool
) -> Iterator[Finding]:
    """The only day of the draft is nearly the only one of the thread, or a week from it, and the draft agrees to it or
    says of it what an email of ours does ("back by 19 June")."""
    if moved or theirs or len({day.readings for day in mine}) != 1:
        return
    mails = [
        mail for mail in reading.context.messages[-_MOST_LABELLED:] if mail.body and len(mail.body) <= _LONGEST_LABELLED
    ]
    texts = [lowered(str(mail.body)) for mail in mails]
    there = {day.readings: (text, day) for text in texts for day in find_dates(text)}
    if len(there) != 1:
        return
    day, (readings, (text, other)) = mine[0], *there.items()
    if day.readings & readings or len(readings) > 1 or _open(reading, day.span):
        return
    same = _word_before(reading.low, day.span) == _word_before(text, other.span) != ""
    if not (same or agrees(reading, day.span)):
        return
    (month, number), (their_month, their_number) = min(day.readings), min(readings)
    came = {(mail.received_at.month, mail.received_at.day) for mail in reading.context.messages if mail.received_at}
    if (month, number) in came or re.search(rf"(?<!\d)0?{number}(?!\d)", reading.figures):
        # "Thursday 19 March or Friday 20"
        return
    if _nearly(day, other) or (month == their_month and abs(number - their_number) == _WEEK):
        words = f"names {quoted(reading.body[slice(*day.span)])}, while the thread names {their_number}/{their_month}"
        yield Finding("date_differs", Level.MEDIUM, OneLine(words), (day.span,))


_BY_THEN = re.compile(r"[^\n。、,.]{0,6}(?:まで|以前|之前|前)")


def _is_within_limit(text: str, theirs: Day, day: Day) -> bool:
    """Whether a day is before the one until when something is wanted: "by 10 March", "3月10日までに"."""
    limit = _word_before(text, theirs.span) in word_set("until") or _BY_THEN.match(text, theirs.span.end)
    return bool(limit) and max(day.readings) <= min(theirs.readings)


_ARRIVED = re.compile(
    r"\b(?:came in|come in|comes? to us|arriv\w+|receiv\w+|reached us|got (?:here|to us)|credited|booked in"
    r"|eingegangen|eingetroffen|angekommen|erhalten|gutgeschrieben|reçu\w*|parvenu\w*|encaissé\w*|recib\w+|lleg\w+"
    r"|ingresó|receb\w+|cheg\w+|ricevut\w+|pervenut\w+|binnengekomen|ontvangen|aangekomen|bijgeschreven|otrzyma\w+"
    r"|wpłyn\w+|dotar\w+)|届|到着|入金|着金|収到|收到|到账"
)


def _arrived_later(reading: Reading, day: Day, sent: Day) -> bool:
    """Whether something arrived on a day not before the one on which the other side sent or paid it."""
    today = reading.context.today
    if today is None or not min(sent.readings) <= max(day.readings) <= (today.month, today.day):
        return False
    return _ARRIVED.search(reading.low, *reading.sentence(day.span.start)) is not None


_EVENING, _MORNING = 20 * 60, 6 * 60


def _is_night(mine: Sequence[tuple[int, Span, str]], theirs: Sequence[tuple[int, Span, str]]) -> bool:
    """Whether the draft names an hour after midnight and the other side one late in the evening: the next day."""
    return any(minutes < _MORNING for minutes, _, _ in mine) and any(minutes >= _EVENING for minutes, _, _ in theirs)


def _asks_about(text: str, theirs: Day, day: Day) -> bool:
    """Whether the sentence with a date asks, and the draft's date is in another month: it may be the answer."""
    rest = re.search(r"[.!?。！？](?=\s|\Z)|[？。]", text[theirs.span.end :])
    month_only = {number for _, number in day.readings} & {number for _, number in theirs.readings}
    return rest is not None and rest[0] in "?？" and bool(month_only)


def _open(reading: Reading, span: Span) -> bool:
    """Whether the sentence proposes, asks or declines, or follows one that declines without agreeing itself."""
    if reading.is_question(span.start) or reading.sentence_has(span.start, "proposes", "denies"):
        return True
    first, _ = reading.sentence(span.start)
    refused = first > 1 and reading.sentence_has(first - 2, "negations", "denies")
    return refused and not agrees(reading, span)


TIMING_RULES = (date_differs,)
