"""The rule about two numbers of the thread that change places in the draft."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.phrases import lowered
from mm_tui.review.risk.rule import LONGEST_DRAFT, Reading, quoted, rule
from mm_tui.text import OneLine

_PARTS = re.compile(
    r"(?:(?!\s(?:and|und|et|y|e|en|i|plus|or|oder|ou|o|lub)\s)"
    r"(?:[^,;:!?()\n。！？、，；.]|(?<=\d)[.,:](?=\d)))+"
)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_WORD = re.compile(r"[^\W\d_]{3,}|[\u3400-\u9fff\u30a0-\u30ff]{2}")
_ROOT = 5
_FURTHEST = 40
_MOST_NUMBERS = 30


def _labelled(text: str) -> dict[str, tuple[frozenset[str], Span]]:
    """The numbers that stand alone in a part of a sentence, each with the roots of the words around it."""
    found: dict[str, tuple[frozenset[str], Span]] = {}
    twice = set[str]()
    for part in _PARTS.finditer(text):
        numbers = list(_NUMBER.finditer(part[0]))
        if len(numbers) != 1 or len(found) > _MOST_NUMBERS:
            twice |= {number[0] for number in numbers}
            continue
        number = numbers[0]
        around = part[0][max(0, number.start() - _FURTHEST) : number.end() + _FURTHEST]
        words = frozenset(word[:_ROOT] for word in _WORD.findall(around))
        if number[0] in found:
            twice.add(number[0])
        found[number[0]] = words, Span(part.start() + number.start(), part.start() + number.end())
    return {number: one for number, one in found.items() if number not in twice and one[0]}


@rule("numbers_swapped", "two numbers that change places", needs_thread=True)
def numbers_swapped(reading: Reading) -> Iterator[Finding]:
    """Two numbers of one email of the thread stand with each other's words in the draft: "36 bottles of Arneis and 24
    of Dolcetto" for "36 bottles of Dolcetto and 24 of Arneis". Medium."""
    mine = _labelled(reading.low[: min(reading.written, LONGEST_DRAFT)])
    if len(mine) < 2:
        return
    for mail in reversed(reading.context.messages[-_MOST_MAILS:]):
        theirs = _labelled(lowered(str(mail.body or "")[:LONGEST_DRAFT]))
        for first, second in combinations(sorted(mine.keys() & theirs.keys()), 2):
            here, there = (mine[first][0], mine[second][0]), (theirs[first][0], theirs[second][0])
            here = here[0] - here[1], here[1] - here[0]
            there = there[0] - there[1], there[1] - there[0]
            if here[0] & there[1] and here[1] & there[0] and not (here[0] & there[0] and here[1] & there[1]):
                spans = tuple(sorted((mine[first][1], mine[second][1])))
                said = [quoted(reading.body[slice(*span)]) for span in spans]
                words = f"gives {said[0]} and {said[1]} to each other's words of the thread"
                yield Finding("numbers_swapped", Level.MEDIUM, OneLine(words), spans)
                return


_MOST_MAILS = 5

SWAP_RULES = (numbers_swapped,)
