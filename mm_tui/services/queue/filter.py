"""Filters the queue: what a query selects from it, and the saved filters with their counts. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mm_tui import query
from mm_tui.query import QUEUE, UNCHECKED, Term
from mm_tui.review.disclosure import SEND_TIME_PASSED
from mm_tui.review.findings import Level
from mm_tui.review.risk.engine import RULES
from mm_tui.services.queue.due import due_words, is_overdue
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.services.queue.entry import QueueEntry

OTHER_CODES = frozenset({"thread_moved", SEND_TIME_PASSED})
"""Codes of findings that come from no rule."""


class SavedFilter(NamedTuple):
    """A saved filter of the queue, with its name."""

    name: OneLine
    query: str
    mailbox_id: str | None = None
    """The mailbox that it selects, if it is for one mailbox."""


ALL = SavedFilter(OneLine(query.ALL), "")


class FilterContext(msgspec.Struct, frozen=True):
    """What a filter needs besides the email itself."""

    now: datetime
    addresses: Mapping[str, str]
    """The address of each mailbox, by id."""


class FilterCount(NamedTuple):
    """A saved filter, and how many waiting emails it selects."""

    filter: SavedFilter
    number: int


Test = Callable[["QueueEntry", FilterContext], bool]


class QueueFilter:
    """A parsed query of the queue. No input is an error: unusable parts are left out and reported."""

    def __init__(self, text: str, context: FilterContext) -> None:
        self._context = context
        self._tests: list[Test] = []
        self.complaints: list[OneLine] = []
        self.asks_snoozed = False
        """Whether the query asks for snoozed emails, which are hidden otherwise."""
        if query.has_too_many(text):
            self.complaints.append(OneLine(f"only the first {query.MAX_TERMS} terms are used"))
        for term in query.terms(text, QUEUE):
            if words := query.fault(term, QUEUE, context.now) or _unknown_code(term):
                if term.value.strip("-"):
                    self.complaints.append(OneLine(words + (query.AS_WORDS if term.unknown else query.IGNORED)))
                if not term.unknown:
                    continue
            test = _test(term, context)
            if term.operator == "is" and query.named(term, QUEUE) == "snoozed" and not term.excluded:
                self.asks_snoozed = True
            self._tests.append(_not(test) if term.excluded else test)

    def select(self, entries: Sequence[QueueEntry]) -> Sequence[QueueEntry]:
        """Those of these emails that the filter selects, also snoozed ones."""
        context = self._context
        for test in self._tests:
            entries = [entry for entry in entries if test(entry, context)]
        return entries


def saved_filters(own: Mapping[str, str], mailboxes: Sequence[tuple[str, str]]) -> list[SavedFilter]:
    """A filter for the whole queue, the user's filters, and one for each mailbox if there are several."""
    found = [ALL, *(SavedFilter(OneLine(name), text) for name, text in query.saved(own, query.QUEUE_FILTERS).items())]
    if len(mailboxes) > 1:
        found += [SavedFilter(_box_name(address, mailboxes, found), f'in:"{box_id}"', box_id)
                  for box_id, address in mailboxes]  # fmt: skip
    return found


def _box_name(address: str, mailboxes: Sequence[tuple[str, str]], others: Sequence[SavedFilter]) -> OneLine:
    """The part before the @ if that identifies the mailbox, otherwise the address."""
    local = address.partition("@")[0]
    namesakes = sum(other.partition("@")[0] == local for _, other in mailboxes)
    return OneLine(address if namesakes > 1 or not local or any(local == one.name for one in others) else local)


def counted(filters: Sequence[SavedFilter], entries: Sequence[QueueEntry], context: FilterContext) -> list[FilterCount]:
    """The filters, each with the number of emails that it shows; it shows snoozed emails only if it asks for them."""
    awake = [entry for entry in entries if not entry.snoozed]
    queue_filters = [(one, QueueFilter(one.query, context)) for one in filters]
    return [FilterCount(one, len(each.select(entries if each.asks_snoozed else awake))) for one, each in queue_filters]


def _not(test: Test) -> Test:
    return lambda entry, context: not test(entry, context)


def _unknown_code(term: Term) -> str:
    if term.operator != "flag":
        return ""
    codes = {code for rule in RULES for code in rule.codes} | OTHER_CODES
    known = any(code.startswith(term.value.lower()) for code in codes)
    return "" if known else f"flag:{term.value}: no risk rule has that code"


def _test(term: Term, context: FilterContext) -> Test:
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
            return lambda entry, context: _is_box(value, entry.item.mailbox_id, context.addresses)
        case "risk":
            return _risk(query.named(term, QUEUE) or "")
        case "flag":
            return lambda entry, _: any(found.code.startswith(value) for found in entry.assessment.findings)
        case "has":
            return _HAS[query.named(term, QUEUE) or ""]
        case "is":
            return _IS[query.named(term, QUEUE) or ""]
    limit = query.moment_named(value, context.now)
    assert limit is not None, "checked before"
    if term.operator == "before":
        return lambda entry, _: entry.item.received_at is None or entry.item.received_at < limit
    return lambda entry, _: entry.item.received_at is not None and entry.item.received_at >= limit


def _plain(text: str) -> str:
    """The text without case and accents, as compared by the inbox's search."""
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
    """Whether the risk matches. An unchecked email matches any "this or more", and never little or no risk."""
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
    "claimed": lambda entry, _: entry.presence is not None,
    "edited": lambda entry, _: entry.edit is not None,
    "paired": lambda entry, _: bool(entry.pair),
    "assigned": lambda entry, _: entry.assignment is not None,
    "approved": lambda entry, _: entry.approvals.ours is not None or entry.approvals.other is not None,
    "snoozed": lambda entry, _: bool(entry.snoozed),
    "noted": lambda entry, _: entry.note is not None,
    "resubmitted": lambda entry, _: entry.resubmission is not None,
    "due": lambda entry, context: bool(due_words(entry.item.received_at, entry.due_at, context.now)),
    "overdue": lambda entry, context: is_overdue(entry.due_at, context.now),
}
