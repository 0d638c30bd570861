"""The words that rules look for: one data file per language, with the same keys.

A phrase is plain words. `*` stands for the rest of a word, `…` for up to forty characters of the same sentence, `#` for
a number, `(a|b)` for either and `(a )?` for a part that may be missing; other signs are those of regular expressions.
A phrase after `~` may also be the end of a longer word ("~kosten" in "Mahnkosten").
A draft is searched for the words of all languages: it may quote or mix them, and the language of a short text cannot be
detected.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from itertools import accumulate

from mm_tui.review.risk.pieces import EASTERN, MARK, NO_SPACES, Phrases

FULL = ("en", "de", "fr", "es", "pt", "it", "nl", "pl", "ja", "zh")
"""Languages with words under every key."""
PARTIAL = ("ru", "uk", "ko", "ar", "he", "sv", "da")
"""Languages with words under some keys."""
_SIGNS = {"*": r"\w*", "#": r"\d[\d.,]{0,20}", " ": r"\s+", "'": "['’]"}
_GAP = r"(?:\s[^.!?\n。！？]{0,40})?(?<!\w)"


@cache
def language_words(language: str) -> dict[str, list[str]]:
    """The phrases of `language` by key, in lower case."""
    text = (resources.files("mm_tui.review.risk") / "words" / f"{language}.toml").read_text("utf-8")
    return {key: [phrase.lower() for phrase in phrases] for key, phrases in tomllib.loads(text).items()}


@cache
def phrases(key: str) -> tuple[str, ...]:
    """All phrases under `key`, in every language, each once, in lower case."""
    every = (phrase for language in (*FULL, *PARTIAL) for phrase in language_words(language).get(key, ()))
    return tuple(dict.fromkeys(every))


def variants_of(phrase: str) -> list[str]:
    """`phrase` with an initial group expanded, also within a group, so that every variant begins with a letter."""
    if phrase.startswith("~"):
        return [f"~{variant}" for variant in variants_of(phrase[1:])]
    if not phrase.startswith("(") or phrase.startswith("(?"):
        return [phrase]
    depths = accumulate((char == "(") - (char == ")") for char in phrase)
    end = next(at for at, depth in enumerate(depths) if not depth)
    is_optional = phrase[end + 1 : end + 2] == "?"
    rest = phrase[end + 2 if is_optional else end + 1 :]
    heads = [variant for one in _alternatives(phrase[1:end]) for variant in variants_of(one + rest)]
    return heads + (variants_of(rest) if is_optional else [])


def as_pattern(phrase: str) -> str:
    """The regular expression for a phrase, for lower-case text."""
    phrase = phrase.replace(" … ", "…").replace("…", "\0")
    inside = "".join(_SIGNS.get(char, char) for char in phrase).replace("\0", _GAP)
    inside = re.sub(r"(?<!\\)\((?!\?)", "(?:", inside)
    if phrase.startswith("#"):
        # A long run of digits is searched once, not from each of its digits.
        inside = rf"(?<!\d){inside}"
    last = re.sub(r"\\\w|[][(|)?*#\0\\+]", "", phrase)[-1:]
    ends = last.isalnum() and not phrase.endswith(("*", "\0")) and not re.match(f"[{NO_SPACES}]", last)
    return f"{inside}(?!\\w)" if ends else inside


@cache
def pattern(*keys: str) -> Phrases:
    """Any phrase under one of `keys`, in any language, over text in lower case. The longest match wins.

    The phrases are sorted by their first character, which makes the search ten times as fast.
    """
    return _compiled(phrase for key in keys for phrase in phrases(key))


def _literal(phrase: str, at: int) -> str:
    """The plain character of a phrase at a position that every match has there; empty if there is none."""
    char = phrase[at : at + 1]
    return char if (char.isalnum() or char == "-") and phrase[at + 1 : at + 2] not in ("?", "{") else ""


def _branched(variants: Iterable[str], at: int) -> str:
    """Variants that have their first `at` characters in common, from there on, as a tree of plain characters."""
    groups: dict[str, list[str]] = {}
    for variant in variants:
        groups.setdefault(_literal(variant, at), []).append(variant)
    parts = []
    for char, group in groups.items():
        if not char or len(group) == 1:
            parts += [as_pattern(variant)[at:] for variant in group]
        else:
            parts.append(f"{char}(?:{_branched(group, at + 1)})")
    return "|".join(parts)


def _mark(word: str) -> str:
    """The characters that a match of a phrase begins with, as `Phrases` looks them up."""
    mark = ""
    while len(mark) < MARK and (char := _literal(word, len(mark))):
        mark += char
    return mark + " " if len(mark) < MARK and word[len(mark) : len(mark) + 1] == " " else mark


def _compiled(every_phrase: Iterable[str]) -> Phrases:
    every = {variant for phrase in every_phrase for variant in variants_of(phrase)}
    buckets: dict[str, list[str]] = {}
    # Of two variants of the same length always the same one is tried first.
    for variant in sorted(every, key=lambda variant: (-len(variant), variant)):
        inside, word = variant.startswith("~"), variant.removeprefix("~")
        plain = word[0].isalnum() and word[1:2] != "?"
        buckets.setdefault(("~" if inside else "") + word[0] if plain else "", []).append(word)
    words: dict[str, str] = {}
    elsewhere: list[str] = []
    eastern: list[str] = []
    marks: set[str] = set()
    for bucket, variants in buckets.items():
        if not bucket:
            elsewhere += [as_pattern(variant) for variant in variants]
        elif len(bucket) > 1 or EASTERN.match(bucket):
            (elsewhere if len(bucket) > 1 else eastern).append(f"{bucket[-1]}(?:{_branched(variants, 1)})")
        else:
            words[bucket] = rf"{bucket}(?<!\w{bucket})(?:{_branched(variants, 1)})"
            marks.update(map(_mark, variants))
    others, of_east = ([re.compile("|".join(some))] if some else [] for some in (elsewhere, eastern))
    return Phrases(*others, words=words, marks=frozenset(marks), eastern=of_east)


def _alternatives(side: str) -> list[str]:
    """The phrases of `a|b (c|d)|e`: parts between bars outside groups."""
    parts, depth = [""], 0
    for char in side:
        depth += (char == "(") - (char == ")")
        if char == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return parts


@cache
def pairs_of(key: str) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Pairs of alternatives, "a|b || c|d" in the data, in every language."""
    return tuple(
        (tuple(one.strip() for one in _alternatives(first)), tuple(one.strip() for one in _alternatives(second)))
        for first, second in (pair.split("||") for pair in phrases(key))
    )


