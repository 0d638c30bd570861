"""The second reader of the stand-in: compares only numbers, amounts, dates and questions by simple rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mm_tui.sandbox.model.text import PromptMail, own_words, sentences

MOST_LINES = 5
LONGEST_QUOTE = 200
_LONGEST = 20_000
_FIGURE = re.compile(
    r"(?P<word>[^\W\d_]{3,20})?[ \u00a0]?(?P<sign>[#$€£¥])?(?P<number>\d[\d.,:/-]{0,14}\d|\d)"
    r"[ \u00a0]?(?P<unit>%|[€£$]|[^\W\d_]{1,12})?"
)
_SIGNS = frozenset("$€£¥")
_CURRENCIES = frozenset({
    "usd", "eur", "gbp", "chf", "jpy", "cny", "sek", "nok", "dkk", "pln", "zł", "kr", "dollar", "dollars", "euro",
    "euros", "pound", "pounds",
})  # fmt: skip
_WORD = re.compile(r"[^\W\d_]{5,}")
_QUESTION = re.compile(r"[?？؟]\s*$")
_FEWEST = 4
"""Questions with fewer significant words than this are skipped."""


def _digits(number: str) -> str:
    return re.sub(r"\D", "", re.sub(r"[.,]00?\Z", "", number))


def _figures(text: str) -> list[re.Match[str]]:
    """The numbers of two digits or more, and all amounts."""
    found = _FIGURE.finditer(text[:_LONGEST])
    return [match for match in found if len(_digits(match["number"])) >= 2 or _is_amount(match)]


def compare(mails: Sequence[PromptMail], facts: str, draft: str) -> list[dict[str, str]]:
    """At most five remarks on a draft, in the second reader's format. `emails`: the thread, oldest first. `facts`: the
    house facts, one after the other."""
    thread = "\n".join([facts, *(f"{mail.subject}\n{mail.body}" for mail in mails)])
    bodies = "\n".join([facts, *(mail.body for mail in mails)])
    return [*_figures_apart(draft, thread, bodies), *_passed_over(mails, draft)][:MOST_LINES]


def _figures_apart(draft: str, thread: str, bodies: str) -> Iterator[dict[str, str]]:
    known = {_digits(match["number"]) for match in _figures(thread)}
    theirs = _figures(bodies)
    for mine in _figures(draft):
        if _digits(mine["number"]) in known:
            continue
        same = next((other for other in theirs if _same_thing(mine, other)), None)
        if same is not None:
            yield {"kind": "contradicted", "draft": _quote(mine, same), "thread": _quote(same, mine)}
        elif _is_amount(mine) and (nearest := _nearest(theirs, bodies)):
            yield {"kind": "not_found", "draft": _amount(mine), "thread": nearest}


def _is_amount(match: re.Match[str]) -> bool:
    """Whether a number is an amount of money."""
    return match["sign"] in _SIGNS or match["unit"] in _SIGNS or not _CURRENCIES.isdisjoint(_around(match))


def _around(match: re.Match[str]) -> tuple[str, str]:
    return (match["word"] or "").lower(), (match["unit"] or "").lower()


def _amount(match: re.Match[str]) -> str:
    """An amount with its currency, as written."""
    word, unit = _around(match)
    begins = match.start() if word in _CURRENCIES else match.start("sign" if match["sign"] else "number")
    ends = match.end() if unit in _CURRENCIES or unit in _SIGNS else match.end("number")
    return match.string[begins:ends].strip()


def _nearest(theirs: Sequence[re.Match[str]], bodies: str) -> str:
    """What the thread has instead of an amount: its last amount, or its first sentence; empty if it has no text."""
    amounts = [_amount(other) for other in theirs if _is_amount(other)]
    said = sentences(own_words(bodies))
    return amounts[-1] if amounts else said[0][:LONGEST_QUOTE] if said else ""


def _same(first: re.Match[str], second: re.Match[str], name: str) -> bool:
    """Whether the word before two numbers (`word`), or after them (`unit`), is one and says something."""
    one, other = first[name], second[name]
    return bool(one and other and one.lower() == other.lower() and len(one) > (3 if name == "word" else 2))


def _same_thing(mine: re.Match[str], other: re.Match[str]) -> bool:
    """Whether two numbers are about the same thing: the same sign, and the same word before or after them."""
    near = mine["sign"] == other["sign"] and len(_digits(mine["number"])) == len(_digits(other["number"]))
    return near and (_same(mine, other, "word") or _same(mine, other, "unit"))


def _quote(match: re.Match[str], other: re.Match[str]) -> str:
    """A number with the word shared with the other one."""
    begins = match.start() if _same(match, other, "word") else match.start("sign" if match["sign"] else "number")
    ends = match.end() if _same(match, other, "unit") else match.end("number")
    return match.string[begins:ends].strip()


def _passed_over(mails: Sequence[PromptMail], draft: str) -> Iterator[dict[str, str]]:
    """Questions of the newest email without any significant word in the draft."""
    newest = mails[-1] if mails else None
    said = sentences(own_words(draft))
    if newest is None or not said:
        return
    taken_up = {word.lower()[:5] for word in _WORD.findall(draft)}
    for sentence in sentences(own_words(newest.body))[:40]:
        words = {word.lower()[:5] for word in _WORD.findall(sentence)}
        if _QUESTION.search(sentence) and len(words) >= _FEWEST and not words & taken_up:
            yield {"kind": "unanswered", "draft": said[0][:LONGEST_QUOTE], "thread": sentence[:LONGEST_QUOTE]}
