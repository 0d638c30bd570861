"""Translates a query (`mm_tui.query`) and a view of the list into SQL.

Free words also match the beginning of a longer word; in scripts without spaces between words they match anywhere. No
input is an error: unusable parts are left out and reported in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import NamedTuple

import msgspec

from mm_tui.query import (
    AS_WORDS,
    IGNORED,
    MAIL,
    MAX_TERMS,
    Term,
    fault,
    has_too_many,
    is_unspaced,
    moment_named,
    named,
    terms,
)
from mm_tui.store.sort_keys import first_key_at
from mm_tui.text import OneLine

STATUS_WORDS: Mapping[str, tuple[str, ...]] = {
    "pending": ("pending_scan", "pending_send_approval", "pending_inbound_approval"),
    "waiting": ("pending_send_approval", "pending_inbound_approval"),
    "sent": ("sent", "delivered", "approved", "approved_and_sent"),
    "failed": ("send_failed", "bounced"),
    "spam": ("spam_flagged", "spam_quarantined"),
}
"""Words that stand for several statuses, in `is:` and in `MailView.status`. Any other word is a status itself."""

_COLUMNS = {"from": "sender", "to": "recipients", "subject": "subject"}
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "": ("mail.subject", "mail.sender_name", "mail.sender", "mail.recipients", "mail.summary"),
    "from": ("mail.sender_name", "mail.sender"),
    "to": ("mail.recipients",),
    "subject": ("mail.subject",),
}
"""The columns to search for text in scripts without spaces, by operator; without an operator, opened bodies too."""
_LONGEST_TEXT = 200
_LONGEST_STATUS = 24
_SHORT = 2
"""Letters of the beginning of a word."""
_STATUS = "mail.status IN"


class MailView(msgspec.Struct, frozen=True):
    """What a list shows. Equal views show the same emails."""

    mailbox_id: str | None = None
    label: str | None = None
    status: str | None = None
    """A status, or one of `STATUS_WORDS`."""
    query: str = ""
    folded: bool = False
    """One line per thread: its newest matching email or, without a query, the newest that is not a draft."""


class Condition(NamedTuple):
    """Part of a WHERE clause on the table `mail`, with its parameters."""

    sql: str
    values: tuple[str | int, ...]


class Query(msgspec.Struct):
    """A parsed query, as SQL conditions."""

    conditions: list[Condition] = msgspec.field(default_factory=list)
    match: str | None = None
    """The FTS5 expression; None if the query has no words."""
    complaints: list[OneLine] = msgspec.field(default_factory=list)
    """What was left out and why, as text for the reader."""
    statuses: list[tuple[str, ...]] = msgspec.field(default_factory=list)
    """The statuses named by each `is:`. They are among the conditions too."""
    broad: bool = False
    """A prefix in it is so short that very many words start with it."""


def parse_query(text: str, now: datetime | None = None) -> Query:
    """Parses the text of the search line, which may be unfinished. Never raises. `now`: the time that `today` and ages
    refer to; by default the machine's clock."""
    moment = now or datetime.now(UTC)
    query = Query()
    wanted: list[str] = []
    unwanted: list[str] = []
    if has_too_many(text):
        query.complaints.append(OneLine(f"only the first {MAX_TERMS} terms are used"))
    for term in terms(text, MAIL):
        if words := _complaint(term, moment):
            query.complaints.append(OneLine(words))
        if term.operator in ("", *_COLUMNS):
            if is_unspaced(term.value):
                query.conditions.append(_with_polarity(_text(term), term))
            elif any(map(str.isalnum, term.value)):
                match = _match_term(_COLUMNS.get(term.operator), term.value, whole=term.whole)
                (unwanted if term.excluded else wanted).append(match)
                beginning = re.split(r"[\W_]+", term.value.rstrip())[-1]
                query.broad |= not term.excluded and not term.whole and len(beginning) <= _SHORT
            continue
        condition = _CONDITIONS[term.operator](term, moment)
        if condition is not None:
            query.conditions.append(_with_polarity(condition, term))
            if condition.sql.startswith(_STATUS) and not term.excluded:
                query.statuses.append(statuses_of(term.value.lower()))
    without = " OR ".join(unwanted)
    if wanted:
        query.match = " AND ".join(wanted)
        if without:
            query.match = f"({query.match}) NOT ({without})"
    elif without:
        # In FTS5, NOT needs a left operand.
        excluded = "SELECT rowid FROM mail_words WHERE mail_words MATCH ?"
        query.conditions.append(Condition(f"mail.key NOT IN ({excluded})", (without,)))
    return query


def _with_polarity(condition: Condition, term: Term) -> Condition:
    """The condition, negated if the term is excluded."""
    return Condition(f"NOT ({condition.sql})", condition.values) if term.excluded else condition


def _text(term: Term) -> Condition:
    """The condition that an email contains the term's text anywhere."""
    escaped = re.sub(r"([\\%_])", r"\\\1", term.value[:_LONGEST_TEXT])
    places = [f"{column} LIKE ? ESCAPE '\\'" for column in _TEXTS[term.operator]]
    if not term.operator:
        body = "details.key = mail.key AND details.body LIKE ? ESCAPE '\\'"
        places.append(f"EXISTS (SELECT 1 FROM details WHERE {body})")
    return Condition(f"({' OR '.join(places)})", (f"%{escaped}%",) * len(places))


