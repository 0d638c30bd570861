"""QueueFilter the queue: what a query selects of what waits, and the saved filters with their counts. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from mm_tui import query
from mm_tui.query import QUEUE, UNCHECKED, Term
from mm_tui.review.findings import Level
from mm_tui.review.risk.engine import RULES
from mm_tui.services.queue.due import due_words, is_overdue
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.services.queue.entry import QueueEntry

OTHER_CODES = frozenset({"thread_moved"})
"""Codes of findings that no rule makes."""


class SavedFilter(NamedTuple):
    """A part of the queue by its name."""

    name: OneLine
    query: str
    mailbox_id: str | None = None
    """The mailbox that it was made for."""


ALL = SavedFilter(OneLine(query.ALL), "")


@dataclass(frozen=True)
class FilterContext:
    """What a filter must know besides the email itself."""

    now: datetime
    addresses: Mapping[str, str]
    """Address of each mailbox, by its id."""


class FilterCount(NamedTuple):
    """A saved filter and how much of what waits it selects."""

    filter: SavedFilter
    number: int


Test = Callable[["QueueEntry", FilterContext], bool]


class QueueFilter:
    """A query of the queue, understood. No input is an error: what cannot be used is left out and told.

    Args:
        text: as typed or as saved.
        around: what its times count from.
    """

    def __init__(self, text: str, around: FilterContext) -> None:
        self._around = around
        self._tests: list[Test] = []
        self.complaints: list[OneLine] = []
        self.asks_snoozed = False
        """The query asks for what is snoozed, which is out of sight otherwise."""
        if query.has_too_many(text):
            self.complaints.append(OneLine(f"only the first {query.MAX_TERMS} terms are used"))
        for term in query.terms(text, QUEUE):
            if words := query.fault(term, QUEUE, around.now) or _unknown_code(term):
                if term.value.strip("-"):
                    self.complaints.append(OneLine(f"{words}; it was ignored"))
                continue
            test = _test(term, around)
            if term.operator == "is" and query.named(term, QUEUE) == "snoozed" and not term.excluded:
                self.asks_snoozed = True
            self._tests.append(_not(test) if term.excluded else test)

    def shows(self, entry: QueueEntry) -> bool:
        """Whether a list by this filter shows the email: as `has`, but for what is out of sight."""
        return (self.asks_snoozed or not entry.snoozed) and self.has(entry)

    def has(self, entry: QueueEntry) -> bool:
        """Whether the filter selects this email."""
        return all(test(entry, self._around) for test in self._tests)


def saved_filters(own: Mapping[str, str], mailboxes: Sequence[tuple[str, str]]) -> list[SavedFilter]:
    """All of the queue, the saved filters, and one for each mailbox where there are several.

    Args:
        own: the settings' filters.
        mailboxes: (id, address) of each.
    """
    found = [ALL, *(SavedFilter(OneLine(name), text) for name, text in query.saved(own, query.QUEUE_FILTERS).items())]
    if len(mailboxes) > 1:
        found += [SavedFilter(_box_name(address, mailboxes, found), f'in:"{box_id}"', box_id)
                  for box_id, address in mailboxes]  # fmt: skip
    return found


def _box_name(address: str, mailboxes: Sequence[tuple[str, str]], others: Sequence[SavedFilter]) -> OneLine:
    """The part before the @ where that tells the mailbox from all others, else the address."""
    local = address.partition("@")[0]
    namesakes = sum(other.partition("@")[0] == local for _, other in mailboxes)
    return OneLine(address if namesakes > 1 or not local or any(local == one.name for one in others) else local)


def counted(filters: Sequence[SavedFilter], entries: Sequence[QueueEntry], around: FilterContext) -> list[FilterCount]:
    """The filters with how many of these emails each selects."""
    narrowings = [QueueFilter(one.query, around) for one in filters]
    return [
        FilterCount(one, sum(map(narrowing.shows, entries))) for one, narrowing in zip(filters, narrowings, strict=True)
    ]


def _not(test: Test) -> Test:
    return lambda entry, around: not test(entry, around)


def _unknown_code(term: Term) -> str:
    if term.operator != "flag":
        return ""
    codes = {code for rule in RULES for code in rule.codes} | OTHER_CODES
    known = any(code.startswith(term.value.lower()) for code in codes)
    return "" if known else f"flag:{term.value}: no risk rule has that code"


def _test(term: Term, around: FilterContext) -> Test:
    value = term.value.lower()
    match term.operator:
        case "":
            return _with_words(term, _everything)
        case "from":
            return _with_words(term, lambda entry: str(entry.item.sender))
        case "to":
            return _with_words(term, lambda entry: "\n".join(map(str, (*entry.item.to, *entry.item.cc))))
        case "subject":
            return _with_words(term, lambda entry: entry.item.subject)
        case "in":
            return lambda entry, near: _is_box(value, entry.item.mailbox_id, near.addresses)
        case "risk":
            return _risk(query.named(term, QUEUE) or "")
        case "flag":
            return lambda entry, _: any(found.code.startswith(value) for found in entry.assessment.findings)
        case "has":
            return _HAS[query.named(term, QUEUE) or ""]
        case "is":
            return _IS[query.named(term, QUEUE) or ""]
    limit = query.moment_named(value, around.now)
    assert limit is not None, "checked before"
    if term.operator == "before":
        return lambda entry, _: entry.item.received_at is None or entry.item.received_at < limit
    return lambda entry, _: entry.item.received_at is not None and entry.item.received_at >= limit


def _plain(text: str) -> str:
    """Without case and accents, as the search of the inbox compares."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in parts if not unicodedata.combining(character))


