"""Prepares mail for the stand-in model: without quotes, signature and greeting, in sentences, with its language. Its
word lists are in `words.toml`. Rules are simple: every pattern takes linear time, because strangers write the text."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

_FILE: dict[str, Any] = tomllib.loads(resources.files(__package__).joinpath("words.toml").read_text("utf-8"))


def _words(lines: list[str]) -> tuple[str, ...]:
    return tuple(word for line in lines for word in line.split("; "))


def _weighed(entry: str) -> tuple[str, int]:
    phrase, _bar, weight = entry.partition("|")
    return phrase, int(weight or 1)


ACTION_CUES = _words(_FILE["action_cues"])
HIGH_URGENCY = _words(_FILE["high_urgency"])
LOW_URGENCY = _words(_FILE["low_urgency"])
SPAM_SIGNS: tuple[tuple[str, int], ...] = tuple(_weighed(entry) for entry in _words(_FILE["spam_signs"]))
"""Phrases with weights."""
LABEL_WORDS: dict[str, tuple[str, ...]] = {label: _words(lines) for label, lines in _FILE["labels"].items()}
INTENTS: tuple[tuple[str, tuple[str, ...]], ...] = tuple((name, _words(ws)) for name, ws in _FILE["intents"].items())
COMMON_WORDS: dict[str, frozenset[str]] = {code: frozenset(line.split()) for code, line in _FILE["common"].items()}
MONTHS: dict[str, int] = {
    name: number for number, names in enumerate(_FILE["calendar"]["months"], start=1) for name in names.split()
}
WEEKDAYS: dict[str, int] = {
    name: number for number, names in enumerate(_FILE["calendar"]["weekdays"]) for name in names.split()
}
TOMORROW: tuple[str, ...] = tuple(_FILE["calendar"]["tomorrow"].split())
TODAY: tuple[str, ...] = tuple(_FILE["calendar"]["today"].split())


def any_of(words: list[str] | tuple[str, ...] | dict[str, int]) -> str:
    """A regular expression of literal words, longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def pattern(name: str) -> str:
    """The alternatives of one list of patterns, as one regular expression without anchors."""
    alternatives: list[str] = _FILE["patterns"][name]
    return "(?:" + "|".join(alternatives) + ")"


LONGEST_TEXT = 60_000
"""The most characters of one email to examine; more would not change the answer."""

_QUOTED = re.compile(r"^\s{0,3}[>|]")
_ATTRIBUTION = re.compile(rf"\s*{pattern('attribution')}\s*$", re.IGNORECASE)
_SIGN_OFF = re.compile(rf"\s*{pattern('sign_off')}\s*[,.!。！،]*\s*$", re.IGNORECASE)
_GREETING = re.compile(rf"\s*{pattern('greeting')}(?:[\s,!.:;、،，。].{{0,60}})?$", re.IGNORECASE)
_SENTENCE_END = re.compile(
    r"(?<=[.!?…])[\"')\]]?\s+|(?<=[。！？])|(?<=[؟])\s+|\n\s*\n|\n(?=\s*(?:[-*•]|\d{1,2}[.)])\s)"
)
_SHORTENED = re.compile(
    r"(?:\b(?:e\.g|i\.e|z\.b|d\.h|mr|mrs|ms|dr|prof|no|nr|st|vs|inc|ltd|approx|p\.ex|sr|sra|núm|ca|bzw|usw|tel|ref|fig|art)\.|(?:^|\s)[A-Z]\.|(?:^|\s)\d{1,2}\.)$",
    re.IGNORECASE,
)

_SCRIPTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("hi", re.compile("[\u0900-\u097f]")),
)
_WORD = re.compile(r"[^\W\d_]+")
_NO_NAMES = frozenset(
    {"team", "the", "support", "billing", "info", "no", "noreply", "customer", "accounts", "dr", "prof"}
)


@dataclass(frozen=True, slots=True)
class PromptMail:
    """One email from a prompt: its three header lines, and its body."""

    sender: str
    date: str
    subject: str
    body: str


def language_of(text: str) -> str:
    """The language as an ISO 639-1 code; "en" if unknown. Scripts decide first (kana before han, since Japanese has
    both), then the commonest small words."""
    sample = text[:6000]
    letters = sum(1 for sign in sample if sign.isalpha())
    for code, script in _SCRIPTS:
        found = len(script.findall(sample))
        if found and found * (20 if code == "ja" else 4) >= letters:
            return code
    words = [word.lower() for word in _WORD.findall(sample)]
    scores = {code: sum(word in common for word in words) for code, common in COMMON_WORDS.items()}
    best = max(scores, key=lambda code: scores[code])
    return best if scores[best] else "en"


def own_words(body: str) -> str:
    """The writer's own text: without quoted lines, signature, greeting and closing."""
    kept: list[str] = []
    for line in body[:LONGEST_TEXT].replace("\r\n", "\n").split("\n"):
        short = line[:400]
        if short.rstrip() == "--" or _ATTRIBUTION.match(short):
            break
        if _SIGN_OFF.match(short) and any(part.strip() for part in kept):
            break
        if not _QUOTED.match(short):
            kept.append(line)
    first = next((at for at, line in enumerate(kept) if line.strip()), None)
    if first is not None and len(kept[first]) < 80 and _GREETING.match(kept[first]):
        kept[first] = ""
    return "\n".join(kept).strip()


def sentences(text: str) -> list[str]:
    """The sentences of a text, each on one line with single spaces, otherwise verbatim."""
    found: list[str] = []
    held = ""
    for piece in _SENTENCE_END.split(text[:LONGEST_TEXT]):
        line = " ".join((piece or "").split())
        if not line:
            continue
        line = f"{held} {line}" if held else line
        held = ""
        if len(line) < 300 and _SHORTENED.search(line[-12:]):
            held = line
            continue
        found.append(line)
    if held:
        found.append(held)
    return found


def first_name(sender: str) -> str:
    """The name for a greeting, from a From line; empty if there is none for certain."""
    name = sender.split("<", 1)[0].strip().strip("\"'")
    if not name or "@" in name or len(name) > 60:
        return ""
    if "," in name:
        name = name.split(",", 1)[1].strip() or name
    word = name.split()[0] if name.split() else ""
    if not re.fullmatch(r"[^\W\d_](?:[^\W\d_]|['’\-]){1,24}", word):
        return ""
    return "" if word.lower() in _NO_NAMES else word
