"""Examples of wording, in a file beside the profile's store: the reviewer's program writes it, the agent reads it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from mm_tui.store.sort_keys import from_ms, to_ms
from mm_tui.system.private_files import private
from mm_tui.text import ManyLine, OneLine

MOST = 200
"""The most examples kept for one gateway; the oldest are deleted."""
LOCKED_SECONDS = 2.0
_TABLE = (
    "CREATE TABLE IF NOT EXISTS examples (gateway TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL,"
    " mailbox_id TEXT NOT NULL, label TEXT NOT NULL, asked TEXT NOT NULL, written TEXT NOT NULL,"
    " released TEXT NOT NULL, PRIMARY KEY (gateway, id)) WITHOUT ROWID"
)


class SavedExample(NamedTuple):
    """What an agent wrote, and what a human sent instead. All texts are masked."""

    id: str
    at: datetime | None
    mailbox_id: str
    label: OneLine
    asked: ManyLine
    """The email that both answer; empty if it was not read."""
    written: ManyLine
    released: ManyLine


class ExampleStore:
    """The examples of one profile at one gateway.

    Args:
        path: the file; it is created with the first example.
        gateway: the gateway's address. Examples of other gateways are not listed.

    All methods raise sqlite3.Error or OSError if the file cannot be used.
    """

    def __init__(self, path: Path, gateway: str) -> None:
        self._path = path
        self._gateway = gateway

    def add(self, example: SavedExample) -> None:
        """Stores an example, replacing one with the same id."""
        with self._open(makes=True) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO examples VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (self._gateway, example.id, to_ms(example.at) or 0, *map(str, example[2:])),
            )
            connection.execute(
                "DELETE FROM examples WHERE gateway = ? AND id NOT IN"
                " (SELECT id FROM examples WHERE gateway = ? ORDER BY at DESC, id LIMIT ?)",
                (self._gateway, self._gateway, MOST),
            )

    def all(self) -> list[SavedExample]:
        """All examples, newest first."""
        with self._open() as connection:
            rows = connection.execute(
                "SELECT id, at, mailbox_id, label, asked, written, released FROM examples WHERE gateway = ?"
                " ORDER BY at DESC, id",
                (self._gateway,),
            ).fetchall()
        return [SavedExample(row[0], from_ms(row[1]), row[2], OneLine(row[3]), *map(ManyLine, row[4:])) for row in rows]

    def delete(self, ids: Sequence[str] | None = None) -> int:
        """Deletes examples by their ids, or all; returns how many there were. Their content is overwritten on disk."""
        with self._open() as connection:
            before = connection.total_changes
            wanted = "" if ids is None else f" AND id IN ({', '.join('?' * len(ids))})"
            connection.execute(f"DELETE FROM examples WHERE gateway = ?{wanted}", (self._gateway, *(ids or ())))
            return connection.total_changes - before

    @contextmanager
    def _open(self, *, makes: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection with a transaction; to an empty memory database if there is no file and none is to be made."""
        if makes:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(self._path, "ab", opener=private):
                pass
        path = self._path if self._path.exists() else Path(":memory:")
        with closing(sqlite3.connect(path, timeout=LOCKED_SECONDS)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute(_TABLE)
            with connection:
                yield connection
