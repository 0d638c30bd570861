"""Reads the keys of a view, newest first, in the fastest way for each kind of view."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from mm_tui.store.mail.search import Condition, MailView, Query, statuses_of, view_sql

SLICE = 8000
"""Keys read at a time where slices cost nothing, so that reading 100,000 needs little memory."""
PIECE = 160_000
"""About how many characters of numbers are decoded at a time."""
READ = "read"
"""The status that the index of statuses leaves out, because most emails have it."""
RARE = 2000
"""A status that fewer emails have, or a mailbox with fewer threads, is looked up in its index instead of walking all
emails, newest first."""

_decode_numbers = msgspec.json.Decoder(list[int]).decode


def read(cursor: sqlite3.Cursor, view: MailView, query: Query, limit: int | None, below: int | None) -> array[int]:
    """The keys of a view; see `MailStore.keys`."""
    view = _asked(view, query)
    is_small = _has_few_threads(cursor, view)
    query = _with_rare_statuses(cursor, view, query)
    if is_small and query.match is None:
        query = _with_small_mailbox(view, query)
    if can_continue(view, query):
        return _by_slices(cursor, view, query, limit, below, is_small=is_small)
    return _by_rows(cursor, view, query, limit, below)


def count(connection: sqlite3.Connection, view: MailView, query: Query) -> int:
    """How many emails or threads a view has."""
    view = _asked(view, query)
    if view == MailView():
        # Asked so, SQLite counts pages instead of rows.
        return int(connection.execute("SELECT count(*) FROM mail").fetchone()[0])
    if view == MailView(mailbox_id=view.mailbox_id):
        # There are fewer threads than emails, and each knows its size. Their index would be slower than all in order.
        sizes = "SELECT total(size) FROM threads NOT INDEXED WHERE mailbox_id = ?"
        return int(connection.execute(sizes, (view.mailbox_id,)).fetchone()[0])
    if view.folded and _is_threads_alone(view):
        sql, values = _threads_sql(view)
        counted = "*"
    else:
        sql, values = view_sql(view, query)
        counted = "DISTINCT thread" if view.folded else "*"
    return int(connection.execute(f"SELECT count({counted}) FROM ({sql})", values).fetchone()[0])


def can_continue(view: MailView, query: Query) -> bool:
    """Whether the rest of a view can be read from a key on, without what comes before it: an index has its order."""
    if view.folded:
        return _is_threads_alone(_asked(view, query))
    return query.match is None and not query.conditions


def _asked(view: MailView, query: Query) -> MailView:
    """The view without a query that asks for nothing yet, such as `from:`."""
    return replace(view, query="") if query.match is None and not query.conditions else view


def _with_rare_statuses(cursor: sqlite3.Cursor, view: MailView, query: Query) -> Query:
    """Adds the keys of a status that few emails have to the query as a condition. A few of a million emails are then
    found without reading the others, and a half-typed status is known to match none."""
    wanted = [*query.statuses, *([statuses_of(view.status)] if view.status is not None else [])]
    conditions = list(query.conditions)
    for statuses in wanted if query.match is None else ():
        if READ in statuses:
            continue
        among = f"status IN ({', '.join('?' * len(statuses))})"
        found = f"SELECT key FROM mail INDEXED BY mail_by_status WHERE {among} AND status <> '{READ}'"
        counted = cursor.execute(f"SELECT count(*) FROM ({found} LIMIT {RARE})", statuses).fetchone()
        if counted[0] < RARE:
            conditions.append(Condition(f"mail.key IN ({found})", statuses))
    return replace(query, conditions=conditions)


def _has_few_threads(cursor: sqlite3.Cursor, view: MailView) -> bool:
    """Whether only one mailbox is shown, and it has few threads."""
    if view.mailbox_id is None:
        return False
    few = f"SELECT count(*) FROM (SELECT 1 FROM threads WHERE mailbox_id = ? LIMIT {RARE})"
    return bool(cursor.execute(few, (view.mailbox_id,)).fetchone()[0] < RARE)


def _with_small_mailbox(view: MailView, query: Query) -> Query:
    """Adds the keys of the view's mailbox to the query as a condition."""
    threads = "SELECT thread FROM threads WHERE mailbox_id = ?"
    found = f"SELECT key FROM mail INDEXED BY mail_by_thread WHERE thread IN ({threads})"
    condition = Condition(f"mail.key IN ({found})", (view.mailbox_id or "",))
    return replace(query, conditions=[*query.conditions, condition])


def _by_slices(
    cursor: sqlite3.Cursor, view: MailView, query: Query, limit: int | None, below: int | None, *, is_small: bool
) -> array[int]:
    """Reads keys that an index holds in order, slice by slice."""
    found: array[int] = array("q")
    left = limit if limit is not None else -1
    while left:
        size = SLICE if left < 0 else min(left, SLICE)
        sql, values = _threads_sql(view, below, is_small=is_small) if view.folded else view_sql(view, query, below)
        keys = _as_keys(cursor, f"{sql} LIMIT {size}", values)
        found.extend(keys)
        if len(keys) < size:
            break
        left -= size if left > 0 else 0
        below = keys[-1]
    return found


def _as_keys(cursor: sqlite3.Cursor, sql: str, values: Sequence[str | int]) -> array[int]:
    """The keys of a SELECT, fetched as one text of decimal numbers. SQLite does the work without the interpreter, so
    that a thread that reads a million keys does not slow the screen."""
    text: str = cursor.execute(f"SELECT group_concat(key) FROM ({sql})", values).fetchone()[0] or ""
    keys: array[int] = array("q")
    start = 0
    while start < len(text):
        # Piece by piece, for a list of numbers takes five times the memory of the array.
        end = text.find(",", start + PIECE)
        end = len(text) if end < 0 else end
        keys.extend(array("q", _decode_numbers(f"[{text[start:end]}]")))
        start = end + 1
    return keys


def _by_rows(cursor: sqlite3.Cursor, view: MailView, query: Query, limit: int | None, below: int | None) -> array[int]:
    """Reads the keys of searches, which slices would restart, and of folded views, thinned here to one per thread."""
    sql, values = view_sql(view, query, below)
    if not view.folded:
        return _as_keys(cursor, f"{sql} LIMIT {-1 if limit is None else int(limit)}", values)
    cursor.execute(sql, values)
    found: array[int] = array("q")
    seen: set[int] = set()
    while rows := cursor.fetchmany(1000):
        for key, thread in rows:
            if thread not in seen:
                seen.add(thread)
                found.append(key)
        if limit is not None and len(found) >= limit:
            break
    return found if limit is None else found[:limit]


def _is_threads_alone(view: MailView) -> bool:
    """Whether the folded view is all threads of all mailboxes or of one."""
    return view.status is None and view.label is None and not view.query.strip()


def _threads_sql(view: MailView, below: int | None = None, *, is_small: bool = False) -> tuple[str, list[str | int]]:
    """The SELECT for all threads of all mailboxes or of one: the newest mail of each, drafts apart. `is_small`: it is
    one with few threads, which are sorted instead of walking all."""
    index = "sqlite_autoindex_threads_1" if is_small else "threads_by_newest"
    values: list[str | int] = []
    where = ""
    if below is not None:
        where = " AND newest < ?"
        values.append(below)
    if view.mailbox_id is not None:
        where += " AND mailbox_id = ?"
        values.append(view.mailbox_id)
    return (f"SELECT newest AS key FROM threads INDEXED BY {index} WHERE size > 0{where} ORDER BY 1 DESC", values)
