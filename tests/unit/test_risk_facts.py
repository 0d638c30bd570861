"""Amounts, days and payments as rules read them."""

from __future__ import annotations

import pytest

from mm_tui.review.findings import Level
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.facts import find_amounts, find_dates
from mm_tui.review.risk.model import ThreadContext
from tests.support.risk import CONTEXT, drafted, found


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("$1,234.56", [("USD", "1234.56")]),
        ("1.234,56 €", [("EUR", "1234.56")]),
        ("EUR 12", [("EUR", "12.0")]),
        ("2k dollars and A$3", [("USD", "2000.0"), ("AUD", "3.0")]),
        ("15 percent, 15 %", [("%", "15.0"), ("%", "15.0")]),
        ("1 234 567 CHF", [("CHF", "1234567.0")]),
        ("v1.2.3 at 12:30, room 5", []),
    ],
)
def test_amounts(text: str, amounts: list[tuple[str, str]]) -> None:
    assert [(amount.currency, str(amount.value)) for amount in find_amounts(text)] == amounts


def test_dates() -> None:
    (day,) = find_dates("on the 3rd of April 2026")
    assert (day.readings, day.year) == (frozenset({(4, 3)}), 2026)
    (both,) = find_dates("on 3/4/26")
    assert (both.readings, both.year) == (frozenset({(3, 4), (4, 3)}), 2026)
    assert find_dates("on 31/31/2026, 1.2.3.4, 99 May") == ()


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("EUR1,200", ("EUR", "1200.0")),
        ("USD240.50 now", ("USD", "240.50")),
        ("1 200 zł", ("PLN", "1200.0")),
        ("499 kr.", ("kr", "499.0")),
        ("kr 499", ("kr", "499.0")),
        ("R$ 1.200,50", ("BRL", "1200.50")),
        ("1200元", ("CNY", "1200.0")),
        ("退款1,200美元给您", ("USD", "1200.0")),
        ("退款$1,200给您", ("USD", "1200.0")),
        ("3000円です", ("JPY", "3000.0")),
        ("250 Kč", ("CZK", "250.0")),
        ("1 500 руб.", ("RUB", "1500.0")),
    ],
)
def test_amounts_of_many_currencies(text: str, amount: tuple[str, str]) -> None:
    assert [(one.currency, str(one.value)) for one in find_amounts(text)] == [amount]


@pytest.mark.parametrize(
    "body",
    [
        "I have updated the language of your account.",
        "I have updated the time zone in your account settings.",
        "I will transfer you to a colleague.",
        "We have transferred your call to our support team.",
        "You can use the cable to transfer data between them.",
        "We will transfer your files to the new device.",
    ],
)
def test_everyday_sentences_are_no_payments(body: str) -> None:
    assert found(assess(drafted(body), CONTEXT), "payment") == []


@pytest.mark.parametrize(
    "body",
    [
        "We will transfer $9,800 and your files to the new device.",
        "We will transfer the money to your team.",
        "We have updated your account details.",
        "I have changed your bank account.",
        "We will transfer it to you on Friday.",
        "I have changed your bank details, only the letter is still to come.",
        "Your new IBAN is saved and we have transferred 4,000 EUR to it, only the receipt comes after the weekend.",
    ],
)
def test_payments_stay_payments(body: str) -> None:
    assert [level for level, _ in found(assess(drafted(body), CONTEXT), "payment")] == [Level.HIGH]


@pytest.mark.parametrize(
    ("body", "quote"),
    [
        (
            "For every hour we pay you $5,000, without limit and with effect from today.",
            "we pay you $5,000, without limit and with …",
        ),
        ("It is agreed to transfer $9,800.50 to you today.", "to transfer $9,800 …"),
        ("We pay you $5,000 on Friday.", "We pay you $5,000 on Friday"),
        ("We will transfer $9,800", "We will transfer $9,800"),
        ("I have changed your bank details for good.", "changed your bank details"),
    ],
)
def test_a_quote_says_that_its_sentence_goes_on(body: str, quote: str) -> None:
    words = [words for _, words in found(assess(drafted(body), CONTEXT), "payment")]
    assert words == [f'pays, or changes where money goes: "{quote}"']


def test_a_day_that_does_not_exist_needs_no_thread() -> None:
    assert found(assess(drafted("It comes on 31 November."), ThreadContext()), "date_impossible") != []
    assert found(assess(drafted("It comes on 30 November."), ThreadContext()), "date_impossible") == []


def test_a_number_is_no_day_of_the_month() -> None:
    assert found(assess(drafted("You are covered by 508 points until 2027."), CONTEXT), "promise_deadline") == []
