"""The gateway's audit log and the local journal merged, newest first, without loading either into memory.

A line's key is one integer: twice its row number, plus one for the journal. Lists of any length are arrays of keys, and
only the lines on the screen are loaded.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import sqlite3
from array import array
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from mm_tui.store.audit.actions import deciding_actions
from mm_tui.store.audit.entries import note_damage
from mm_tui.store.audit.journal import ABOUT, AT, DETAILS, EMAIL, KIND, MAILBOX, NOTE, WHO, parsed_ms
from mm_tui.store.damaged import UNREADABLE, field_of
from mm_tui.store.database import Database
from mm_tui.store.sort_keys import from_ms, to_ms
from mm_tui.text import OneLine, subject_words

CHUNK = 5000
STEPS = 50_000
"""How many SQLite VM steps pass between checks whether a search was cancelled; they take some milliseconds."""

_NONE = OneLine("")


class Source(StrEnum):
    """Who wrote a line."""

    GATEWAY = "gateway"
    JOURNAL = "journal"


class LineFilter(msgspec.Struct, frozen=True):
    """Which lines of the two logs to list; all conditions that are set must hold."""

    source: Source | None = None
    actor: str | None = None
    """A key's id, or a reviewer's name as written in the journal."""
    action: str | None = None
    """The source's own name for it; without `source` in both logs, which may use the same word."""
    mailbox_id: str | None = None
    email_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    text: str = ""
    """Words that must all occur in the line, its email's subject or its correspondents' addresses."""
    meant: tuple[tuple[str, str], ...] = ()
    """Pairs of a word of `text` and an action or outcome that is shown with this word."""


class LogLine(NamedTuple):
    """One line of either log."""

    key: int
    source: Source
    at: datetime | None
    """None if the entry is damaged or has no time."""
    action: OneLine
    actor: OneLine
    """The id of a key (gateway), or a reviewer's name (journal)."""
    about: OneLine
    """The email's id, or the gateway's id of another resource."""
    about_type: OneLine
    """Always `email` for the journal."""
    details: tuple[tuple[OneLine, OneLine], ...]
    entry_id: OneLine
    """The gateway's id of the entry, or the journal's number."""
    hash: OneLine
    """The hash in the journal's chain; empty for the gateway's lines."""
    subject: OneLine
    mailbox_id: OneLine
    """Empty if the email is not in the local store and the line does not say."""


class Facet(NamedTuple):
    """A value to filter lines by, and how many lines have it."""

    source: Source
    value: OneLine
    lines: int


