"""The full-text index of mail: which text of an email it has, and how it is kept up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_WORDS_SQL = """
SELECT mail.key, mail.subject, mail.sender, mail.sender_name, mail.recipients, mail.summary,
    coalesce(details.body, '') AS body
FROM mail LEFT JOIN details ON details.key = mail.key WHERE mail.key
"""


def indexed_words(cursor: sqlite3.Cursor, keys: Sequence[int]) -> Iterator[tuple[int | str, ...]]:
    """The indexed columns of these emails: key, subject, sender, recipients, body, summary."""
    names = ("key", "subject", "sender", "sender_name", "recipients", "summary", "body")
    for values in cursor.execute(f"{_WORDS_SQL} IN ({marks(keys)})", tuple(keys)).fetchall():
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


def _index(connection: sqlite3.Connection, key: int, sql: str) -> None:
    row = connection.execute(f"{_WORDS_SQL} = ?", (key,)).fetchone()
    if row is not None:
        connection.execute(sql, (key, *words_of(row), row["body"], row["summary"]))


def words_of(columns: sqlite3.Row | dict[str, Any]) -> tuple[str, str, str]:
    """An email's subject, sender and recipients in the form for the index."""
    # Only letters and digits are indexed, so JSON's brackets and quotes do no harm.
    people = columns["recipients"]
    return columns["subject"], f"{columns['sender']} {columns['sender_name']}".rstrip(), people


def marks(values: Iterable[object]) -> str:
    """A placeholder for each of the values."""
    return ",".join("?" for _ in values)
