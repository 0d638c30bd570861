"""Rules about amounts that are not in the thread, and about calculations that do not come out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import combinations

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.lookalike import one_slip_apart
from mm_tui.review.risk.facts import Amount, find_amounts, find_dates, known_amounts, number_of
from mm_tui.review.risk.phrases import ordered
from mm_tui.review.risk.pieces import find_all
from mm_tui.review.risk.rule import Reading, listed, quoted, rule
from mm_tui.text import OneLine

_MOST_RECKONED = 12
_MOST_LESS = 8
_MOST_TIMES = 100
_MOST_PARTS = 12
_SUM = 100
_HUNDREDTH = Decimal("0.01")
_CENT = Decimal("0.02")
_WORD = re.compile(r"\w+")


def _reckoned(amounts: list[tuple[str, Decimal]]) -> set[tuple[str, Decimal]]:
    """Sums and differences of two of `amounts`, one less two others, and sums of several in a row: a calculated amount
    is not invented."""
    some = amounts[: 2 * _MOST_RECKONED]
    rows = {
        (currency, first - second - third)
        for currency, first in some[:_MOST_LESS]
        for (other, second), (another, third) in combinations(some[:_MOST_LESS], 2)
        if currency == other == another != "%" and first not in (second, third) and first > second + third
    }
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
    """Whether it is a price of the thread times one or two numbers among the words of both: "three nights at 69 €"."""
    times = {
        amount.value / value
        for currency, value in there
        if currency == amount.currency != "%" and value and 1 < amount.value / value <= _MOST_TIMES
    }
    counts = {int(one) for one in times if one == int(one)}
    numbers = {int(word) for word in said if word.isdecimal() and len(word) <= 3}
    numbers |= {place for word, place in ordered("numbers").items() if word in said} if counts else set()
    # "Two people, three mornings": the price times six.
    return any(
        count in numbers or any(count % one == 0 and count // one in numbers for one in numbers if one > 1)
        for count in counts
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


def _percentages(amount: Amount, every: Iterable[tuple[str, Decimal]]) -> Iterator[Decimal]:
    """What the percentages make of the other amounts in its currency: taken, added or taken off."""
    some = list(every)
    shares = [value / 100 for currency, value in some if currency == "%"][:_MOST_RECKONED]
    values = [value for currency, value in some if currency == amount.currency != "%" and value != amount.value]
    for value in values[: 2 * _MOST_RECKONED]:
        for share in shares:
            yield from (value * share, value * (1 - share), value * (1 + share))


def _is_percentage(amount: Amount, every: Iterable[tuple[str, Decimal]]) -> bool:
    """Whether it is a percentage of another amount, or that amount with the percentage added or taken off."""
    return any(abs(amount.value - value) < _CENT for value in _percentages(amount, every))


def _is_bare_there(reading: Reading, amount: Amount) -> bool:
    """Whether the thread has the number without a currency, as it may well have a sum: "3,200", "9,50"."""
    if amount.currency == "%" or (amount.value < _SUM and not amount.value % 1):
        return False
    whole, _, cents = f"{amount.value.normalize():f}".partition(".")
    if whole[-3:] not in reading.figures:
        return False
    digits = r"[.,' ]?".join(f"{int(whole):,}".split(","))
    cents = rf"[.,]{cents.ljust(2, '0')}" if cents else r"(?:[.,]00)?"
    for match in re.finditer(rf"(?<![\w.,:/-]){digits}{cents}(?![\w:/-]|[.,]\d)", reading.figures):
        end = reading.figures.find("\n", match.end())
        line = reading.figures[reading.figures.rfind("\n", 0, match.start()) + 1 : end if end >= 0 else None]
        if not any(one.value == amount.value for one in find_amounts(line)):
            return True
    return False


_RESULT = re.compile(r"=[ \u00a0]?[^\w\n]{0,3}(?:[A-Z]{3}[ \u00a0]?)?\Z")


_BEFORE_RESULT = 120
"""The most characters before "=" in which factors are looked for, so that a line of a thousand "=" takes no minutes."""
_NUMBERS_BEFORE = 8


@lru_cache(maxsize=16)
def _written_out(body: str) -> frozenset[tuple[str, Decimal]]:
    """The amounts after "=" that are the product of two of the numbers shortly before it in their line, and the sum of
    all of them."""
    results: list[tuple[str, Decimal]] = []
    for amount in find_amounts(body) if "=" in body else ():
        begin = max(amount.span.start - _BEFORE_RESULT, body.rfind("\n", 0, amount.span.start) + 1)
        if _RESULT.search(body, begin, amount.span.start):
            numbers = _FACTORS.finditer(body, begin, amount.span.start)
            values = [value for match in numbers if (value := number_of(match[0]))][-_NUMBERS_BEFORE:]
            # "1 x 900 = $900" calculates nothing.
            factors = [value for value in values if value != 1]
            if any(one * other == amount.value for at, one in enumerate(factors) for other in factors[at + 1 :]):
                results.append((amount.currency, amount.value))
    sums = {currency: sum(value for one, value in results if one == currency) for currency, _ in results}
    return frozenset((*results, *((currency, Decimal(value)) for currency, value in sums.items())))


def unknown(reading: Reading, amounts: Iterable[Amount], there: set[tuple[str, Decimal]]) -> list[Amount]:
    """Those of `amounts`, which are the draft's, that are neither among `there` nor calculated from known ones."""
    there = there | _written_out(reading.body)
    new = [amount for amount in amounts if (amount.currency, amount.value) not in there]
    if 0 < len(new) <= _MOST_RECKONED:
        new = [amount for amount in new if not _is_bare_there(reading, amount)]
        every = [*there, *((amount.currency, amount.value) for amount in find_amounts(reading.body))]
        new = [amount for amount in new if not _is_percentage(amount, every)]
        sums = _reckoned(every)
        new = [amount for amount in new if (amount.currency, amount.value) not in sums]
        said = reading.thread_words.union(_WORD.findall(reading.low)) if new else frozenset()
        new = [amount for amount in new if not _is_multiple(amount, every, said) and not _is_share(amount, there, said)]
    return new


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