class Timeline:
    """Both logs of one profile. Everything except `lines` may take some hundred milliseconds: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def stream(
        self, wanted: LineFilter, *, stop: Callable[[], bool] = lambda: False, first: int = CHUNK
    ) -> Iterator[array[int]]:
        """The keys of the lines to list, newest first, in chunks. The journal's lines keep the order of their chain,
        even if the machine's clock was changed. `stop`: asked between chunks; True ends it. `first`: the size of the
        first chunk, so that the first screen can be drawn early."""
        reader = self._database.reader()
        # A search that finds nothing does not yield for a while, so SQLite's own handler has to stop it.
        reader.set_progress_handler(lambda: int(stop()), STEPS)
        try:
            yield from self._chunks(wanted, stop, first)
        except sqlite3.OperationalError:
            if not stop():
                raise
        finally:
            # An unfinished stream may be finalized after the store was closed.
            with contextlib.suppress(sqlite3.ProgrammingError):
                reader.set_progress_handler(None, 0)

    def _chunks(self, wanted: LineFilter, stop: Callable[[], bool], first: int) -> Iterator[array[int]]:
        sources: list[Iterator[tuple[int, int]]] = []
        if wanted.source is not Source.JOURNAL:
            sources.append(self._gateway_keys(wanted))
        if wanted.source is not Source.GATEWAY:
            sources.append(self._journal_keys(wanted))
        chunk: array[int] = array("q")
        size = first
        for _, key in heapq.merge(*sources):
            chunk.append(key)
            if len(chunk) >= size:
                yield chunk
                chunk, size = array("q"), CHUNK
                if stop():
                    return
        if chunk:
            yield chunk

    def lines(self, keys: Sequence[int]) -> list[LogLine]:
        """The lines of these keys, in their order; a line that no longer exists is empty."""
        found: dict[int, LogLine] = {}
        for odd, sql, read in ((0, _GATEWAY_LINES, _gateway_line), (1, _JOURNAL_LINES, _journal_line)):
            numbers = [key >> 1 for key in keys if key & 1 == odd]
            if numbers:
                lines = [read(row) for row in self._database.rows(sql, (json.dumps(numbers),))]
                found.update((line.key, line) for line in lines if line is not None)
                if None in lines:
                    note_damage(self._database.damaged)
        return [found.get(key) or _gone(key) for key in keys]

    def actors(self) -> list[Facet]:
        """All actors, most active first."""
        return self._facets(_ACTOR, WHO)

    def actions(self) -> list[Facet]:
        """All actions, most frequent first."""
        return self._facets(_ACTION, KIND)

    def _facets(self, gateway: str, journal: str) -> list[Facet]:
        found = [
            Facet(source, OneLine(str(row[0])), int(row[1]))
            for source, sql in (
                (Source.GATEWAY, f"SELECT {gateway}, count(*) FROM audit GROUP BY 1"),
                (Source.JOURNAL, f"SELECT {journal}, count(*) FROM journal GROUP BY 1"),
            )
            for row in self._database.rows(sql)
            if row[0]
        ]
        return sorted(found, key=lambda facet: (-facet.lines, facet.value))

    def _gateway_keys(self, wanted: LineFilter) -> Iterator[tuple[int, int]]:
        where = ["audit.created_at >= ? AND audit.created_at < ?"]
        values: list[str | int] = [to_ms(wanted.since) or 0, to_ms(wanted.until) or 1 << 62]
        if wanted.action is not None:
            where.append(f"{_ACTION} = ?")
            values.append(wanted.action)
        if wanted.actor is not None:
            made_here = f"SELECT {ABOUT} FROM journal WHERE {KIND} IN ('done', 'retired') AND {WHO} = ?"
            decides = f"{_ACTION} IN (SELECT value FROM json_each(?))"
            where.append(f"({_ACTOR} = ? OR ({decides} AND audit.resource_id IN ({made_here})))")
            values += [wanted.actor, json.dumps(deciding_actions(self._database.reader())), wanted.actor]
        if wanted.mailbox_id is not None:
            where.append(f"{_GATEWAY_MAILBOX} = ?")
            values.append(wanted.mailbox_id)
        if wanted.email_id is not None:
            where.append("(audit.resource_id = ? OR instr(audit.model, ?) > 0)")
            values += [wanted.email_id, json.dumps(wanted.email_id)]
        _add_words(wanted, _GATEWAY_TEXT, _ACTION, where, values)
        sql = f"SELECT audit.key, audit.created_at FROM audit{_join(wanted, 'audit.resource_id')}"
        sql += f" WHERE {' AND '.join(where)} ORDER BY audit.created_at DESC, audit.entry_id DESC"
        for key, at in self._database.reader().execute(sql, values):
            yield -at, key << 1

    def _journal_keys(self, wanted: LineFilter) -> Iterator[tuple[int, int]]:
        where: list[str] = ["1"]
        values: list[str | int] = []
        for column, value in ((KIND, wanted.action), (WHO, wanted.actor)):
            if value is not None:
                where.append(f"{column} = ?")
                values.append(value)
        if wanted.mailbox_id is not None:
            where.append(f"{_JOURNAL_MAILBOX} = ?")
            values.append(wanted.mailbox_id)
        if wanted.email_id is not None:
            where.append("instr(entry, ?) > 0")
            values.append(json.dumps(wanted.email_id))
        _add_words(wanted, _JOURNAL_TEXT, f"CASE {KIND} WHEN 'ended' THEN {NOTE} ELSE {KIND} END", where, values)
        sql = f"SELECT number, {AT} FROM journal{_join(wanted, EMAIL)}"
        sql += f" WHERE {' AND '.join(where)} ORDER BY number DESC"
        since, until = to_ms(wanted.since), to_ms(wanted.until)
        newest = 1 << 62
        for number, moment in self._database.reader().execute(sql, values):
            # An entry without a time, or with a later time than its successor, keeps its place in the chain.
            newest = min(newest, parsed_ms(moment, newest))
            if (since is None or newest >= since) and (until is None or newest < until):
                yield -newest, (number << 1) | 1


_ACTION, _ACTOR = field_of("audit.model", "action"), field_of("audit.model", "actor_key_id")
_GATEWAY_MAILBOX = (
    f"coalesce(mail.mailbox_id, {field_of('audit.model', 'metadata.mailbox_id')},"
    f" CASE WHEN {field_of('audit.model', 'resource_type')} = 'mailbox' THEN audit.resource_id END)"
)
_JOURNAL_MAILBOX = f"coalesce({MAILBOX}, mail.mailbox_id)"
_MAIL_TEXT = "coalesce(mail.subject, '') || ' ' || coalesce(mail.sender, '') || ' ' || coalesce(mail.recipients, '')"
_GATEWAY_TEXT = (
    f"coalesce({_ACTION}, '') || ' ' || audit.resource_id || ' '"
    f" || coalesce({_ACTOR}, '') || ' '"
    f" || coalesce({field_of('audit.model', 'metadata')}, '') || ' ' || {_MAIL_TEXT}"
)
_JOURNAL_TEXT = (
    f"coalesce({WHO}, '') || ' ' || coalesce({KIND}, '') || ' '"
    f" || coalesce({EMAIL}, '') || ' ' || coalesce({DETAILS}, '') || ' ' || {_MAIL_TEXT}"
)
_GATEWAY_LINES = f"""
SELECT audit.key, audit.created_at, audit.model, mail.subject, {_GATEWAY_MAILBOX} FROM audit
LEFT JOIN mail ON mail.email_id = audit.resource_id
WHERE audit.key IN (SELECT value FROM json_each(?))
"""
_JOURNAL_LINES = f"""
SELECT number, entry, hash, mail.subject, {_JOURNAL_MAILBOX} FROM journal
LEFT JOIN mail ON mail.email_id = {EMAIL}
WHERE number IN (SELECT value FROM json_each(?))
"""


def _join(wanted: LineFilter, email_id: str) -> str:
    needed = wanted.mailbox_id is not None or wanted.text.strip()
    return f" LEFT JOIN mail ON mail.email_id = {email_id}" if needed else ""


def _add_words(wanted: LineFilter, text: str, action: str, where: list[str], values: list[str | int]) -> None:
    for word in wanted.text.split():
        forms = {word}
        if not word.isascii():
            # LIKE folds the case of ASCII letters only, and JSON text inside a value holds others as escapes.
            cases = (word, word.lower(), word.upper(), word.capitalize())
            forms = {*cases, *(json.dumps(case)[1:-1] for case in cases)}
        either = [f"({text}) LIKE ? ESCAPE '!'"] * len(forms)
        values += [f"%{_escaped(form)}%" for form in forms]
        if actions := [name for said, name in wanted.meant if said == word]:
            either.append(f"{action} IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(actions))
        where.append(f"({' OR '.join(either)})")


def _escaped(word: str) -> str:
    return word.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _gateway_line(row: sqlite3.Row) -> LogLine | None:
    """None if it is damaged."""
    key, created_at, model, subject, mailbox_id = tuple(row)
    try:
        inner = json.loads(model)
        return LogLine(
            key=key << 1,
            source=Source.GATEWAY,
            at=from_ms(created_at) if created_at else None,
            action=OneLine(inner["action"]),
            actor=OneLine(inner.get("actor_key_id") or ""),
            about=OneLine(inner.get("resource_id") or ""),
            about_type=OneLine(inner.get("resource_type") or ""),
            details=tuple((OneLine(name), OneLine(value)) for name, value in (inner.get("metadata") or {}).items()),
            entry_id=OneLine(inner["id"]),
            hash=_NONE,
            subject=OneLine("") if subject is None else subject_words(OneLine(subject)),
            mailbox_id=OneLine(mailbox_id or ""),
        )
    except UNREADABLE:
        return None


def _journal_line(row: sqlite3.Row) -> LogLine:
    number, entry, digest, subject, mailbox_id = tuple(row)
    try:
        inner = json.loads(entry)
        at = datetime.fromisoformat(inner["at"])
        details = tuple((OneLine(str(name)), OneLine(str(value))) for name, value in inner["details"].items())
        action, actor, about = (OneLine(str(inner[name])) for name in ("kind", "who", "email_id"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return _gone((number << 1) | 1)._replace(entry_id=OneLine(str(number)), hash=OneLine(str(digest)))
    return LogLine(
        key=(number << 1) | 1,
        source=Source.JOURNAL,
        at=at,
        action=action,
        actor=actor,
        about=about,
        about_type=OneLine("email"),
        details=details,
        entry_id=OneLine(str(number)),
        hash=OneLine(str(digest)),
        subject=OneLine("") if subject is None else subject_words(OneLine(subject)),
        mailbox_id=OneLine(mailbox_id or ""),
    )


def _gone(key: int) -> LogLine:
    source = Source.JOURNAL if key & 1 else Source.GATEWAY
    return LogLine(
        key, source, None, OneLine("cannot be read"), _NONE, _NONE, _NONE, (), OneLine(str(key >> 1)), _NONE, _NONE,
        _NONE,
    )  # fmt: skip
