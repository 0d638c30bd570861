"""The full-text index of mail: its text, how it is kept up to date, and the first results of a very short prefix."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

from msgspec.structs import replace

from mm_tui.store.damaged import fetched
from mm_tui.store.mail.search import MailView, Query, view_sql
from mm_tui.store.schema import WORDS_TABLE

_WORDS_SQL = """
SELECT mail.key, mail.subject, mail.sender, mail.sender_name, mail.recipients, mail.summary,
    coalesce(details.body, '') AS body
FROM mail LEFT JOIN details ON details.key = mail.key WHERE mail.key
"""


def indexed_words(cursor: sqlite3.Cursor, keys: Sequence[int]) -> Iterator[tuple[int | str, ...]]:
    """The indexed columns of these emails: key, subject, sender, recipients, body, summary."""
    names = ("key", "subject", "sender", "sender_name", "recipients", "summary", "body")
    for values in fetched(cursor, f"{_WORDS_SQL} IN ({marks(keys)})", keys):
        columns = dict(zip(names, values, strict=True))
        yield columns["key"], *words_of(columns), columns["body"], columns["summary"]


def unindex(connection: sqlite3.Connection, key: int) -> None:
    """Removes an email from the full-text index. Call it before its text changes: the index needs the old text."""
    _index(connection, key, "INSERT INTO mail_words (mail_words, rowid, subject, sender, recipients, body, summary)"
           " VALUES ('delete', ?, ?, ?, ?, ?, ?)")  # fmt: skip


def index(connection: sqlite3.Connection, key: int) -> None:
    """Adds an email to the full-text index, as it is now in the tables."""
    _index(connection, key, "INSERT INTO mail_words (rowid, subject, sender, recipients, body, summary)"
           " VALUES (?, ?, ?, ?, ?, ?)")  # fmt: skip


def index_new(connection: sqlite3.Connection, keys: Sequence[int]) -> None:
    """Adds emails without bodies and summaries to the full-text index, as they are now in the tables."""
    connection.execute(
        "INSERT INTO mail_words (rowid, subject, sender, recipients, body, summary)"
        " SELECT key, subject, sender || ' ' || sender_name, recipients, '', ''"
        # In the order of keys, because the full-text index flushes whenever a key is lower than the previous one.
        " FROM mail WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key",
        (json.dumps(keys),),
    )


def _index(connection: sqlite3.Connection, key: int, sql: str) -> None:
    for row in fetched(connection.cursor(), f"{_WORDS_SQL} = ?", (key,)):
        connection.execute(sql, (key, *words_of(row), row["body"], row["summary"]))


def words_of(columns: sqlite3.Row | dict[str, Any]) -> tuple[str, str, str]:
    """An email's subject, sender and recipients in the form for the index."""
    # Only letters and digits are indexed, so JSON's brackets and quotes do no harm.
    people = columns["recipients"]
    return columns["subject"], f"{columns['sender']} {columns['sender_name']}".rstrip(), people


def marks(values: Iterable[object]) -> str:
    """A placeholder for each of the values."""
    return ",".join("?" for _ in values)


LOOKED_AT = 400
"""How many of the newest emails are examined. It takes about 4 ms."""
MANY = 20_000
"""With fewer emails than this the full-text index is fast enough."""


def newest_matches(cursor: sqlite3.Cursor, view: MailView, query: Query) -> array[int]:
    """The newest emails of a view that match its words, newest first: the beginning of the full result. `cursor`
    returns rows as tuples. Unless the parsed query is `broad`, the result is empty."""
    found: array[int] = array("q")
    if not query.broad or not cursor.execute("SELECT 1 FROM mail LIMIT 1 OFFSET ?", (MANY,)).fetchone():
        return found
    sql, values = view_sql(replace(view, query=""), replace(query, match=None))
    threads = dict(cursor.execute(f"{sql} LIMIT {LOOKED_AT}", values).fetchall())
    with closing(sqlite3.connect(":memory:")) as memory:
        memory.execute(WORDS_TABLE)
        memory.executemany(
            "INSERT INTO mail_words (rowid, subject, sender, recipients, body, summary) VALUES (?, ?, ?, ?, ?, ?)",
            indexed_words(cursor, sorted(threads)),
        )
        matching = memory.execute(
            "SELECT rowid FROM mail_words WHERE mail_words MATCH ? ORDER BY rowid DESC", (query.match,)
        )
        seen: set[int] = set()
        for (key,) in matching:
            if not view.folded or threads[key] not in seen:
                seen.add(threads[key])
                found.append(key)
    return found