def any_of(every_phrase: Iterable[str]) -> Phrases:
    """Any of some phrases, which are in lower case."""
    return _compiled(every_phrase)


@cache
def any_of_pairs(key: str) -> Phrases:
    """Any phrase of any pair under `key`."""
    return _compiled(phrase for pair in pairs_of(key) for side in pair for phrase in side)


@cache
def opposites() -> tuple[Phrases, tuple[tuple[Phrases, Phrases], ...]]:
    """Pairs of phrases that exclude each other ("a || b" in the data), and a pattern for either."""
    pairs = pairs_of("opposites")
    first = _compiled(phrase for one, _ in pairs for phrase in one)
    return first, tuple((_compiled(one), _compiled(other)) for one, other in pairs)


@cache
def common_words() -> frozenset[str]:
    """Every word of three letters or more in the data: one of them alone is the name of nobody."""
    every = (
        phrase for language in (*FULL, *PARTIAL) for words in language_words(language).values() for phrase in words
    )
    return frozenset(word for phrase in every for word in re.findall(r"[^\W\d_]{3,}", phrase.lower()))


@cache
def word_set(*keys: str) -> frozenset[str]:
    """The phrases under `keys` as a set of words, with variants split by "|"."""
    return frozenset(word for key in keys for phrase in phrases(key) for word in phrase.split("|"))


@cache
def ordered(key: str) -> dict[str, int]:
    """Maps each word to its position from 1, for ordered lists such as months; variants are split by "|"."""
    places: dict[str, int] = {}
    for language in (*FULL, *PARTIAL):
        for place, variants in enumerate(language_words(language).get(key, ()), start=1):
            for variant in variants.split("|"):
                places.setdefault(variant, place)
    return places


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
