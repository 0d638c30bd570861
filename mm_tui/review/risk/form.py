"""Rules about the form of a draft: subject, holes, hidden characters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.facts import MONTH_NAMES
from mm_tui.review.risk.phrases import lowered, pattern, word_set
from mm_tui.review.risk.pieces import find_all
from mm_tui.review.risk.rule import Reading, listed, quoted, rule
from mm_tui.review.subject import unmarked
from mm_tui.text import OneLine, hidden_notice

_HOLES = (
    re.compile(r"\{\{[^{}\n]{0,80}\}\}|\{%[^%\n]{0,80}%\}|<%[^%\n]{0,80}%>|\$\{[^{}\n]{0,80}\}|%\([\w .]{1,40}\)s"),
    re.compile(r"\{[A-Za-z][\w .-]{0,40}\}"),
    re.compile(
        r"\*\|[A-Za-z][\w:]{0,40}\|\*|%%?[A-Za-z]\w{1,30}%%?(?!\d)|##\w{2,30}##|@@\w{2,30}@@|\$[A-Z][A-Z_]{2,30}\b"
    ),
    re.compile(r"«[ ]?[A-Za-zÀ-ž]+(?:[_.][\wÀ-ž]+)+[ ]?»|<[a-z]+_[a-z_]{1,40}>"),
    re.compile(
        r"\b(?:Mr\.?/M(?:r?s|iss)\b\.?(?:/\w+)?|Herrn?/Frau|Frau/Herrn?|M\./Mme|Mme/M\.|Sr\./Sra\.|Sig\./Sig\.ra|先生/女士)"
        r"|(?i:sehr geehrte\(r\)|(?:stimad|car|prezad)[oa]\([ao]\)|(?:chère?\(e\)|cher\(e\)))"
    ),
    re.compile(
        r"(?<![\w/.])(?:(?:JJ|TT|DD|GG|dd|jj|tt|gg)[./-]MM(?:[./-](?:[YJA]{2,4}|[yja]{4}))?|(?:HH|hh)[:.h](?:MM|mm))(?![\w/])"
    ),
    re.compile(r"[○〇●◯△▲□■]{2,10}|(?<=[年月日第])[○〇]|[○〇](?=月|日|様)"),
    re.compile(
        r"(?<![\w.-])(?:[$€£#]X{2,6}|X{2,6}(?:[.:/-]X{2,6})+|X{2,4}[.:/ ]{1,2}(?:X{2,4}[.:/]?|\d{2,4}\b))(?!\w)"
        rf"|(?i:(?<!\w)(?-i:[xX]{{2,4}})(?:st|nd|rd|th|\.)?[ ](?:{MONTH_NAMES}|days?|hours?|tage|euros?|eur|usd|%)\b)"
        r"|(?i:\b(?:order|invoice|ticket|number|no\.|room|code|bestellung|rechnung|commande|pedido|"
        r"n[uú]mero|numéro|nummer|numer|codice|código)[ :#]*)(?-i:X{2,12})\b"
    ),
    re.compile(
        r"\?{2,}(?= ?[a-zà-ž€$£%])|\bXXX\b[^\n]{2,60}\bXXX\b"
        r"|\bTODO\b|\bTBD\b|\bTBC\b(?=[ .,)])|\bFIXME\b|(?i:\blorem ipsum\b|\bplaceholder text\b)|%[A-Z]{3,30}%"
        r"|_{5,}(?=[ \t]*[^\s_])|(?<=[^\s_])[ \t]{0,3}_{5,}|(?<=[^\W_][ ])_{2,4}(?=[ .,:€$£%])|(?<=[$€£])_{2,4}(?!\w)"
    ),
    re.compile(r"(?im)^[ \t]*(?:dear|hi|hello|hey)[ \t]+(?:none|null|undefined|nan|unknown|customer name|,)[ \t]*,?"),
)

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


@rule("empty_subject", "empty subject", inbound=True)
def empty_subject(reading: Reading) -> Iterator[Finding]:
    """The subject is empty, or only "Re:" and "Fwd:". Medium on outbound mail, low on inbound mail."""
    subject = reading.draft.subject
    if not unmarked(subject):
        level = Level.MEDIUM if reading.draft.outbound else Level.LOW
        words = f"the subject says nothing: {quoted(subject)}" if subject.strip() else "the subject is empty"
        yield Finding("empty_subject", level, OneLine(words))


@rule("template_hole", "unfilled template holes")
def template_hole(reading: Reading) -> Iterator[Finding]:
    """A template was not filled in: "{{name}}", "[your answer here]", "<insert date>", "${total}", "*|FNAME|*",
    "«Vorname»", "XX December", "○○様", TODO, TBD, "lorem ipsum", "Dear None". Looked for in subject and body. High."""
    spans = _holes(reading.body)
    in_subject = _holes(str(reading.draft.subject))
    if spans or in_subject:
        holes = [reading.draft.subject[slice(*span)] for span in in_subject]
        holes += [reading.body[slice(*span)] for span in spans]
        words = f"a template is not filled in: {listed([quoted(hole, 40) for hole in holes])}"
        yield Finding("template_hole", Level.HIGH, OneLine(words), spans)


_FRAMED = re.compile(
    r"\[(?P<a>[^\[\]\n]{2,80})\](?![(:\[])|(?<![\w<])<(?P<b>[^<>\n@/:=\"]{2,60})>(?!>)"
    r"|«[ \u00a0]?(?P<c>[^«»\n]{2,40})[ \u00a0]?»"
    r"|【(?P<d>[^【】\n]{1,40})】|\((?P<e>[^()\n]{2,60})\)|（(?P<f>[^（）\n]{1,40})）"
)


def _is_hole(frame: str, inside: str) -> bool:
    """Whether the text in a frame names something to fill in."""
    low = inside.lower().strip(" .…:*_")
    fields, fillers, verbs = word_set("fields"), word_set("fillers"), word_set("insert")
    if low in fields:
        # "(reference)" in round brackets is more often a remark than a placeholder.
        return frame not in "(（"
    words = re.findall(r"[^\W_]+", low)
    if not words or len(words) > 7:
        return False
    eastern = re.search("[\u3040-\u9fff]", low) is not None
    if eastern:
        return any(word in low for word in verbs if word[0] >= "\u3040") or (
            frame not in "(（" and any(low.endswith(word) for word in fields if word[0] >= "\u3040")
        )
    begins = words[0] in verbs or " ".join(words[:2]) in verbs
    named = any(word in fields for word in words) or words[-1] == "here"
    others = [
        word for word in words if len(word) > 1 and word not in fields and word not in fillers and word not in verbs
    ]
    if frame in "(（":
        return begins and named and not others and words[0] not in ("link",)
    if frame == "«":
        return named and not others
    # "[due date]", "[nombre del médico]": a more specific field.
    closer = len(words) <= 4 and words[-1] in fields and words[0] not in _MARKS and low == inside.strip(" .…:*_")
    return (begins and len(others) <= 2) or (named and len(others) <= (1 if len(words) > 2 or closer else 0))


_MARKS = frozenset({"external", "spam", "extern", "externe", "externo"})
"""The words that mail programs put in brackets before "mail"."""


_ALONE = re.compile(
    r"(?<=[^\W\d_] )[_*]{0,2}(?:\([^\W\d_][^()\n]{2,40}\)"
    r"|<[^\W\d_][^<>\n@/:=]{2,40}>|\{[^\W\d_][^{}\n]{2,40}\})"
    r"[_*]{0,2}(?=[ ]?(?:[.,;:!?]|€|EUR\b|\n|\Z))"
)
"""Words in brackets, with nothing after them that they could belong to."""
_WORD_BEFORE = re.compile(r"([^\W\d_]+) \Z")
_LONGEST_WORD = 30
_CONJUNCTIONS = frozenset(
    {"but", "or", "that", "which", "because", "if", "when", "oder", "dass", "weil", "wenn", "ou", "que", "qui", "si"}
    | {"o", "u", "e", "che", "se", "of", "omdat", "als", "i", "a", "lub", "że", "aby"}
)
"""Words that a remark in brackets may follow."""


def _left_open(text: str) -> list[Span]:
    """Brackets after a word that needs another after it: "comes to (price from the list)."."""
    found = []
    for match in find_all(_ALONE, text):
        before = _WORD_BEFORE.search(text, max(0, match.start() - _LONGEST_WORD), match.start())
        if before and before[1].lower() in word_set("unfinished") - word_set("joins") - _CONJUNCTIONS:
            found.append(Span(*match.span()))
    return found


def _holes(text: str) -> tuple[Span, ...]:
    spans = [
        Span(*match.span())
        for match in find_all(_FRAMED, text)
        if _is_hole(match[0][0], next(group for group in match.groups() if group is not None))
    ]
    spans += _left_open(text)
    spans += [Span(*match.span()) for match in pattern("lorem").finditer(lowered(text))]
    taken = bytearray(len(text))
    for span in spans:
        taken[slice(*span)] = b"\1" * (span.end - span.start)
    for sought in _HOLES:
        for match in find_all(sought, text):
            start, end = match.span()
            if 1 not in taken[start:end]:
                taken[start:end] = b"\1" * (end - start)
                spans.append(Span(start, end))
    return tuple(sorted(spans))


@rule("hidden_characters", "hidden characters removed", inbound=True)
def hidden_characters(reading: Reading) -> Iterator[Finding]:
    """Cleaning removed characters from the subject, the body, a name or an address: the screen does not show everything
    that will be sent. High when some of them could act (control sequences, direction overrides), else medium."""
    draft = reading.draft
    if draft.removed:
        level = Level.HIGH if draft.active else Level.MEDIUM
        notice = hidden_notice(draft.removed).lstrip("⚠ ")
        more = f", {draft.active} of them in control sequences" if draft.active else ""
        yield Finding("hidden_characters", level, OneLine(f"{notice}{more}: look at the raw text"))


@rule("not_shown", "text that the recipient does not see", inbound=True)
def not_shown(reading: Reading) -> Iterator[Finding]:
    """The body contains text that the recipient does not see: a comment, text that a style hides, a link without
    text, a link definition that nothing uses, invisible signs written as entities. Medium: it may be meant for a
    program that reads the email, or be left over from a template."""
    body = reading.body
    spans = [Span(*match.span()) for match in _UNSEEN.finditer(body)]
    definitions = list(_DEFINITION.finditer(body))
    used = Counter(_LABEL.findall(body.lower())) if definitions else Counter[str]()
    spans += [Span(*match.span()) for match in definitions if used[match["label"].lower()] < 2]
    if spans:
        spans.sort()
        words = f"the recipient does not see {quoted(body[spans[0].start : spans[0].end])}"
        more = f", nor {len(spans) - 1} more like it" if len(spans) > 1 else ""
        yield Finding("not_shown", Level.MEDIUM, OneLine(f"{words}{more}"), tuple(spans))


FORM_RULES = (empty_subject, template_hole, hidden_characters, not_shown)
