"""Rules about amounts and dates that are not in the thread, and their parsers."""

from __future__ import annotations

import re
from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.lookalike import one_slip_apart
from mm_tui.review.risk.phrases import ordered
from mm_tui.review.risk.pieces import find_all
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


def _value(number: str, thousands: str | None) -> Decimal | None:
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
    for match in find_all(_AMOUNT, text):
        number = match["first"] or match["second"]
        value = _value(number, match["k1"] or match["k2"])
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


_MOST_RECKONED = 12
_MOST_TIMES = 100
_MOST_PARTS = 12
_SUM = 100
_CENT = Decimal("0.02")
_WORD = re.compile(r"\w+")


def _reckoned(amounts: list[tuple[str, Decimal]]) -> set[tuple[str, Decimal]]:
    """Sums and differences of two of `amounts`, and sums of several in a row: a calculated amount is not invented."""
    some = amounts[: 2 * _MOST_RECKONED]
    rows = set()
    for at, (currency, value) in enumerate(some):
        for other, more in some[at + 1 :]:
            if other != currency or currency == "%":
                break
            value += more
            rows.add((currency, value))
    return rows | {
        (currency, value)
        for at, (currency, first) in enumerate(some)
        for other, second in some[at + 1 :]
        if other == currency and currency != "%" and first != second
        for value in (first + second, abs(first - second))
    }


def _is_multiple(amount: Amount, there: Iterable[tuple[str, Decimal]], said: frozenset[str]) -> bool:
    """Whether it is a price of the thread times a number among the words of both: "three nights at 69 €"."""
    times = {
        amount.value / value
        for currency, value in there
        if currency == amount.currency != "%" and value and 1 < amount.value / value <= _MOST_TIMES
    }
    counts = {int(one) for one in times if one == int(one)}
    return any(str(count) in said for count in counts) or any(
        place in counts and word in said for word, place in ordered("numbers").items()
    )


def _is_share(amount: Amount, there: Iterable[tuple[str, Decimal]], said: frozenset[str]) -> bool:
    """Whether it is some of the equal parts of an amount of the thread, with both numbers among the words of both."""
    counts = {count for count in range(1, _MOST_PARTS + 1) if str(count) in said}
    counts |= {place for word, place in ordered("numbers").items() if place <= _MOST_PARTS and word in said}
    return any(
        amount.value * parts == value * some
        for currency, value in there
        if currency == amount.currency != "%" and value > amount.value
        for parts in counts
        for some in counts | {1}
        if some < parts
    )


def _is_percentage(amount: Amount, all_amounts: Iterable[tuple[Any, ...]]) -> bool:
    """Whether it is a percentage of another amount, or that amount with the percentage added or taken off."""
    values: dict[str, set[Decimal]] = {}
    for currency, value, *_ in all_amounts:
        values.setdefault(currency, set()).add(value)
    shares = {one / 100 for one in values.get("%", ())}
    if amount.currency == "%" or len(shares) > _MOST_RECKONED:
        return False
    return any(
        abs(amount.value - value * factor) < _CENT
        for value in list(values.get(amount.currency, ()))[:_MOST_RECKONED]
        if value != amount.value
        for share in shares
        for factor in (share, 1 - share, 1 + share)
    )


def _is_bare_there(reading: Reading, amount: Amount) -> bool:
    """Whether the thread has the number without a currency, as it may well have a sum: "3,200", "9,50"."""
    if amount.currency == "%" or (amount.value < _SUM and not amount.value % 1):
        return False
    whole, _, cents = f"{amount.value.normalize():f}".partition(".")
    digits = r"[.,' ]?".join(f"{int(whole):,}".split(","))
    cents = rf"[.,]{cents.ljust(2, '0')}" if cents else r"(?:[.,]00)?"
    for match in re.finditer(rf"(?<![\w.,:/-]){digits}{cents}(?![\w:/-]|[.,]\d)", reading.figures):
        end = reading.figures.find("\n", match.end())
        line = reading.figures[reading.figures.rfind("\n", 0, match.start()) + 1 : end if end >= 0 else None]
        if not any(one.value == amount.value for one in find_amounts(line)):
            return True
    return False


def unknown(reading: Reading, amounts: Iterable[Amount], there: set[tuple[str, Decimal]]) -> list[Amount]:
    """Those of `amounts`, which are the draft's, that are neither among `there` nor calculated from known ones."""
    new = [amount for amount in amounts if (amount.currency, amount.value) not in there]
    if 0 < len(new) <= _MOST_RECKONED:
        new = [amount for amount in new if not _is_bare_there(reading, amount)]
        new = [amount for amount in new if not _is_percentage(amount, (*there, *amounts))]
        sums = _reckoned([*there, *((amount.currency, amount.value) for amount in find_amounts(reading.body))])
        new = [amount for amount in new if (amount.currency, amount.value) not in sums]
        said = reading.thread_words.union(_WORD.findall(reading.low)) if new else frozenset()
        new = [amount for amount in new if not _is_multiple(amount, there, said) and not _is_share(amount, there, said)]
    return new


