"""Prepares mail for the stand-in model: without quotes, signature and greeting, in sentences, with its language.

Simple rules only. Every pattern takes linear time, because the text comes from strangers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mm_tui.sandbox.model.words import COMMON_WORDS, pattern

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
