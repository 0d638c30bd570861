"""The queue: emails waiting for a human, as last listed by the gateway and completed by their details."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from mm_tui import typed_json
from mm_tui.store.damaged import OPEN_IT, READ_AGAIN, UNREADABLE, field_of
from mm_tui.store.database import Database
from mm_tui.store.sort_keys import known_time, to_ms
from mm_tui.text import ManyLine, OneLine

if TYPE_CHECKING:
    from mm_tui.models import PendingItem, RawContent


class PendingChanges(NamedTuple):
    """The ids of the emails that a new list changed."""

    new: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    """Listed with different content than before."""
    gone: frozenset[str] = frozenset()
    """No longer waiting: decided, cancelled or withdrawn, here or elsewhere."""

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.gone)


class WaitingEmail(NamedTuple):
    """A waiting email without its content."""

    email_id: str
    mailbox_id: str
    received_at: datetime | None


class StoredText(NamedTuple):
    """A waiting email as it is stored."""

    text: str
    seen_at: datetime | None
    """When this machine first saw it waiting."""


class PendingStore:
    """The waiting emails of one profile. There are a few hundred at most, so whole models are read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, items: Iterable[PendingItem], at: datetime) -> PendingChanges:
        """Stores the gateway's complete list, read at `at`. An unchanged item keeps the details that were read for it;
        an item whose listed content changed loses them, because they may be outdated."""
        listed = {item.id: item for item in items}
        new: set[str] = set()
        changed: set[str] = set()
        with self._database.write() as connection:
            known = dict(map(tuple, self._database.rows("SELECT email_id, listed FROM pending")))
            for email_id, item in listed.items():
                text = _dump(item)
                if known.get(email_id) == text:
                    continue
                (changed if email_id in known else new).add(email_id)
                connection.execute(
                    "INSERT INTO pending (email_id, mailbox_id, received_at, seen_at, listed, model)"
                    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (email_id) DO UPDATE SET"
                    " mailbox_id = excluded.mailbox_id, received_at = excluded.received_at, listed = excluded.listed,"
                    " model = excluded.model",
                    (email_id, item.mailbox_id, to_ms(item.received_at) or 0, to_ms(at), text, text),
                )
            gone = known.keys() - listed.keys()
            if gone:
                # Also one whose id is damaged, and so found by no other.
                among = "SELECT value FROM json_each(?)"
                connection.execute(f"DELETE FROM pending WHERE email_id NOT IN ({among})", (json.dumps([*listed]),))
        return PendingChanges(frozenset(new), frozenset(changed), frozenset(map(str, gone)))

    def save_detail(self, item: PendingItem) -> bool:
        """Stores what the detail adds to a listed item. Returns False if it no longer waits."""
        with self._database.write() as connection:
            done = connection.execute(
                "UPDATE pending SET model = ?, mailbox_id = ? WHERE email_id = ?",
                (_dump(item), item.mailbox_id, item.id),
            )
            return done.rowcount > 0

    def outdate(self, email_id: str) -> bool:
        """Drops the details of an item that has changed: they are read again. Returns False if it no longer waits."""
        with self._database.write() as connection:
            done = connection.execute("UPDATE pending SET model = listed WHERE email_id = ?", (email_id,))
            return done.rowcount > 0

    def remove(self, email_id: str) -> bool:
        """Removes an item that is known to have been decided, without waiting for the next list."""
        with self._database.write() as connection:
            return connection.execute("DELETE FROM pending WHERE email_id = ?", (email_id,)).rowcount > 0

    def items(self) -> list[PendingItem]:
        """The waiting emails, oldest first; those without a time count as oldest."""
        rows = self._database.rows("SELECT email_id, model FROM pending ORDER BY received_at, email_id")
        return [self.item_in(*row) for row in rows]

    def ids(self, mailbox_id: str | None = None) -> list[str]:
        """The ids of all waiting emails, or of those in one mailbox, oldest first."""
        # In one row: while rows are read one by one, other threads may run before each of them.
        ((text, waiting),) = self._database.rows(
            "SELECT json_group_array(email_id) FILTER (WHERE typeof(email_id) = 'text'), count(*) FROM"
            " (SELECT email_id FROM pending WHERE ?1 IS NULL OR mailbox_id = ?1 ORDER BY received_at, email_id)",
            (mailbox_id,),
        )
        usable = [email_id for email_id in json.loads(text, strict=False) if "\0" not in email_id]
        if len(usable) < waiting:
            self._database.damaged.found("the id of a waiting email", READ_AGAIN)
        return usable

    def waiting(self) -> list[WaitingEmail]:
        """All waiting emails without content, oldest first."""
        return self._waiting("TRUE")

    def unread_drafts(self) -> list[WaitingEmail]:
        """Outbound emails whose details have not been read since they last changed, oldest first."""
        return self._waiting(
            f"NOT coalesce({field_of('model', 'complete')}, 0)"
            f" AND coalesce({field_of('model', 'direction')}, {field_of('listed', 'direction')}) = 'outbound'"
        )

    def _waiting(self, where: str) -> list[WaitingEmail]:
        sql = f"SELECT email_id, mailbox_id, received_at FROM pending WHERE {where} ORDER BY received_at, email_id"
        return [_waiting(*row) for row in self._database.rows(sql)]

    def unread_around(self, newest: int) -> list[tuple[str, WaitingEmail]]:
        """Emails in the threads of waiting drafts that were never opened here and that opening would not mark as read,
        each with the draft's id, oldest draft first. Only the `newest` emails of a thread are considered."""
        rows = self._database.rows(
            "SELECT draft, email_id, mailbox_id, received_at FROM ("
            "SELECT pending.email_id AS draft, pending.received_at AS since, mail.email_id, mail.mailbox_id,"
            " mail.received_at, mail.status, mail.direction, details.key IS NULL AS unread,"
            " row_number() OVER (PARTITION BY pending.email_id ORDER BY mail.key DESC) AS age"
            " FROM pending JOIN mail AS own ON own.email_id = pending.email_id"
            " JOIN mail ON mail.thread = own.thread AND mail.key <> own.key"
            " LEFT JOIN details ON details.key = mail.key"
            f" WHERE {field_of('pending.model', 'direction')} = 'outbound')"
            " WHERE age <= ? AND unread AND (direction = 'outbound' OR status IN ('read', 'archived'))"
            " ORDER BY since, draft, age",
            (newest,),
        )
        return [(draft, _waiting(*row)) for draft, *row in rows]

    def get(self, email_id: str) -> PendingItem | None:
        rows = self._database.rows("SELECT model FROM pending WHERE email_id = ?", (email_id,))
        return self.item_in(email_id, rows[0][0]) if rows else None

    def listed(self, email_id: str) -> RawContent | None:
        """The content of a waiting email as last listed; None if it does not wait, or that cannot be read."""
        rows = self._database.rows("SELECT listed FROM pending WHERE email_id = ?", (email_id,))
        item = self._readable(email_id, rows[0][0]) if rows else None
        return item.raw if item is not None else None

    def texts(self, email_ids: Sequence[str]) -> dict[str, StoredText]:
        """Those of these emails that wait, as stored text by id; `item_in` converts them."""
        rows = self._database.rows(
            f"SELECT email_id, model, seen_at FROM pending WHERE email_id IN ({','.join('?' * len(email_ids))})",
            list(email_ids),
        )
        return {row[0]: StoredText(row[1], known_time(row[2])) for row in rows}

    def item_in(self, email_id: str, text: str) -> PendingItem:
        """Converts the stored text of this email. If it is damaged, the email is as it was listed, or a placeholder:
        otherwise it would count as not waiting."""
        if (item := self._readable(email_id, text)) is not None:
            return item
        rows = self._database.rows("SELECT mailbox_id, listed FROM pending WHERE email_id = ?", (email_id,))
        listed = self._readable(email_id, rows[0][1]) if rows else None
        self._database.damaged.found(f"the waiting email {email_id}", READ_AGAIN if listed is None else OPEN_IT)
        return listed or _placeholder(email_id, rows[0][0] if rows else "")

    def _readable(self, email_id: str, text: str) -> PendingItem | None:
        """The email in a stored text; None if it is damaged, or another email."""
        try:
            item = self.item_of(text)
        except UNREADABLE:
            return None
        return item if item.id == email_id else None

    @staticmethod
    def item_of(text: str) -> PendingItem:
        """Converts a stored text to the waiting email."""
        from mm_tui.models import Party, PendingItem

        item = typed_json.read(PendingItem, text)
        # Cleaned again from the received text, so that the number of hidden characters is known.
        recounted = {
            "body": ManyLine(item.raw.body),
            "subject": OneLine(item.raw.subject),
            "sender": Party.parse(item.raw.sender),
            "to": tuple(Party.parse(to) for to in item.raw.to),
        }
        return item.replaced(**{name: value for name, value in recounted.items() if value == getattr(item, name)})

    def seen_at(self, email_id: str) -> datetime | None:
        """When this machine first saw the email waiting; None if unknown."""
        rows = self._database.rows("SELECT seen_at FROM pending WHERE email_id = ?", (email_id,))
        return known_time(rows[0][0]) if rows else None

    def tagged(self, *prefixes: str) -> dict[str, dict[str, str]]:
        """The tags of waiting emails that have a tag whose name starts with the prefix, by email id, from their
        details. The texts are not cleaned: make a `OneLine` before showing them."""
        rows = self._database.rows(
            "SELECT pending.email_id, details.model FROM pending JOIN mail ON mail.email_id = pending.email_id"
            f" JOIN details ON details.key = mail.key WHERE {' OR '.join(['instr(details.model, ?)'] * len(prefixes))}",
            [f'"{prefix}' for prefix in prefixes],
        )
        found = {row[0]: _tags_in(row[1]) for row in rows}
        return {email_id: tags for email_id, tags in found.items() if any(key.startswith(prefixes) for key in tags)}

    def count(self, mailbox_id: str | None = None) -> int:
        """How many emails wait in all mailboxes or in one."""
        where, values = ("", ()) if mailbox_id is None else (" WHERE mailbox_id = ?", (mailbox_id,))
        return int(self._database.one(f"SELECT count(*) FROM pending{where}", values)[0])


