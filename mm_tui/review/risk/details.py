"""Rules about details that contradict the thread: numbers of orders, counted things, units, weekdays, times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.lookalike import one_slip_apart
from mm_tui.review.risk.facts import find_amounts, find_dates
from mm_tui.review.risk.phrases import lowered, ordered
from mm_tui.review.risk.rule import Reading, agrees, quoted, rule
from mm_tui.text import OneLine

_IDENTIFIER = re.compile(
    r"(?<![\w@./:-])#?(?=[\w/.-]*\d{2})[A-Za-z0-9]{1,12}(?:[-/.][A-Za-z0-9]{1,12}){0,5}(?![\w@]|\.\w|:\d)"
)
_UNIT_END = re.compile(
    r"\d(?:st|nd|rd|th|am|pm|h|kg|g|mg|mm|cm|m|km|ml|l|gb|mb|tb|kb|v|w|kw|kwh|mbit|px|x|k)\Z", re.IGNORECASE
)
_LONGEST_COMPARED = 2000
_SHORT = 20_000
_MANY_THERE = 40
_MOST_NAMED = 50


def _identifiers(text: str) -> dict[str, Span]:
    """Numbers of things in `text`, upper case, without the sums, dates and years."""
    found = _candidates(text)
    taken = [one.span for one in find_amounts(text)] + [one.span for one in find_dates(text)] if found else []
    places = {place for span in taken for place in range(span.start, span.end)}
    return {name: span for name, span in found.items() if span.start not in places}


def _is_identifier(text: str, span: Span) -> bool:
    """Whether one of the `_candidates` is none of the sums and dates of its line."""
    end = text.find("\n", span.end)
    line = text[text.rfind("\n", 0, span.start) + 1 : len(text) if end < 0 else end]
    return text[slice(*span)].lstrip("#").upper() in _identifiers(line)


def _candidates(text: str) -> dict[str, Span]:
    """What may be the number of a thing, sums and dates among it."""
    found: dict[str, Span] = {}
    for match in _IDENTIFIER.finditer(text):
        name = match[0].lstrip("#").upper()
        digits = sum(char.isdigit() for char in name)
        if digits < 3 or _UNIT_END.search(name):
            continue
        if name.isdigit() and (len(name) < 4 or 1900 <= int(name) <= 2100 or name.endswith("000")):
            continue
        found.setdefault(name, Span(*match.span()))
        if len(found) >= _LONGEST_COMPARED:
            break
    return found


def _swapped_digits(first: str, second: str) -> bool:
    """The same characters in another order, or two of them wrong in a long number."""
    if len(first) != len(second):
        return False
    wrong = sum(a != b for a, b in zip(first, second, strict=True))
    return wrong <= (2 if len(first) >= 6 else 1) or (wrong <= 4 and sorted(first) == sorted(second))


def _shape(name: str) -> str:
    """Letters as they are, runs of digits by their length: `BK-70418` is `BK-5`."""
    return re.sub(r"\d+", lambda match: str(len(match[0])), name)


@rule("identifier_differs", "a number that is nearly one of the thread's", needs_thread=True)
def identifier_differs(reading: Reading) -> Iterator[Finding]:
    """The number of an order, an invoice, a ticket or a device is close to one that the thread names but not the same:
    a digit more, less, wrong or in another place. Or it is built like one of the thread's ("BK-70418"), which the draft
    never names. Medium; low when the draft names the thread's number too."""
    mine = _identifiers(reading.body[: reading.written])
    if not mine:
        return
    text = reading.thread_text
    new = {
        name: span
        for name, span in mine.items()
        if name not in (upper := text.upper()) and name.replace("-", "") not in upper
    }
    if not new:
        return
    theirs = _candidates(reading.figures)
    for name, span in new.items():
        near = [other for other in theirs if one_slip_apart(name, other) or _swapped_digits(name, other)]
        built = [other for other in theirs if re.match("[A-Z]", other) and _shape(other) == _shape(name)]
        both = [other for other in dict.fromkeys((*near, *built)) if _is_identifier(reading.figures, theirs[other])][
            :_MOST_NAMED
        ]
        if near:
            both = [other for other in both if other in near]
        if not both:
            continue
        level = Level.LOW if any(other in mine for other in both) else Level.MEDIUM
        words = f"names {quoted(name)}, while the thread names {quoted(both[0])}"
        yield Finding("identifier_differs", level, OneLine(words), (span,))


