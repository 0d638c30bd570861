"""Rules about the draft's reaction to requests of the other side, and about words that betray a machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from mm_tui.models import Direction
from mm_tui.review.findings import Finding, Level, Span, span_of, spans_of
from mm_tui.review.risk.greetings import greeting
from mm_tui.review.risk.phrases import has_words, pattern
from mm_tui.review.risk.rule import Reading, flag, listed, quoted, rule
from mm_tui.review.risk.sentences import together

_YOU = re.compile(
    r"\b(?:you|your|sie|ihre?n?|vous|votre|vos|usted|su|você|lei|u|uw|pan|pani|pana)\b|[\u3040-\u30ff\u4e00-\u9fff]"
)


def _found(reading: Reading, key: str) -> list[Span]:
    """Where the words under `key` occur in the body, except those used by the other side."""
    return [span_of(match) for match in pattern(key).finditer(reading.low) if match[0] not in reading.asked_text]


_TAG = re.compile(
    r"<(/?)(?:think|thinking|thoughts?|reasoning|analysis|scratchpad|reflection|plan|response|answer|reply|output|draft"
    r"|final|final_answer|instructions?|context|tool\w*|function\w*|result|summary|email)>(?:[^<>]{0,400}</\w+>)?"
    r"|\[/?(?:inst|think|thinking|sys|assistant|user|system|output|end of (?:reply|draft|response|email))\]"
    r"|<\|[\w ]{2,20}\|>"
)
"""Marks that models put around their reasoning or answer."""
_INSIDE = r"[^\[\]【】()（）\n]"
_REMARK = re.compile(
    r"[\[【(（](?:note|notes|nb|n\.b\.|fyi|memo|reminder|internal|intern|notiz|hinweis|vermerk|anmerkung|remarque|nota|aviso"
    r"|opmerking|notitie|let op|uwaga|notatka|メモ|社内|注意|备注|内部)(?![^\W\d_]{1,3}(?<=[a-z]))"
    rf"{_INSIDE}{{0,30}}[:：](?={_INSIDE}{{20}}|{_INSIDE}{{0,20}}[\u3040-\u9fff]){_INSIDE}{{3,300}}[\]】)）]"
)
"""A remark to somebody in brackets."""
_REMARK_TO = re.compile(r"\s*[\[(][^\W\d_]{2,20}[:,] [^()\[\]\n]{15,300}[\])][ \t]*\n\s*")
"""A remark to somebody by name above the greeting: "(Rupert: he pays anything.)"."""
_NOTE_TO = re.compile(
    r"^[ \t]*(?:note|memo|notiz|hinweis|nota|opmerking|notatka|uwaga)"
    r" (?:for|to|für|an|pour|à|para|per|voor|aan|dla|do) "
    r"(?P<name>[^\W\d_]{2,20}): [^\n]{15,}",
    re.MULTILINE,
)
"""A paragraph for somebody else than the reader: "Note for Dana: …"."""
_CHAT = re.compile(
    r"^[ \t]*(?:[^\W\d_][\w.'’ -]{0,30}[ \t]*"
    r"[(\[](?:[01]?\d|2[0-3])[:.](?P<after>[0-5]\d)(?:[:.][0-5]\d)?(?: ?[ap]m)?[)\]][ \t]*:"
    r"|[(\[]?(?:\d[\d./-]{4,9},? )?(?:[01]?\d|2[0-3]):(?P<before>[0-5]\d)(?::[0-5]\d)?(?: ?[ap]m)?[)\]]?"
    r"[ \t]*[-–]?[ \t]*<?[^\W\d_][\w.'’ -]{0,30}>?:)[ \t]*\S[^\n]*",
    re.MULTILINE,
)
"""A line of a chat: "Dana (14:02): …", "[14:02] Dana: …"."""
_MODEL_NAME = re.compile(
    r"^[ \t*_–—-]*(?:ChatGPT|GPT-?\d\w*|Claude(?: \d\S*| Sonnet| Opus| Haiku| AI)|(?:Google )?Gemini(?: \d\S*| Pro| AI)"
    r"|(?:Microsoft |GitHub )?Copilot|DeepSeek\S*|Llama[ -]?\d\S*|Mistral (?:AI|Large|Small)|Jamba\b\S*|Grok)"
    r"(?!\w)",
    re.MULTILINE,
)
"""A line of the signature that begins with the name of a language model."""
_WORK = re.compile(r"\b(?:draft|version|entwurf|fassung|brouillon|borrador|rascunho|bozza|concept|szkic)\b|案|草稿")


@rule("model_talk", "words of a model to its user")
def model_talk(reading: Reading) -> Iterator[Finding]:
    """The draft contains a model's words to its user, its instructions or its reasoning: "Here's a friendly reply you
    can send", "As an AI", "Let me know if you'd like me to make it shorter", "You are Ori, the assistant of"; or is
    signed with the name of a model ("ChatGPT for the service team"). High."""
    spans = _found(reading, "model_talk")
    spans += [span_of(match) for match in _TAG.finditer(reading.low) if match[0] not in reading.asked_text]
    signed = _MODEL_NAME.search(reading.body, reading.last_lines)
    if signed and signed[0].lower() not in reading.thread_low:
        spans.append(span_of(signed))
    if reading.among_us:
        # Colleagues send each other drafts.
        spans = [span for span in spans if not _WORK.search(reading.low, *span)]
    if spans:
        words = f"holds words of a model to its user: {listed(list(map(reading.quoted, spans)))}"
        yield flag("model_talk", words, *spans, level=Level.HIGH)


_DISCLAIMER = re.compile(r"\b(?:e-?mail|message|communication|attachments?|privileged)\b")
"""The words of the usual footer: "This e-mail and any attachment are confidential"."""
_CONFIDENTIAL = re.compile(r"confid|vertrau|riservat|poufn|機密|保密|(?:stays?|keep it) between")


def _is_assurance(reading: Reading, span: Span) -> bool:
    """Whether words of confidence are those of a footer, or say how we treat what somebody told us."""
    if _CONFIDENTIAL.search(reading.low, *span) is None:
        return False
    return reading.sentence_matches(span.start, _DISCLAIMER) or reading.sentence_has(span.start, "treated")


_IN_BRACKETS = re.compile(r"[\[(（【][^\[\]()（）【】]{12,300}[\])）】]")
_SHORT_REMARK = 40
_BEFORE = 120
_MOST_TRIED = 20
"""How many such words of a sentence are tried: a huge one may have a thousand."""
_OF_REVIEW = ("unsure", "recheck", "sends_off")


def _to_reviewer(reading: Reading) -> Iterator[Span]:
    """Remarks to whoever reads the draft before it is sent: "(I could not find the price, please check)".

    In brackets with two of: a doubt, a wish to check, "before sending". Without brackets a doubt beside "before
    sending". What speaks to the reader is none.
    """
    low = reading.low[: reading.written]
    for match in _IN_BRACKETS.finditer(low):
        inside = pattern("sends_off").sub(" ", match[0])
        signs = sum(has_words(match[0], key) for key in _OF_REVIEW)
        alone = low[low.rfind("\n", 0, match.start()) + 1 : match.start()].strip() == ""
        inner_end = len(match[0].rstrip(" .!)]）】"))
        short = len(match[0]) <= _SHORT_REMARK and any(
            one.end() >= inner_end for one in pattern("recheck").finditer(match[0])
        )
        if (
            signs > 1
            and ((alone and len(match[0]) > _SHORT_REMARK) or short or inside != match[0])
            and not has_words(inside, "reader")
        ):
            yield span_of(match)
    tried = Counter[int]()
    for match in pattern("sends_off").finditer(low):
        begin, last = reading.sentence(match.start())
        tried[begin] += 1
        if tried[begin] > _MOST_TRIED:
            continue
        before = max(low.rfind("\n", 0, match.start()) + 1, match.start() - _BEFORE)
        for first in (begin, before):
            around = f"{low[first : match.start()]} {low[match.end() : last]}"
            if has_words(around, "unsure") and not has_words(around, "reader"):
                yield Span(first, last)
                break


def _chat(reading: Reading) -> Iterator[Span]:
    """The lines of a chat that are not in the thread. Timetables mostly have minutes that five divides."""
    found = [
        match
        for match in _CHAT.finditer(reading.low, 0, reading.written)
        if reading.body[slice(*match.span())] not in reading.seen_text
    ]
    if any(int(match["after"] or match["before"]) % 5 for match in found):
        yield from (span_of(match) for match in found)


_NO_PRICE = re.compile(
    r"\s?(?:°|in the (?:morning|afternoon|evening)|(?:[ap]\.?m|o'clock|uhr|degrees?|floors?|grad|degrés?|étages?"
    r"|grados?|gradi|piani|graus?|andares?|pisos?|graden|verdieping\w*|stop\w*|piętr\w*)\b)"
)
"""After a number, that it is a temperature, a time of day or a storey."""


def _is_no_price(reading: Reading, span: Span) -> bool:
    """Whether the number at the end of a phrase is none of money: "we could go down to 5 degrees"."""
    return reading.low[span.end - 1].isdigit() and _NO_PRICE.match(reading.low, span.end) is not None


@rule("internal_note", "text meant for colleagues")
def internal_note(reading: Reading) -> Iterator[Finding]:
    """The draft contains text meant for colleagues: "internal note", "do not tell the customer", "churn risk", "our
    margin is", "strictly confidential", or a remark in brackets or to somebody else ("[Note for Dana: …]"), or to
    whoever checks the draft ("(not sure about the price, please verify)"), or lines of a chat that are not in the
    thread ("Dana (14:02): …"). High; low for the word confidential alone."""
    spans = [] if reading.among_us else list(_inner_words(reading))
    above = _REMARK_TO.match(reading.low)
    if above and not spans and greeting().match(reading.low, above.end()):
        spans.append(span_of(above))
    readers = " ".join(str(party.name) for party in reading.draft.recipients).lower().split()
    notes = _NOTE_TO.finditer(reading.low)
    spans += [span_of(note) for note in notes if note["name"] not in ("you", "dich", *readers)]
    for remark in (*_to_reviewer(reading), *_chat(reading)):
        if not any(span.start < remark.end and remark.start < span.end for span in spans):
            spans.append(remark)
    spans = sorted(span for span in spans if not _is_assurance(reading, span))
    if spans:
        texts = [reading.body[slice(*span)] for span in spans]
        mild = all(text.isalpha() and text.isascii() for text in texts)
        words = f"holds what is not for the other side: {listed(list(map(quoted, texts)))}"
        yield flag("internal_note", words, *spans, level=Level.LOW if mild else Level.HIGH)


def _inner_words(reading: Reading) -> Iterator[Span]:
    """Words and remarks that colleagues write to each other."""
    words = [span for span in _found(reading, "internal") if span.start < reading.written]
    words = [span for span in words if not _is_no_price(reading, span)]
    yield from words
    for match in _REMARK.finditer(reading.low):
        if match[0] not in reading.asked_text and not any(match.start() <= span.start < match.end() for span in words):
            yield span_of(match)


_SMILE = re.compile(r"[:;]-?\)|[\U0001f600-\U0001f60a\U0001f609\U0001f642]")
_NEAR_SMILE = 8


@rule("rude", "rude words")
def rude(reading: Reading) -> Iterator[Finding]:
    """The draft is rude, mocks or blames the reader: "had you bothered to read", "not my problem", swear words. Medium;
    low for a single strong word that need not be meant for the reader, and with a smile after it."""
    spans = [span for span in _found(reading, "rude") if span.start < reading.written]
    pairs = together(reading, "rude_pairs")
    spans += [span for span in pairs if reading.low[slice(*span)] not in reading.asked_text]
    if spans:
        # A strong word alone may be about a thing; a phrase, or a word next to "you", is about the reader.
        phrased = any(" " in reading.body[slice(*span)] for span in spans)
        smiles = all(_SMILE.search(reading.body, span.end, span.end + _NEAR_SMILE) for span in spans)
        at_reader = any(_YOU.search(reading.low, max(0, span.start - 25), span.end + 25) for span in spans)
        level = Level.MEDIUM if (phrased or at_reader) and not smiles else Level.LOW
        yield flag("rude", f"sounds rude: {listed(list(map(reading.quoted, spans)))}", *spans, level=level)


@rule("attachment_denied", "denies a file that arrived", needs_thread=True)
def attachment_denied(reading: Reading) -> Iterator[Finding]:
    """The draft says that a file, a photo or an attachment did not arrive, but an email from the other side has one.
    Medium."""
    has = [mail for mail in reading.context.messages if mail.direction == Direction.INBOUND and mail.attachments]
    match = pattern("not_received").search(reading.low) if has else None
    if match:
        name = has[-1].attachments[0].name
        words = f"says {reading.quoted(match)}, but {quoted(name)} came with an email in the thread"
        yield flag("attachment_denied", words, match)


@rule("wish_ignored", "ignores a request to be left alone", needs_thread=True)
def wish_ignored(reading: Reading) -> Iterator[Finding]:
    """The other side's newest email asks to be removed from a list, not to be written to or called, or to have data
    deleted, and the draft does not say that this was done; advertising in the draft is marked. Or it asks not to be
    called, or to be answered in writing, and the draft announces a call. Medium."""
    low, asked = reading.low, reading.asked_text
    if no_calls := pattern("no_calls").search(asked):
        # Who poses as somebody else does not want to be called either.
        if not (has_words(asked, "baits") and has_words(low, "denies", "plain_not")):
            calls = spans_of(pattern("will_call").finditer(low, 0, reading.written))
            refusing = ("plain_not", "negations", "denies")
            calls = [call for call in calls if not reading.sentence_has(call.start, *refusing)]
            if calls:
                yield flag("wish_ignored", f"announces a call, while the last mail says {quoted(no_calls[0])}", *calls)
        return
    wish = pattern("leave_me").search(asked)
    if wish and not has_words(low, "left_alone"):
        advertising = pattern("advertising").finditer(low[: reading.written])
        yield flag("wish_ignored", f"does not answer the wish {quoted(wish[0])}", *advertising)


_CODE = re.compile(r"(?<![\w-])(?=[A-Z0-9-]*\d)(?=[A-Z0-9-]*[A-Z])[A-Z0-9]{4,6}(?:-[A-Z0-9]{4,6}){2,5}(?![\w-])")
_WANTS_NEAR = 60
"""So near before a gift card stands the word that asks for it: "my gift card does not work" asks for none."""


@rule("gift_card", "gift cards and voucher codes")
def gift_card(reading: Reading) -> Iterator[Finding]:
    """The draft hands over codes such as XK7P-29QM-LL0T that are not in the thread, or the other side asks for gift
    cards and the draft mentions them without refusing. High if the other side asks for gift cards, as people who pose
    as a boss do, or for several codes; medium for a single code."""
    codes = [match for match in _CODE.finditer(reading.body) if match[0] not in reading.thread_text]
    cards, theirs = pattern("gift_cards"), reading.asked_text
    asked = any(
        pattern("wants").search(theirs, max(0, card.start() - _WANTS_NEAR), card.start())
        for card in cards.finditer(theirs)
    )
    spoken = list(cards.finditer(reading.low)) or list(pattern("cards").finditer(reading.low))
    if asked and (codes or (spoken and not has_words(reading.low, "checking", "denies"))):
        places = codes or spoken
        words = f"answers an email that asks for gift cards: {reading.quoted(places[0])}"
        yield flag("gift_card", words, *places, level=Level.HIGH)
    elif codes:
        words = f"hands over a code: {listed(list(map(reading.quoted, codes)))}"
        yield flag("gift_card", words, *codes, level=Level.HIGH if len(codes) > 1 else Level.MEDIUM)
