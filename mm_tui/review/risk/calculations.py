"""The rule about calculations that do not come out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.facts import find_dates, number_of
from mm_tui.review.risk.pieces import find_all
from mm_tui.review.risk.rule import Reading, quoted, rule
from mm_tui.review.risk.sums import BIG_NUMBER, CENT, FACTORS, HUNDREDTH, SHORTEST_SLIP, digits_of
from mm_tui.text import OneLine

_SMALL = r"\d{1,6}(?:[.,]\d{1,2})?"
_MONEY = r"(?:[$€£¥]|[A-Z]{3}|zł)?[ \u00a0]?"
_PRODUCT = re.compile(
    rf"(?<![\w.,])(?P<first>{_SMALL})[ \u00a0]?"
    r"(?:[^\s\d=+/*x×-]{0,12}[ \u00a0]?[x×*·]"
    r"|[^\d\n=+/*×:;,.()-]{0,30}[ \u00a0](?:à|á|a|at|@|je|zu|per|ad|of|por|po))[ \u00a0]?"
    rf"{_MONEY}"
    rf"(?P<second>{_SMALL})[^\d\n=+*×/:;-]{{0,20}}=[ \u00a0]?{_MONEY}(?P<result>{BIG_NUMBER})(?!\w|[.,]\d)"
)
_MORE_BEFORE = re.compile(r"[\d+*×/−-][^\n]{0,24}\Z")
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
        if any(abs(first * second * unit - result) < CENT for unit in (1, HUNDREDTH)):
            continue
        span = Span(*match.span())
        done.append(span)
        words = f"does not come out: {quoted(body[slice(*span)])}, which is {first * second:f}"
        yield Finding("sum_wrong", Level.MEDIUM, OneLine(words), (span,))
    yield from _swapped_products(reading, body, done)


def _swapped_products(reading: Reading, body: str, done: list[Span]) -> Iterator[Finding]:
    """Numbers whose digits are those of a product of two others in their sentence, in another order."""
    sentences: dict[tuple[int, int], list[tuple[Span, Decimal]]] = {}
    written = list(find_all(FACTORS, body))
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
            mine = digits_of(value)
            others = [one for place, one in numbers if place != span and one > 1]
            if len(mine) < SHORTEST_SLIP or any(one.start <= span.start < one.end for one in done):
                continue
            if body[slice(*span)] in reading.figures:
                continue
            products = {digits_of(one * other) for at, one in enumerate(others) for other in others[at + 1 :]}
            near = [digits for digits in products if sorted(digits) == sorted(mine)]
            if near and mine not in products:
                said = quoted(body[slice(*span)])
                words = f"{said} has the digits of the product of two numbers beside it in another order"
                yield Finding("sum_wrong", Level.MEDIUM, OneLine(words), (span,))
                return


CALCULATION_RULES = (sum_wrong,)
