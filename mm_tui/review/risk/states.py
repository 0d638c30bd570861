"""Statements that a thing is in one state or the opposite one: open or closed, included or extra, paid or unpaid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from mm_tui.review.findings import Span
from mm_tui.review.risk.facts import find_dates
from mm_tui.review.risk.phrase_patterns import as_pattern
from mm_tui.review.risk.phrases import any_of_pairs, ordered, pairs_of, pattern, phrases

_SENTENCE = re.compile(r"[^.!?\n。！？]+(?:\.(?=[\w,])[^.!?\n。！？]*)*[.!?。！？]?")
_CLAUSE = re.compile(
    r"[^,.;:()\n。、，；：！？!?–—]+?(?=[,.;:()\n。、，；：！？!?–—]|\s(?:and|but|und|aber|et|mais|y|pero|e|mas|ma|en|maar|i|ale|oraz)\s|\Z)"
)
_WORD = re.compile(r"[^\W\d_]{3,}")
_EASTERN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_PARTICLES = "はがもをにでの的"
_ROOT = 4
_MOST_STATES = 60
_SHORTEST_NAME = 4


class Statement(NamedTuple):
    """What a sentence says of a thing."""

    pair: int
    """Which pair of opposites."""
    holds: bool
    """True for the first state of the pair, False for the second."""
    subject: frozenset[str]
    """What it is said of: the roots of the words, or one stretch of Han and kana."""
    days: frozenset[object]
    """The days and weekdays that the sentence names."""
    span: Span
    sentence: Span


@cache
def _sides() -> tuple[re.Pattern[str], ...]:
    """The first and the second state of each pair, one after the other."""
    return tuple(
        re.compile("|".join(as_pattern(phrase) for phrase in sorted(side, key=len, reverse=True)))
        for pair in pairs_of("states")
        for side in pair
    )


@lru_cache(maxsize=2048)
def _which(words: str) -> tuple[int, ...]:
    """The sides that `words` belong to."""
    return tuple(number for number, side in enumerate(_sides()) if side.fullmatch(words))


@cache
def _hollow() -> frozenset[str]:
    """Roots of words that name no thing."""
    every = (*phrases("unfinished"), *phrases("negations"), *phrases("asides"), *phrases("changed"))
    return frozenset(word[:_ROOT] for phrase in every for word in phrase.split())


@cache
def _eastern_hollow() -> re.Pattern[str]:
    return re.compile("|".join(sorted(filter(_EASTERN.match, phrases("asides")), key=len, reverse=True)))


def _subject(text: str) -> frozenset[str]:
    if _EASTERN.search(text):
        bare = re.sub(r"[\W_]", "", _eastern_hollow().sub("", text)).strip(_PARTICLES)
        return frozenset({bare}) if len(bare) > 1 else frozenset()
    return frozenset(word[:_ROOT] for word in _WORD.findall(text) if word[:_ROOT] not in _hollow())


@cache
def _eastern_weekdays() -> tuple[tuple[str, int], ...]:
    """Weekdays in scripts without spaces, which are looked for anywhere in a sentence."""
    return tuple((word, place) for word, place in ordered("weekdays").items() if word >= "\u3040")


def _days(sentence: str) -> frozenset[object]:
    weekdays = ordered("weekdays")
    found: set[object] = {
        place for word in re.findall(r"[^\W\d_]+", sentence) if (place := weekdays.get(word) or weekdays.get(word[:-1]))
    }
    found |= {place for word, place in _eastern_weekdays() if word in sentence}
    for day in find_dates(sentence):
        found |= day.readings
    return frozenset(found)


@cache
def _ordinal() -> re.Pattern[str]:
    """The dot of "3. Juni", which ends no sentence."""
    return re.compile(rf"(?<=\d)\.(?= (?:{'|'.join(month for month in ordered('months') if month.isalpha())})(?!\w))")


@lru_cache(maxsize=16)
def statements(text: str) -> tuple[Statement, ...]:
    """The statements in `text`, which is in lower case; not those that are asked, conditional or a change."""
    found: list[Statement] = []
    if any_of_pairs("states").search(text) is None:
        return ()
    written, text = text, _ordinal().sub("\u00b7", text)
    for match in _SENTENCE.finditer(text):
        begin, end = match.span()
        hits = list(any_of_pairs("states").finditer(text, begin, end))
        if not hits or match[0].rstrip()[-1:] in "?？":
            continue
        if pattern("conditions", "changed").search(text, begin, end):
            continue
        days = _days(written[begin:end])
        for hit in hits:
            clause = _clause_of(text, begin, end, hit.start())
            before = _subject(text[clause.start : hit.start()])
            subject = before or _subject(text[hit.end() : clause.end])
            if not subject:
                continue
            negated = pattern("plain_not").search(text, *clause) is not None
            for side in _which(hit[0]):
                holds = (side % 2 == 0) != negated
                found.append(Statement(side // 2, holds, subject, days, Span(*hit.span()), Span(begin, end)))
        if len(found) > _MOST_STATES:
            break
    return tuple(found)


def _clause_of(text: str, begin: int, end: int, at: int) -> Span:
    for match in _CLAUSE.finditer(text, begin, end):
        if match.start() <= at < match.end():
            return Span(*match.span())
    return Span(begin, end)


def opposed(first: Iterable[Statement], second: Iterable[Statement]) -> Iterator[tuple[Statement, Statement]]:
    """Statements that say of one thing that it is in a state and in the opposite one."""
    for one in first:
        for other in second:
            if (
                one.pair == other.pair
                and one.holds != other.holds
                and _same_subject(one.subject, other.subject)
                and (one.days == other.days or one.days & other.days)
            ):
                yield one, other


def _same_subject(first: frozenset[str], second: frozenset[str]) -> bool:
    if first == second:
        return True
    shared = first & second
    if len(shared) >= 2 and len(first | second) == len(shared) + 1:
        return True
    if len(first) == len(second) == 1:
        short, long = sorted((*first, *second), key=len)
        return _EASTERN.match(short) is not None and len(short) >= _SHORTEST_NAME and short in long
    return False