def _other_periods(reading: Reading) -> Iterator[Finding]:
    """Prices of the thread, but for another period."""
    here = list(_prices(reading.body))
    there: dict[tuple[str, Decimal], dict[str, str]] = {}
    if here:
        for amount, period, span in _prices(reading.thread_text):
            there.setdefault((amount.currency, amount.value), {})[period] = reading.thread_text[slice(*span)]
    for amount, period, span in here:
        periods = there.get((amount.currency, amount.value), {})
        if periods and period not in periods and amount.currency != "%":
            says = quoted(next(iter(periods.values())))
            words = f"says {quoted(reading.body[slice(*span)])}, while the thread says {says}"
            yield Finding("amount_not_in_thread", Level.MEDIUM, OneLine(words), (span,))


@rule("amount_not_in_thread", "amounts not in the thread", needs_thread=True)
def amount_not_in_thread(reading: Reading) -> Iterator[Finding]:
    """A sum of money or a percentage that no email in the thread names in that currency. Medium if it is nearly one of
    the thread's, or nearly the sum, difference or share of those that are named; one of them in another currency, or
    for another period ("£285 per day" for "£285 per week"). Otherwise low, as for a new price. The sum or difference of
    two named amounts, one less two others, the sum of several in a row, and a named price times a named number are
    accepted. "$1,200", "1.200,00 €", "USD 1200", "1.2k dollars" and "15 percent"
    are understood."""
    named = find_amounts(reading.body)
    if not named:
        return
    yield from _other_periods(reading)
    there = {(amount.currency, amount.value) for amount in known_amounts(reading)}
    new = unknown(reading, named, there)
    levels: dict[Level, list[Amount]] = {Level.MEDIUM: [], Level.LOW: []}
    kept = any((amount.currency, amount.value) in there for amount in named if amount.currency == "%")
    for amount in new:
        if amount.currency == "%" and amount.value == _ALL and not kept:
            continue
        may_contradict = len(new) <= _MOST_COMPARED and _may_contradict(reading, amount, there)
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
_SHORTEST_SLIP = 3


def _may_contradict(reading: Reading, amount: Amount, there: set[tuple[str, Decimal]]) -> bool:
    """Whether an amount may be a slip for one of the thread's amounts, or for what comes out of them.

    Args:
        reading: the draft.
        amount: an amount that the thread does not name.
        there: the thread's amounts.
    """
    if amount.currency != "%" and any(value == amount.value for currency, value in there if currency != "%"):
        # One of the thread's in another currency.
        return True
    if any(currency == amount.currency and _nearly_same(amount.value, value) for currency, value in there):
        return True
    mine = (amount.currency, amount.value)
    said = ((one.currency, one.value) for one in find_amounts(reading.body))
    every = [one for one in dict.fromkeys((*said, *sorted(there))) if one != mine]
    shares = list(_percentages(amount, every))
    sums = [value for currency, value in _reckoned(every) if currency == amount.currency]
    return any(_swapped(amount.value, value) for value in (*shares, *sums)) or any(
        _one_wrong(amount.value, value) for value in sums
    )


def _swapped(one: Decimal, other: Decimal) -> bool:
    """Whether an amount has the digits of a calculated one in another order."""
    first, second = _digits(one), _digits(other.quantize(_HUNDREDTH))
    return len(first) >= _SHORTEST_SLIP and first != second and sorted(first) == sorted(second)


