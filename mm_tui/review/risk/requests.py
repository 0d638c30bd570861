"""Rules about drafts that grant risky requests of the other side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mm_tui.models import Direction
from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.phrases import has_words, lowered, pattern
from mm_tui.review.risk.rule import Reading, flag, quoted, rule

_SENTENCE = re.compile(r"[^\n.!?。！？]+(?:[.](?=\w)[^\n.!?。！？]*)*[.!?。！？]*")
_NUMBER = re.compile(r"\d(?:[\d \-/.]{2,30})\d")
_LONGEST_SENTENCE = 600


def _sentences(reading: Reading) -> Iterator[Span]:
    for match in _SENTENCE.finditer(reading.low, 0, reading.written):
        lead = len(match[0]) - len(match[0].lstrip())
        if 8 <= len(match[0].strip()) <= _LONGEST_SENTENCE:
            yield Span(match.start() + lead, match.end())


def _without_pleas(sentence: str) -> str:
    """A sentence without what follows "please": "please do not" refuses nothing."""
    plea = pattern("please").search(sentence)
    return sentence[: plea.start()] + sentence[plea.end() + _PLEA :] if plea else sentence


_PLEA = 20


def _with_list(reading: Reading, span: Span) -> Span:
    """A sentence with the lines that it leads to: "Here you are:"."""
    if not reading.low[slice(*span)].rstrip().endswith((":", "：")):
        return span
    end = reading.low.find("\n\n", span.end + 2, reading.written)
    return Span(span.start, end if end > 0 else reading.written)


def _digits(text: str) -> set[str]:
    found = (re.sub(r"\D", "", match[0]) for match in _NUMBER.finditer(text))
    return {digits for digits in found if 4 <= len(digits) <= 30}


def _sentences_of(matches: Iterable[re.Match[str]]) -> Iterator[str]:
    """The sentences with these matches, each once, however many it has."""
    end = -1
    for match in matches:
        if match.end() <= end:
            continue
        text = match.string
        begin = max(text.rfind(sign, max(0, end), match.start()) for sign in _ENDS) + 1
        end = min((place for sign in _ENDS if (place := text.find(sign, match.end())) >= 0), default=len(text))
        yield text[begin:end]


_ENDS = (". ", "! ", "? ", "\n")
_TAKEN_UP = 3
"""The words of a request that a sentence of the draft has if it grants it."""
_ROOT = 5


def _roots(sentence: str) -> set[str]:
    """The beginnings of the long words of a sentence."""
    return {word[:_ROOT] for word in re.findall(r"[^\W_]{4,}|\d\w+", sentence)}


@rule("bait_taken", "grants what fraudulent emails ask for", needs_thread=True)
def bait_taken(reading: Reading) -> Iterator[Finding]:
    """Somebody we have never corresponded with asks for what fraudulent emails ask for (a new bank account, a code,
    a password, a transfer in a hurry, gift cards, a list of people, to sign in somewhere), and the draft says that
    it is done or will be, has three words of what is asked, hands over a number that is not in the thread, or
    repeats a number from that email, and nowhere refuses. Medium; high when a number is handed over."""
    asked = reading.asked
    if asked is None or reading.known.is_established(asked.sender.address):
        return
    if any(mail.direction != Direction.INBOUND for mail in reading.context.messages):
        return
    baits = list(pattern("baits").finditer(f"{lowered(str(asked.subject))}\n{reading.asked_text}"))
    if not baits:
        return
    granted: list[Span] = []
    given = False
    theirs = _digits(reading.asked_text)
    wanted = set().union(*map(_roots, _sentences_of(baits)))
    for span in _sentences(reading):
        said = _without_pleas(reading.low[slice(*span)])
        sentence = pattern("no_problem").sub(" ", said)
        if pattern("checking").search(sentence):
            return
        if pattern("denies", "negations").search(sentence):
            continue
        here = _digits(sentence)
        code = bool(here - theirs) and re.search(r"\d{3}[ -]?\d{3}|\d{4,8}", sentence) is not None
        code = code and has_words(sentence, "baits")
        taken_up = len(wanted & _roots(sentence)) >= _TAKEN_UP and not sentence.rstrip().endswith(("?", "？"))
        if code or here & theirs or taken_up or pattern("grants").search(said):
            granted.append(_with_list(reading, span))
            given = given or code
    if granted:
        words = f"grants what fraudulent emails ask for ({quoted(baits[0][0])}): {reading.quoted(granted[0])}"
        yield flag("bait_taken", words, *granted, level=Level.HIGH if given else Level.MEDIUM)


_MOST_SOURCES = 10


@rule("source_not_in_thread", "a clause or standard that is not in the thread", needs_thread=True)
def source_not_in_thread(reading: Reading) -> Iterator[Finding]:
    """The draft refers to an article, a section, a clause or a standard by its number ("§ 14", "clause 9b", "EN 71"),
    and neither the thread nor the house facts name it. Low: models invent such sources, but a company
    cites its own contracts in the same way. A draft with a file attached may refer to that."""
    if reading.draft.attachments:
        # The clauses may be those of the attached document.
        return
    known = f"{reading.thread_text}\n{reading.house_text}".lower()
    seen: set[str] = set()
    for match in pattern("sources").finditer(reading.low[: reading.written]):
        if match[0] in seen or len(seen) >= _MOST_SOURCES:
            continue
        seen.add(match[0])
        number = re.search(r"\d[\d.]*|[一二三四五六七八九十]+", match[0])
        source = " ".join(match[0].split())
        if source in known or (number and re.search(rf"(?<!\d){re.escape(number[0].rstrip('.'))}(?!\d)", known)):
            continue
        first, last = reading.sentence(match.start())
        words = f"refers to {reading.quoted(match)}, which the thread does not name"
        yield flag("source_not_in_thread", words, Span(first, last), level=Level.LOW)


@rule("talk_not_in_thread", "a talk that the thread does not know of", needs_thread=True)
def talk_not_in_thread(reading: Reading) -> Iterator[Finding]:
    """The draft refers to an earlier call or meeting ("as we discussed on the phone yesterday"), and the thread
    mentions none. Medium: models invent such talks."""
    match = pattern("earlier_talk").search(reading.low, 0, reading.written)
    if match and not has_words(reading.thread_low, "talks"):
        words = f"refers to {reading.quoted(match)}, and the thread mentions no call or meeting"
        yield flag("talk_not_in_thread", words, match)
