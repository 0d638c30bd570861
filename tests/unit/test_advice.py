"""What the assistant's card says above a draft, in plain words."""

from __future__ import annotations

import pytest

from mm_tui.screens.pending.advice import Advice
from mm_tui.screens.thread.assist_card import card_content
from mm_tui.services.assistant.cards import CardPhase, CardState
from mm_tui.text import ManyLine, OneLine

SUMMARY = ManyLine("*She asks **twice** for a [refund](https://acme.example/refund).")


@pytest.mark.parametrize(
    ("card", "start"),
    [
        (
            CardState(CardPhase.DONE, label=OneLine("x"), requested_action=OneLine("Refund **order** 4471")),
            "asks Refund order 4471",
        ),
        (CardState(CardPhase.DONE, intent=OneLine("complaint")), "about complaint"),
        (CardState(CardPhase.DONE, label=OneLine("billing"), summary=SUMMARY), "about billing"),
        (CardState(CardPhase.DONE, label=OneLine("other"), summary=ManyLine("A feed.")), "about A feed."),
        (CardState(CardPhase.DONE, label=OneLine("x"), requested_action=OneLine("unknown")), "about x"),
    ],
)
def test_a_request_is_named_as_one_and_nothing_else_is(card: CardState, start: str) -> None:
    assert Advice(card).lines(80)[0].plain.startswith(start)


def test_high_urgency_is_not_dropped_for_the_name_of_the_model() -> None:
    card = CardState(
        CardPhase.DONE,
        label=OneLine("partnership"),
        urgency=OneLine("high"),
        intent=OneLine("other"),
        models=(OneLine("local-rules-0"),),
    )
    for width, rows in ((100, 1), (60, 2)):
        lines = card_content(card, width).plain.split("\n")
        assert len(lines) == rows
        assert lines[0].startswith("partnership · ! high urgency")
        assert "other" not in lines[0]
        assert lines[-1].endswith("local-rules-0 (local stand-in, not Jamba)")


def test_a_summary_has_no_markdown_marks() -> None:
    card = CardState(CardPhase.DONE, label=OneLine("billing"), summary=SUMMARY)
    for text in (Advice(card).lines(100)[1].plain, card_content(card, 100).plain):
        assert "She asks twice for a refund ‹acme.example›." in text


def test_a_request_that_the_summary_begins_with_is_not_repeated() -> None:
    summary, asked = ManyLine("Please refund *order 4471*. She is angry."), OneLine("please refund order 4471")
    for request, repeated in ((asked, False), (OneLine("a refund"), True)):
        card = CardState(CardPhase.DONE, label=OneLine("billing"), summary=summary, requested_action=request)
        assert ("asks  " in card_content(card, 80).plain) is repeated
