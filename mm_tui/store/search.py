"""The query language of the search line, and how a view of the list becomes SQL.

`from: to: subject: label: is: in: before: after: has:`, quoted phrases, `-` in front of anything to exclude it, and
free words, which also match as the beginning of a longer word. No input is an error: what cannot be used is left
out and told in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mm_tui.store.keys import first_key_at
from mm_tui.text import OneLine

OPERATORS: Mapping[str, str] = {
    "from": "sender's address or name",
    "to": "a recipient's address or name",
    "subject": "words of the subject",
    "label": "the assistant's or your label",
    "is": "unread, read, pending, sent, rejected, spam, inbound, outbound, urgent, or any status",
    "in": "a mailbox: its address, the part before the @, or its id",
    "before": "older than a day (2026-03-01, 2026-03, yesterday) or an age (7d, 2w, 3m, 1y)",
    "after": "that day or newer, or younger than an age",
    "has": "attachment, summary or label",
}
"""The operators and what each takes, for the help panel."""

STATUS_WORDS: Mapping[str, tuple[str, ...]] = {
    "pending": ("pending_scan", "pending_send_approval", "pending_inbound_approval"),
    "waiting": ("pending_send_approval", "pending_inbound_approval"),
    "sent": ("sent", "delivered", "approved", "approved_and_sent"),
    "failed": ("send_failed", "bounced"),
    "spam": ("spam_flagged", "spam_quarantined"),
}
"""Words that stand for several statuses, in `is:` and in `MailView.status`. Any other word is a status itself."""

_COLUMNS = {"from": "sender", "to": "recipients", "subject": "subject"}
_TERM = re.compile(r'(-?)(?:([A-Za-z_]{1,20}):)?(?:"([^"]*)"?|(\S+))')
_AGE = re.compile(r"(\d{1,5})([dwmy])")
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_AGE_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_MAX_TERMS = 40


@dataclass(frozen=True, slots=True)
class MailView:
    """What a list shows. Two equal views show the same mails."""

    mailbox_id: str | None = None
    label: str | None = None
    status: str | None = None
    """A status, or one of `STATUS_WORDS`."""
    query: str = ""
    folded: bool = False
    """One line per thread: its newest mail that matches."""


class Condition(NamedTuple):
    """A piece of a WHERE over the table `mail`, with its parameters."""

    sql: str
    values: tuple[str | int, ...]


@dataclass(slots=True)
class Query:
    """A query understood."""

    conditions: list[Condition] = field(default_factory=list)
    match: str | None = None
    """The full-text expression, in FTS5's language; None when there are no words to look for."""
    complaints: list[OneLine] = field(default_factory=list)
    """What was left out and why, in words."""


def parse_query(text: str, now: datetime | None = None) -> Query:
    """Understands what stands on the search line. Never raises.

    Args:
        text: as typed; unfinished input is fine.
        now: what `today` and ages count from; none is the machine's clock.
    """
    moment = now or datetime.now(UTC)
    query = Query()
    wanted: list[str] = []
    unwanted: list[str] = []
    for number, found in enumerate(_TERM.finditer(OneLine(text))):
        if number == _MAX_TERMS:
            query.complaints.append(OneLine(f"only the first {_MAX_TERMS} terms are used"))
            break
        minus, operator, phrase, word = found.groups()
        value = phrase if phrase is not None else word
        name = operator.lower() if operator else ""
        if name and name not in OPERATORS:
            if not value.startswith("/"):
                query.complaints.append(OneLine(f"there is no operator {name}: (it was taken as words)"))
            value = f"{operator}:{value}"
            name = ""
        if name in ("", *_COLUMNS):
            if not any(character.isalnum() for character in value):
                if value.strip("-") and not name:
                    query.complaints.append(OneLine(f"{value} holds no letter or digit to look for"))
                continue
            term = _match_term(_COLUMNS.get(name), value, whole=phrase is not None)
            (unwanted if minus else wanted).append(term)
            continue
        condition = _CONDITIONS[name](value.strip().lower(), moment)
        if isinstance(condition, Condition):
            if minus:
                condition = Condition(f"NOT ({condition.sql})", condition.values)
            query.conditions.append(condition)
        elif value:
            query.complaints.append(OneLine(f"{name}:{value} was left out: {condition}"))
    without = " OR ".join(unwanted)
    if wanted:
        query.match = " AND ".join(wanted)
        if without:
            query.match = f"({query.match}) NOT ({without})"
    elif without:
        # FTS5 knows no NOT without something to take away from.
        excluded = "SELECT rowid FROM mail_words WHERE mail_words MATCH ?"
        query.conditions.append(Condition(f"mail.key NOT IN ({excluded})", (without,)))
    return query