def phrase(text: str) -> str:
    """The FTS5 expression for adjacent whole words."""
    return _match_term(None, text, whole=True)


def _match_term(column: str | None, value: str, *, whole: bool) -> str:
    quoted = '"' + value.replace('"', " ") + '"'
    if not whole:
        # `*` applies to the last token, so an address matches while it is being typed.
        quoted += "*"
    return f"({column} : {quoted})" if column else f"({quoted})"


def statuses_of(word: str) -> tuple[str, ...]:
    """The statuses that one of `STATUS_WORDS` means; any other word is a status itself."""
    return STATUS_WORDS.get(word, (word,))


def status_condition(word: str) -> Condition:
    """The condition for a status or one of `STATUS_WORDS`."""
    statuses = statuses_of(word)
    return Condition(f"{_STATUS} ({', '.join('?' * len(statuses))})", statuses)


def _complaint(term: Term, now: datetime) -> str:
    """The message for an unusable term; empty if it is still being typed."""
    words = fault(term, MAIL, now) or _unknown_status(term)
    if not words or (not term.unknown and (not term.value.strip("-") or term.operator in _COLUMNS)):
        return ""
    if term.unknown:
        return f"{words}{AS_WORDS}"
    return f"{words}{IGNORED}" if term.operator not in ("", "is") else words


def _unknown_status(term: Term) -> str:
    """The message for `is:` with a word that is no status we know. It selects that status all the same."""
    if term.operator != "is":
        return ""
    from mm_tui.models import Status

    known = ("inbound", "outbound", "urgent", *STATUS_WORDS, *map(str, Status), *chain(*STATUS_WORDS.values()))
    value = term.value.lower()
    # The beginning of one is still being typed.
    return "" if any(word.startswith(value) for word in known) else f"is:{value[:_LONGEST_STATUS]}: not a known status"


def _label(term: Term, _: datetime) -> Condition | None:
    return Condition("mail.label = ? COLLATE NOCASE", (term.value.lower(),)) if term.value else None


def _is(term: Term, _: datetime) -> Condition | None:
    value = term.value.lower()
    if value in ("inbound", "outbound"):
        return Condition("mail.direction = ?", (value,))
    if value == "urgent":
        return Condition("mail.urgency IN ('high', 'urgent', 'critical')", ())
    return status_condition(value) if value else None


def _in(term: Term, _: datetime) -> Condition | None:
    value = term.value.lower()
    return (
        Condition(
            "mail.mailbox_id IN (SELECT mailbox_id FROM mailboxes WHERE lower(address) = ? OR lower(mailbox_id) = ?"
            " OR lower(substr(address, 1, instr(address, '@') - 1)) = ?)",
            (value, value, value),
        )
        if value
        else None
    )


def _has(term: Term, _: datetime) -> Condition | None:
    word = named(term, MAIL)
    if word == "attachment":
        return Condition("mail.has_attachments = 1", ())
    return Condition(f"mail.{word} <> ''", ()) if word is not None else None


def _dated(comparison: str, term: Term, now: datetime) -> Condition | None:
    moment = moment_named(term.value.lower(), now)
    return Condition(f"mail.key {comparison} ?", (first_key_at(moment),)) if moment else None


_CONDITIONS: Mapping[str, Callable[[Term, datetime], Condition | None]] = {
    "label": _label,
    "is": _is,
    "in": _in,
    "has": _has,
    "before": partial(_dated, "<"),
    "after": partial(_dated, ">="),
}


def view_sql(view: MailView, query: Query, below: int | None = None) -> tuple[str, list[str | int]]:
    """The SELECT that gives `key` and `thread` of the view's emails, newest first (`thread` is NULL unless folded).
    Without words it scans the index `mail_list`; with words it scans the full-text index backwards. Both return rows as
    they find them, so a LIMIT ends them early."""
    conditions = list(query.conditions)
    if view.mailbox_id is not None:
        conditions.append(Condition("mail.mailbox_id = ?", (view.mailbox_id,)))
    if view.label is not None:
        conditions.append(Condition("mail.label = ?", (view.label,)))
    if view.status is not None:
        conditions.append(status_condition(view.status))
    source, key = "mail INDEXED BY mail_list", "mail.key"
    if query.match is not None:
        key = "mail_words.rowid"
        source = "mail_words"
        if conditions or view.folded:
            source += " CROSS JOIN mail INDEXED BY mail_list ON mail.key = mail_words.rowid"
        conditions.insert(0, Condition("mail_words MATCH ?", (query.match,)))
    if below is not None:
        conditions.append(Condition(f"{key} < ?", (below,)))
    where = " AND ".join(condition.sql for condition in conditions) or "1"
    values = [value for condition in conditions for value in condition.values]
    thread = "mail.thread" if view.folded else "NULL"
    return f"SELECT {key} AS key, {thread} AS thread FROM {source} WHERE {where} ORDER BY {key} DESC", values
