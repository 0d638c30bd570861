"""Finds amounts and dates in texts; rules about dates that do not exist or are not in the thread."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.phrases import ordered, tree
from mm_tui.review.risk.pieces import find_near_digits
from mm_tui.review.risk.rule import Reading, agrees, listed, quoted, rule
from mm_tui.text import OneLine

_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₪": "ILS", "₽": "RUB", "₩": "KRW", "₺": "TRY"}
_PREFIXED = {"a$": "AUD", "c$": "CAD", "nz$": "NZD", "r$": "BRL"}
_WORDS = {
    "dollar": "USD",
    "dollars": "USD",
    "bucks": "USD",
    "euro": "EUR",
    "euros": "EUR",
    "pound": "GBP",
    "pounds": "GBP",
    "yen": "JPY",
    "rupees": "INR",
    "shekels": "ILS",
    "zł": "PLN",
    "zl": "PLN",
    "kč": "CZK",
    "kr": "kr",
    "元": "CNY",
    "人民币": "CNY",
    "美元": "USD",
    "美金": "USD",
    "欧元": "EUR",
    "日元": "JPY",
    "円": "JPY",
    "원": "KRW",
    "руб": "RUB",
    "рублей": "RUB",
    "грн": "UAH",
    "percent": "%",
    "per cent": "%",
    "prozent": "%",
    "%": "%",
}
_CODES = "USD|EUR|GBP|JPY|INR|ILS|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|CNY|BRL|MXN|ZAR|TRY|KRW|SGD|HKD"
_NUMBER = (
    r"\d{1,3}(?:[,.' \u00a0\u202f]\d{3})++(?:[.,]\d{1,2})?(?!\d)|\d{1,2}(?:,\d{2})++,\d{3}(?:\.\d{2})?(?!\d)"
    r"|\d{1,12}+(?:[.,]\d{1,2}(?!\d))?"
)
# Letters that would be part of a number; not those of scripts without spaces between words.
_LETTERS = r"\d_A-Za-z\u00c0-\u024f\u0370-\u05ff"
_AMOUNT = re.compile(
    rf"(?<![{_LETTERS}.])(?P<sign>(?:US|A|C|NZ|R)?[$€£¥₹₪₽₩₺]|(?:{_CODES}|kr|zł)(?![^\W\d_])(?:\.(?=[ \u00a0]))?)"
    r"[ \u00a0]?"
    rf"(?P<first>{_NUMBER})(?P<k1>[kKmM]\b)?"
    rf"|(?<![{_LETTERS}.,])(?P<second>{_NUMBER})(?P<k2>[kKmM]\b)?[ \u00a0]?"
    rf"(?P<after>[$€£¥₹₪₽₩₺%]|(?:{_CODES})\b|(?i:dollars?|bucks|euros?|pounds?|yen|rupees|shekels|per ?cent|prozent"
    r"|zł|zl|kč|kr|руб|рублей|грн)\b|人民币|美元|美金|欧元|日元|元|円|원)"
)


class Amount(NamedTuple):
    """A sum of money or a percentage in a text."""

    currency: str
    value: Decimal
    span: Span


def number_of(number: str, thousands: str | None = None) -> Decimal | None:
    """The value of a written number, with separators of thousands and a decimal point or comma."""
    digits = re.sub(r"[' \u00a0\u202f]", "", number)
    # The last point or comma is the decimal one when one or two digits follow it.
    match = re.fullmatch(r"(.*?)(?:[.,](\d{1,2}))?", digits)
    if match is None:
        return None
    try:
        value = Decimal(re.sub(r"[.,]", "", match[1]) + "." + (match[2] or "0"))
    except InvalidOperation:
        return None
    return value * {"k": 1000, "m": 1_000_000}.get((thousands or "").lower(), 1)


@lru_cache(maxsize=256)
def find_amounts(text: str) -> tuple[Amount, ...]:
    """Finds sums of money and percentages in `text`, with thousands separators and decimal commas."""
    found = []
    for match in find_near_digits(_AMOUNT, text):
        number = match["first"] or match["second"]
        value = number_of(number, match["k1"] or match["k2"])
        if value is None:
            continue
        unit = (match["sign"] or match["after"]).lower().rstrip(".")
        currency = (
            _PREFIXED.get(unit)
            or _SIGNS.get(unit[-1:])
            or _WORDS.get(unit.replace("percent", "per cent"))
            or _WORDS.get(unit)
        )
        found.append(Amount(currency or unit.upper(), value, Span(*match.span())))
    return tuple(found)


def known_amounts(reading: Reading) -> tuple[Amount, ...]:
    """The amounts in the thread and the house facts."""
    return (*find_amounts(reading.figures), *find_amounts(reading.house_text))


_MONTHS = {
    **ordered("months"),
}
MONTH_NAMES = tree(_MONTHS)
"""Names of months in many languages, for use inside a regular expression."""
# Skip characters that cannot begin a date: drafts are long.
_MONTH_BEGINS = "".join(sorted({re.escape(name[0]) for name in _MONTHS}))
_DATE = re.compile(
    r"(?=\d)(?:"
    r"(?P<cm>\d{1,2})[ ]?月[ ]?(?P<cd>\d{1,2})[ ]?[日号]"
    r"|\b(?P<iy>\d{4})-(?P<im>\d{1,2})-(?P<id>\d{1,2})\b"
    r"|(?<![\d./])(?P<n1>\d{1,2})(?P<sep>[./-])(?P<n2>\d{1,2})(?:(?P=sep)(?P<ny>\d{4}|\d{2})|(?<=\d\.)(?=\s"
    r"|$))(?![\d/])"
    rf"|\b(?P<d1>\d{{1,2}})(?:st|nd|rd|th|\.|er|º)?(?: of"
    rf"| de)? (?P<m1>{MONTH_NAMES})\b(?:\.?,? (?:de )?(?P<y1>\d{{4}}))?"
    rf")|\b(?=[{_MONTH_BEGINS}])(?P<m2>{MONTH_NAMES})\b\.? (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:\d)"
    r"(?:,? (?P<y2>\d{4}))?",
    re.IGNORECASE,
)


class Day(NamedTuple):
    """A date in a text: all (month, day) pairs that it can mean, and the year if it has one."""

    readings: frozenset[tuple[int, int]]
    year: int | None
    span: Span

    @property
    def exists(self) -> bool:
        """Whether the day exists in some year, or in the given one."""
        year = self.year if self.year else 2000
        return any(day <= monthrange(year, month)[1] for month, day in self.readings)


@lru_cache(maxsize=256)
def find_dates(text: str) -> tuple[Day, ...]:
    """Finds written dates in `text`; if day and month could be swapped, with both readings."""
    found = []
    for match in find_near_digits(_DATE, text):
        if match["iy"]:
            pairs, year = {(int(match["im"]), int(match["id"]))}, match["iy"]
        elif match["cm"]:
            pairs, year = {(int(match["cm"]), int(match["cd"]))}, None
        elif match["n1"]:
            first, second = int(match["n1"]), int(match["n2"])
            pairs, year = {(first, second), (second, first)}, match["ny"]
        elif match["d1"]:
            pairs, year = {(_MONTHS[match["m1"].lower()], int(match["d1"]))}, match["y1"]
        else:
            pairs, year = {(_MONTHS[match["m2"].lower()], int(match["d2"]))}, match["y2"]
        readings = frozenset(pair for pair in pairs if 1 <= pair[0] <= 12 and 1 <= pair[1] <= 31)
        if readings:
            number = int(year) if year and int(year) else None
            number = number + 2000 if number is not None and number < 100 else number
            found.append(Day(readings, number, Span(*match.span())))
            if month := match["m1"] or match["m2"]:
                found += _other_end(text, match, _MONTHS[month.lower()], number)
    return tuple(found)


_FIRST_DAY = re.compile(
    r"(?<![\d.,:/])(?P<day>\d{1,2})(?:\.|st|nd|rd|th|er|º)?[ ]?"
    r"(?:-|–|/|to|and|till|bis|und|au|et|al|y|a|ao|e|à|até|tot|en|do|i)[ ]?(?:den |zum |the )?"
    rf"(?:(?:{tree(name for name in ordered('weekdays') if len(name) > 2)})(?:,? (?:dem |den |the )?| ))?\Z",
    re.IGNORECASE,
)
_LAST_DAY = re.compile(r"[ ]?(?:-|–|to|and)[ ]?(?P<day>\d{1,2})(?:st|nd|rd|th)?(?![\d:]|[.,]\d)", re.IGNORECASE)


def _other_end(text: str, match: re.Match[str], month: int, year: int | None) -> list[Day]:
    """The first or last day of a span that names its month once: "8 to 12 July", "July 8-12"."""
    start = max(0, match.start() - 32)
    other = _FIRST_DAY.search(text, start, match.start()) if match["m1"] else _LAST_DAY.match(text, match.end())
    if other is None or not 1 <= int(other["day"]) <= 31:
        return []
    return [Day(frozenset({(month, int(other["day"]))}), year, Span(*other.span("day")))]


def days_there(reading: Reading, days: Iterable[Day]) -> tuple[Day, ...]:
    """The dates of the thread that may equal one of `days`: only lines with one of their numbers are searched."""
    numbers = {number for day in days for pair in day.readings for number in pair}
    return find_dates(reading.lines_with("|".join(f"0?{number}" for number in sorted(numbers)))) if numbers else ()


@rule("date_impossible", "dates that do not exist")
def date_impossible(reading: Reading) -> Iterator[Finding]:
    """A date that does not exist, such as 31 November, or 29 February in a year without one. Medium; low if the thread
    has the same date and the draft does not agree to it."""
    for day in find_dates(reading.body):
        if not day.exists:
            named = reading.body[slice(*day.span)]
            level = Level.LOW if named in reading.figures and not agrees(reading, day.span) else Level.MEDIUM
            words = f"names a date that does not exist: {quoted(named)}"
            yield Finding("date_impossible", level, OneLine(words), (day.span,))


@rule("date_not_in_thread", "dates not in the thread", needs_thread=True)
def date_not_in_thread(reading: Reading) -> Iterator[Finding]:
    """A written date that no email in the thread names; a date without a year matches any year. The days on which the
    thread's emails arrived count as named. Low."""
    written = find_dates(reading.body)
    if not written:
        return
    there = [*days_there(reading, written), *find_dates(reading.house_text)]
    came: list[date] = [mail.received_at.date() for mail in reading.context.messages if mail.received_at]
    if reading.context.today:
        came.append(reading.context.today)
    there += (Day(frozenset({(day.month, day.day)}), day.year, Span(0, 0)) for day in came)
    new = [
        day
        for day in written
        if not any(
            day.readings & other.readings and (day.year is None or other.year is None or day.year == other.year)
            for other in there
        )
    ]
    if new:
        spans = tuple(day.span for day in new)
        texts = list(dict.fromkeys(quoted(reading.body[slice(*span)]) for span in spans))
        yield Finding(
            "date_not_in_thread", Level.LOW, OneLine(f"names a date not in the thread: {listed(texts)}"), spans
        )


FACT_RULES = (date_impossible, date_not_in_thread)
