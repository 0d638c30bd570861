"""The words that risk rules look for, language by language."""

from __future__ import annotations

import re

import pytest

from mm_tui.review.risk.phrases import FULL, PARTIAL, language_words, lowered, ordered, pairs_of, pattern, phrases
from mm_tui.review.risk.pieces import Phrases


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
