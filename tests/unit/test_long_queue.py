"""A long queue is shown as it is read: the oldest drafts first, each with all its findings."""

from __future__ import annotations

from pathlib import Path

from bench.long_queue import fill
from mm_tui.clock import SystemClock
from mm_tui.services.queue.entries import FIRST_READ, ReviewQueue
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.settings.sections import Risk
from mm_tui.store.database import Database

DRAFTS = 2 * FIRST_READ + 10


def test_the_first_drafts_are_told_of_before_the_last_ones_are_read(tmp_path: Path) -> None:
    told: list[tuple[list[QueueEntry], int]] = []
    with Database.open(tmp_path / "store.db") as database:
        fill(database, DRAFTS)
        queue = ReviewQueue(database, SystemClock(), Risk())
        entries = queue.entries(so_far=lambda entries, count: told.append((entries, count)))
        assert [(len(first), count) for first, count in told] == [(FIRST_READ, DRAFTS), (2 * FIRST_READ, DRAFTS)]
        assert all(first == entries[: len(first)] for first, _ in told)
        assert len(entries) == DRAFTS
        assert all(entry.assessment.findings for entry in entries)


def test_a_reading_that_is_stopped_ends_early(tmp_path: Path) -> None:
    with Database.open(tmp_path / "store.db") as database:
        fill(database, DRAFTS)
        queue = ReviewQueue(database, SystemClock(), Risk())
        told: list[int] = []
        found = queue.entries(so_far=lambda entries, _: told.append(len(entries)), stop=lambda: bool(told))
    assert len(found) == FIRST_READ
