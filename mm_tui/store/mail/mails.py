"""Stores mail from the gateway, and reads it by view, page, thread or id."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from mm_tui import typed_json
from mm_tui.store.damaged import READ_AGAIN, UNREADABLE, fetched
from mm_tui.store.database import Database
from mm_tui.store.mail import list_keys
from mm_tui.store.mail.rows import DAMAGED, ROW_SQL, Changes, MailRow, gone_row, readable_row
from mm_tui.store.mail.search import STATUS_WORDS, MailView, Query, parse_query
from mm_tui.store.seal import is_garbled
from mm_tui.store.sort_keys import first_key_at, known_time
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.models import EmailDetail, EmailSummary, Mailbox

__all__ = ["Changes", "Counts", "MailRow", "MailStore", "MailView", "MailboxRow"]


class Counts(NamedTuple):
    """The numbers in the top line, over all mailboxes."""

    unread: int
    pending: int


class MailboxRow(NamedTuple):
    """A mailbox as the status line shows it."""

    mailbox_id: str
    address: str
    oversight_mode: str


_TEXTS = ", ".join(f"coalesce(CAST({name} AS TEXT), '') AS {name}" for name in MailboxRow._fields)
_MAILBOXES = f"SELECT {_TEXTS}, model FROM mailboxes"


class MailStore:
    """The emails of one profile. A list takes two reads: `keys` takes a snapshot of a view as integers, `rows` reads
    one page of it. With 100,000 emails a page takes under 2 ms, so a screen may read it while drawing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Taking in

    def upsert(self, emails: Iterable[EmailSummary]) -> Changes:
        """Adds or updates emails from lists, in one transaction."""
        from mm_tui.store.mail.writing import upsert

        return upsert(self._database, list(emails))

    def save_detail(self, detail: EmailDetail, *, at: datetime) -> Changes:
        """Stores an email that was opened at `at`, with its body, which becomes searchable."""
        from mm_tui.store.mail.writing import save_detail

        return save_detail(self._database, detail, at)

    def save_tags(self, email_id: str, tags: Mapping[str, str]) -> bool:
        """Stores the gateway's tags of an opened email. Returns False if they are unchanged, or it was never opened or
        is damaged."""
        from mm_tui.store.mail.chips import chips_of
        from mm_tui.store.mail.writing import chips_json

        rows = self._database.rows(
            "SELECT details.key, details.model FROM details JOIN mail ON mail.key = details.key WHERE email_id = ?",
            (email_id,),
        )
        if not rows or _tags_in(rows[0]["model"]) in (tags, None):
            return False
        with self._database.write() as connection:
            connection.execute(
                "UPDATE details SET model = json_set(model, '$.tags', json(?)) WHERE key = ?",
                (json.dumps(dict(tags)), rows[0]["key"]),
            )
            connection.execute("UPDATE mail SET chips = ? WHERE key = ?", (chips_json(chips_of(tags)), rows[0]["key"]))
        return True

    def annotate(
        self,
        email_id: str,
        *,
        label: str | None = None,
        urgency: str | None = None,
        summary: str | None = None,
        chips: Sequence[str] | None = None,
    ) -> bool:
        """Sets the assistant's columns of the list; None leaves one unchanged. Returns False without such an email."""
        from mm_tui.store.mail.writing import annotate

        return annotate(self._database, email_id, label, urgency, summary, chips)

    def forget_before(self, moment: datetime, *, limit: int = 500) -> int:
        """Deletes up to `limit` of the oldest emails before `moment`, except those waiting for a decision."""
        from mm_tui.store.mail.writing import forget

        rows = self._database.reader().execute(
            "SELECT key FROM mail INDEXED BY mail_list WHERE key < ?"
            " AND email_id NOT IN (SELECT email_id FROM pending) ORDER BY key LIMIT ?",
            (first_key_at(moment), limit),
        )
        return forget(self._database, [row[0] for row in rows])

    def stamp(self) -> int:
        """See `Database.stamp`: changes whenever something is written."""
        return self._database.stamp()

    # Lists

    def keys(
        self,
        view: MailView,
        *,
        limit: int | None = None,
        below: int | None = None,
        query: Query | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> array[int]:
        """The view's emails as keys, newest first: at most `limit`, for the first screen, or only those smaller than
        `below`, to continue after it. `stop` is called every millisecond or so in the calling thread; True cancels the
        search, which then returns nothing. For searches in a thread, which may become stale."""
        understood = query or parse_query(view.query)
        try:
            return self._keys(view, understood, limit, below, stop)
        except (ValueError, sqlite3.OperationalError) as error:
            if not isinstance(error, ValueError) and not is_garbled(error):
                raise
        from mm_tui.store.mail.writing import recount

        # Only the place of a thread in the list can be no number.
        recount(self._database)
        return self._keys(view, understood, limit, below, stop)

    def _keys(
        self, view: MailView, query: Query, limit: int | None, below: int | None, stop: Callable[[], bool] | None
    ) -> array[int]:
        cursor = self._database.reader().cursor()
        cursor.row_factory = None
        if stop is not None:
            cursor.connection.set_progress_handler(stop, 5_000)
        try:
            return list_keys.read(cursor, view, query, limit, below)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_INTERRUPT:
                raise
            return array("q")
        finally:
            if stop is not None:
                cursor.connection.set_progress_handler(None, 0)
            cursor.close()

    def stream(
        self, view: MailView, *, first: int = 100, query: Query | None = None, stop: Callable[[], bool] | None = None
    ) -> Iterator[array[int]]:
        """Like `keys`, but yields up to `first` keys as soon as they are found, then all the rest."""
        understood = query or parse_query(view.query)
        head = self._newest_matches(view, understood)[:first]
        if not head:
            head = self.keys(view, limit=first, query=understood, stop=stop)
            if len(head) < first:
                yield head
                return
        yield head
        if stop is not None and stop():
            return
        if view.folded and not list_keys.can_continue(view, understood):
            yield self.keys(view, query=understood, stop=stop)[len(head) :]
        else:
            yield self.keys(view, below=head[-1], query=understood, stop=stop)

    def _newest_matches(self, view: MailView, query: Query) -> array[int]:
        if not query.broad:
            return array("q")
        from mm_tui.store.mail.word_index import newest_matches

        cursor = self._database.reader().cursor()
        cursor.row_factory = None
        with closing(cursor):
            return newest_matches(cursor, view, query)

    def count(self, view: MailView, *, query: Query | None = None) -> int:
        """How many lines the view has: emails, or threads if folded. Takes some tens of milliseconds."""
        return list_keys.count(self._database.reader(), view, query or parse_query(view.query))

    def quick_count(self, view: MailView, *, query: Query) -> int | None:
        """The same if an index knows it, in at most 50 ms for a million emails; otherwise None."""
        return self.count(view, query=query) if list_keys.can_continue(view, query) else None

    def rows(self, keys: Sequence[int], *, folded: bool = False) -> list[MailRow]:
        """One row for each key, in the given order. A key that no longer exists gets a row that says this. `folded`:
        each row represents its thread, and says whether anything in it waits or is unread."""
        if not keys:
            return []
        cursor = self._database.reader().cursor()
        cursor.row_factory = None
        marks = ",".join("?" * len(keys))
        rows = fetched(cursor, f"{ROW_SQL} WHERE mail.key IN ({marks})", keys)
        by_key = {columns[0]: readable_row(columns, self._database.damaged) for columns in rows}
        if folded:
            threads = "SELECT own.key, other.status, other.direction FROM mail AS own JOIN mail AS other"
            others = fetched(
                cursor,
                f"{threads} ON other.thread = own.thread AND other.key <> own.key WHERE own.key IN ({marks})"
                " AND +other.status IN ('unread', 'pending_send_approval')",
                keys,
            )
            for key, status, direction in others:
                row = by_key[key]
                waits = status != "unread" and direction == "outbound"
                by_key[key] = row._replace(waiting=row.waiting or waits, unread=row.unread or status == "unread")
        return [by_key.get(key) or gone_row(key) for key in keys]

    def row(self, email_id: str) -> MailRow | None:
        rows = self._database.rows(f"{ROW_SQL} WHERE email_id = ?", (email_id,))
        return readable_row(rows[0], self._database.damaged) if rows else None

    def rowid(self, email_id: str) -> int | None:
        found = self._database.one("SELECT key FROM mail WHERE email_id = ?", (email_id,))
        return found[0] if found else None

    def thread_rows(self, mailbox_id: str, thread_id: str) -> list[MailRow]:
        """The rows of a thread, oldest first."""
        rows = self._database.rows(
            f"{ROW_SQL} WHERE mail.thread = (SELECT thread FROM threads WHERE mailbox_id = ? AND thread_id = ?)"
            " ORDER BY mail.key",
            (mailbox_id, thread_id),
        )
        return [readable_row(columns, self._database.damaged) for columns in rows]

    def counts(self) -> Counts:
        """Numbers over all mailboxes."""
        connection = self._database.reader()
        # The second condition lets SQLite use the partial index of statuses.
        counted = ("mail WHERE status = 'unread' AND status <> 'read'", "pending")
        return Counts(*(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in counted))

    # Whole emails

    def summary(self, email_id: str) -> EmailSummary | None:
        """An email as its list gave it."""
        return next(iter(self._summaries("email_id = ?", (email_id,))), None)

    def thread(self, mailbox_id: str, thread_id: str) -> list[EmailSummary]:
        """The emails of a thread, oldest first."""
        return self._summaries(
            "mail.thread = (SELECT thread FROM threads WHERE mailbox_id = ? AND thread_id = ?)", (mailbox_id, thread_id)
        )

    def moving(self, since: datetime) -> dict[str, datetime]:
        """Mailboxes with outbound mail since then whose status may still change, and the time of the oldest."""
        final = (*STATUS_WORDS["failed"], "delivered", "rejected", "cancelled", "complained")
        rows = self._database.rows(
            "SELECT mailbox_id, min(received_at) FROM mail WHERE key >= ? AND direction = 'outbound'"
            f" AND status NOT IN ({','.join('?' * len(final))}) GROUP BY mailbox_id",
            (first_key_at(since), *final),
        )
        return {row[0]: moment for row in rows if (moment := known_time(row[1])) is not None}

    def _summaries(self, where: str, values: tuple[str, ...]) -> list[EmailSummary]:
        from mm_tui.store.mail.columns import readable_summary

        rows = self._database.rows(
            "SELECT mail.*, threads.thread_id FROM mail LEFT JOIN threads ON threads.thread = mail.thread"
            f" WHERE {where} ORDER BY mail.key",
            values,
        )
        return [readable_summary(row, self._database.damaged) for row in rows]

    def detail(self, email_id: str) -> EmailDetail | None:
        """An opened email, with its latest listed status; None if it was never opened on this machine."""
        rows = self._database.rows(
            "SELECT mail.*, threads.thread_id, details.model, details.fetched_at FROM mail"
            " LEFT JOIN threads ON threads.thread = mail.thread JOIN details ON details.key = mail.key"
            " WHERE email_id = ?",
            (email_id,),
        )
        if not rows:
            return None
        from mm_tui.store.mail.columns import readable_detail

        return readable_detail(rows[0], self._database.damaged)

    def detail_size(self, email_id: str) -> int:
        """Characters that `detail` has to read; 0 if the email was never opened on this machine."""
        return self._of_detail("length(model)", email_id) or 0

    def detail_at(self, email_id: str) -> datetime | None:
        """When the email was last read from the gateway; None if never."""
        return known_time(self._of_detail("fetched_at", email_id))

    def _of_detail(self, value: str, email_id: str) -> int | None:
        sql = f"SELECT {value} FROM details WHERE key = (SELECT key FROM mail WHERE email_id = ?)"
        rows = self._database.rows(sql, (email_id,))
        return rows[0][0] if rows else None

    def ids(self, view: MailView, *, limit: int = 1000) -> list[str]:
        """The email ids of a view, newest first."""
        return [row.email_id for row in self.rows(self.keys(view, limit=limit)) if row.email_id]

    # Mailboxes

    def save_mailboxes(self, mailboxes: Iterable[Mailbox]) -> bool:
        """Replaces the list of mailboxes. Returns whether something changed."""
        fresh = {
            box.id: (box.id, str(box.address), str(box.oversight_mode), json.dumps(typed_json.values_of(box)))
            for box in mailboxes
        }
        with self._database.write() as connection:
            known = {row[0]: tuple(row) for row in self._database.rows("SELECT * FROM mailboxes")}
            if known == fresh:
                return False
            connection.execute("DELETE FROM mailboxes")
            connection.executemany("INSERT INTO mailboxes VALUES (?, ?, ?, ?)", fresh.values())
        return True

    def mailboxes(self) -> list[Mailbox]:
        rows = self._database.rows(f"{_MAILBOXES} ORDER BY address")
        return [self._mailbox(row) or _damaged_mailbox(row) for row in rows]

    def mailbox(self, mailbox_id: str) -> Mailbox | None:
        """None if it is not known what the mailbox adds to an email: it is not listed yet, or damaged."""
        rows = self._database.rows(f"{_MAILBOXES} WHERE mailbox_id = ?", (mailbox_id,))
        return self._mailbox(rows[0]) if rows else None

    def _mailbox(self, row: sqlite3.Row) -> Mailbox | None:
        from mm_tui.models import Mailbox

        try:
            return typed_json.read(Mailbox, row["model"])
        except UNREADABLE:
            self._database.damaged.found(f"the mailbox {row['address']}", READ_AGAIN)
            return None

    def mailbox_rows(self) -> list[MailboxRow]:
        """The mailboxes for the status line and the filter, by address, without building models."""
        rows = self._database.rows(f"{_MAILBOXES} ORDER BY address")
        return [MailboxRow(mailbox_id, address, mode) for mailbox_id, address, mode, _ in rows]

    def addresses(self) -> dict[str, OneLine]:
        """The mailboxes' addresses by their ids, sorted."""
        return {row.mailbox_id: OneLine(row.address) for row in self.mailbox_rows()}

    def mailbox_after(self, mailbox_id: str | None) -> str | None:
        """The mailbox listed after this one; None, which stands for all, after the last one."""
        ids = [None, *self.addresses()]
        at = ids.index(mailbox_id) if mailbox_id in ids else 0
        return ids[(at + 1) % len(ids)]


def _tags_in(model: str) -> object:
    """The tags in a stored detail; None if it is damaged."""
    try:
        return json.loads(model).get("tags", {})
    except UNREADABLE:
        return None


def _damaged_mailbox(row: sqlite3.Row) -> Mailbox:
    """What its columns say of a mailbox; whether it adds recipients is unknown."""
    from mm_tui.models import Mailbox

    unknown = OneLine("unknown")
    return Mailbox(
        id=row["mailbox_id"],
        address=OneLine(row["address"]),
        display_name=DAMAGED,
        oversight_mode=OneLine(row["oversight_mode"]),
        auto_cc=unknown,
        auto_bcc=unknown,
    )
