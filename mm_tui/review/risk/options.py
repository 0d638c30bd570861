"""Finds the options of a template that were left to choose from: "in [two/three] days"."""

from __future__ import annotations

import re

from mm_tui.review.findings import Span
from mm_tui.review.risk.phrases import word_set
from mm_tui.review.risk.pieces import find_all

_CHOICE = re.compile(
    r"[\[［【](?P<east>[\u3040-\u9fff]{1,10}(?:[/／|｜][\u3040-\u9fff]{1,10}){1,3})[\]］】]"
    r"|\[(?P<west>(?:[^\W\d_]|['’])+(?: [^\W\d_]+){0,2}(?: ?[/|] ?[^\W\d_]+(?: [^\W\d_]+){0,2}){1,3})\](?![(:\[])"
)
_CHOOSES = re.compile(
    r"\b(?:cho(?:ose|ice)|select|pick|option|repl|answer|tell|let (?:us|me) know|click|press|menu|tick|mark|wähl"
    r"|antwort|ankreuz|klick|choisi|répon|coch|cliqu|eli[jg]|respon|marque|marca|escolh|assinal|clique|clic|scel|rispon|barr"
    r"|kies|antwoord|kruis|wybi|wybór|odpowie|zaznacz|folder|path|button|tab\b|format|column|unit)"
    r"|選|回答|お答え|チェック|选|回复|勾|点击"
)
_SHORT_FORM = re.compile(r"(?:inc|exc)l?\w{0,6}|plus|net|gross|netto|brutto|neto|bruto|lordo|ht|ttc|and|or|und|oder")
_SHORTEST_CHOICE = 3
_GREETED = re.compile(r"(?:sir|madam|ma'am|mr|mrs|ms|miss|herr|frau|monsieur|madame|señor|señora|signor|signora)")


_REACH = 200
"""The most characters of a line before and after a match, as a long one may have thousands of matches."""


def line_of(text: str, match: re.Match[str]) -> str:
    """The line of a match, in lower case."""
    before = text[max(0, match.start() - _REACH) : match.start()].rpartition("\n")[2]
    after = text[match.end() : match.end() + _REACH].partition("\n")[0]
    return f"{before}{match[0]}{after}".lower()


def asks_to_choose(text: str, match: re.Match[str]) -> bool:
    """Whether the line of a match asks the reader to choose or to answer."""
    return _CHOOSES.search(line_of(text, match)) is not None


def options_left(text: str) -> list[Span]:
    """Words in square brackets of which one was to be chosen: "in [two/three] days"."""
    found = []
    for match in find_all(_CHOICE, text) if "/" in text or "|" in text or "／" in text else ():
        if asks_to_choose(text, match):
            continue
        words = [word.strip() for word in re.split("[/|]", match["west"] or "")]
        if (
            match["east"]
            or all(_GREETED.fullmatch(word.lower()) for word in words)
            or (
                text[match.start() - 1 : match.start()] == " "
                and (all(len(word) >= _SHORTEST_CHOICE for word in words) or words[0] in word_set("yes"))
                and all(map(str.islower, words))
                and not any(_SHORT_FORM.fullmatch(word.partition(" ")[0]) for word in words)
            )
        ):
            found.append(Span(*match.span()))
    return found
