"""The words that rules look for: one data file per language, with the same keys.

`phrase_patterns.py` says how a phrase is written. A draft is searched for the words of all languages: it may quote or
mix them, and the language of a short text cannot be detected.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pkgutil import get_data

from mm_tui.review.risk.phrase_patterns import alternatives
from mm_tui.review.risk.pieces import Phrases

FULL = ("en", "de", "fr", "es", "pt", "it", "nl", "pl", "ja", "zh")
"""Languages with words under every key."""
PARTIAL = ("ru", "uk", "ko", "ar", "he", "sv", "da")
"""Languages with words under some keys."""


def language_words(language: str) -> dict[str, list[str]]:
    """The phrases of `language` by key, in lower case."""
    data = get_data("mm_tui.review.risk", f"words/{language}.toml") or b""
    return {key: [phrase.lower() for phrase in phrases] for key, phrases in tomllib.loads(data.decode()).items()}


@cache
def _every() -> dict[str, bytes]:
    """All phrases by key: a line for each language, with a mark between phrases. Strings would take four times the
    memory, and each phrase is used once or twice."""
    lines: dict[str, list[str]] = {}
    for language in (*FULL, *PARTIAL):
        for key, words in language_words(language).items():
            if words:
                lines.setdefault(key, []).append("\0".join(words))
    return {key: "\n".join(some).encode() for key, some in lines.items()}


def unload() -> None:
    """Frees the phrases, a quarter of a megabyte. Reading them again takes 50 ms, and seldom is one needed again: what
    was made of them stays."""
    _every.cache_clear()


def is_loaded() -> bool:
    """Whether the phrases are in memory."""
    return _every.cache_info().currsize > 0


def by_language(key: str) -> list[list[str]]:
    """The phrases under `key` of each language that has some: first of those in `FULL`, in their order."""
    lines = _every().get(key, b"").decode()
    return [line.split("\0") for line in lines.split("\n")] if lines else []


def phrases(key: str) -> tuple[str, ...]:
    """All phrases under `key`, in every language, each once, in lower case."""
    return tuple(dict.fromkeys(phrase for words in by_language(key) for phrase in words))


@cache
def pattern(*keys: str) -> Phrases:
    """Any phrase under one of `keys`, in any language, over text in lower case. The longest match wins."""
    return Phrases.of(phrase for key in keys for phrase in phrases(key))


def has_words(text: str, *keys: str) -> bool:
    """Whether a text in lower case has words under one of `keys`."""
    return pattern(*keys).search(text) is not None


def is_words(text: str, key: str) -> bool:
    """Whether all of a text in lower case is a phrase under `key`."""
    match = pattern(key).match(text)
    return match is not None and match.end() == len(text)


def pairs_of(key: str) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Pairs of alternatives, "a|b || c|d" in the data, in every language."""
    return tuple(
        (tuple(one.strip() for one in alternatives(first)), tuple(one.strip() for one in alternatives(second)))
        for first, second in (pair.split("||") for pair in phrases(key))
    )


def is_common(word: str) -> bool:
    """Whether a word of three letters or more is in the data: it is the name of nobody."""
    return f"\0{word}\0".encode() in _common_words()


@cache
def _common_words() -> bytes:
    """Every word with a mark before and after it: a set of them would take ten times the memory."""
    words = {word for some in _every().values() for word in re.findall(r"[^\W\d_]{3,}", some.decode())}
    return "\0".join(["", *words, ""]).encode()


@cache
def word_set(*keys: str) -> frozenset[str]:
    """The phrases under `keys` as a set of words, with variants split by "|"."""
    return frozenset(word for key in keys for phrase in phrases(key) for word in phrase.split("|"))


@cache
def ordered(key: str) -> dict[str, int]:
    """Maps each word to its position from 1, for ordered lists such as months; variants are split by "|"."""
    places: dict[str, int] = {}
    for words in by_language(key):
        for place, variants in enumerate(words, start=1):
            for variant in variants.split("|"):
                places.setdefault(variant, place)
    return places


@cache
def weekday_names() -> re.Pattern[str]:
    """The name of a weekday, also of every such day ("Tuesdays"), in any language."""
    names = sorted((name for name in ordered("weekdays") if len(name) > 1), key=len, reverse=True)
    latin = "|".join(re.escape(name) for name in names if name < "\u2e80")
    other = "|".join(re.escape(name) for name in names if name >= "\u2e80")
    return re.compile(rf"(?<!\w)(?:{latin})s?(?!\w)|{other}")


def weekday_number(name: str) -> int | None:
    """The number of a weekday, 1 for Monday, by its name."""
    return ordered("weekdays").get(name) or ordered("weekdays").get(name.rstrip("s"))


def tree(words: Iterable[str]) -> str:
    """The inside of a regular expression for any of `words`, the longest first; faster than a row of alternatives."""
    groups: dict[str, list[str]] = {}
    for word in sorted(words, key=lambda word: (-len(word), word)):
        groups.setdefault(word[:1], []).append(word[1:])
    ends = groups.pop("", None)
    parts = [re.escape(first) + tree(rest) for first, rest in groups.items()]
    inside = f"(?:{'|'.join(parts)})" if len(parts) > 1 or ends else "".join(parts)
    return f"{inside}?" if ends and parts else inside if parts else ""


def lowered(text: str) -> str:
    """`text` in lower case with every character in its place, so that spans stay valid."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)
