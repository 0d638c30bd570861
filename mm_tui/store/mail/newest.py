"""The first results of a search for the beginning of a word so short that a great part of all emails has one.

The full-text index would first put together the emails of every word that begins so, which takes a tenth of a second
for a million. Of the newest emails many match, and these are wanted first: they are indexed by themselves, in memory.
"""

from __future__ import annotations

import sqlite3
from array import array
from contextlib import closing
from dataclasses import replace

from mm_tui.store.mail.search import MailView, Query, view_sql

LOOKED_AT = 400
"""So many of the newest emails are looked at. It takes about 4 ms."""
MANY = 20_000
"""With fewer emails the index itself is quick enough."""

_INDEX = """
CREATE VIRTUAL TABLE mail_words USING fts5 (
    subject, sender, recipients, body, summary,
    content='', columnsize=0, tokenize="unicode61 remove_diacritics 2"
);
"""


def newest_matches(cursor: sqlite3.Cursor, view: MailView, query: Query) -> array[int]:
    """Those of the newest emails of a view that match its words, newest first: the beginning of the whole answer.

    Args:
        cursor: gives rows as tuples.
        view: what is shown.
        query: its query; nothing is looked for unless it is `broad`.
    """
    from mm_tui.store.mail.filing import indexed_words

    found: array[int] = array("q")
    if not query.broad or not cursor.execute("SELECT 1 FROM mail LIMIT 1 OFFSET ?", (MANY,)).fetchone():
        return found
    sql, values = view_sql(replace(view, query=""), replace(query, match=None))
    threads = dict(cursor.execute(f"{sql} LIMIT {LOOKED_AT}", values).fetchall())
    with closing(sqlite3.connect(":memory:")) as memory:
        memory.execute(_INDEX)
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
