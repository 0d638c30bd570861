"""Finds the first results of a search for a prefix so short that a large share of all emails matches.

The full-text index would first merge the emails of every word with the prefix, which takes a tenth of a second for a
million. Many of the newest emails match, and they are shown first: so they get an index of their own, in memory.
"""

from __future__ import annotations

import sqlite3
from array import array
from contextlib import closing
from dataclasses import replace

from mm_tui.store.mail.search import MailView, Query, view_sql
from mm_tui.store.mail.word_index import indexed_words

LOOKED_AT = 400
"""How many of the newest emails are examined. It takes about 4 ms."""
MANY = 20_000
"""With fewer emails than this the full-text index is fast enough."""

_INDEX = """
CREATE VIRTUAL TABLE mail_words USING fts5 (
    subject, sender, recipients, body, summary,
    content='', columnsize=0, tokenize="unicode61 remove_diacritics 2"
);
"""


def newest_matches(cursor: sqlite3.Cursor, view: MailView, query: Query) -> array[int]:
    """The newest emails of a view that match its words, newest first: the beginning of the full result.

    Args:
        cursor: returns rows as tuples.
        view: what is shown.
        query: its parsed query; unless it is `broad`, the result is empty.
    """
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
