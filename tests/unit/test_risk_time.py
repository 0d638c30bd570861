"""Risk rules take time in proportion to the length of what they read."""

from __future__ import annotations

import time

import pytest

from mm_tui.review.risk.engine import RULES, assess
from mm_tui.review.risk.model import EarlierEmail, ThreadContext
from mm_tui.review.risk.rule import Reading
from mm_tui.settings.sections import Risk
from mm_tui.text import ManyLine
from tests.support.risk import ANNA, CONTEXT, HARMLESS, SUPPORT, drafted


def seconds(body: str) -> float:
    start = time.process_time()
    assess(drafted(body), CONTEXT)
    return time.process_time() - start


@pytest.mark.parametrize("unit", ["4 = $7, ", "3 x 5 = $7.03 and "])
def test_calculations_in_one_line_take_time_in_proportion_to_their_number(unit: str) -> None:
    part, whole = (unit * 500)[:500], (unit * 500)[:4000]
    # Eight times the text. That every number was multiplied by every other for each result took 512 times as long.
    assert seconds(whole) < 60 * max(min(seconds(part), seconds(part + " ")), 0.005)


def test_a_huge_draft_takes_time_in_proportion_to_its_length() -> None:
    sentence = HARMLESS + "\nWe will refund $240 by Friday, see https://shop.customer.example/x and attached file.\n"
    for unit in (sentence, "$1", "[a](", "> x\n", "你", "$AB_CD ", "So did Kim Noble "):
        part, whole = (unit * 131_072)[:8_192], (unit * 131_072)[:131_072]
        # Sixteen times the text. Quadratic behaviour would take 256 times as long.
        assert seconds(whole) < 100 * max(min(seconds(part), seconds(part + " ")), 0.002), unit


@pytest.mark.parametrize(
    ("code", "unit"),
    [
        ("template_hole", "?"),
        ("template_hole", "[a/b] "),
        ("asks_secret", "send password "),
        ("number_differs", "%20"),
        ("other_language", "的是了我们在这里。"),
        ("weekday_wrong", "Monday 12 May. "),
        ("promise_discount", "20% off. "),
    ],
)
def test_a_rule_takes_time_in_proportion_to_what_is_repeated(code: str, unit: str) -> None:
    (each,) = (rule for rule in RULES if rule.code == code)

    def taken(size: int) -> float:
        reading = Reading(drafted((unit * size)[:size]), CONTEXT, Risk())
        start = time.process_time()
        list(each.find(reading))
        return time.process_time() - start

    # What the rule builds once does not count, nor does a collection of garbage in between.
    taken(100)
    # Eight times the text. Quadratic behaviour would take 64 times as long.
    assert min(taken(16_000), taken(16_001)) < 24 * max(min(taken(2_000), taken(2_001)), 0.001)


@pytest.mark.parametrize(
    ("code", "unit"), [("orders", "\n"), ("bait_taken", "gift cards "), ("internal_repeated", "internal. ")]
)
def test_a_rule_takes_time_in_proportion_to_what_a_thread_repeats(code: str, unit: str) -> None:
    (each,) = (rule for rule in RULES if rule.code == code)

    def taken(size: int) -> float:
        text = ManyLine((unit * size)[:size])
        theirs = EarlierEmail(sender=ANNA, to=(SUPPORT,), body=text)
        ours = EarlierEmail(sender=SUPPORT, to=(SUPPORT,), body=text)
        context = ThreadContext((theirs, ours), own_addresses=frozenset({"support@acme.example"}))
        reading = Reading(drafted(), context, Risk())
        # Where sentences end and who takes part is read once for all rules.
        assert reading.sentence(0) and not reading.is_ours(str(ANNA.address))
        start = time.process_time()
        list(each.find(reading))
        return time.process_time() - start

    taken(100)
    # Eight times the text. Quadratic behaviour would take 64 times as long.
    assert min(taken(16_000), taken(16_001)) < 24 * max(min(taken(2_000), taken(2_001)), 0.001)