def _match_term(column: str | None, value: str, *, whole: bool) -> str:
    quoted = '"' + value.replace('"', " ") + '"'
    if not whole:
        # `*` applies to the last token, so an address matches while it is typed.
        quoted += "*"
    return f"({column} : {quoted})" if column else f"({quoted})"


def status_condition(word: str) -> Condition:
    """The condition for a status or one of `STATUS_WORDS`."""
    statuses = STATUS_WORDS.get(word, (word,))
    return Condition(f"mail.status IN ({', '.join('?' * len(statuses))})", statuses)


def _label(value: str, _: datetime) -> Condition | str:
    return Condition("mail.label = ? COLLATE NOCASE", (value,)) if value else "name a label"


def _is(value: str, _: datetime) -> Condition | str:
    if not value:
        return "name a status"
    if value in ("inbound", "outbound"):
        return Condition("mail.direction = ?", (value,))
    if value == "urgent":
        return Condition("mail.urgency IN ('high', 'urgent', 'critical')", ())
    return status_condition(value)


def _in(value: str, _: datetime) -> Condition | str:
    if not value:
        return "name a mailbox"
    return Condition(
        "mail.mailbox_id IN (SELECT mailbox_id FROM mailboxes WHERE lower(address) = ?1 OR lower(mailbox_id) = ?1"
        " OR lower(substr(address, 1, instr(address, '@') - 1)) = ?1)".replace("?1", "?"),
        (value, value, value),
    )


def _has(value: str, _: datetime) -> Condition | str:
    if value and "attachments".startswith(value):
        return Condition("mail.has_attachments = 1", ())
    if value in ("summary", "label"):
        return Condition(f"mail.{value} <> ''", ())
    return "it knows attachment, summary and label"


def _before(value: str, now: datetime) -> Condition | str:
    moment = moment_named(value, now)
    return Condition("mail.key < ?", (first_key_at(moment),)) if moment else "that is not a day or an age"


def _after(value: str, now: datetime) -> Condition | str:
    moment = moment_named(value, now)
    return Condition("mail.key >= ?", (first_key_at(moment),)) if moment else "that is not a day or an age"


_CONDITIONS: Mapping[str, Callable[[str, datetime], Condition | str]] = {
    "label": _label,
    "is": _is,
    "in": _in,
    "has": _has,
    "before": _before,
    "after": _after,
}


def moment_named(value: str, now: datetime) -> datetime | None:
    """The start of a day, month or year as the reader's clock has it, or an age before now."""
    local = now.astimezone()
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if value in ("today", "yesterday"):
        return midnight - timedelta(days=value == "yesterday")
    if age := _AGE.fullmatch(value):
        try:
            return now - timedelta(days=int(age[1]) * _AGE_DAYS[age[2]])
        except OverflowError:
            return None
    if day := _DAY.fullmatch(value):
        try:
            return midnight.replace(year=int(day[1]), month=int(day[2] or 1), day=int(day[3] or 1))
        except (ValueError, OverflowError):
            return None
    return None


def view_sql(view: MailView, query: Query, below: int | None = None) -> tuple[str, list[str | int]]:
    """The SELECT that gives `key` and `thread` of the view's mails, newest first (`thread` is NULL unless folded).

    Without words it walks the index `mail_list`; with words it walks the full-text index backwards. Both hand out
    the first rows before they know the last, so a LIMIT ends them early.

    Args:
        view: what to show.
        query: its query, understood.
        below: only keys smaller than this.
    """
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
