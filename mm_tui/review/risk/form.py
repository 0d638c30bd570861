"""Rules about the form of a draft: subject, hidden characters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from mm_tui.review.findings import Finding, Level, Span, span_of, spans_of
from mm_tui.review.risk.rule import Reading, flag, listed, quoted, rule
from mm_tui.review.subject import unmarked
from mm_tui.text import CleanText, OneLine, hidden_notice

_UNSEEN = re.compile(
    r"<!--(?!-->)[^\0]{0,2000}?(?:-->|\Z)|<!\[CDATA\[[^\0]{0,500}?(?:\]\]>|\Z)|<\?[a-z][^\0]{0,500}?(?:\?>|\Z)|<![a-z][^<>]{0,500}>"
    r"|<(?:script|style|template|details|title)\b[^<>]{0,300}>[^\0]{0,500}?(?:</(?:script|style|template|details|title)\s*>|\Z)"
    r"|<[a-z][^<>]{0,300}?\shidden(?=[\s=>/])[^<>]{0,300}>[^<>]{0,300}"
    r"|<[a-z][^<>]{0,300}?\b(?:display\s{0,3}:\s{0,3}none|visibility\s{0,3}:\s{0,3}hidden|(?:font-size|opacity|max-height)"
    r"\s{0,3}:\s{0,3}0(?![.\d])|(?<!-)color\s{0,3}:\s{0,3}(?:#fff(?:fff)?\b|white\b|transparent\b))[^<>]{0,300}>[^<>]{0,300}"
    r"|(?<!!)\[(?:\s|&nbsp;|&\#(?:0{0,4}160|x0{0,4}a0);){0,9}\]\([^()\s]{1,500}\)"
    r"|&\#(?:820[3-7]|823[2-8]|829[4-7]|6528[0-9]|x20(?:0[b-f]|2[8-e]|6[0-9a-f])|xfeff);",
    re.IGNORECASE,
)
"""Comments and other invisible HTML, text hidden by a style, links without text, zero-width characters written as
entities."""
_DEFINITION = re.compile(r"^ {0,3}\[(?P<label>[^\[\]\n]{1,200})\]:[ \t]{0,9}\S[^\n]{0,500}", re.MULTILINE)
_LABEL = re.compile(r"\[([^\[\]\n]{1,200})\]")


@rule("empty_subject", "empty subject", inbound=True, reminder=True)
def empty_subject(reading: Reading) -> Iterator[Finding]:
    """The subject is empty, or only "Re:" and "Fwd:". Medium on outbound mail, low on inbound mail."""
    subject = reading.draft.subject
    if not unmarked(subject):
        level = Level.MEDIUM if reading.draft.outbound else Level.LOW
        words = f"the subject says nothing: {quoted(subject)}" if subject.strip() else "the subject is empty"
        yield flag("empty_subject", words, level=level)


@rule("hidden_characters", "hidden characters removed", inbound=True)
def hidden_characters(reading: Reading) -> Iterator[Finding]:
    """Cleaning removed characters from the subject, the body, a name or an address: the screen does not show everything
    that will be sent. The words around them are quoted, and those of the body marked. High when some of them could act
    (control sequences, direction overrides), else medium."""
    draft = reading.draft
    if draft.removed:
        level = Level.HIGH if draft.active else Level.MEDIUM
        notice = hidden_notice(draft.removed).lstrip("⚠ ")
        more = f", {draft.active} of them in control sequences" if draft.active else ""
        around = dict.fromkeys(
            quoted(text[slice(*span)], _LONGEST_QUOTED) for text in draft.texts for span in _around(text)
        )
        where = f", in {listed(list(around))}" if around else ""
        words = OneLine(f"{notice}{more}{where}: look at the raw text")
        yield flag("hidden_characters", words, *tuple(_around(draft.body)), level=level)


_LONGEST_QUOTED = 40
_REACH = 20
_LEFT = re.compile(r"\S*[^\S\n]*\Z")
_RIGHT = re.compile(r"[^\S\n]*\S*")


def _around(text: CleanText) -> list[Span]:
    """The words around the places where hidden characters were removed, up to a few letters on either side."""
    spans: list[Span] = []
    for place in text.places:
        # Between two words, both are marked.
        before = _LEFT.search(text, max(0, place - _REACH), place)
        after = _RIGHT.match(text, place, place + _REACH)
        span = Span(before.start() if before else place, after.end() if after else place)
        if not text[slice(*span)].strip():
            continue
        if spans and span.start <= spans[-1].end:
            span = Span(spans.pop().start, span.end)
        spans.append(span)
    return spans


@rule("not_shown", "text that the recipient does not see", inbound=True)
def not_shown(reading: Reading) -> Iterator[Finding]:
    """The body contains text that the recipient does not see: a comment, text that a style hides, a link without
    text, a link definition that nothing uses, invisible signs written as entities. Medium: it may be meant for a
    program that reads the email, or be left over from a template."""
    body = reading.body
    spans = spans_of(_UNSEEN.finditer(body))
    definitions = list(_DEFINITION.finditer(body))
    used = Counter(_LABEL.findall(body.lower())) if definitions else Counter[str]()
    spans += [span_of(match) for match in definitions if used[match["label"].lower()] < 2]
    if spans:
        spans.sort()
        words = f"the recipient does not see {quoted(body[spans[0].start : spans[0].end])}"
        more = f", nor {len(spans) - 1} more like it" if len(spans) > 1 else ""
        yield flag("not_shown", f"{words}{more}", *spans)
