"""From a phrase of the word lists to a regular expression.

A phrase is plain words. `*` stands for the rest of a word, `…` for up to forty characters of the same sentence, `#` for
a number, also after the sign of a currency, `(a|b)` for either and `(a )?` for a part that may be missing; other signs
are those of regular expressions. A phrase after `~` may also be the end of a longer word ("~kosten" in "Mahnkosten").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate

NO_SPACES = "\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef\u3000-\u303f"
"""Characters of scripts without spaces between words, for use inside a set."""
EASTERN = re.compile(f"[{NO_SPACES}]")
MARK = 4
"""The most characters at the beginning of a word by which phrases are looked up."""
_SIGNS = {"*": r"\w*", "#": r"[€£$¥]?\d[\d.,]{0,20}", " ": r"\s+", "'": "['’]"}
_GAP = r"(?:\s[^.!?\n。！？]{0,40})?(?<!\w)"


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
    heads = [variant for one in alternatives(phrase[1:end]) for variant in variants_of(one + rest)]
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


def alternatives(side: str) -> list[str]:
    """The phrases of `a|b (c|d)|e`: parts between bars outside groups."""
    parts, depth = [""], 0
    for char in side:
        depth += (char == "(") - (char == ")")
        if char == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _literal(phrase: str, at: int) -> str:
    """The plain character of a phrase at a position that every match has there; empty if there is none."""
    char = phrase[at : at + 1]
    return char if (char.isalnum() or char == "-") and phrase[at + 1 : at + 2] not in ("?", "{") else ""


def _groups(phrases: Iterable[str], at: int) -> dict[str, list[str]]:
    """The phrases by their plain character at a position."""
    groups: dict[str, list[str]] = {}
    for phrase in phrases:
        groups.setdefault(_literal(phrase, at), []).append(phrase)
    return groups


def in_order(phrases: Iterable[str], at: int = 1) -> Iterator[str]:
    """Phrases that have their first `at` characters in common, in the order in which `branched` tries them."""
    for char, group in _groups(phrases, at).items():
        yield from group if not char or len(group) == 1 else in_order(group, at + 1)


def branched(phrases: Iterable[str], at: int = 1) -> str:
    """The regular expression for phrases that have their first `at` characters in common, from there on, as a tree of
    plain characters."""
    parts = []
    for char, group in _groups(phrases, at).items():
        if not char or len(group) == 1:
            parts += [as_pattern(phrase)[at:] for phrase in group]
        else:
            parts.append(f"{char}(?:{branched(group, at + 1)})")
    return "|".join(parts)


def mark_of(phrase: str) -> str:
    """The characters, at most `MARK`, that a match begins with. White space counts as a space."""
    mark = ""
    while len(mark) < MARK and (char := _literal(phrase, len(mark))):
        mark += char
    return mark + " " if len(mark) < MARK and phrase[len(mark) : len(mark) + 1] == " " else mark
