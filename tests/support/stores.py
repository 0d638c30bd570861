"""Store files of tests: opened or rebuilt, and with rows that are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from mm_tui.store.connecting import CorruptStore
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore, MailView
from mm_tui.store.recovery import Rescue, rebuild

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def open_or_rebuild(path: Path, now: datetime) -> tuple[Database, Rescue | None]:
    try:
        return Database.open(path), None
    except CorruptStore as error:
        return rebuild(error, now=now)


def with_kept_rows(path: Path, rows: int) -> None:
    with Database.open(path) as database, database.write(durable=True) as connection:
        connection.executemany(
            "INSERT INTO journal (number, entry, hash) VALUES (?, ?, ?)",
            [(number, f"entry {number} " + "x" * 200, "h") for number in range(1, rows + 1)],
        )
        connection.execute("INSERT INTO edits VALUES ('one', 'box', 'd', '{}', '[]', 's', 'my words', 1, 'now')")


def journal_ids(database: Database) -> list[int]:
    return [row[0] for row in database.reader().execute("SELECT number FROM journal ORDER BY number")]


def found(mail: MailStore, query: str) -> list[int]:
    """The numbers of the mails that a search finds."""
    return [int(one[3:]) for one in mail.ids(MailView(query=query))]
