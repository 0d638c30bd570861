"""Rules about the form of a draft: subject, attachments, holes, hidden characters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.rule import Reading, listed, quoted, rule
from mm_tui.text import OneLine, hidden_notice

_REPLY_MARKS = re.compile(r"(?:\s*(?:re|aw|antw|sv|vs|fwd?|wg|tr|rv)\s*(?:\[\d+\])?\s*:)*\s*", re.IGNORECASE)
_ATTACHED = re.compile(
    r"\b(?:(?:is|are|have|i've|we've|please find|see|find|here(?:'s| is))\s+(?:the\s+)?attach(?:ed|ment)\w*"
    r"|find\s+(?:[\w'’-]+\s+){1,5}attached"
    r"|attached\s+(?:is|are|you|please|to this|here(?:with)?|find|for your|(?:the|a|an|our|my)\b)"
    r"|(?:the|an?) attached|see attach\w+|in the attachment|enclosed|i attach|we attach"
    r"|im anhang|anbei|beigefügt|angehängt|als anlage|ci-joint\w*|pièces? jointes?|en annexe"
    r"|adjunt[oa]s?|en el adjunto|in allegato|allegat[oai]|em anexo|anexad[oa]|in (?:de )?bijlage|bijgevoegd|bifogad\w*"
    r"|vedhæftet|vedlagt|w załączniku)\b",
    re.IGNORECASE,
)
_NOT_OURS = re.compile(
    r"\b(?:you|your|you've|no|not|without|isn't|aren't|didn't|couldn't|can't|cannot|missing)\b[^.!?\n]{0,30}\Z", re.I
)
_FILE = re.compile(
    r"(?<![\w/@.:-])[\w][\w()-]{0,80}\.(?:pdf|docx?|xlsx?|pptx?|odt|ods|csv|zip|png|jpe?g|ics|eml|txt)\b(?!/)", re.I
)
_HOLES = (
    re.compile(r"\{\{[^{}\n]{0,80}\}\}|\{%[^%\n]{0,80}%\}|<%[^%\n]{0,80}%>|\$\{[^{}\n]{0,80}\}|%\([\w .]{1,40}\)s"),
    re.compile(r"\{[A-Za-z][\w .-]{0,40}\}"),
    re.compile(
        r"\[(?=[^\[\]\n]*\b(?:your|insert|name|date|company|answer|todo|tbd|tbc|here|amount|customer|order|number|xxx+"
        r"|placeholder|fill|recipient|client|title|link|url|product|address|phone|reason|specific|details?|add|enter"
        r"|e\.g|votre|vos|ihre?|su|sua|suo|vostr[oa]|uw|twoj[ae]|ваш[аие]?|insérer|einfügen|insertar|inserire|inserir|invoegen"
        r"|wstaw|вставьте)\b)[^\[\]\n]{2,80}\](?![(:\[])",
        re.IGNORECASE,
    ),
    re.compile(
        r"<(?:(?:your|insert|enter|add)\b[^<>\n]{0,60}|(?:first|last|full)?[ _-]?name|date|company|amount)>", re.I
    ),
    re.compile(
        r"\bTODO\b|\bTBD\b|\bFIXME\b|\bXXX+\b|(?i:\blorem ipsum\b|\bplaceholder text\b)|%[A-Z]{3,30}%"
        r"|_{5,}(?=[ \t]*[^\s_])|(?<=[^\s_])[ \t]{0,3}_{5,}"
    ),
    re.compile(r"(?im)^[ \t]*(?:dear|hi|hello|hey)[ \t]+(?:none|null|undefined|nan|unknown|customer name|,)[ \t]*,?"),
)


@rule("empty_subject", "empty subject", inbound=True)
def empty_subject(reading: Reading) -> Iterator[Finding]:
    """The subject is empty, or nothing but "Re:" and "Fwd:". Medium on mail that leaves, low on mail that comes in."""
    subject = reading.draft.subject
    if _REPLY_MARKS.fullmatch(subject):
        level = Level.MEDIUM if reading.draft.outbound else Level.LOW
        words = f"the subject says nothing: {quoted(subject)}" if subject.strip() else "the subject is empty"
        yield Finding("empty_subject", level, OneLine(words), (), (Span(0, len(subject)),) if subject else ())


@rule("missing_attachment", "named but missing attachment")
def missing_attachment(reading: Reading) -> Iterator[Finding]:
    """The text speaks of an attachment and there is none, or it names a file that is neither attached nor spoken of in
    the thread. Medium. Attachments of the other side ("your attachment") do not count; English, German, French,
    Spanish, Italian, Portuguese, Dutch and the Nordic languages are known."""
    draft = reading.draft
    if not draft.complete:
        return
    if not draft.attachments:
        spans = [
            Span(*match.span())
            for match in _ATTACHED.finditer(reading.body)
            if not _NOT_OURS.search(reading.body, max(0, match.start() - 60), match.start())
        ]
        if spans:
            words = f"says {quoted(reading.body[slice(*spans[0])])} but nothing is attached"
            yield Finding("missing_attachment", Level.MEDIUM, OneLine(words), tuple(spans))
            return
    attached = {attachment.name.lower() for attachment in draft.attachments}
    thread = reading.thread_text.lower()
    links = [link.span for link in reading.links]
    for match in _FILE.finditer(reading.body):
        name = match[0].lower()
        in_link = any(span.start <= match.start() < span.end for span in links)
        if name not in attached and name not in thread and not in_link and attached:
            words = f"names {quoted(match[0])}, which is not attached"
            yield Finding("missing_attachment", Level.MEDIUM, OneLine(words), (Span(*match.span()),))


@rule("template_hole", "unfilled template holes")
def template_hole(reading: Reading) -> Iterator[Finding]:
    """A template was not filled in: "{{name}}", "[your answer here]", "<insert date>", "${total}", TODO, TBD, XXX,
    "lorem ipsum", "Dear None". Looked for in subject and body. High."""
    spans = _holes(reading.body)
    subject_spans = _holes(str(reading.draft.subject))
    if spans or subject_spans:
        holes = [reading.draft.subject[slice(*span)] for span in subject_spans]
        holes += [reading.body[slice(*span)] for span in spans]
        words = f"a template is not filled in: {listed([quoted(hole, 40) for hole in holes])}"
        yield Finding("template_hole", Level.HIGH, OneLine(words), spans, subject_spans)


def _holes(text: str) -> tuple[Span, ...]:
    spans: list[Span] = []
    for pattern in _HOLES:
        for match in pattern.finditer(text):
            if not any(span.start < match.end() and match.start() < span.end for span in spans):
                spans.append(Span(*match.span()))
    return tuple(sorted(spans))


@rule("hidden_characters", "hidden characters removed", inbound=True)
def hidden_characters(reading: Reading) -> Iterator[Finding]:
    """Cleaning took characters out of the subject, the body, a name or an address: what will be sent is not all on the
    screen. High when some of them could act (control sequences, direction overrides), else medium."""
    draft = reading.draft
    if draft.removed:
        level = Level.HIGH if draft.active else Level.MEDIUM
        notice = hidden_notice(draft.removed).lstrip("⚠ ")
        more = f", {draft.active} of them in control sequences" if draft.active else ""
        yield Finding("hidden_characters", level, OneLine(f"{notice}{more}: look at the raw text"))


FORM_RULES = (empty_subject, missing_attachment, template_hole, hidden_characters)
