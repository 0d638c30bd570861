"""Rules about the wording as a whole: its language, by the small words of each, and whether it was rejected before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import msgspec

from mm_tui.review.findings import Finding, Level, Span, is_within, line_span, span_of
from mm_tui.review.language import language_name, language_of, may_be
from mm_tui.review.risk.people import signature
from mm_tui.review.risk.phrases import FULL, by_language, ordered, pattern
from mm_tui.review.risk.rule import LONGEST_DRAFT, WRAP, Reading, flag, quoted, rule
from mm_tui.text import unquoted

_SENTENCE = re.compile(r"[^\n.!?;。！？；]+")
_PLAIN_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?!\w)")
_QUOTED = re.compile(r"[\"“„«»「『][^\n\"“”„«»」』]{3,300}[\"“”«»」』]|^[ \t]*>[^\n]*", re.MULTILINE)
_EASTERN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_FEWEST_IN_SENTENCE = 3
_LONG_ENOUGH = 5
"""The fewest words of a sentence whose language is detected."""
_FEWEST_EASTERN = 8
_SHARE = 0.25
"""The share of small words in a sentence whose language they alone decide."""


@cache
def _small_words() -> dict[str, str]:
    """The small words of languages with an alphabet, with the codes of the languages that have them."""
    found: dict[str, str] = {}
    # Other languages come after those in `FULL`.
    for code, small, unfinished in zip(FULL, by_language("small_words"), by_language("unfinished"), strict=False):
        for word in dict.fromkeys((*small, *unfinished)):
            found[word] = f"{found.get(word, '')} {code}"
    return found


@cache
def _eastern_words(code: str) -> re.Pattern[str]:
    return re.compile("|".join(by_language("small_words")[FULL.index(code)]))


class Sentence(msgspec.Struct, frozen=True):
    """A sentence with the small words of each language in it."""

    span: Span
    words: list[str]
    """Its words in lower case; none if it is in Chinese or Japanese."""
    small: Counter[str]


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text, without short ones, quoted lines and what is in quotation marks."""
    text = WRAP.sub(" ", _QUOTED.sub(lambda match: " " * len(match[0]), text))
    small = _small_words()
    found = []
    for match in _SENTENCE.finditer(text):
        said = match[0]
        eastern = 0 if said.isascii() else len(_EASTERN.findall(said))
        words = _PLAIN_WORD.findall(said.lower())
        if eastern >= _FEWEST_EASTERN and eastern * 2 > len(said):
            counts = Counter({code: len(_eastern_words(code).findall(said)) for code in ("ja", "zh")})
            words = []
        elif len(words) >= _FEWEST_IN_SENTENCE and eastern < _FEWEST_EASTERN:
            counts = Counter(code for word in words if word in small for code in small[word].split())
        else:
            continue
        start = match.start() + len(said) - len(said.lstrip())
        found.append(Sentence(Span(start, start + len(said.strip())), words, +counts))
    return found


def main_language(*texts: list[Sentence]) -> str | None:
    """The language with the most small words in the first text; of those with equally many, in the next."""
    counts = [Counter(code for one in said for code in one.small.elements()) for said in texts]
    every = {code: None for each in counts for code in each}
    return max(every, key=lambda code: [each[code] for each in counts], default=None)


def is_mixed(said: list[Sentence], first: str, second: str) -> bool:
    """Whether a text has at least half as many words that only the first language has as those that only the second
    has."""
    small = _small_words()
    counts = Counter[str]()
    for one in said:
        counts.update(one.small if not one.words else ())
        for word in one.words:
            codes = small.get(word, "")
            if (first in codes) != (second in codes):
                counts[first if first in codes else second] += 1
    return counts[first] > 0 and counts[first] * 2 >= counts[second]


def in_others(text: str, said: list[Sentence], main: str) -> Iterator[tuple[Sentence, str]]:
    """The sentences of `text` without a word of the language `main`, and their languages."""
    small = _small_words()
    for one in said:
        for code, _ in one.small.most_common():
            if code == main:
                break
            if not one.words:
                yield one, code
                break
            if len(one.words) < _LONG_ENOUGH:
                break
            if any(main in small.get(word, "") and code not in small[word] for word in one.words):
                continue
            own = [word for word in one.words if code in small.get(word, "") and main not in small[word]]
            # The names of places and people have small words, too: "Casa de la Rosa".
            there = text[slice(*one.span)]
            if not own or not any(len(word) > 2 and word not in small and word in there for word in one.words):
                continue
            many = len(set(own)) > 1 and len(own) >= _SHARE * len(one.words)
            if (many and not may_be(there, main)) or language_of(there) == code:
                yield one, code
                break


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
        yield flag("other_language", words, *((span_of(first),) if first else ()))
    else:
        spans = []
        for match in re.finditer(r"[^\n]{90,}(?:\n[^\n]+)*", reading.body[: reading.written] if here else ""):
            part = language_of(match[0]) if len(match[0]) < _MOST_OF_IT * reading.written else here
            if part and part not in (here, there) and " " in match[0]:
                words = f"holds a paragraph in {language_name(part)}: {quoted(match[0])}"
                spans.append(span_of(match))
                yield flag("other_language", words, spans[-1])
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
        if not spans or _names(reading.low, code) or _names(reading.thread_low, code):
            continue
        thread = reading.thread_text[-LONGEST_DRAFT:]
        if all(other != code for _, other in in_others(thread, sentences(thread), main)):
            yield flag("other_language", f"has a sentence in {language_name(code)}: {reading.quoted(spans[0])}", *spans)


_NATIVE = 3


def _within(span: Span, others: list[Span]) -> bool:
    return is_within(span.start, others)


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
_LONGER_THAN_NAMES = 8
"""The fewest letters of such a script that are not taken for a name."""
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
            span_of(match)
            for match in script.finditer(body)
            if (match.end() <= reading.last_lines or len(match[0]) >= _LONGER_THAN_NAMES)
            and body[max(0, match.start() - 1) : match.start()] not in tuple(_BRACKETS)
            and has_latin(line_span(body, match.start(), match.start()))
        ]
        if found and script.search(f"{reading.thread_text} {parties}") is None:
            yield flag("other_language", f"has words in {name} letters: {quoted(body[slice(*found[0])])}", *found)


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
        yield flag("like_rejected", words, level=Level.HIGH if best >= 0.98 else Level.MEDIUM)
