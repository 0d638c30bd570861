"""The results of inspections: level, words, and place."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

import msgspec

from mm_tui.text import OneLine


class Level(IntEnum):
    """How serious a finding is. Ordered, so that `max` returns the worst."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """The level as a lower-case word."""
        return self.name.lower()

    @property
    def sign(self) -> str:
        """The sign of the level for lists, two cells wide: nothing, `·`, `!`, `!!`."""
        return ("  ", " ·", " !", "!!")[self]

    @classmethod
    def named(cls, word: str) -> Level:
        """The level named by `word`; raises KeyError for any other word."""
        return cls[word.upper()]


class Span(NamedTuple):
    """A range of text: start and end (exclusive), as indices into the cleaned string."""

    start: int
    end: int


class Finding(msgspec.Struct, frozen=True):
    """One reason to look twice."""

    code: str
    """The rule's name, as in docs/risk.md and in the settings."""
    level: Level
    words: OneLine
    """One plain sentence without a full stop, such as `promises money: "full refund of $240"`."""
    spans: tuple[Span, ...] = ()
    """The words found, as ranges of the body."""


def codes(findings: Iterable[Finding]) -> str:
    """The findings without any text of the email, such as `promise_money (high), shouting (low)`."""
    return ", ".join(f"{finding.code} ({finding.level.word})" for finding in findings)


def worst(findings: tuple[Finding, ...]) -> Level:
    """The highest level among `findings`; NONE if there are none."""
    return max((finding.level for finding in findings), default=Level.NONE)
