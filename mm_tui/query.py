"""The language of search lines and saved filters: its terms, its operators, its days, and what is wrong with a text.

`name:value`, quoted phrases, `-` in front of anything to exclude it, and free words. Mail and the queue know different
operators. Pure: what a term selects is known where the email lies (`store.search`, `services.queue_filter`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mm_tui.text import OneLine

_TERM = re.compile(r'(-?)(?:([A-Za-z_]{1,20}):)?(?:"([^"]*)"?|(\S+))')
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_AGE = re.compile(r"(\d{1,5})([hdwmy])")
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_AGE_HOURS = {"h": 1, "d": 24, "w": 24 * 7, "m": 24 * 30, "y": 24 * 365}
MAX_TERMS = 40
TIMES = frozenset({"before", "after"})
"""Operators that take a day or an age."""


class Term(NamedTuple):
    """One piece of a query."""

    excluded: bool
    """It stands behind a minus."""
    operator: str
    """Lower case; empty for words. One that is not of the language makes its term words, as it was typed."""
    value: str
    whole: bool
    """It stood in quotes: it is one phrase, and does not go on as a longer word."""
    unknown: str = ""
    """What looked like an operator and is none of the language."""


class Language(NamedTuple):
    """What may stand in a query."""

    operators: Mapping[str, str]
    """The operators and what each takes, for the help."""
    words: Mapping[str, tuple[str, ...]]
    """All that an operator knows, where that is a closed set; the beginning of a word is enough."""


UNCHECKED = "unchecked"
"""In place of a level of risk: the details of the email have not been read."""
_BEFORE = "before a day (2026-03-01, 2026-03, yesterday) or longer ago than an age (6h, 7d, 2w, 3m, 1y)"
_AFTER = "on or after a day, or within an age"
_BOX = "a mailbox: its address, the part before the @, or its id"

MAIL = Language(
    {
        "from": "sender's address or name",
        "to": "a recipient's address or name",
        "subject": "words in the subject",
        "label": "the label, set by the assistant or by you",
        "is": "unread, read, pending, sent, rejected, spam, inbound, outbound, urgent, or any status",
        "in": _BOX,
        "before": _BEFORE,
        "after": _AFTER,
        "has": "attachment, summary or label",
    },
    {"has": ("attachment", "summary", "label")},
)
"""Of the inbox."""

QUEUE = Language(
    {
        "from": "sender's address or name",
        "to": "a recipient's address or name, cc included",
        "subject": "words in the subject",
        "in": _BOX,
        "is": "inbound, outbound, mine, claimed, assigned, noted, snoozed, edited, due, overdue, "
        "approved (by the first of two reviewers), resubmitted (after a rejected draft) or paired "
        "(an edit and its original)",
        "risk": "high, medium, low or none; with a +, that risk or higher (medium+); unchecked: details not loaded yet",
        "flag": "the code of a finding (see `mm-tui docs risk`) or the beginning of it (promise_money, promise)",
        "before": _BEFORE,
        "after": _AFTER,
        "has": "attachment or thread",
    },
    {
        "is": (
            "inbound",
            "outbound",
            "mine",
            "claimed",
            "edited",
            "due",
            "overdue",
            "paired",
            "resubmitted",
            "assigned",
            "noted",
            "approved",
            "snoozed",
        ),
        "risk": ("high", "medium", "low", "none", "high+", "medium+", "low+", "none+", UNCHECKED),
        "has": ("attachment", "thread"),
    },
)
"""Of what waits for a decision."""

QUEUE_FILTERS: Mapping[str, str] = {
    "mine": "is:mine",
    "high risk": "risk:high",
    "overdue": "is:overdue",
    "due": "is:due",
    "inbound": "is:inbound",
    "drafts": "is:outbound",
    "claimed": "is:claimed",
    "edited": "is:edited",
    "not checked": "risk:unchecked",
    "snoozed": "is:snoozed",
}
"""The queue's saved filters unless the settings say otherwise; one for each mailbox follows them."""
MAIL_FILTERS: Mapping[str, str] = {
    "urgent": "is:urgent is:unread",
    "did not arrive": "is:failed after:7d",
    "with files": "is:inbound has:attachment after:7d",
}
"""The inbox's."""
ALL = "all"
"""The name of no filter."""
LONGEST_NAME = 30


def is_unspaced(text: str) -> bool:
    """Whether it holds letters of a script that puts no space between words: Thai, Lao, Burmese, Khmer, Japanese,
    Chinese. Such a text is looked for anywhere, for where its words begin only a dictionary could tell."""
    return _UNSPACED.search(text) is not None


