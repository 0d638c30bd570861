"""Finds sentences in another language than the text around them, by the small words of each language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

import msgspec

from mm_tui.review.findings import Span
from mm_tui.review.language import language_of, may_be
from mm_tui.review.risk.phrases import FULL, by_language
from mm_tui.review.risk.rule import WRAP

_SENTENCE = re.compile(r"[^\n.!?;。！？；]+")
_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?!\w)")
_QUOTED = re.compile(r"[\"“„«»「『][^\n\"“”„«»」』]{3,300}[\"“”«»」』]|^[ \t]*>[^\n]*", re.MULTILINE)
_EASTERN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_FEWEST_WORDS = 3
_LONG_ENOUGH = 5
"""The fewest words of a sentence whose language is told."""
_FEWEST_EASTERN = 8
_SHARE = 0.25
"""The share of small words in a sentence that is told apart by them alone."""


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
        words = _WORD.findall(said.lower())
        if eastern >= _FEWEST_EASTERN and eastern * 2 > len(said):
            counts = Counter({code: len(_eastern_words(code).findall(said)) for code in ("ja", "zh")})
            words = []
        elif len(words) >= _FEWEST_WORDS and eastern < _FEWEST_EASTERN:
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
