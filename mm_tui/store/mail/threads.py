"""The threads of many emails at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mm_tui.models import EmailDetail, EmailSummary, PendingItem
    from mm_tui.store.database import Database


class ThreadRow(NamedTuple):
    """An email of a thread as it is stored."""

    row: sqlite3.Row

    @property
    def stored(self) -> tuple[object, ...]:
        """Everything that is stored about it, for comparison."""
        return tuple(self.row)

    def summary(self) -> EmailSummary:
        """The email as it was listed."""
        from mm_tui.store.mail.columns import summary_of

        return summary_of(self.row)

    def detail(self) -> EmailDetail | None:
        """The email as it was opened; None if it was never opened on this machine."""
        from mm_tui.store.mail.columns import detail_of

        return detail_of(self.row) if self.row["model"] is not None else None


def thread_rows(database: Database, items: Sequence[PendingItem]) -> Iterator[tuple[PendingItem, list[ThreadRow]]]:
    """Each of these emails with the others of its thread, oldest first.

    An email that does not name its thread is in the one under which it was listed.
    """
    reader = database.reader()
    named = {item.id: item.thread_id for item in items}
    if unnamed := [key for key, thread_id in named.items() if thread_id is None]:
        marks = ",".join("?" * len(unnamed))
        sql = "SELECT mail.email_id, threads.thread_id FROM mail JOIN threads ON threads.thread = mail.thread"
        for email_id, thread_id in reader.execute(f"{sql} WHERE mail.email_id IN ({marks})", unnamed):
            # A name that begins with a space stands for an email without a thread.
            named[email_id] = None if thread_id.startswith(" ") else thread_id
    wanted = {(item.mailbox_id, thread_id) for item in items if (thread_id := named[item.id]) is not None}
    threads: dict[tuple[str, str], list[sqlite3.Row]] = {}
    if wanted:
        rows = reader.execute(
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
        yield item, [ThreadRow(row) for row in rows_of if row["email_id"] != item.id]