_UNITS = (
    {"kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib"},
    {"kbit", "mbit", "gbit", "kbit/s", "mbit/s", "gbit/s", "kbps", "mbps", "gbps"},
    {"mg", "g", "kg", "t", "lb", "lbs", "oz", "gram", "grams", "kilo", "kilos"},
    {"mm", "cm", "m", "km", "inch", "inches", "ft", "feet", "mile", "miles", "metres", "meters"},
    {"ml", "cl", "dl", "l", "litre", "litres", "liter", "liters", "gallons"},
    {"w", "kw", "mw", "kwh", "wh", "mwh"},
    {"v", "mv", "kv"},
    {"°c", "°f", "c", "f"},
    {"minute", "minutes", "min", "hour", "hours", "day", "days", "week", "weeks", "month", "months", "year", "years"}
    | {
        "minuten",
        "stunden",
        "tage",
        "tagen",
        "wochen",
        "monate",
        "monaten",
        "jahre",
        "jahren",
        "stunde",
        "monat",
        "woche",
    }
    | {"minutes", "heures", "jours", "semaines", "mois", "ans", "jour", "heure", "semaine", "minutos", "horas", "días"}
    | {"dias", "semanas", "meses", "mês", "años", "anos", "minuti", "ore", "giorni", "settimane", "mesi", "anni"}
    | {
        "uur",
        "dagen",
        "weken",
        "maanden",
        "jaar",
        "godzin",
        "dni",
        "tygodni",
        "miesięcy",
        "lat",
        "tygodnie",
        "miesiące",
    }
    | {"business", "working", "werktage", "werktagen"},
)
_TIME = _UNITS[-1]
_DIMENSION = {unit: number for number, units in enumerate(_UNITS) for unit in units}


def _same_unit(first: str, second: str) -> bool:
    """Whether two words name one unit: `m` and `metres`, `Jahre` and `Jahren`, but not `m` and `mm`."""
    short, long = sorted((first, second), key=len)
    return first == second or (len(long) > 3 and (long.startswith(short) or first[:3] == second[:3]))


class Count(NamedTuple):
    """A number with the words around it."""

    number: float
    noun: str
    """The word after it, lower case and without its ending."""
    unit: str
    before: str
    span: Span


@cache
def _counted() -> re.Pattern[str]:
    words = "|".join(sorted((re.escape(word) for word in ordered("numbers") if word.isalpha()), key=len, reverse=True))
    return re.compile(
        rf"(?<![\w.,/:-])(?P<number>\d{{1,3}}(?:[ ,.']\d{{3}})+(?!\d)"
        rf"|\d{{1,7}}(?:[.,]\d{{1,2}})?|(?:{words})(?!\w))"
        r"(?:[ \u00a0-]?(?P<noun>°?[^\W\d_]+(?:/[^\W\d_]+)?))(?:\s(?P<next>[^\W\d_]+))?"
    )


_LONGEST_WORD = 30
_WORD_BEFORE = re.compile(r"[^\W\d_]+[ \t]*\Z")


def _stem(word: str) -> str:
    return word[: max(3, len(word) - 2)] if len(word) > 4 else word.rstrip("s")


def _counts(text: str) -> list[Count]:
    found = []
    places = ordered("numbers")
    for match in _counted().finditer(text):
        number = match["number"]
        digits = re.sub(r"[ ,.'](?=\d{3}(?!\d))", "", number).replace(",", ".")
        value = float(places[number]) if number in places else float(digits)
        noun = match["noun"]
        before = _WORD_BEFORE.search(text, max(0, match.start() - _LONGEST_WORD), match.start())
        word = before[0].rstrip(" \t") if before else ""
        span = Span(match.start("number"), match.end("noun"))
        found.append(Count(value, _stem(noun), noun if noun in _DIMENSION else "", word, span))
        if match["next"] and noun not in _DIMENSION and len(match["next"]) > 3:
            span = Span(match.start("number"), match.end("next"))
            found.append(Count(value, _stem(match["next"]), "", word, span))
    return found


