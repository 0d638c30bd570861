"""The second reader: a model compares a draft with its thread, and may only quote from both.

Its answer is a list of pairs of quotes. A pair counts only if both quotes occur, letter by letter, where it says. So it
cannot invent anything, and an instruction hidden in an email can only make it show text that is there anyway. The
model's own words are never shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from mm_tui.assist.prompts import PromptEmail
from mm_tui.text import ManyLine

MOST_LINES = 5
"""The most lines shown of one answer."""
LONGEST_QUOTE = 300
"""The longest useful quote, in characters."""
_MOST_READ = 100
_SHORTEST = 2
_OBJECT = re.compile(r"\{[^{}]{2,8000}\}")
_WORD = re.compile(r"[^\W_]+")
_FIGURE = re.compile(r"\d[\d.,:/' \u00a0-]*\d|\d")
_EASTERN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_TELLING = 4
"""The least letters of a significant word."""


class RemarkKind(StrEnum):
    CONTRADICTED = "contradicted"
    """The draft contradicts the thread."""
    NOT_FOUND = "not_found"
    """The draft mentions something that is neither in the thread nor in the house facts."""
    UNANSWERED = "unanswered"
    """The draft leaves a question or a request unanswered."""


class Quote(NamedTuple):
    """A quote, and its position in the text."""

    text: str
    start: int
    end: int


class QuotedSource(msgspec.Struct, frozen=True):
    """A text that the second reader may quote: an email of the thread, or a file of house facts."""

    id: str
    """The email's id, or the file's name."""
    text: ManyLine
    theirs: bool = False
    """Whether the other side wrote it."""


class RemarkLine(msgspec.Struct, frozen=True):
    """One remark of the second reader, with both quotes checked."""

    kind: RemarkKind
    draft: Quote
    source: Quote
    source_id: str


class SecondReading(msgspec.Struct, frozen=True):
    """The second reader's valid remarks on a draft."""

    lines: tuple[RemarkLine, ...] = ()
    dropped: int = 0
    """The number of lines without valid quotes or content."""
    readable: bool = True
    """False if the answer could not be parsed."""


class DraftReading(msgspec.Struct, frozen=True):
    """The draft, and everything to compare it with."""

    draft: ManyLine
    emails: tuple[PromptEmail, ...]
    """The thread for the prompt, oldest first."""
    sources: tuple[QuotedSource, ...]
    """The full thread and the house facts, against which quotes are checked."""


def check(answer: str, draft: str, sources: Sequence[QuotedSource]) -> SecondReading:
    """Parses an answer, which may not be JSON, and keeps the lines whose quotes occur where they must. `sources`: the
    house facts, then the thread, oldest first."""
    found: dict[tuple[RemarkKind, int, int, str], RemarkLine] = {}
    dropped = 0
    objects = list(_objects(answer))
    for one in objects:
        line = _line(one, draft, sources)
        if line is None:
            dropped += 1
        else:
            found.setdefault((line.kind, line.draft.start, line.source.start, line.source_id), line)
    lines = tuple(found.values())[:MOST_LINES]
    return SecondReading(lines, dropped, readable=bool(objects) or _is_empty_list(answer))


def _objects(answer: str) -> Iterator[dict[str, object]]:
    """The JSON objects in an answer, even if it breaks off or has text around them."""
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


def _line(one: dict[str, object], draft: str, sources: Sequence[QuotedSource]) -> RemarkLine | None:
    kind = one.get("kind")
    if not isinstance(kind, str) or kind not in {str(each) for each in RemarkKind}:
        return None
    in_draft = find_quote(one.get("draft"), draft)
    if in_draft is None:
        return None
    # Newest mail first: if words occur twice, the last occurrence counts.
    for source in reversed(sources):
        if kind == RemarkKind.UNANSWERED and not source.theirs:
            continue
        quoted = find_quote(one.get("thread"), source.text)
        if quoted is not None:
            line = RemarkLine(RemarkKind(kind), in_draft, quoted, source.id)
            return line if _says_something(line, sources) else None
    return None


def find_quote(quote: object, text: str) -> Quote | None:
    """The position of `quote` in `text`; line breaks and spaces are equivalent. None if it does not occur."""
    if not isinstance(quote, str):
        return None
    words = ManyLine(quote[: 2 * LONGEST_QUOTE]).split()
    length = sum(map(len, words))
    least = 1 if _EASTERN.search(quote) else _SHORTEST
    if length < least or len(" ".join(words)) > LONGEST_QUOTE or not _WORD.search(quote):
        return None
    match = re.search(r"\s+".join(map(re.escape, words)), text)
    return Quote(match[0], *match.span()) if match is not None else None


def _says_something(line: RemarkLine, sources: Iterable[QuotedSource]) -> bool:
    """Whether a line fits its kind, as far as this can be checked."""
    if line.kind is not RemarkKind.NOT_FOUND:
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
    """Converts a reading to plain values for storage; `again` restores it."""
    return {
        "lines": [
            {"kind": str(line.kind), "draft": line.draft.text, "thread": line.source.text} for line in reading.lines
        ],
        "dropped": reading.dropped,
    }


def again(values: dict[str, object], draft: str, sources: Sequence[QuotedSource]) -> SecondReading:
    """Restores a stored reading, checking its quotes against the current texts."""
    read = check(json.dumps({"lines": values.get("lines", [])}), draft, sources)
    dropped = values.get("dropped", 0)
    return SecondReading(read.lines, read.dropped + (dropped if isinstance(dropped, int) else 0))
