"""The words that risk rules look for, language by language."""

from __future__ import annotations

import re

import pytest

from mm_tui.models import Party
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.model import Draft, Message, ThreadContext
from mm_tui.review.risk.phrases import (
    FULL,
    PARTIAL,
    language_words,
    lowered,
    ordered,
    pairs_of,
    pattern,
    phrases,
)
from mm_tui.review.risk.pieces import Phrases
from mm_tui.review.risk.preparing import prepare
from mm_tui.text import ManyLine, OneLine


def test_every_language_has_words_under_every_key() -> None:
    keys = set(language_words("en"))
    for language in FULL:
        words = language_words(language)
        assert set(words) == keys, language
        assert [key for key, said in words.items() if not said] == [], language
    for language in PARTIAL:
        assert set(language_words(language)) < keys, language


@pytest.mark.parametrize("key", sorted(language_words("en")))
def test_words_are_in_lower_case_and_their_patterns_sound(key: str) -> None:
    if key.endswith("_pairs"):
        sides = [side for pair in pairs_of(key) for side in pair]
        assert all(Phrases.of(side).search("") is None for side in sides), "nothing matches where nothing stands"
    elif key not in ("months", "weekdays", "numbers", "titles", "opposites"):
        assert pattern(key).search("") is None, "nothing matches where nothing stands"
    assert all(phrase == phrase.strip() and phrase for phrase in phrases(key))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("we send your money back", "send your money back"),
        (
            "der betrag: sie bekommen die 89,90 € selbstverständlich zurück",
            "bekommen die 89,90 € selbstverständlich zurück",
        ),
        ("全額お返しいたします", "全額お返"),
        ("the refunded sum", "refunded"),
        ("a chargebacker", None),
        ("you get … nothing. go back", None),
    ],
)
def test_phrases_are_whole_words_with_gaps_and_endings(text: str, word: str | None) -> None:
    match = pattern("money", "money_firm").search(text)
    assert (match[0] if match else None) == word


def test_ordered_words_and_lower_case_keep_their_places() -> None:
    assert ordered("weekdays")["mittwoch"] == ordered("weekdays")["wednesday"] == 3
    assert ordered("months")["grudnia"] == 12
    assert len(lowered("İSTANBUL I")) == len("İSTANBUL I")
    assert re.fullmatch("[a-zİi ]+", lowered("İSTANBUL I"))


def test_what_a_plain_draft_needs_is_built_beforehand() -> None:
    prepare()
    built = pattern.cache_info().misses
    ours, theirs = Party.parse("help@firm.example"), Party.parse("Ben <ben@else.example>")
    asked = Message(theirs, to=(ours,), subject=OneLine("Lamp"), body=ManyLine("Hi,\n\nwhen does lamp 77 come?\n\nBen"))
    answer = ManyLine("Hello Ben,\n\nwe give you a refund of 20 EUR on Tuesday.\n\nKind regards\nFirm")
    found = assess(Draft(ours, to=(theirs,), subject=OneLine("Re: Lamp"), body=answer), ThreadContext((asked,)))
    assert "promise_money" in {finding.code for finding in found.findings}
    assert pattern.cache_info().misses == built, "no pattern is left to be built"