@rule("amount_not_in_thread", "amounts not in the thread", needs_thread=True)
def amount_not_in_thread(reading: Reading) -> Iterator[Finding]:
    """A sum of money or a percentage that no email in the thread names in that currency. Medium if it may contradict
    the thread: it is nearly one of the thread's, is one of them in another currency, is called a total, or stands in
    the place of the thread's amounts, none of which the draft names. Otherwise low, as for a price where the thread
    names none, and for a list of prices. The sum or difference of two named amounts, the sum of several in a row, and a
    named price times a named number are accepted. "$1,200", "1.200,00 €", "USD 1200", "1.2k dollars" and "15 percent"
    are understood."""
    named = find_amounts(reading.body)
    if not named:
        return
    there = {(amount.currency, amount.value) for amount in known_amounts(reading)}
    new = unknown(reading, named, there)
    levels: dict[Level, list[Amount]] = {Level.MEDIUM: [], Level.LOW: []}
    kept = {amount.currency for amount in named if (amount.currency, amount.value) in there}
    times = Counter(amount.currency for amount in named if (amount.currency, amount.value) not in there)
    for amount in new:
        if amount.currency == "%" and amount.value == _ALL and "%" not in kept:
            continue
        is_other = times[amount.currency] > 1 or amount.currency in kept
        may_contradict = len(new) <= _MOST_COMPARED and _may_contradict(reading, amount, there, is_other=is_other)
        levels[Level.MEDIUM if may_contradict else Level.LOW].append(amount)
    for level, amounts in levels.items():
        if amounts:
            spans = tuple(amount.span for amount in amounts)
            texts = list(dict.fromkeys(quoted(reading.body[slice(*span)]) for span in spans))
            yield Finding(
                "amount_not_in_thread", level, OneLine(f"names an amount not in the thread: {listed(texts)}"), spans
            )


_ALL = 100
_MOST_COMPARED = 50
"""A draft with more new amounts is a list of prices."""
_LONGEST_BEFORE = 120
_SHORTEST_SLIP = 3


def _may_contradict(reading: Reading, amount: Amount, there: set[tuple[str, Decimal]], *, is_other: bool) -> bool:
    """Whether an amount may be wrong for one of the thread's amounts, rather than be about another thing.

    Args:
        reading: the draft.
        amount: an amount that the thread does not name.
        there: the thread's amounts.
        is_other: whether the draft also names amounts of the thread, or several new ones, as price lists do.
    """
    if amount.currency != "%" and any(value == amount.value and other != amount.currency for other, value in there):
        return any(other != "%" for other, value in there if value == amount.value)
    theirs = [value for currency, value in there if currency == amount.currency]
    if not theirs:
        return False
    mine = _digits(amount.value)
    if any(_nearly_same(mine, _digits(value)) for value in theirs):
        return True
    start = amount.span.start
    if len(theirs) > 1 and reading.sentence_has(start, "totals"):
        return True
    if is_other or reading.is_question(start) or reading.sentence_has(start, "conditions"):
        return False
    # "And for 500?" asks for the price of another number of things.
    asked = set(_INTEGER.findall(reading.asked_text))
    first, _ = reading.sentence(start)
    return not asked.intersection(_INTEGER.findall(reading.low, max(first, start - _LONGEST_BEFORE), start))


_INTEGER = re.compile(r"(?<![\d.,])\d{1,6}(?![\d.,]\d)")


def _digits(value: Decimal) -> str:
    """The digits of a value, without the zeros at its ends: `1250` for 12.50 and for 0.125."""
    return f"{value:f}".replace(".", "").strip("0")


def _nearly_same(first: str, second: str) -> bool:
    """Whether digits are in another order, or one is too many, missing or wrong in a longer number."""
    if len(first) == len(second) > 1 and sorted(first) == sorted(second):
        return True
    return (first == second and len(first) > 1) or (
        min(len(first), len(second)) >= _SHORTEST_SLIP and one_slip_apart(first, second)
    )


_MONTHS = {
    **ordered("months"),
}
MONTH_NAMES = "|".join(sorted(map(re.escape, _MONTHS), key=len, reverse=True))
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
    for match in find_all(_DATE, text):
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
    return tuple(found)


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


FACT_RULES = (amount_not_in_thread, date_impossible, date_not_in_thread)
