"""Rules about the wording as a whole: its language, and whether it was rejected before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.language import language_name, language_of, may_be
from mm_tui.review.risk.languages import Sentence, in_others, is_mixed, main_language, sentences
from mm_tui.review.risk.people import signature
from mm_tui.review.risk.phrases import FULL, ordered, pattern
from mm_tui.review.risk.rule import LONGEST_DRAFT, Reading, quoted, rule
from mm_tui.text import OneLine, unquoted

_WORD = re.compile(r"\w+")
_FEWEST_WORDS = 6


_LONG_PARAGRAPH = re.compile(r"[^\n]{60,}")
_ANY_TEXT = re.compile(r"\S[^\n]*")
_MOST_OF_IT = 0.6
"""A paragraph with this share of the draft has the draft's language."""


@rule("other_language", "other language than the thread", needs_thread=True)
def other_language(reading: Reading) -> Iterator[Finding]:
    """The draft is in another language than the other side's newest email, if fastText's model of 176 languages is sure
    of both, or has a paragraph or a sentence in a third one, or words in a script that the thread does not use. Medium.
    Not if that email names the draft's language. Texts under 40 letters are not checked, nor sentences in a language
    that the thread has or names, or in a draft of which they are more than a third."""
    theirs = ""
    for mail in reversed(reading.context.messages):
        if mail.body is not None and not reading.is_ours(mail.sender.address):
            theirs = unquoted(mail.body[:LONGEST_DRAFT])
            break
    there, here = language_of(theirs), language_of(reading.body[:LONGEST_DRAFT])
    said = sentences(reading.body[: min(reading.written, LONGEST_DRAFT)])
    if there and here and there != here and not may_be(theirs, here) and not is_mixed(said, there, here):
        if _asks_for(theirs.lower(), here):
            return
        words = f"written in {language_name(here)}, but the last mail was in {language_name(there)}"
        # The first long paragraph is marked, or all of a short text.
        first = _LONG_PARAGRAPH.search(reading.body) or _ANY_TEXT.search(reading.body)
        yield Finding("other_language", Level.MEDIUM, OneLine(words), (Span(*first.span()),) if first else ())
    else:
        spans = []
        for match in re.finditer(r"[^\n]{90,}(?:\n[^\n]+)*", reading.body[: reading.written] if here else ""):
            part = language_of(match[0]) if len(match[0]) < _MOST_OF_IT * reading.written else here
            if part and part not in (here, there) and " " in match[0]:
                words = f"holds a paragraph in {language_name(part)}: {quoted(match[0])}"
                spans.append(Span(*match.span()))
                yield Finding("other_language", Level.MEDIUM, OneLine(words), (spans[-1],))
        main = there or here or main_language(sentences(theirs), said)
        if main in FULL and (not here or here in FULL):
            yield from _other_sentences(reading, said, main, spans)
    if not reading.body.isascii():
        yield from _other_scripts(reading)


def _other_sentences(reading: Reading, said: list[Sentence], main: str, taken: list[Span]) -> Iterator[Finding]:
    """Sentences without a word of the draft's language, in a language that the thread neither has nor names."""
    others = list(in_others(reading.body, said, main))
    end = _closing(reading) if others else 0
    others = [(one, code) for one, code in others if one.span.start < end]
    foreign = {one.span for one, _ in others}
    lines = {reading.body.rfind("\n", 0, one.span.start) for one in said if one.span not in foreign}
    apart = [span for span in foreign if reading.body.rfind("\n", 0, span.start) not in lines]
    if len(apart) * _NATIVE > len(said):
        # One language after the other: the whole email is in both.
        return
    for code in dict.fromkeys(code for _, code in others):
        spans = tuple(one.span for one, other in others if other == code and not _within(one.span, taken))
        if not spans or _names(reading.low, code) or _names(reading.thread_text.lower(), code):
            continue
        thread = reading.thread_text[-LONGEST_DRAFT:]
        if all(other != code for _, other in in_others(thread, sentences(thread), main)):
            words = f"has a sentence in {language_name(code)}: {quoted(reading.body[slice(*spans[0])])}"
            yield Finding("other_language", Level.MEDIUM, OneLine(words), spans)


_NATIVE = 3


def _within(span: Span, others: list[Span]) -> bool:
    return any(other.start <= span.start < other.end for other in others)


