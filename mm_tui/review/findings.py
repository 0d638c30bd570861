"""The results of inspections: level, words, and place."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

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


Place = Span | re.Match[str]


def line_span(text: str, start: int, end: int, farthest: int = sys.maxsize) -> Span:
    """The line, or lines, from `start` to `end`; of a huge one what is at most `farthest` characters away."""
    first, last = max(0, start - farthest), min(len(text), end + farthest)
    before, after = text.rfind("\n", first, start), text.find("\n", end, last)
    return Span(first if before < 0 else before + 1, last if after < 0 else after)


def is_within(at: int, spans: Iterable[Span]) -> bool:
    """Whether one of the spans has the character `at`."""
    return any(span.start <= at < span.end for span in spans)


def span_of(place: Place) -> Span:
    """The range of a match, or of a span."""
    return place if isinstance(place, Span) else Span(*place.span())


def spans_of(matches: Iterable[re.Match[str]]) -> list[Span]:
    return [Span(*match.span()) for match in matches]


class Finding(msgspec.Struct, frozen=True):
    """One reason to look twice."""

    code: str
    """The rule's name, as in docs/risk.md and in the settings."""
    level: Level
    words: OneLine
    """One plain sentence without a full stop, such as `promises money: "full refund of $240"`."""
    spans: tuple[Span, ...] = ()
    """The words found, as ranges of the body."""


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, each message only once, with all its places."""
    found: dict[tuple[str, Level, str], Finding] = {}
    places: dict[tuple[str, Level, str], list[Span]] = {}
    for finding in findings:
        key = (finding.code, finding.level, str(finding.words))
        found.setdefault(key, finding)
        places.setdefault(key, []).extend(finding.spans)
    return [replace(finding, spans=tuple(places[key])) for key, finding in found.items()]


def codes(findings: Iterable[Finding]) -> str:
    """The findings without any text of the email, such as `promise_money (high), shouting (low)`."""
    return ", ".join(f"{finding.code} ({finding.level.word})" for finding in findings)


def worst(findings: tuple[Finding, ...]) -> Level:
    """The highest level among `findings`; NONE if there are none."""
    return max((finding.level for finding in findings), default=Level.NONE)
