"""The rule about amounts that are not in the thread."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from itertools import combinations

from mm_tui.review.findings import Finding, Level, line_span
from mm_tui.review.lookalike import one_slip_apart, reordered
from mm_tui.review.risk.facts import Amount, Sum, find_amounts, known_sums, number_of, other_periods
from mm_tui.review.risk.phrases import ordered
from mm_tui.review.risk.rule import Reading, flag, listed, rule

_MOST_RECKONED = 12
_MOST_LESS = 8
_MOST_TIMES = 100
_MOST_PIECES = 100_000
_MOST_PARTS = 12
_SUM = 100
HUNDREDTH = Decimal("0.01")
CENT = Decimal("0.02")
_WORD = re.compile(r"\w+")


def _reckoned(amounts: list[Sum]) -> set[Sum]:
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


def _is_multiple(amount: Amount, there: Iterable[Sum], said: frozenset[str], numbers: frozenset[int]) -> bool:
    """Whether it is a price times one or two numbers among the words of both: "three nights at 69 €".

    Args:
        amount: what may be calculated.
        there: the amounts of both.
        said: the words of both.
        numbers: the numbers of both in digits.
    """
    every = {
        amount.value / value
        for currency, value in there
        if currency == amount.currency != "%" and value and 1 < amount.value / value <= _MOST_PIECES
    }
    if any(one in numbers for one in every):
        return True
    times = {one for one in every if one <= _MOST_TIMES}
    counts = {int(one) for one in times if one == int(one)}
    some = {number for number in numbers if number <= _MOST_TIMES}
    some |= {place for word, place in ordered("numbers").items() if word in said} if counts else set()
    # "Two people, three mornings": the price times six.
    return any(
        count in some or any(count % one == 0 and count // one in some for one in some if one > 1) for count in counts
    )


def _counts(numbers: Iterable[int]) -> list[int]:
    return sorted(number for number in numbers if 1 < number <= _MOST_TIMES)[:_MOST_RECKONED]


def _said_counts(reading: Reading) -> list[int]:
    """The small numbers that the draft writes as words or digits."""
    words = frozenset(_WORD.findall(reading.low))
    counts = {place for word, place in ordered("numbers").items() if word in words}
    return _counts({*counts, *(int(word) for word in words if word.isdecimal() and len(word) < SHORTEST_SLIP)})


def _is_bill(amount: Amount, values: Collection[Decimal], numbers: Iterable[int]) -> bool:
    """Whether it is some pieces at a price and one amount more: "3 at £148.50 and £36 for delivery: £481.50"."""
    counts = _counts(numbers)
    return any(price * count + more == amount.value for price in values for more in values for count in counts)


def _is_price(amount: Amount, values: Collection[Decimal], numbers: Iterable[int]) -> bool:
    """Whether some pieces at this price make another amount."""
    return any(amount.value * count in values for count in _counts(numbers))


def _is_share(amount: Amount, there: Iterable[Sum], said: frozenset[str]) -> bool:
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


def _percentages(amount: Amount, every: Iterable[Sum]) -> Iterator[Decimal]:
    """What the percentages make of the other amounts in its currency: taken, added or taken off."""
    some = list(every)
    shares = [value / 100 for currency, value in some if currency == "%"][:_MOST_RECKONED]
    values = [value for currency, value in some if currency == amount.currency != "%" and value != amount.value]
    for value in values[: 2 * _MOST_RECKONED]:
        for share in shares:
            yield from (value * share, value * (1 - share), value * (1 + share))


def _is_percentage(amount: Amount, every: Iterable[Sum]) -> bool:
    """Whether it is a percentage of another amount, or that amount with the percentage added or taken off."""
    return any(abs(amount.value - value) < CENT for value in _percentages(amount, every))


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
        line = reading.figures[slice(*line_span(reading.figures, *match.span()))]
        if not any(one.value == amount.value for one in find_amounts(line)):
            return True
    return False


# It begins with a digit, which is found faster than what is not before one.
FACTORS = re.compile(r"\d(?<![\w.,:/-]\d)\d{0,5}(?:[.,]\d{1,3})?(?![\d:/]|[.,]\d)")
_RESULT = re.compile(r"=[ \u00a0]?[^\w\n]{0,3}(?:[A-Z]{3}[ \u00a0]?)?\Z")
_BEFORE_RESULT = 120
"""The most characters before "=" in which factors are looked for, so that a line of a thousand "=" takes no minutes."""
_NUMBERS_BEFORE = 8


@lru_cache(maxsize=16)
def _written_out(body: str) -> frozenset[Sum]:
    """The amounts after "=" that are the product of two of the numbers shortly before it in their line, and the sum of
    all of them."""
    results: list[Sum] = []
    for amount in find_amounts(body) if "=" in body else ():
        begin = max(amount.span.start - _BEFORE_RESULT, body.rfind("\n", 0, amount.span.start) + 1)
        if _RESULT.search(body, begin, amount.span.start):
            numbers = FACTORS.finditer(body, begin, amount.span.start)
            values = [value for match in numbers if (value := number_of(match[0]))][-_NUMBERS_BEFORE:]
            # "1 x 900 = $900" calculates nothing.
            factors = [value for value in values if value != 1]
            if any(one * other == amount.value for at, one in enumerate(factors) for other in factors[at + 1 :]):
                results.append(amount.sum)
    sums = {currency: sum(value for one, value in results if one == currency) for currency, _ in results}
    return frozenset((*results, *((currency, Decimal(value)) for currency, value in sums.items())))


BIG_NUMBER = r"\d{1,3}(?:[.,' \u00a0]\d{3})+(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,2})?"
_INTEGER = re.compile(r"(?<![\d.,:/-])\d{1,6}(?![\d:/]|[.,]\d)|(?<![\d.,:/-])\d{1,3}(?:[.,]\d{3})(?![\d:/]|[.,]\d)")


@lru_cache(maxsize=16)
def _whole_numbers(body: str, figures: str) -> frozenset[int]:
    """The whole numbers of draft and thread that may count pieces."""
    found = {*_INTEGER.findall(body), *_INTEGER.findall(figures)}
    return frozenset(int(re.sub(r"\D", "", one)) for one in found)


_ROW_END = re.compile(rf"(?P<number>{BIG_NUMBER})[ \u00a0]?(?:[A-Z]{{3}}|[$€£¥元円]|zł)?[ \t]*\Z")
_LONGEST_ROW_END = 24


def row_end(line: str) -> re.Match[str] | None:
    """The number at the end of a row, also before a currency."""
    return _ROW_END.search(line, max(0, len(line) - _LONGEST_ROW_END))


def _is_total(body: str, amount: Amount) -> bool:
    """Whether it is the sum of the numbers at the ends of the lines above its own, which need no currency."""
    lines = body[: body.rfind("\n", 0, amount.span.start) + 1].split("\n")[-2::-1]
    total, rows = Decimal(0), 0
    for line in lines:
        if not any(map(str.isalnum, line)):
            # A line under the rows.
            continue
        row = row_end(line)
        if row is None:
            return False
        total, rows = total + number_of(row["number"]), rows + 1
        if rows > 1 and total == amount.value:
            return True
    return False


def unknown(reading: Reading, amounts: Iterable[Amount], there: Mapping[Sum, object]) -> list[Amount]:
    """Those of `amounts`, which are the draft's, that are neither among `there` nor calculated from known ones.

    Args:
        there: the amounts of the thread as keys, in the order in which they were written.
    """
    known = [amount for amount in amounts if amount.sum not in there]
    written = {**there, **dict.fromkeys(sorted(_written_out(reading.body)))}
    # The newest first: of many amounts not all are calculated with.
    every = [*(amount.sum for amount in find_amounts(reading.body)), *reversed(written)]
    new = _not_reckoned(reading, [one for one in known if one.sum not in written], every, there)
    # What has the digits of one of the thread's in another order is not proved by what the draft makes of it.
    if not 0 < len(known) <= MOST_COMPARED:
        return new
    slips = [one for one in known if one not in new and any(_transposed(one, other) for other in there)]
    return [*new, *_not_reckoned(reading, slips, list(there), there)]


_LONG_AMOUNT = 4


def _transposed(amount: Amount, other: Sum) -> bool:
    first, second = digits_of(amount.value), digits_of(other[1])
    return amount.currency == other[0] != "%" and len(first) >= _LONG_AMOUNT and reordered(first, second)


def _not_reckoned(
    reading: Reading,
    new: list[Amount],
    every: list[Sum],
    there: Mapping[Sum, object],
) -> list[Amount]:
    """Those of `new` that do not come out of `every`."""
    if 0 < len(new) <= _MOST_RECKONED:
        new = [amount for amount in new if not _is_bare_there(reading, amount)]
        new = [amount for amount in new if not _is_percentage(amount, every)]
        sums = _reckoned(every)
        new = [amount for amount in new if amount.sum not in sums]
        said = reading.all_words if new else frozenset()
        digits = _whole_numbers(reading.body, reading.figures) if new else frozenset()
        named = set(every) if new else ()
        new = [
            amount
            for amount in new
            if not _is_multiple(amount, named, said, digits)
            and not _is_share(amount, there, said)
            and not _is_total(reading.body, amount)
        ]
    return new


@rule("amount_not_in_thread", "amounts not in the thread", needs_thread=True)
def amount_not_in_thread(reading: Reading) -> Iterator[Finding]:
    """A sum of money or a percentage that no email in the thread names in that currency. Medium if it is nearly one of
    the thread's, or nearly the sum, difference or share of those that are named; if it is one of them in another
    currency or for another period ("£285 per day" for "£285 per week"); and if the draft names sums only in a currency
    that the thread, which names some, does not. Otherwise low, as for a new price. The sum or difference of two named
    amounts, one less two others, the sum of several in a row or of the rows above, and a named price times a named
    number are accepted. "$1,200", "1.200,00 €", "USD 1200", "1.2k dollars" and "15 percent" are understood."""
    named = find_amounts(reading.body)
    if not named:
        return
    yield from other_periods(reading)
    there = known_sums(reading)
    new = unknown(reading, named, there)
    foreign = _is_foreign(named, there)
    if foreign and not new:
        new = [amount for amount in named if amount.currency != "%"]
    levels: dict[Level, list[Amount]] = {Level.MEDIUM: [], Level.LOW: []}
    for amount in new:
        if amount.sum == _ALL:
            continue
        may_contradict = len(new) <= MOST_COMPARED and (foreign or _may_contradict(reading, amount, there))
        levels[Level.MEDIUM if may_contradict else Level.LOW].append(amount)
    for level, amounts in levels.items():
        if amounts:
            spans = tuple(amount.span for amount in amounts)
            texts = list(dict.fromkeys(reading.quoted(span) for span in spans))
            yield flag(
                "amount_not_in_thread", f"names an amount not in the thread: {listed(texts)}", *spans, level=level
            )


_ALIKE = {"CNY": "JPY", "CAD": "USD", "AUD": "USD", "NZD": "USD", "SEK": "kr", "NOK": "kr", "DKK": "kr"}
"""Currencies that share a sign with another one."""


def _is_foreign(named: Iterable[Amount], there: Iterable[Sum]) -> bool:
    """Whether no amount of the draft is in a currency of the thread, which has some."""
    mine = {_ALIKE.get(amount.currency, amount.currency) for amount in named if amount.currency != "%"}
    theirs = {_ALIKE.get(currency, currency) for currency, _ in there if currency != "%"}
    return bool(mine and theirs) and not mine & theirs


_ALL = ("%", Decimal(100))
MOST_COMPARED = 50
"""A draft with more new amounts is a list of prices."""
SHORTEST_SLIP = 3


def _may_contradict(reading: Reading, amount: Amount, there: Collection[Sum]) -> bool:
    """Whether an amount may be a slip for one of the thread's amounts, or for what comes out of them.

    Args:
        reading: the draft.
        amount: an amount that the thread does not name.
        there: the thread's amounts.
    """
    numbers = _whole_numbers(reading.body, reading.figures)
    named = [one.value for one in find_amounts(reading.body) if one.currency == amount.currency != "%"]
    if _is_bill(amount, named[:_MOST_RECKONED], numbers):
        return False
    if amount.currency != "%" and any(value == amount.value for currency, value in there if currency != "%"):
        # One of the thread's in another currency.
        return True
    if any(currency == amount.currency and _nearly_same(amount.value, value) for currency, value in there):
        return True
    if _is_price(amount, named, numbers):
        return False
    mine = amount.sum
    said = (one.sum for one in find_amounts(reading.body))
    every = [one for one in dict.fromkeys((*said, *sorted(there))) if one != mine]
    shares = list(_percentages(amount, every))
    sums = [value for currency, value in _reckoned(every) if currency == amount.currency]
    sums += [
        value * count
        for currency, value in there
        if currency == amount.currency != "%"
        for count in _said_counts(reading)
    ]
    return any(_swapped(amount.value, value) for value in (*shares, *sums)) or any(
        _one_wrong(amount.value, value, few=len(every) <= _FEW_AMOUNTS) for value in sums
    )


def _swapped(one: Decimal, other: Decimal) -> bool:
    """Whether an amount has the digits of a calculated one in another order."""
    first, second = digits_of(one), digits_of(other.quantize(HUNDREDTH))
    return len(first) >= SHORTEST_SLIP and reordered(first, second)


_FEW_AMOUNTS = 3


def _one_wrong(one: Decimal, other: Decimal, *, few: bool) -> bool:
    """Whether an amount of more than three digits, or of three among `few`, has one digit that a calculated one has not
    in its place."""
    first, second = digits_of(one), digits_of(other)
    same_size = len(first) == len(second) >= SHORTEST_SLIP + (not few) and one.adjusted() == other.adjusted()
    return same_size and sum(a != b for a, b in zip(first, second, strict=True)) == 1


def digits_of(value: Decimal) -> str:
    """The digits of a value, without the zeros at its ends: `1250` for 12.50 and for 0.125."""
    return f"{value:f}".replace(".", "").strip("0")


def _nearly_same(one: Decimal, other: Decimal) -> bool:
    """Whether digits are in another order, or one is too many, missing or, in a number of that size, wrong."""
    first, second = digits_of(one), digits_of(other)
    if first == second or reordered(first, second):
        return len(first) > 1
    if min(len(first), len(second)) < SHORTEST_SLIP or not one_slip_apart(first, second):
        return False
    return len(first) != len(second) or one.adjusted() == other.adjusted()