def _lines_about(text: str, counts: list[Count]) -> str:
    """The lines of `text` that count one of the same things or name one of the same numbers."""
    nouns = {count.noun for count in counts} | {f"{count.number:g}"[:3] for count in counts if count.unit}
    return "\n".join(line for line in text.split("\n") if any(noun in line for noun in nouns))


_ORDINALS = frozenset({"th", "st", "nd", "rd", "er", "ème", "ª", "º"})


def _mixed_up(count: Count, other: Count) -> bool:
    """Whether one number may stand for the other: the same word before it, or nearly the same digits."""
    if count.before and count.before == other.before and count.before not in _weak():
        return True
    first, second = f"{count.number:g}", f"{other.number:g}"
    return min(len(first), len(second)) >= 2 and (
        one_slip_apart(first, second) or sorted(first) == sorted(second) or first.strip("0") == second.strip("0")
    )


@cache
def _weak() -> frozenset[str]:
    return frozenset(map(_stem, [*ordered("months"), *ordered("weekdays"), *_UNCOUNTED]))


_UNCOUNTED = frozenset(
    re.findall(
        r"\S+",
        """of and or to in is are am pm uhr percent prozent more other than for at on the a with was has by
        from until und oder bis der die et de du del e y o i thing question moment time times step steps
        point way copy copies line lines can will it we you your our that which where who if as so but
        because euro euros dollar dollars pounds zł chf eur usd gbp""",
    )
)
"""Words that follow a number without being counted by it."""


@rule("count_differs", "a number or unit that contradicts the thread", needs_thread=True)
def count_differs(reading: Reading) -> Iterator[Finding]:
    """The draft counts the same thing as the thread and gets another number ("52 seats" for "25 seats"), or gives the
    same number in another unit of the same kind ("500 MB" for "500 GB"). Measures and spans of
    time count only after the same word ("for 90 days" for "for 30 days"). Medium when the digits or the word before
    are nearly the same or the draft agrees; low else, and when the draft names the thread's number too."""
    mine = _counts(reading.low[: reading.written])
    if not mine:
        return
    text = reading.thread_text
    theirs = _counts(_lines_about(lowered(text if len(text) < _SHORT else reading.figures), mine))
    by_noun: dict[str, list[Count]] = {}
    by_number: dict[float, set[str]] = {}
    for count in theirs:
        by_noun.setdefault(count.noun, []).append(count)
        if count.unit:
            by_number.setdefault(count.number, set()).add(count.unit)
    named = {(count.number, count.noun) for count in mine}
    told: list[Span] = []
    for count in mine:
        if count.noun in _weak() or count.noun in _ORDINALS or any(span.start == count.span.start for span in told):
            continue
        if count.unit and (units := by_number.get(count.number)):
            others = [
                unit
                for unit in units
                if _DIMENSION[unit] == _DIMENSION[count.unit] and not _same_unit(unit, count.unit)
            ]
            if others and not any(_same_unit(unit, count.unit) for unit in units):
                told.append(count.span)
                words = f"says {quoted(reading.body[slice(*count.span)])}, while the thread says {quoted(others[0])}"
                yield Finding("count_differs", Level.MEDIUM, OneLine(words), (count.span,))
                continue
        there = by_noun.get(count.noun, [])
        if not there or any(other.number == count.number for other in there):
            continue
        if count.unit:
            there = [other for other in there if other.before == count.before and other.before]
        elif len(count.noun) < 2:
            continue
        if there:
            told.append(count.span)
            both = any((other.number, other.noun) in named for other in there)
            sure = any(_mixed_up(count, other) for other in there) or agrees(reading, count.span)
            words = f"says {quoted(reading.body[slice(*count.span)])}, while the thread says {there[0].number:g}"
            yield Finding(
                "count_differs", Level.MEDIUM if sure and not both else Level.LOW, OneLine(words), (count.span,)
            )