def _closing(reading: Reading) -> int:
    """Where the closing words begin; the end of the body if it has none."""
    place = signature(reading)
    if place is None:
        return len(reading.body)
    before = reading.body[: place[0]].rstrip()
    begin = before.rfind("\n") + 1
    return begin if pattern("closings").match(before[begin:].lower()) else place[0]


_SCRIPTS = {
    "Chinese or Japanese": re.compile("[\u3040-\u30ff\u3400-\u9fff]+"),
    "Cyrillic": re.compile("[\u0400-\u04ff]+"),
    "Korean": re.compile("[\uac00-\ud7af]+"),
    "Arabic": re.compile("[\u0600-\u06ff]+"),
    "Hebrew": re.compile("[\u0590-\u05ff]+"),
}
_LATIN = re.compile(r"[a-z]{3,}(?: [a-z]+){3,}", re.IGNORECASE)
_NO_NAME = 8
"""So many letters of such a script are no name."""
_BRACKETS = "()（）[]\"'«»“”„"


def _other_scripts(reading: Reading) -> Iterator[Finding]:
    """Words in a script that nobody in the thread uses, within a sentence in Latin letters; near the end, where the
    names of a signature may be, only long ones."""
    body = reading.body[: min(reading.written, LONGEST_DRAFT)]
    parties = " ".join(f"{one.name} {one.address}" for one in (reading.draft.sender, *reading.draft.recipients))

    @cache
    def has_latin(line: tuple[int, int]) -> bool:
        return _LATIN.search(body, *line) is not None

    for name, script in _SCRIPTS.items():
        found = [
            Span(*match.span())
            for match in script.finditer(body)
            if (match.end() <= reading.last_lines or len(match[0]) >= _NO_NAME)
            and body[max(0, match.start() - 1) : match.start()] not in tuple(_BRACKETS)
            and has_latin(_line_around(body, match.start()))
        ]
        if found and script.search(f"{reading.thread_text} {parties}") is None:
            words = f"has words in {name} letters: {quoted(body[slice(*found[0])])}"
            yield Finding("other_language", Level.MEDIUM, OneLine(words), tuple(found))


def _line_around(text: str, at: int) -> tuple[int, int]:
    end = text.find("\n", at)
    return text.rfind("\n", 0, at) + 1, len(text) if end < 0 else end


def _asks_for(text: str, language: str) -> bool:
    """Whether a text speaks of writing or answering in this language: "please answer in English"."""
    every = _names_of(language)
    before = r"\b(?:in|auf|en|em|po|na|in het|w języku) "
    return bool(every) and re.search(rf"{before}(?:{every})|(?:{every})(?:で|に)|用(?:{every})", text) is not None


def _names(text: str, language: str) -> bool:
    """Whether a text in lower case names this language."""
    return re.search(rf"(?<![a-z])(?:{_names_of(language)})", text) is not None


@cache
def _names_of(language: str) -> str:
    """The names of a language, as alternatives of a pattern."""
    place = FULL.index(language) + 1 if language in FULL else 0
    return "|".join(re.escape(name) for name, number in ordered("languages").items() if number == place)


def _pairs(text: str) -> Counter[tuple[str, str]]:
    words = _WORD.findall(text[:LONGEST_DRAFT].casefold())
    return Counter(pairwise(words))


def similarity(first: str, second: str) -> float:
    """The share of neighbouring word pairs that two texts have in common, 0 to 1 (Dice's coefficient)."""
    left, right = _pairs(first), _pairs(second)
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 0.0


@rule("like_rejected", "nearly the same as a rejected draft")
def like_rejected(reading: Reading) -> Iterator[Finding]:
    """The share of neighbouring word pairs in common with a draft that was rejected before reaches "similarity" of the
    settings. High when the two are nearly the same (0.98), else medium. Drafts that were rejected in favour of their
    edit do not count, nor do texts under six words."""
    if len(_WORD.findall(reading.body[:2000])) < _FEWEST_WORDS:
        return
    best, of = 0.0, None
    for rejected in reading.context.rejected:
        share = similarity(reading.body, rejected.body)
        if share > best:
            best, of = share, rejected
    if of is not None and best >= reading.settings.similarity:
        reason = f", rejected for {quoted(of.reason)}" if of.reason else ", which was rejected"
        words = f"{best:.0%} like an earlier draft{reason}"
        yield Finding("like_rejected", Level.HIGH if best >= 0.98 else Level.MEDIUM, OneLine(words))


WORDING_RULES = (other_language, like_rejected)