def _with_words(term: Term, of: Callable[[QueueEntry], str]) -> Test:
    words = r"\s+".join(map(re.escape, _plain(term.value).split()))
    if not query.is_unspaced(term.value):
        words = r"(?<!\w)" + words + (r"(?!\w)" if term.whole else "")
    pattern = re.compile(words)
    return lambda entry, _: pattern.search(_plain(of(entry))) is not None


def _everything(entry: QueueEntry) -> str:
    item = entry.item
    body = entry.edit.text.body if entry.edit is not None else item.body
    return "\n".join((str(item.sender), *map(str, item.to), *map(str, item.cc), item.subject, body))


def _is_box(value: str, mailbox_id: str, addresses: Mapping[str, str]) -> bool:
    address = addresses.get(mailbox_id, "").lower()
    return value in (mailbox_id.lower(), address, address.partition("@")[0])


def _risk(word: str) -> Test:
    """Mail that is not checked counts as "that or more" whatever was found so far, and never as little or no risk."""
    if word == UNCHECKED:
        return lambda entry, _: not entry.is_checked
    level = Level.named(word.removesuffix("+"))
    if word.endswith("+"):
        return lambda entry, _: entry.assessment.level >= level or not entry.is_checked
    if level <= Level.LOW:
        return lambda entry, _: entry.assessment.level is level and entry.is_checked
    return lambda entry, _: entry.assessment.level is level


_HAS: Mapping[str, Test] = {
    "attachment": lambda entry, _: bool(entry.item.attachments),
    "thread": lambda entry, _: bool(entry.thread),
}
_IS: Mapping[str, Test] = {
    "inbound": lambda entry, _: entry.is_inbound,
    "outbound": lambda entry, _: not entry.is_inbound,
    "mine": lambda entry, _: entry.is_mine,
    "claimed": lambda entry, _: entry.claim is not None,
    "edited": lambda entry, _: entry.edit is not None,
    "paired": lambda entry, _: bool(entry.pair),
    "assigned": lambda entry, _: entry.assignment is not None,
    "snoozed": lambda entry, _: bool(entry.snoozed),
    "noted": lambda entry, _: entry.note is not None,
    "resubmitted": lambda entry, _: entry.resubmission is not None,
    "due": lambda entry, near: bool(due_words(entry.item.received_at, entry.due_at, near.now)),
    "overdue": lambda entry, near: is_overdue(entry.due_at, near.now),
}