_BARE = re.compile(r"(?<![\w.,:/-])\d{1,3}(?:[.,' ]\d{3})*(?:[.,]\d{1,2})?(?![\w:/-]|[.,]\d)")
_NUMBERED = re.compile(r"(?<!\w)(?P<word>[^\W\d_]{4,20})[ ]+(?P<number>\d{1,4})(?![\w:/%-]|[.,]\d|[ ]?[€$£%°])")
_MANY_NUMBERS = 6
_PLACES = frozenset(
    {"step", "page", "section", "point", "option", "line", "version", "part", "item", "chapter", "seite", "punkt"}
    | {"schritt", "abschnitt", "article", "artikel", "paso", "passo", "page", "página", "pagina", "strona", "about"}
    | {"around", "until", "after", "before", "between", "over", "under", "only", "than", "least", "most", "just"}
    | {"gegen", "nach", "über", "unter", "etwa", "rund", "from", "with", "unos", "circa", "ongeveer", "około", "dalle"}
    | {"alle", "vers", "après", "entre", "desde", "hasta", "godz", "plus", "another", "have", "these", "those", "next"}
)


@rule("number_differs", "a number nearly as in the thread", needs_thread=True)
def number_differs(reading: Reading) -> Iterator[Finding]:
    """A number stands nowhere in the thread, and one of the same digits in another order or with the point elsewhere
    does ("520" for "250", "3,184.00" for "318.40"). Or the thread gives the same word another number ("room 3", "year
    8"). Medium; low when the thread's number stands in the draft too, or one of the two is full of numbers."""
    body = reading.body[: reading.written]
    mine = [match for match in _BARE.finditer(body) if len(_digits(match[0])) >= 2]
    numbered = list(_NUMBERED.finditer(reading.low[: reading.written]))
    if not mine and not numbered:
        return
    text = reading.figures
    taken = {place for day in find_dates(body) for place in range(*day.span)}
    theirs = {_digits(match[0]): match[0] for match in _BARE.finditer(text)}
    by_digits: dict[tuple[str, ...], list[str]] = {}
    for digits in theirs:
        by_digits.setdefault(tuple(sorted(digits.strip("0"))), []).append(digits)
    here = {_digits(match[0]) for match in mine}
    for match in mine:
        digits = _digits(match[0])
        if digits in theirs or match.start() in taken or len(set(digits)) < 2:
            continue
        near = [
            other
            for other in by_digits.get(tuple(sorted(digits.strip("0"))), [])
            if len(other.strip("0")) > 1 and abs(len(other) - len(digits)) <= 2
        ]
        if near:
            level = (
                Level.LOW
                if any(other in here for other in near) or len(mine) > _MANY_NUMBERS or len(theirs) > _MANY_THERE
                else Level.MEDIUM
            )
            words = f"says {quoted(match[0])}, while the thread says {quoted(theirs[near[0]])}"
            yield Finding("number_differs", level, OneLine(words), (Span(*match.span()),))
    there: dict[str, set[str]] = {}
    if numbered:
        for match in _NUMBERED.finditer(lowered(text)):
            there.setdefault(match["word"], set()).add(match["number"])
    named = {(match["word"], match["number"]) for match in numbered}
    for match in numbered:
        word, number = match["word"], match["number"]
        others = there.get(word, set())
        skip = word in _PLACES or word in ordered("months") or word in ordered("weekdays") or word in _DIMENSION
        if not others or number in others or skip or match.start("number") in taken or word in _UNCOUNTED:
            continue
        level = Level.LOW if any((word, other) in named for other in others) or number in theirs else Level.MEDIUM
        words = f"says {quoted(match[0])}, while the thread says {quoted(f'{word} {min(others)}')}"
        yield Finding("number_differs", level, OneLine(words), (Span(*match.span()),))


def _digits(number: str) -> str:
    """The digits of a number, without the zeros after a point that say nothing."""
    return re.sub(r"\D", "", re.sub(r"(?:[.,]00?|(?<=[.,]\d)0)\Z", "", number))


DETAIL_RULES = (number_differs, identifier_differs, count_differs)