def _tags_in(detail: str) -> dict[str, str]:
    """The tags in the stored detail of an email; none if it is damaged."""
    try:
        return {name: value for name, value in json.loads(detail)["tags"].items() if isinstance(value, str)}
    except UNREADABLE:
        return {}


def _placeholder(email_id: str, mailbox_id: str) -> PendingItem:
    """A waiting email whose stored texts are damaged. It is incomplete, so that nothing can be decided about it."""
    from mm_tui.models import PendingItem, RawContent

    body = (
        "What this machine has stored of this email cannot be read. The next sync reads it again from the gateway. "
        "Until then nothing can be decided about it here."
    )
    raw = RawContent(sender="", subject="(damaged in the store on this machine)", body=body)
    return PendingItem.of(raw, id=email_id, mailbox_id=mailbox_id, direction=OneLine(""))


def _dump(item: PendingItem) -> str:
    return json.dumps(typed_json.values_of(item), sort_keys=True)


def _waiting(email_id: str, mailbox_id: str, received_at: int) -> WaitingEmail:
    return WaitingEmail(email_id, mailbox_id, known_time(received_at))


def thread_rows(database: Database, items: Sequence[PendingItem]) -> Iterator[tuple[PendingItem, list[sqlite3.Row]]]:
    """Each of these emails with the rows of the others of its thread, oldest first. An email that does not name its
    thread is in the one under which it was listed."""
    named = {item.id: item.thread_id for item in items}
    if unnamed := [key for key, thread_id in named.items() if thread_id is None]:
        marks = ",".join("?" * len(unnamed))
        sql = "SELECT mail.email_id, threads.thread_id FROM mail JOIN threads ON threads.thread = mail.thread"
        for email_id, thread_id in database.rows(f"{sql} WHERE mail.email_id IN ({marks})", unnamed):
            # A name that begins with a space stands for an email without a thread.
            named[email_id] = None if thread_id.startswith(" ") else thread_id
    wanted = {(item.mailbox_id, thread_id) for item in items if (thread_id := named[item.id]) is not None}
    threads: dict[tuple[str, str], list[sqlite3.Row]] = {}
    if wanted:
        rows = database.rows(
            f"WITH wanted (box, name) AS (VALUES {','.join(['(?, ?)'] * len(wanted))})"
            " SELECT wanted.box, mail.*, threads.thread_id, details.model, details.fetched_at FROM wanted"
            " CROSS JOIN threads ON threads.mailbox_id = wanted.box AND threads.thread_id = wanted.name"
            " CROSS JOIN mail ON mail.thread = threads.thread LEFT JOIN details ON details.key = mail.key"
            " ORDER BY mail.key",
            [value for thread in wanted for value in thread],
        )
        for row in rows:
            threads.setdefault((row["box"], row["thread_id"]), []).append(row)
    for item in items:
        rows_of = threads.get((item.mailbox_id, named[item.id] or ""), [])
        yield item, [row for row in rows_of if row["email_id"] != item.id]
