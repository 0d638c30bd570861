"""Finds amounts, prices for a period, and dates; rules about dates that do not exist or are not in the thread."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from mm_tui.review.findings import Finding, Level, Span, span_of
from mm_tui.review.risk.phrases import ordered, tree
from mm_tui.review.risk.pieces import find_near_digits
from mm_tui.review.risk.rule import Reading, flag, listed, quoted, rule
from mm_tui.review.risk.sentences import agrees

_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₪": "ILS", "₽": "RUB", "₩": "KRW", "₺": "TRY"}
_PREFIXED = {"a$": "AUD", "c$": "CAD", "nz$": "NZD", "r$": "BRL"}
_NAMES = {
    "USD": "dollar dollars bucks 美元 美金",
    "EUR": "euro euros 欧元",
    "GBP": "pound pounds",
    "JPY": "yen 日元 円",
    "INR": "rupees",
    "ILS": "shekels",
    "PLN": "zł zl",
    "CZK": "kč",
    "kr": "kr",
    "CNY": "元 人民币",
    "KRW": "원",
    "RUB": "руб рублей",
    "UAH": "грн",
    "%": "percent prozent %",
}
_WORDS = {name: currency for currency, names in _NAMES.items() for name in names.split()}
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
Sum = tuple[str, Decimal]
"""A currency, or "%", and a value."""


class Amount(NamedTuple):
    """A sum of money or a percentage in a text."""

    currency: str
    value: Decimal
    span: Span

    @property
    def sum(self) -> Sum:
        """What it is, wherever it stands."""
        return self.currency, self.value


def number_of(number: str) -> Decimal:
    """The value of a written number, with separators of thousands and a decimal point or comma."""
    # The last point or comma is the decimal one when one or two digits follow it.
    cents = _CENTS.search(number)
    whole = re.sub(r"\D", "", number[: cents.start()] if cents else number)
    return Decimal(f"{whole}.{cents[1] if cents else 0}")


_CENTS = re.compile(r"[.,](\d{1,2})\Z")
_THOUSANDS = {"k": 1000, "m": 1_000_000}


@lru_cache(maxsize=256)
def find_amounts(text: str) -> tuple[Amount, ...]:
    """Finds sums of money and percentages in `text`, with thousands separators and decimal commas."""
    found = []
    for match in find_near_digits(_AMOUNT, text):
        value = number_of(match["first"] or match["second"])
        value *= _THOUSANDS.get((match["k1"] or match["k2"] or "").lower(), 1)
        unit = (match["sign"] or match["after"]).lower().replace(" ", "").rstrip(".")
        currency = _PREFIXED.get(unit) or _SIGNS.get(unit[-1:]) or _WORDS.get(unit) or unit.upper()
        found.append(Amount(currency, value, span_of(match)))
    return tuple(found)


def known_sums(reading: Reading) -> dict[Sum, None]:
    """The amounts in the thread and the house facts as keys, in the order in which they were written."""
    return dict.fromkeys(one.sum for one in (*find_amounts(reading.figures), *find_amounts(reading.house_text)))


_MONTHS = ordered("months")
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

    def may_be(self, other: Day) -> bool:
        """Whether both can be one date; without a year it can be in any."""
        same_year = self.year is None or other.year is None or self.year == other.year
        return same_year and not self.readings.isdisjoint(other.readings)

    def dates(self, today: date) -> Iterator[list[date]]:
        """For each reading the dates that it can mean: without a year, those in the years around today."""
        for month, day in self.readings:
            years = (self.year,) if self.year else (today.year - 1, today.year, today.year + 1)
            yield [date(year, month, day) for year in years if day <= monthrange(year, month)[1]]

    def nearest(self, today: date) -> date | None:
        """The date nearest to today that it can mean."""
        return min(chain.from_iterable(self.dates(today)), key=lambda one: abs(one - today), default=None)


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
            found.append(Day(readings, number, span_of(match)))
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
            yield flag("date_impossible", f"names a date that does not exist: {quoted(named)}", day.span, level=level)


@rule("date_not_in_thread", "dates not in the thread", needs_thread=True)
def date_not_in_thread(reading: Reading) -> Iterator[Finding]:
    """A written date that no email in the thread names; a date without a year matches any year. The days on which the
    thread's emails arrived count as named. Low."""
    written = find_dates(reading.body)
    if not written:
        return
    there = [*days_there(reading, written), *find_dates(reading.house_text)]
    came = [mail.received_at.date() for mail in reading.context.messages if mail.received_at]
    came += [reading.context.today] if reading.context.today else []
    there += (Day(frozenset({(day.month, day.day)}), day.year, Span(0, 0)) for day in came)
    new = [day for day in written if not any(map(day.may_be, there))]
    if new:
        texts = list(dict.fromkeys(reading.quoted(day.span) for day in new))
        words, spans = f"names a date not in the thread: {listed(texts)}", (day.span for day in new)
        yield flag("date_not_in_thread", words, *spans, level=Level.LOW)


_PERIODS = {
    "hour": r"hours?|hrs?|stunden?|heures?|horas?|ora|uur|godzin\w+|時間|小时",
    # A day of a hotel is a night.
    "day": r"days?|nights?|tage?s?|nacht|jours?|nuit|d[ií]as?|noche|noite|giorno|notte|dag|dzień|dobę|noc|日|泊|天|晚",
    "week": r"weeks?|wochen?|semaines?|semanas?|settimana|tydzień|週|周",
    "month": r"months?|monate?s?|mois|mes|mês|mese|maand|miesiąc|月",
    "year": r"years?|jahre?s?|an|année|año|ano|anno|jaar|rok|年",
}
_PER = re.compile(
    r"(?:\s?/\s?|\s(?:per|an?|each|every|pro|je|im|par|por|al|alla|o|ao|na|za|op)\s(?:l[ae] )?)(?:"
    + "|".join(f"(?P<{period}>{names})" for period, names in _PERIODS.items())
    + r")(?!\w)",
    re.IGNORECASE,
)
_LONGEST_AMOUNT = 20


def _prices(text: str) -> Iterator[tuple[Amount, str, Span]]:
    """The amounts of a text that are for an hour, a day and so on, with the period and the place of both."""
    for match in _PER.finditer(text):
        first = max(0, match.start() - _LONGEST_AMOUNT)
        amounts = find_amounts(text[first : match.start()])
        if amounts and first + amounts[-1].span.end == match.start():
            yield amounts[-1], str(match.lastgroup), Span(first + amounts[-1].span.start, match.end())


def other_periods(reading: Reading) -> Iterator[Finding]:
    """Prices of the thread, but for another period."""
    here = list(_prices(reading.body))
    there: dict[Sum, dict[str, str]] = {}
    if here:
        for amount, period, span in _prices(reading.thread_text):
            there.setdefault(amount.sum, {})[period] = reading.thread_text[slice(*span)]
    for amount, period, span in here:
        periods = there.get(amount.sum, {})
        if periods and period not in periods and amount.currency != "%":
            says = quoted(next(iter(periods.values())))
            yield flag("amount_not_in_thread", f"says {reading.quoted(span)}, while the thread says {says}", span)