def _one_wrong(one: Decimal, other: Decimal) -> bool:
    """Whether an amount of more than three digits has one digit that a calculated one has not in its place."""
    first, second = _digits(one), _digits(other)
    same_size = len(first) == len(second) > _SHORTEST_SLIP and one.adjusted() == other.adjusted()
    return same_size and sum(a != b for a, b in zip(first, second, strict=True)) == 1


def _digits(value: Decimal) -> str:
    """The digits of a value, without the zeros at its ends: `1250` for 12.50 and for 0.125."""
    return f"{value:f}".replace(".", "").strip("0")


def _nearly_same(one: Decimal, other: Decimal) -> bool:
    """Whether digits are in another order, or one is too many, missing or, in a number of that size, wrong."""
    first, second = _digits(one), _digits(other)
    if len(first) == len(second) > 1 and sorted(first) == sorted(second):
        return True
    if min(len(first), len(second)) < _SHORTEST_SLIP or not one_slip_apart(first, second):
        return False
    return len(first) != len(second) or one.adjusted() == other.adjusted()


_SMALL = r"\d{1,6}(?:[.,]\d{1,2})?"
_BIG = r"\d{1,3}(?:[.,' \u00a0]\d{3})+(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,2})?"
_MONEY = r"(?:[$€£¥]|[A-Z]{3}|zł)?[ \u00a0]?"
_PRODUCT = re.compile(
    rf"(?<![\w.,])(?P<first>{_SMALL})[ \u00a0]?[^\s\d=+/*x×-]{{0,12}}[ \u00a0]?[x×*·][ \u00a0]?{_MONEY}"
    rf"(?P<second>{_SMALL})[^\d\n=+*×/:;-]{{0,20}}=[ \u00a0]?{_MONEY}(?P<result>{_BIG})(?!\w|[.,]\d)"
)
_MORE_BEFORE = re.compile(r"[\d+*×/−-][^\n]{0,24}\Z")
# It begins with a digit, which is found faster than what is not before one.
_FACTORS = re.compile(r"\d(?<![\w.,:/-]\d)\d{0,5}(?:[.,]\d{1,3})?(?![\d:/]|[.,]\d)")
_FEWEST_FACTORS, _MOST_FACTORS = 3, 4


@rule("sum_wrong", "a calculation that does not come out")
def sum_wrong(reading: Reading) -> Iterator[Finding]:
    """A product that the draft writes out is wrong ("12 x 98 = 1,167"), or a number has the digits of the product of
    two others in its sentence in another order ("14 panels of 440 W: 6.61 kWp" for 6.16). Medium."""
    body = reading.body[: reading.written]
    done: list[Span] = []
    for match in find_all(_PRODUCT, body) if "=" in body else ():
        if _MORE_BEFORE.search(body, max(0, match.start() - 26), match.start()):
            continue
        first, second, result = (number_of(match[name]) for name in ("first", "second", "result"))
        if first is None or second is None or result is None:
            continue
        # "140 x 30p = £42.00"
        if any(abs(first * second * unit - result) < _CENT for unit in (1, _HUNDREDTH)):
            continue
        span = Span(*match.span())
        done.append(span)
        words = f"does not come out: {quoted(body[slice(*span)])}, which is {first * second:f}"
        yield Finding("sum_wrong", Level.MEDIUM, OneLine(words), (span,))
    yield from _swapped_products(reading, body, done)


def _swapped_products(reading: Reading, body: str, done: list[Span]) -> Iterator[Finding]:
    """Numbers whose digits are those of a product of two others in their sentence, in another order."""
    sentences: dict[tuple[int, int], list[tuple[Span, Decimal]]] = {}
    written = list(find_all(_FACTORS, body))
    if len(written) < _FEWEST_FACTORS:
        return
    taken = {place for day in find_dates(body) for place in range(*day.span)}
    for match in written:
        value = number_of(match[0])
        if value is not None and match.start() not in taken:
            sentences.setdefault(reading.sentence(match.start()), []).append((Span(*match.span()), value))
    for numbers in sentences.values():
        if not _FEWEST_FACTORS <= len(numbers) <= _MOST_FACTORS:
            continue
        for span, value in numbers:
            mine = _digits(value)
            others = [one for place, one in numbers if place != span and one > 1]
            if len(mine) < _SHORTEST_SLIP or any(one.start <= span.start < one.end for one in done):
                continue
            if body[slice(*span)] in reading.figures:
                continue
            products = {_digits(one * other) for at, one in enumerate(others) for other in others[at + 1 :]}
            near = [digits for digits in products if sorted(digits) == sorted(mine)]
            if near and mine not in products:
                said = quoted(body[slice(*span)])
                words = f"{said} has the digits of the product of two numbers beside it in another order"
                yield Finding("sum_wrong", Level.MEDIUM, OneLine(words), (span,))
                return


SUM_RULES = (amount_not_in_thread, sum_wrong)
