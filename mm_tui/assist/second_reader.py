"""The second reader: a model reads a draft against its thread, and may only point at words of both.

Its answer is a list of pairs of quotes. A pair counts when both quotes stand, letter by letter, where it says: so it
can invent nothing, and an instruction hidden in an email can make it show nothing but words that are there anyway. No
word of its own is ever shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from mm_tui.assist.prompts import Letter
from mm_tui.text import ManyLine

MOST_LINES = 5
"""So many lines of one answer are shown."""
LONGEST_QUOTE = 300
"""Characters; whoever quotes more points at nothing."""
_MOST_READ = 100
_SHORTEST = 2
_OBJECT = re.compile(r"\{[^{}]{2,8000}\}")
_WORD = re.compile(r"[^\W_]+")
_FIGURE = re.compile(r"\d[\d.,:/' \u00a0-]*\d|\d")
_EASTERN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_TELLING = 4
"""Letters from which a word says something by itself."""


class Kind(StrEnum):
    """What a line of the second reader says."""

    CONTRADICTED = "contradicted"
    """The draft says something else than the thread."""
    NOT_FOUND = "not_found"
    """The draft names what stands nowhere in the thread or the house facts."""
    UNANSWERED = "unanswered"
    """The draft passes over a question or a wish."""


class Quote(NamedTuple):
    """Words that stand in a text, and where."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Source:
    """A text that the second reader may quote: an email of the thread, or a file of house facts."""

    id: str
    """Of the email; of a file its name."""
    text: ManyLine
    theirs: bool = False
    """The other side wrote it."""


@dataclass(frozen=True)
class Line:
    """One line of the second reader, both quotes checked."""

    kind: Kind
    draft: Quote
    source: Quote
    source_id: str


@dataclass(frozen=True)
class SecondReading:
    """What the second reader said of a draft, as far as it holds."""

    lines: tuple[Line, ...] = ()
    dropped: int = 0
    """Lines whose quotes do not stand there, or that say nothing."""
    readable: bool = True
    """False when the answer had no form at all."""


@dataclass(frozen=True)
class Reading:
    """What is read: the draft, and all that it may be compared with."""

    draft: ManyLine
    letters: tuple[Letter, ...]
    """The thread for the prompt, oldest first."""
    sources: tuple[Source, ...]
    """The same in full, and the house facts: what quotes are checked against."""


def check(answer: str, draft: str, sources: Sequence[Source]) -> SecondReading:
    """Reads an answer and keeps the lines whose quotes stand where they must.

    Args:
        answer: the model's text: JSON, or anything.
        draft: the body that was read.
        sources: the house facts, then the thread, oldest first.
    """
    found: dict[tuple[Kind, int, int, str], Line] = {}
    dropped = 0
    told = list(_told(answer))
    for one in told:
        line = _line(one, draft, sources)
        if line is None:
            dropped += 1
        else:
            found.setdefault((line.kind, line.draft.start, line.source.start, line.source_id), line)
    lines = tuple(found.values())[:MOST_LINES]
    return SecondReading(lines, dropped, readable=bool(told) or _is_empty_list(answer))


def _told(answer: str) -> Iterator[dict[str, object]]:
    """The objects of an answer, also of one that breaks off or has words around it."""
    for count, match in enumerate(_OBJECT.finditer(answer)):
        if count >= _MOST_READ:
            return
        try:
            one = json.loads(match[0])
        except (ValueError, RecursionError):
            continue
        if isinstance(one, dict) and "kind" in one:
            yield one


def _is_empty_list(answer: str) -> bool:
    return re.search(r"\"lines\"\s*:\s*\[\s*\]|\A\W*\[\s*\]\W*\Z", answer) is not None


def _line(one: dict[str, object], draft: str, sources: Sequence[Source]) -> Line | None:
    kind = one.get("kind")
    if not isinstance(kind, str) or kind not in {str(each) for each in Kind}:
        return None
    in_draft = find_quote(one.get("draft"), draft)
    if in_draft is None:
        return None
    # The newest mail first: of words that were said twice the last time counts.
    for source in reversed(sources):
        if kind == Kind.UNANSWERED and not source.theirs:
            continue
        quoted = find_quote(one.get("thread"), source.text)
        if quoted is not None:
            line = Line(Kind(kind), in_draft, quoted, source.id)
            return line if _says_something(line, sources) else None
    return None


def find_quote(quote: object, text: str) -> Quote | None:
    """Where `quote` stands in `text`, letter by letter; line breaks and spaces count alike. None when nowhere."""
    if not isinstance(quote, str):
        return None
    words = ManyLine(quote[: 2 * LONGEST_QUOTE]).split()
    length = sum(map(len, words))
    least = 1 if _EASTERN.search(quote) else _SHORTEST
    if length < least or len(" ".join(words)) > LONGEST_QUOTE or not _WORD.search(quote):
        return None
    match = re.search(r"\s+".join(map(re.escape, words)), text)
    return Quote(match[0], *match.span()) if match is not None else None


def _says_something(line: Line, sources: Iterable[Source]) -> bool:
    """Whether a line is what its kind means, as far as that can be checked."""
    if line.kind is not Kind.NOT_FOUND:
        return _plain(line.draft.text) != _plain(line.source.text)
    there = "\n".join(source.text for source in sources)
    if _plain(line.draft.text) in _plain(there):
        return False
    figures = {_digits(match[0]) for match in _FIGURE.finditer(line.draft.text)}
    known = {_digits(match[0]) for match in _FIGURE.finditer(there)}
    words = {word.casefold() for word in _WORD.findall(line.draft.text) if len(word) >= _TELLING or word.isdigit()}
    known_words = {word.casefold() for word in _WORD.findall(there)}
    return bool(figures - known) or not words <= known_words


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .,;:!?\"'“”„«»")


def _digits(figure: str) -> str:
    return re.sub(r"\D", "", re.sub(r"[.,]00?\Z", "", figure))


def as_values(reading: SecondReading) -> dict[str, object]:
    """A reading as plain values, to be kept; `again` makes one of them."""
    return {
        "lines": [
            {"kind": str(line.kind), "draft": line.draft.text, "thread": line.source.text} for line in reading.lines
        ],
        "dropped": reading.dropped,
    }


def again(values: dict[str, object], draft: str, sources: Sequence[Source]) -> SecondReading:
    """A kept reading, its quotes checked once more against the texts as they are now."""
    read = check(json.dumps({"lines": values.get("lines", [])}), draft, sources)
    dropped = values.get("dropped", 0)
    return SecondReading(read.lines, read.dropped + (dropped if isinstance(dropped, int) else 0))
