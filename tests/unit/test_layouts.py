"""Keyboard layouts without Latin letters."""

from __future__ import annotations

import string

import pytest

from mm_tui.keyboard.dispatch import LAYOUTS


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_latin_letter_is_on_one_key_at_most(name: str) -> None:
    letters = {own: latin for own, latin in LAYOUTS[name].items() if latin.islower()}
    assert len(set(letters.values())) == len(letters)
    assert set("adejkmnru") <= set(letters.values())


@pytest.mark.parametrize("name", ["ru", "uk"])
def test_all_letters_are_reached_small_and_capital(name: str) -> None:
    assert set(LAYOUTS[name].values()) == set(string.ascii_letters)