def terms(text: str, language: Language) -> Iterator[Term]:
    """The terms of what was typed. Unfinished input is fine; at most `MAX_TERMS` are given."""
    for number, found in enumerate(_TERM.finditer(OneLine(text))):
        if number == MAX_TERMS:
            return
        minus, operator, phrase, word = found.groups()
        value = phrase if phrase is not None else word
        name = operator.lower() if operator else ""
        if not name and value[-1:] == ":" and value[:-1].lower() in language.operators:
            yield Term(bool(minus), value[:-1].lower(), "", False)
        elif name and name not in language.operators:
            # The // of an address is no operator's value.
            unknown = "" if value.startswith("/") else name
            yield Term(bool(minus), "", f"{operator}:{value}", phrase is not None, unknown)
        else:
            yield Term(bool(minus), name, value if not name else value.strip(), phrase is not None)


def has_too_many(text: str) -> bool:
    """Whether some terms are left out because there are too many."""
    return sum(1 for _ in _TERM.finditer(OneLine(text))) > MAX_TERMS


def named(term: Term, language: Language) -> str | None:
    """The word of the operator's closed set that the value is, or is the only beginning of; None when there is none."""
    known, value = language.words[term.operator], term.value.lower()
    if value in known:
        return value
    near = [word for word in known if value and word.startswith(value)]
    # "medium" and "medium+" begin alike: the plain one is meant.
    return near[0] if near and all(word.startswith(near[0]) for word in near) else None


def fault(term: Term, language: Language, now: datetime) -> str:
    """Why a term cannot be used, in words; empty when it can."""
    if term.unknown:
        return f"there is no operator {term.unknown}:"
    if not term.operator:
        return "" if any(map(str.isalnum, term.value)) else f"{term.value} has no letter or digit to search for"
    shown = f"{term.operator}:{term.value}"
    if not term.value:
        return f"{shown} has no value"
    if term.operator in TIMES and moment_named(term.value.lower(), now) is None:
        return f"{shown}: not a day or an age"
    if term.operator in language.words and named(term, language) is None:
        return f"{shown}: the values are {listed(language.words[term.operator])}"
    return ""


def first_fault(text: str, language: Language) -> tuple[str, str]:
    """What is wrong with a saved filter and what to do about it, in words; empty when nothing is."""
    if has_too_many(text):
        return f"has more than {MAX_TERMS} terms", "Shorten it."
    now = datetime.now(UTC)
    for term in terms(text, language):
        if words := fault(term, language, now):
            near = difflib.get_close_matches(term.unknown, language.operators, n=1) if term.unknown else []
            cure = f"Did you mean {near[0]}:?" if near else "`mm-tui docs configuration` lists the operators."
            return words, cure
    return "", ""


def saved(own: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The saved filters in their order: one's own, then the given ones that are not named among them.

    Args:
        own: name = query, as the settings have them; an empty query takes a given one away.
        given: those that are there without settings.
    """
    return {name: query for name, query in {**own, **{n: q for n, q in given.items() if n not in own}}.items() if query}


def check_saved(own: Mapping[str, str], language: Language) -> tuple[str, str, str] | None:
    """The first of the saved filters that cannot be used: its name, what is wrong, and the cure. None: all can."""
    for name, query in own.items():
        if not OneLine(name).strip() or OneLine(name) != name or len(name) > LONGEST_NAME:
            return name, "is not a valid name for a filter", f"Use 1 to {LONGEST_NAME} visible characters."
        if name.lower() == ALL:
            return name, "is the name that means no filter", "Give it another name."
        words, cure = first_fault(query, language)
        if words:
            return name, words, cure
    return None


def listed(words: tuple[str, ...]) -> str:
    """`a, b and c`."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def moment_named(value: str, now: datetime) -> datetime | None:
    """The start of a day, month or year as the reader's clock has it, or an age before now."""
    local = now.astimezone()
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if value in ("today", "yesterday"):
        return midnight - timedelta(days=value == "yesterday")
    if age := _AGE.fullmatch(value):
        try:
            return now - timedelta(hours=int(age[1]) * _AGE_HOURS[age[2]])
        except OverflowError:
            return None
    if day := _DAY.fullmatch(value):
        try:
            return midnight.replace(year=int(day[1]), month=int(day[2] or 1), day=int(day[3] or 1))
        except (ValueError, OverflowError):
            return None
    return None
