"""The rule about what colleagues wrote to each other and the draft tells somebody else."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from mm_tui.review.findings import Finding, Span, span_of
from mm_tui.review.risk.phrases import is_common, lowered, pattern
from mm_tui.review.risk.rule import LONGEST_DRAFT, Reading, flag, quoted, rule

_RUN = 3
_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*")
_LONG = 4
_PART = re.compile(r"\([^()\n]+\)|(?:[^.!?\n()。！？]|(?<=\d)\.(?=\d))+")
"""A sentence, or what is in brackets."""
_SHORT_PART = 3
"""A part with fewer other words than this speaks of the part before it: "Do NOT say."."""
_ENOUGH = 2


@rule("internal_repeated", "repeats an email between colleagues", needs_thread=True)
def internal_repeated(reading: Reading) -> Iterator[Finding]:
    """The draft goes to somebody else and repeats an email of the thread that went only to our own people: a quoted
    line, or what such an email says is not for others ("internal", "don't tell him"). That is two names or numbers of
    the sentence or brackets that say so, or one and three words in a row. Four words in a row are enough if there are
    no names and numbers. Medium."""
    inner = [str(mail.body)[:LONGEST_DRAFT] for mail in reading.between_us if mail.body]
    if not inner or all(reading.is_ours(party.address) for party in reading.draft.recipients):
        return
    spans = sorted((*_quoted_lines(reading, inner), *_confidential(reading, inner)))
    if spans:
        words = f"repeats an email between colleagues: {quoted(str(reading.draft.body)[slice(*spans[0])])}"
        yield flag("internal_repeated", words, *spans)


def _quoted_lines(reading: Reading, inner: list[str]) -> list[Span]:
    """The quoted lines that only these emails have."""
    ours, seen = (" ".join(_WORD.findall(text.lower())) for text in ("\n".join(inner), reading.seen_text))
    found = []
    for match in re.finditer(r"[^>\s][^\n]*", str(reading.draft.body)):
        if reading.body[slice(*match.span())].strip():
            # Quoted lines are blank there.
            continue
        words = _WORD.findall(match[0].lower())
        line = " ".join(words)
        if len(words) > _RUN and line in ours and line not in seen:
            found.append(span_of(match))
    return found


def _confidential(reading: Reading, inner: list[str]) -> list[Span]:
    """What the draft says of that which colleagues keep to themselves."""
    kept = [part for text in inner for part in _kept_parts(text)]
    if not kept:
        return []
    reached = " ".join(f"{party.name} {party.address}" for party in reading.draft.recipients)
    open_words = set(_WORD.findall(f"{reading.seen_text} {reached}".lower()))
    details = {word for part in kept for word in _details(part)} - open_words
    written = reading.low[: reading.written]
    said = [span_of(match) for match in _WORD.finditer(written) if match[0] in details]
    secret = set().union(*(_runs(part.lower()) for part in kept)) - _runs(reading.seen_text.lower()).keys()
    runs = [place for words, place in _runs(written).items() if words in secret]
    if len({written[slice(*span)] for span in said}) + (min(1, len(runs)) if details else len(runs)) >= _ENOUGH:
        return [*said, *runs]
    return []


def _kept_parts(text: str) -> list[str]:
    """The parts of an email that say that they are not for others; all that follows a heading that says so."""
    parts = [span_of(match) for match in _PART.finditer(text) if match[0].strip()]
    kept = set[Span]()
    for mark in pattern("internal", "not_for_others").finditer(lowered(text)):
        at = bisect_right(parts, mark.start(), key=lambda part: part.start) - 1
        if at < 0 or mark.start() >= parts[at].end or parts[at] in kept:
            continue
        rest = text[parts[at].start : mark.start()] + text[mark.end() : parts[at].end]
        if len(_WORD.findall(rest)) >= _SHORT_PART:
            kept.add(parts[at])
        else:
            kept.update(parts[at - 1 : at + 1] if at else parts)
    return [text[slice(*part)] for part in sorted(kept)]


def _details(part: str) -> Iterator[str]:
    """The names and numbers of a part, in lower case."""
    for match in _WORD.finditer(part):
        number = match[0][0].isdigit() and len(match[0]) > 1
        name = match[0][0].isupper() and len(match[0]) >= _LONG and not is_common(match[0].lower())
        if number or name:
            yield match[0].lower()


def _runs(text: str) -> dict[tuple[str, ...], Span]:
    """Three words in a row with a long one among them, with their places."""
    words = list(_WORD.finditer(text))
    return {
        tuple(match[0] for match in three): Span(three[0].start(), three[-1].end())
        for three in zip(words, words[1:], words[2:], strict=False)
        if any(len(match[0]) >= _LONG for match in three)
    }
