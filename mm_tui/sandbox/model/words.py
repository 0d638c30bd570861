"""The word lists of the stand-in model, read from `words.toml` beside this file."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from typing import Any

_FILE: dict[str, Any] = tomllib.loads(resources.files(__package__).joinpath("words.toml").read_text("utf-8"))


def _words(lines: list[str]) -> tuple[str, ...]:
    return tuple(word for line in lines for word in line.split("; "))


def _weighed(entry: str) -> tuple[str, int]:
    phrase, _bar, weight = entry.partition("|")
    return phrase, int(weight or 1)


ACTION_CUES = _words(_FILE["action_cues"])
HIGH_URGENCY = _words(_FILE["high_urgency"])
LOW_URGENCY = _words(_FILE["low_urgency"])
SPAM_SIGNS: tuple[tuple[str, int], ...] = tuple(_weighed(entry) for entry in _words(_FILE["spam_signs"]))
"""Phrases with weights."""
LABEL_WORDS: dict[str, tuple[str, ...]] = {label: _words(lines) for label, lines in _FILE["labels"].items()}
INTENTS: tuple[tuple[str, tuple[str, ...]], ...] = tuple((name, _words(ws)) for name, ws in _FILE["intents"].items())
COMMON_WORDS: dict[str, frozenset[str]] = {code: frozenset(line.split()) for code, line in _FILE["common"].items()}
MONTHS: dict[str, int] = {
    name: number for number, names in enumerate(_FILE["calendar"]["months"], start=1) for name in names.split()
}
WEEKDAYS: dict[str, int] = {
    name: number for number, names in enumerate(_FILE["calendar"]["weekdays"]) for name in names.split()
}
TOMORROW: tuple[str, ...] = tuple(_FILE["calendar"]["tomorrow"].split())
TODAY: tuple[str, ...] = tuple(_FILE["calendar"]["today"].split())


def any_of(words: list[str] | tuple[str, ...] | dict[str, int]) -> str:
    """A regular expression of literal words, longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def pattern(name: str) -> str:
    """The alternatives of one list of patterns, as one regular expression without anchors."""
    alternatives: list[str] = _FILE["patterns"][name]
    return "(?:" + "|".join(alternatives) + ")"
