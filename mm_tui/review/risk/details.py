"""Rules about numbers that contradict the thread: of orders, devices and counted things."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from itertools import islice

from mm_tui.review.alike import grouped
from mm_tui.review.findings import Finding, Level, Span, line_span, span_of
from mm_tui.review.lookalike import one_slip_apart, reordered
from mm_tui.review.risk.facts import Amount, Day, find_amounts, find_dates, known_sums, number_of
from mm_tui.review.risk.phrase_patterns import NO_SPACES
from mm_tui.review.risk.phrases import pattern, word_set
from mm_tui.review.risk.pieces import find_all
from mm_tui.review.risk.rule import Reading, flag, quoted, rule
from mm_tui.review.risk.sums import unknown

_BARE = re.compile(
    rf"(?:(?<![\w.,:/-])|(?<=[{NO_SPACES}]))\d{{1,3}}(?:[.,' ]\d{{3}})*(?:[.,]\d{{1,2}})?"
    rf"(?=[A-Z](?![\w-])|[{NO_SPACES}]|(?![\w:/-]|[.,]\d))"
)
"""A number, also beside Chinese or Japanese characters, or before a single letter: "flat 12B"."""
_MANY_NUMBERS = 6
_SHORT_NUMBER = 2
"""A sum of money is not compared with numbers of so few digits, which are days or people."""


@rule("number_differs", "a number nearly the same as in the thread", needs_thread=True)
def number_differs(reading: Reading) -> Iterator[Finding]:
    """A number is not in the thread, but one with the same digits in another order, or with its point elsewhere, is
    ("520" for "250", "3,184.00" for "318.40", flat "21B" for "12B"). Or one of two sides has another length ("240 x 95"
    for "220 x 95"). Medium; low if the draft also has the thread's number, if either is full of numbers, or if it is
    one of two digits with other words beside it."""
    body, text = reading.body[: reading.written], reading.figures
    mine = [match for match in find_all(_BARE, body) if len(_digits(match[0])) >= 2]
    if not mine:
        return
    amounts = find_amounts(body)
    calculated = {*amounts} - {*unknown(reading, amounts, known_sums(reading))}
    days, sums = _places(find_dates(body)), _places(amounts)
    for match, other in _other_points(body, mine, text, days | sums):
        yield flag("number_differs", f"says {quoted(match[0])}, while the thread says {quoted(other)}", match)
    here = {_digits(match[0]) for match in mine}
    theirs = {_digits(match[0]): match[0] for match in _BARE.finditer(text)}
    by_digits = grouped((_sorted_digits(digits), digits) for digits in theirs)
    taken = days | _places(calculated)
    is_crowded = len(mine) > _MANY_NUMBERS or len(theirs) > _MANY_THERE
    for match in mine:
        digits = _digits(match[0])
        if digits in theirs or match.start() in taken or len(set(digits)) < 2:
            continue
        alike = [one for one in by_digits.get(_sorted_digits(digits), ()) if _is_slip(match[0], theirs[one])]
        near = [theirs[one] for one in alike if match.start() not in sums or len(theirs[one]) > _SHORT_NUMBER]
        if near:
            is_short = len(match[0]) == _SHORT_NUMBER and not _same_beside(body, match, text, near)
            is_low = is_crowded or is_short or any(_digits(one) in here for one in near)
            words = f"says {quoted(match[0])}, while the thread says {quoted(near[0])}"
            yield flag("number_differs", words, match, level=Level.LOW if is_low else Level.MEDIUM)
    for span, other in _other_sides(reading):
        yield flag("number_differs", f"says {reading.quoted(span)}, while the thread says {quoted(other)}", span)


def _places(found: Iterable[Amount | Day]) -> set[int]:
    return {place for one in found for place in range(*one.span)}


def _sorted_digits(digits: str) -> str:
    return "".join(sorted(digits.strip("0")))


def _is_slip(mine: str, other: str) -> bool:
    """Whether one number with the digits of another may be a slip for it."""
    first, second = _digits(mine), _digits(other)
    enough = len(second.strip("0")) > (1 if len(second) == len(first) else 2)
    return enough and abs(len(second) - len(first)) <= 2 and not _otherwise_written(mine, other)


def _other_points(
    body: str, mine: list[re.Match[str]], text: str, taken: set[int]
) -> Iterator[tuple[re.Match[str], str]]:
    """Numbers with the point elsewhere than in the thread, before the same word: "845 cm" for "84.5 cm"."""
    theirs = grouped((_digits(match[0]).strip("0"), match) for match in _BARE.finditer(text))
    for match in mine:
        same = theirs.get(_digits(match[0]).strip("0"), ())
        value, unit = number_of(match[0]), _unit_after(body, match)
        if not same or len(same) > _MANY_NUMBERS or not unit or not value or match.start() in taken:
            continue
        others = [(number_of(one[0]), _unit_after(text, one), one[0]) for one in same]
        if any(other == value for other, _, _ in others):
            continue
        near = [one for other, after, one in others if after == unit and other and other not in _thousands(value)]
        if near and ("." in match[0] + near[0] or "," in match[0] + near[0]):
            yield match, near[0]


def _unit_after(text: str, number: re.Match[str]) -> str:
    after = _UNIT.match(text, number.end())
    return after[1].lower() if after else ""


def _thousands(value: Decimal) -> tuple[Decimal, Decimal]:
    return value * _THOUSAND, value / _THOUSAND


_UNIT = re.compile(r"[ \u00a0]?([\u3040-\u9fff]|[^\W\d_]{1,12})")
_CENTS = re.compile(r"[.,]\d{1,2}\Z")


def _otherwise_written(mine: str, other: str) -> bool:
    """Whether one is the other in thousands ("29,500" for "29.5"), or a count of two digits beside a price."""
    first, second = number_of(mine), number_of(other)
    if first and second and first in _thousands(second):
        return True
    return len(mine) == _SHORT_NUMBER and _CENTS.search(other) is not None


_THOUSAND = 1000
_BESIDE = re.compile(rf"[\W\d]{{0,3}}(?P<word>[{NO_SPACES}]{{2}}|[^\W\d_]{{2,}})")
_BEFORE = re.compile(rf"(?P<word>[{NO_SPACES}]{{2}}|(?<![{NO_SPACES}])[^\W\d_]{{2,}})[\W\d]{{0,3}}\Z")
_ROOT = 4


def _same_beside(body: str, number: re.Match[str], text: str, others: list[str]) -> bool:
    """Whether the word right before or after a number is that of one of `others` in `text`, too."""
    mine = _beside(body, *number.span())
    return any(
        mine & _beside(text, *match.span())
        for other in others
        for match in islice(re.finditer(rf"(?<![\d.,]){re.escape(other)}(?![\d]|[.,]\d)", text), _MANY_NUMBERS)
    )


def _beside(text: str, start: int, end: int) -> set[str]:
    """The roots of the words right before and after a place."""
    found = (_BEFORE.search(text, max(0, start - _LONGEST_BESIDE), start), _BESIDE.match(text, end))
    words = {one["word"].lower() for one in found if one}
    return {word[:_ROOT] for word in words if word not in word_set("uncounted")}


_LONGEST_BESIDE = 24
_SIDES = re.compile(
    r"(?<![\w.,×])(\d{2,5}(?:[.,]\d{1,2})?) ?(?:mm|cm|m)? ?[x×] ?(\d{2,5}(?:[.,]\d{1,2})?)(?![\w.,]?\d| ?[x×=€$£])"
)
_MOST_SIDES = 20


def _other_sides(reading: Reading) -> Iterator[tuple[Span, str]]:
    """Measures of two sides if the thread gives one side another length, and what it says."""
    body = reading.body[: reading.written]
    mine = list(islice(find_all(_SIDES, body), _MOST_SIDES))
    theirs = {match.groups(): match[0].strip() for match in _SIDES.finditer(reading.figures)} if mine else {}
    named = {match.groups() for match in mine}
    if not theirs or len(theirs) > _MOST_SIDES or named & set(theirs):
        return
    for match in mine:
        near = [
            text for sides, text in theirs.items() if any(a == b for a, b in zip(sides, match.groups(), strict=True))
        ]
        if near and not all(side in reading.figures for side in match.groups()):
            yield span_of(match), near[0]


def _digits(number: str) -> str:
    """The digits of a number, without insignificant zeros after the point."""
    return re.sub(r"\D", "", re.sub(r"(?:[.,]00?|(?<=[.,]\d)0)\Z", "", number))


_IDENTIFIER = re.compile(
    r"(?<![A-Za-z0-9_À-ɏЀ-ӿ@./:-])(?<!\d,)#?(?=[A-Za-z0-9/.-]*\d{2}|[A-Z\d]{6}\b)[A-Za-z0-9]{1,12}(?:[-/.][A-Za-z0-9]{1,12}){0,5}"
    r"(?![A-Za-z0-9_À-ɏЀ-ӿ@年月日号時时点元円人]|\.\w|:\d)"
)
"""Chinese and Japanese characters may stand right beside an identifier, other letters may not."""
_IN_PARTS = re.compile(
    r"(?<![\w./-])(?:[A-Z]{1,3}\d{1,4} [A-Z]{2,3}|[A-Z]{1,3}-[A-Z]{1,2} \d{2,4}|[A-Z]{2,3} \d{2,4} [A-Z]{2,3}"
    r"|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|\d{1,4} [A-Z]{2,3} \d{1,4})(?![\w/-])"
)
"""The plate of a car or a post code, with a space between its parts."""
_REFERENCE = re.compile(r"(?=[A-Z\d]*\d)(?=[A-Z\d]*[A-Z]{2})[A-Z\d]{6}")
"""The six characters of a booking: "QX7LMD"."""
_MEASURE = re.compile(
    r"\A[\d.,/-]*\d(?:st|nd|rd|th|am|pm|h|kg|g|mg|mm|cm|m|km|ml|l|gb|mb|tb|kb|v|w|kw|kwh|mbit|px|x|k)\Z", re.IGNORECASE
)
_DOTTED_TIME = re.compile(r"(?:[01]?\d|2[0-3])\.[0-5]\d(?:-(?:[01]?\d|2[0-3])\.[0-5]\d)?")
_WITH_POINT = re.compile(r"\d+\.\d{1,3}|[1-9]\d{0,2}(?:\.\d{3})+")
"""A number with a decimal point, or with dots between its thousands."""
_LONGEST_COMPARED = 2000
_MANY_THERE = 40
_MOST_NAMED = 50


def _identifiers(text: str) -> dict[str, Span]:
    """Identifiers in `text`, upper case, without amounts, dates and years."""
    found = _candidates(text)
    places = _places((*find_amounts(text), *find_dates(text))) if found else set()
    return {name: span for name, span in found.items() if span.start not in places}


def _is_identifier(text: str, span: Span) -> bool:
    """Whether one of the `_candidates` is not an amount or a date of its line."""
    line = text[slice(*line_span(text, *span))]
    return text[slice(*span)].lstrip("#").upper() in _identifiers(line)


def _candidates(text: str) -> dict[str, Span]:
    """Possible identifiers, including amounts and dates."""
    found: dict[str, Span] = {}
    for match in find_all(_IDENTIFIER, text):
        name = match[0].lstrip("#").upper()
        digits = sum(char.isdigit() for char in name)
        if (
            (digits < 3 and not _REFERENCE.fullmatch(match[0]))
            or _MEASURE.search(name)
            or _DOTTED_TIME.fullmatch(name)
            or _WITH_POINT.fullmatch(name)
        ):
            continue
        if name.isdigit() and (len(name) < 4 or 1500 <= int(name) <= 2100 or name.endswith("000")):
            continue
        found.setdefault(name, span_of(match))
        if len(found) >= _LONGEST_COMPARED:
            break
    for match in find_all(_IN_PARTS, text):
        found.setdefault(match[0], span_of(match))
    return found


def _swapped_digits(first: str, second: str) -> bool:
    """Whether the characters are the same in another order, or two of them are wrong in a long number."""
    if len(first) != len(second):
        return False
    wrong = sum(a != b for a, b in zip(first, second, strict=True))
    return wrong <= (2 if len(first) >= 6 else 1) or (wrong <= 4 and reordered(first, second))


def _shape(name: str) -> str:
    """The shape: letters, and runs of digits by their length: `BK-70418` is `BK-5`."""
    return re.sub(r"\d+", lambda match: str(len(match[0])), name)


_BEFORE_NEW = 80
"""Characters before an identifier that may say that it is a new one."""


def _is_new(reading: Reading, span: Span) -> bool:
    """Whether the draft calls a number a new one, or says that what has it is free: another one is an offer."""
    first, _ = reading.sentence(span.start)
    if pattern("new_ones").search(reading.low, max(first, span.start - _BEFORE_NEW), span.start):
        return True
    return reading.sentence_has(span.start, "free_ones")


@rule("identifier_differs", "a number that is nearly one of the thread's", needs_thread=True)
def identifier_differs(reading: Reading) -> Iterator[Finding]:
    """The number of an order, an invoice, a ticket or a device is close to one that the thread names but not the same:
    a digit more, less, wrong or in another place. Or it is built like one of the thread's ("BK-70418"), which the draft
    never names. In body or subject. Medium; low when the draft names the thread's number too, or calls its own a new
    one."""
    written = _identifiers(reading.body[: reading.written])
    mine: dict[str, Span | None] = {**dict.fromkeys(_identifiers(str(reading.draft.subject))), **written}
    if not mine:
        return
    text = reading.thread_text.upper()
    new = {name: span for name, span in mine.items() if name not in text and name.replace("-", "") not in text}
    if not new:
        return
    theirs = _candidates(reading.figures)
    lettered = (other for other in theirs if "A" <= other[0] <= "Z" and not _REFERENCE.fullmatch(other))
    by_shape = grouped((_shape(other), other) for other in lettered)

    @cache
    def is_real(other: str) -> bool:
        return _is_identifier(reading.figures, theirs[other])

    within = [match for match in _RANGE.finditer(text) if int(match["first"]) < int(match["last"])]
    # A draft with more new numbers than this is a list of them.
    for name, span in islice(new.items(), _MOST_NAMED):
        part = _RANGE.fullmatch(name)
        if part and any(_is_part(part, whole) for whole in within):
            continue
        near = [other for other in theirs if one_slip_apart(name, other) or _swapped_digits(name, other)]
        both = list(islice(filter(is_real, near or by_shape.get(_shape(name), ())), _MOST_NAMED))
        if not both:
            continue
        words = f"names {quoted(name)}, while the thread names {quoted(both[0])}"
        if span is None:
            yield flag("identifier_differs", f"the subject {words}")
            continue
        is_new = _is_new(reading, span) or any(other in written for other in both)
        level = Level.LOW if is_new else Level.MEDIUM
        yield flag("identifier_differs", words, span, level=level)


_RANGE = re.compile(r"(?<![\w-])(?P<first>\d{2,6})-(?P<last>\d{2,6})(?![\w-])")


def _is_part(part: re.Match[str], whole: re.Match[str]) -> bool:
    """Whether a range of numbers is within another: 4432-4436 in 4410-4436."""
    return int(whole["first"]) <= int(part["first"]) <= int(part["last"]) <= int(whole["last"])
