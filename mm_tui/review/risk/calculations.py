"""The rule about calculations that do not come out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import combinations, islice, pairwise

from mm_tui.review.findings import Finding, Span, is_within, span_of
from mm_tui.review.risk.facts import find_amounts, find_dates, known_sums, number_of
from mm_tui.review.risk.phrases import has_words
from mm_tui.review.risk.pieces import find_all
from mm_tui.review.risk.rule import Reading, flag, quoted, rule
from mm_tui.review.risk.sums import BIG_NUMBER, CENT, FACTORS, HUNDREDTH, SHORTEST_SLIP, digits_of, row_end

_SMALL = r"\d{1,6}(?:[.,]\d{1,2})?"
_MONEY = r"(?:[$€£¥]|[A-Z]{3}|zł)?[ \u00a0]?"
_PRODUCT = re.compile(
    rf"(?<![\w.,])(?P<first>{_SMALL})[ \u00a0]?"
    r"(?:[^\s\d=+/*x×-]{0,12}[ \u00a0]?[x×*·]"
    r"|[^\d\n=+/*×:;,.()-]{0,30}[ \u00a0](?:à|á|a|at|@|je|zu|per|ad|of|por|po))[ \u00a0]?"
    rf"{_MONEY}"
    rf"(?P<second>{_SMALL})[^\d\n=+*×/:;-]{{0,20}}=[ \u00a0]?{_MONEY}(?P<result>{BIG_NUMBER})(?!\w|[.,]\d)"
)
_TERM = rf"(?>{_MONEY}(?:{BIG_NUMBER})(?:[ \u00a0]?(?:[$€£¥]|[A-Z]{{3}}|zł)(?![A-Za-z]))?)"
_CHAIN = re.compile(
    rf"(?<![\w.,+*×/%-])(?<![+*×/%–-] )(?P<terms>{_TERM}(?: [+x×*–-] {_TERM}){{1,8}}) ?= ?"
    rf"{_MONEY}(?P<result>{BIG_NUMBER})(?![\w%]|[.,]\d)"
)
"""Numbers that are added, subtracted and multiplied: "£24.00 + 14 x £4.50 = £87.00"."""
_MORE_BEFORE = re.compile(r"[\d+*×/−-][^\n]{0,24}\Z")
_ADDS = re.compile(r"\b(?:plus|minus|and|und|et|y|e|en)\s")
_FEWEST_FACTORS, _MOST_FACTORS = 3, 4


@rule("sum_wrong", "a calculation that does not come out")
def sum_wrong(reading: Reading) -> Iterator[Finding]:
    """A calculation that the draft writes out is wrong ("12 x 98 = 1,167", "24 + 14 x 4.50 = 97"), or a number has the
    digits of the product of two others in its sentence in another order ("14 panels of 440 W: 6.61 kWp" for 6.16), or a
    total differs by 1, 10, 100 or 1000 from the sum of the rows or amounts before it, or is no multiple of the only
    price before it ("$24 a seat, that makes $375"). Medium."""
    body = reading.body[: reading.written]
    done: list[Span] = []
    for match in find_all(_CHAIN, body) if "=" in body else ():
        said, makes = number_of(match["result"]), _made(match["terms"])
        if makes is not None and abs(makes - said) >= CENT:
            span = span_of(match)
            done.append(span)
            yield flag("sum_wrong", f"does not come out: {quoted(body[slice(*span)])}, which is {makes:f}", span)
    for match in find_all(_PRODUCT, body) if "=" in body else ():
        if _MORE_BEFORE.search(body, max(0, match.start() - 26), match.start()) or _ADDS.search(match[0]):
            continue
        first, second, result = (number_of(match[name]) for name in ("first", "second", "result"))
        # "140 x 30p = £42.00", "12 x 430 W = 5.16 kWp"
        if any(abs(first * second * unit - result) < CENT for unit in (1, HUNDREDTH, HUNDREDTH / 10)):
            continue
        span = span_of(match)
        done.append(span)
        yield flag("sum_wrong", f"does not come out: {quoted(body[slice(*span)])}, which is {first * second:f}", span)
    yield from _swapped_products(reading, body, done)
    yield from _wrong_totals(reading, body)
    yield from _no_multiples(reading, body)


def _made(terms: str) -> Decimal | None:
    """What added, subtracted and multiplied numbers make; none for a product alone, which `_PRODUCT` reads."""
    parts = re.split(r" ([+x×*–-]) ", terms)
    values = [number_of(re.sub(r"[^\d.,]", "", part)) for part in parts[::2]]
    signs = ["+", *parts[1::2]]
    total = product = Decimal(0)
    if not set(signs[1:]) & set("+–-"):
        return None
    for sign, value in zip(signs, values, strict=True):
        if sign in "x×*":
            product *= value
        else:
            total, product = total + product, value if sign == "+" else -value
    return total + product


def _swapped_products(reading: Reading, body: str, done: list[Span]) -> Iterator[Finding]:
    """Numbers whose digits are those of a product of two others in their sentence, in another order."""
    sentences: dict[tuple[int, int], list[tuple[Span, Decimal]]] = {}
    written = list(find_all(FACTORS, body))
    if len(written) < _FEWEST_FACTORS:
        return
    taken = {place for day in find_dates(body) for place in range(*day.span)}
    for match in written:
        if match.start() not in taken:
            numbers = sentences.setdefault(reading.sentence(match.start()), [])
            numbers.append((span_of(match), number_of(match[0])))
    for numbers in sentences.values():
        if not _FEWEST_FACTORS <= len(numbers) <= _MOST_FACTORS:
            continue
        for span, value in numbers:
            mine = digits_of(value)
            others = [one for place, one in numbers if place != span and one > 1]
            if len(mine) < SHORTEST_SLIP or is_within(span.start, done):
                continue
            if body[slice(*span)] in reading.figures:
                continue
            products = {digits_of(one * other) for at, one in enumerate(others) for other in others[at + 1 :]}
            near = [digits for digits in products if sorted(digits) == sorted(mine)]
            if near and mine not in products:
                said = quoted(body[slice(*span)])
                words = f"{said} has the digits of the product of two numbers beside it in another order"
                yield flag("sum_wrong", words, span)
                return


_TOTAL = re.compile(
    r"\b(?:total\w*|altogether|in all|comes? to|makes|sum|zusammen|insgesamt|gesamt\w*|summe|macht|ergibt|en tout|soit"
    r"|somme|en total|suman?|en conjunto|in tutto|totale|somma|em tudo|soma|samen|totaal|razem|łącznie)\b"
    r"|合計|共计|合计|总计|一共|总共",
    re.IGNORECASE,
)
_BEFORE_TOTAL, _AFTER_TOTAL = 40, 16
_SLIPS = frozenset(map(Decimal, (1, 10, 100, 1000)))
_PIECES = re.compile(r"(?<![\w.,:/-])(?P<count>\d{1,3})[ \u00a0]?(?:[x×]|[^\W\d_]{2,})")
_FEWEST_ROWS, _MOST_ROWS = 2, 30
_MOST_BEFORE = 5
_MOST_AMOUNTS, _LONGEST_BEFORE = 40, 600


def _is_slip(said: Decimal, right: Decimal, others: Iterable[Decimal]) -> bool:
    """Whether one digit of a total is off by one, and the difference is none of the other numbers."""
    return abs(said - right) in _SLIPS and said.adjusted() == right.adjusted() and abs(said - right) not in others


def _is_digit_off(said: Decimal, right: Decimal, others: Iterable[Decimal]) -> bool:
    """Whether a total has one other digit than it should, and the difference is not one of the other numbers."""
    off = abs(said - right)
    return len(digits_of(off)) == 1 and said.adjusted() == right.adjusted() and off not in others


def _wrong_totals(reading: Reading, body: str) -> Iterator[Finding]:
    """Totals that are nearly the sum of what stands before them."""
    if _TOTAL.search(body) is None:
        return
    known = {value for _, value in known_sums(reading)}
    for span, said, right in (*_totals_of_rows(body), *_totals_of_amounts(body)):
        if said not in known:
            makes = f"while what stands before it makes {right.normalize():f}"
            yield flag("sum_wrong", f"does not come out: {quoted(body[slice(*span)])}, {makes}", span)
            return


def _totals_of_rows(body: str) -> Iterator[tuple[Span, Decimal, Decimal]]:
    """A total below rows that end with numbers."""
    rows: list[Decimal] = []
    at = 0
    for line in body.split("\n"):
        row = row_end(line)
        value = number_of(row["number"]) if row else Decimal(0)
        if row is None:
            # A line of signs is part of the table.
            if any(map(str.isalnum, line)) or not line.strip():
                rows = []
        elif _TOTAL.search(line) and len(rows) >= _FEWEST_ROWS:
            sums = [sum(rows[first:], Decimal(0)) for first in range(len(rows) - 1)]
            if value not in sums and _is_digit_off(value, sums[0], rows):
                yield Span(at + row.start("number"), at + row.end("number")), value, sums[0]
            rows = []
        else:
            rows = [*rows, value][-_MOST_ROWS:]
        at += len(line) + 1


def _totals_of_amounts(body: str) -> Iterator[tuple[Span, Decimal, Decimal]]:
    """A total after a few amounts of its paragraph, and of pieces at a price."""
    amounts = [amount for amount in find_amounts(body) if amount.currency != "%"]
    # A draft with more amounts is a list of prices.
    for amount in amounts if len(amounts) <= _MOST_AMOUNTS else ():
        start, end = amount.span
        begin = max(body.rfind("\n", 0, start) + 1, start - _BEFORE_TOTAL)
        if not (_TOTAL.search(body, begin, start) or _TOTAL.match(body, end + 1)):
            continue
        paragraph = max(body.rfind("\n\n", 0, start) + 1, start - _LONGEST_BEFORE)
        before = [one for one in amounts if one.currency == amount.currency and paragraph <= one.span.start < start]
        if not 0 < len(before) <= _MOST_BEFORE:
            continue
        values = [one.value for one in before]
        counts = {int(match["count"]) for match in islice(_PIECES.finditer(body, paragraph, start), _MOST_BEFORE)}
        products = {value * count for value in values for count in counts}
        parts = [*values, *products]
        possible = {
            *parts,
            *(sum(some, Decimal(0)) for size in (2, 3) for some in combinations(parts, size)),
            sum(values, Decimal(0)),
        }
        # What a price and its pieces make is counted, not the price.
        results = [value for value in values if not any(value * count in values for count in counts)]
        likely = [sum(results, Decimal(0))] if len(results) > 1 else []
        for at, price in enumerate(values):
            rest = sum(values[:at] + values[at + 1 :], Decimal(0))
            likely += [price * count + rest for count in counts if count > 1]
        if amount.value in possible:
            continue
        right = next((one for one in likely if _is_slip(amount.value, one, possible)), None)
        if right is not None:
            yield amount.span, amount.value, right


_EACH = re.compile(
    r"[ \u00a0](?:each|apiece|per|an?|je|pro|(?:l'|par )unité|(?:la )?pièce|chacune?|(?:por|la|à|a) (?:unidad|unidade)"
    r"|cada|l'un[oa]|(?:a )?testa|per stuk|za sztukę)\b|(?:每|一个)"
)
"""After a price, that it is for one thing."""


def _no_multiples(reading: Reading, body: str) -> Iterator[Finding]:
    """Totals after a single price of one piece that no number of pieces makes."""
    if _TOTAL.search(body) is None:
        return
    known = {value for _, value in known_sums(reading)}
    for price, total in pairwise(find_amounts(body)):
        between = body[price.span.end : total.span.start]
        paragraph = body[body.rfind("\n\n", 0, price.span.start) + 1 : total.span.end + _AFTER_TOTAL].lower()
        if (
            price.currency == total.currency
            and price.value
            and total.value % price.value
            and total.value not in known
            and total.value > price.value
            and len(between) <= _BEFORE_TOTAL
            and _EACH.match(between)
            and _TOTAL.search(between)
            and not has_words(paragraph, "extra_costs")
            and len(find_amounts(paragraph)) == _PRICE_AND_TOTAL
        ):
            said, each = (quoted(body[slice(*one.span)]) for one in (total, price))
            yield flag("sum_wrong", f"does not come out: {said} is no multiple of {each}", total.span)


_PRICE_AND_TOTAL = 2
