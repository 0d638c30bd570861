"""The language of search lines and saved filters: terms, operators, dates, and error messages.

A query has terms of the form `name:value`, quoted phrases and free words; `-` before a term excludes it. The inbox and
the queue have different operators. What a term selects is defined in `store.mail.search` and `services.queue.filter`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

from mm_tui.text import OneLine

_TERM = r'(-?)(?:([A-Za-z_]{1,20}):)?(?:"([^"]*)"?|(\S+))'
_AGE = r"(\d{1,5})(min|h|d|w|mo|y)"
_UNCLEAR_AGE = r"(\d{1,5})m"
_DAY = r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?"
_AGE_HOURS = {"min": 1 / 60, "h": 1, "d": 24, "w": 24 * 7, "mo": 24 * 30, "y": 24 * 365}
MAX_TERMS = 40
LONGEST_FAULT = 60
"""Characters. The message about a term stays on one line of a narrow screen."""
LONGEST_VALUE = 24
"""Characters of a value quoted in a message."""
AS_WORDS = " (it was taken as words)"
"""Ends the message about an unknown operator."""
IGNORED = "; ignored"
"""Ends the message about another term that cannot be used."""
TIMES = frozenset({"before", "after"})
"""Operators that take a day or an age."""


class Term(NamedTuple):
    excluded: bool
    """Whether a minus excludes it."""
    operator: str
    """In lower case; empty for free words. An unknown operator makes the whole term free words."""
    value: str
    whole: bool
    """Whether it was in quotes: then it is a phrase of whole words."""
    unknown: str = ""
    """What looked like an operator but is unknown."""


class Language(NamedTuple):
    """The operators of one kind of query."""

    operators: Mapping[str, str]
    """The operators and what each accepts, for the help."""
    words: Mapping[str, tuple[str, ...]]
    """All values of operators with a fixed set of them; the beginning of a value is enough."""


UNCHECKED = "unchecked"
"""A value in place of a risk level: the email's details have not been read."""
_BEFORE = "before a day (2026-03-01, 2026-03, yesterday) or longer ago than an age (30min, 6h, 7d, 2w, 3mo, 1y)"
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
"""The language of the inbox."""

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
"""The language of the queue."""

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
"""The queue's default filters; they are followed by one for each mailbox."""
MAIL_FILTERS: Mapping[str, str] = {
    "urgent": "is:urgent is:unread",
    "did not arrive": "is:failed after:7d",
    "with files": "is:inbound has:attachment after:7d",
}
"""The inbox's default filters."""
ALL = "all"
"""The name that means no filter."""
LONGEST_NAME = 30


@cache
def _unspaced() -> re.Pattern[str]:
    """Compiled when a query is typed: it takes 2 to 5 ms, which the first frame need not wait for."""
    return re.compile(
        "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    )


def is_unspaced(text: str) -> bool:
    """Whether it has letters of a script without spaces between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese.
    Such text is matched anywhere, because only a dictionary could tell where its words begin."""
    return _unspaced().search(text) is not None


def terms(text: str, language: Language) -> Iterator[Term]:
    """Parses the terms of a query. Unfinished input is fine; at most `MAX_TERMS` are returned."""
    for number, found in enumerate(re.finditer(_TERM, OneLine(text))):
        if number == MAX_TERMS:
            return
        minus, operator, phrase, word = found.groups()
        value = phrase if phrase is not None else word
        name = operator.lower() if operator else ""
        if not name and value[-1:] == ":" and value[:-1].lower() in language.operators:
            yield Term(bool(minus), value[:-1].lower(), "", False)
        elif name and name not in language.operators:
            # The // of a URL is not the value of an operator.
            unknown = "" if value.startswith("/") else name
            yield Term(bool(minus), "", f"{operator}:{value}", phrase is not None, unknown)
        else:
            yield Term(bool(minus), name, value if not name else value.strip(), phrase is not None)


def has_too_many(text: str) -> bool:
    """Whether there are more than `MAX_TERMS` terms."""
    return sum(1 for _ in re.finditer(_TERM, OneLine(text))) > MAX_TERMS


_ALSO = {"file": "attachment", "files": "attachment"}
"""What lists and keys call some of the values."""


def named(term: Term, language: Language) -> str | None:
    """The operator's value that this is, or is the only possible beginning of; None if there is none."""
    known, value = language.words[term.operator], term.value.lower()
    value = _ALSO.get(value, value)
    if value in known:
        return value
    near = [word for word in known if value and word.startswith(value)]
    # "medium" and "medium+" begin alike; the one without a plus is meant.
    return near[0] if near and all(word.startswith(near[0]) for word in near) else None


def fault(term: Term, language: Language, now: datetime) -> str:
    """Why a term cannot be used; empty if it can."""
    if term.unknown:
        return f"there is no operator {term.unknown}:"
    if not term.operator:
        return (
            "" if any(map(str.isalnum, term.value)) else f"{_clipped(term.value)} has no letter or digit to search for"
        )
    if not term.value:
        return f"{term.operator}: has no value"
    if term.operator in TIMES:
        return time_fault(term.operator, term.value, now)
    if term.operator in language.words and named(term, language) is None:
        return _value_fault(term, language.words[term.operator])
    return ""


def time_fault(operator: str, value: str, now: datetime) -> str:
    """Why the value of `before:` or `after:` cannot be used; empty if it can."""
    value = value.lower()
    if moment_named(value, now) is not None:
        return ""
    if unclear := re.fullmatch(_UNCLEAR_AGE, value):
        return f"{operator}:{value}: minutes or months? Write {unclear[1]}min or {unclear[1]}mo"
    return f"{operator}:{_clipped(value)}: not a day (2026-03-01) or an age (7d)"


def _value_fault(term: Term, words: tuple[str, ...]) -> str:
    shown = f"{term.operator}:{_clipped(term.value)}"
    # A plus after any of them is left to the help.
    said = f"{shown}: the values are {listed(tuple(word for word in words if not word.endswith('+')))}"
    if len(said) <= LONGEST_FAULT:
        return said
    near = difflib.get_close_matches(term.value.lower(), words, n=1)
    return f"there is no {shown}" + (f"; did you mean {term.operator}:{near[0]}?" if near else "")


def _clipped(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else f"{value[: LONGEST_VALUE - 1]}…"


def first_fault(text: str, language: Language) -> tuple[str, str]:
    """What is wrong with a saved filter, and what to do about it; empty if nothing is wrong."""
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
    """The saved filters in order: the user's, then the other default ones. An empty query removes a default filter."""
    return {name: query for name, query in {**own, **{n: q for n, q in given.items() if n not in own}}.items() if query}


def check_saved(own: Mapping[str, str], language: Language) -> tuple[str, str, str] | None:
    """The first saved filter that cannot be used: its name, what is wrong, and what to do. None if all are valid."""
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
    """The start of a day, month or year in the reader's time zone, or the time of an age before now."""
    if value in ("today", "yesterday"):
        midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        return (midnight - timedelta(days=value == "yesterday")).astimezone()
    if age := re.fullmatch(_AGE, value):
        try:
            return now - timedelta(hours=int(age[1]) * _AGE_HOURS[age[2]])
        except OverflowError:
            return None
    if day := re.fullmatch(_DAY, value):
        try:
            # With the offset of that day, not of today.
            return datetime(int(day[1]), int(day[2] or 1), int(day[3] or 1)).astimezone()
        except (ValueError, OverflowError):
            return None
    return None
