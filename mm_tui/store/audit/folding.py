"""Which lines of the two logs belong together: the steps of one decision, and the tag changes of one opening."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mm_tui.store.audit.timeline import JOURNAL_STEPS, parsed_ms

if TYPE_CHECKING:
    from mm_tui.store.database import Database

TOGETHER_MS = 15 * 60 * 1000
"""Tag changes of one mail that follow each other within this time are one row."""
TAGGING = frozenset({"tagging", "untagging"})


class _Step(NamedTuple):
    group: tuple[str, str]
    """What it is a step of; the second is empty for a line that stands alone."""
    at: int
    """Milliseconds since 1970."""


_ALONE = _Step(("", ""), 0)


class Folder:
    """Folds lines that come newest first. The newest line of a group stands for it.

    Args:
        database: where the lines are.
        decisions: fold the steps of a decision; else tag changes alone.
    """

    def __init__(self, database: Database, *, decisions: bool = True) -> None:
        self._database = database
        self._decisions = decisions
        self._open: dict[tuple[str, str], tuple[int, int]] = {}
        """For each group the key that stands for it and when its last line was."""
        self.folded: dict[int, int] = {}
        """How many lines a key stands for besides its own."""

    def fold(self, keys: Sequence[int]) -> array[int]:
        """The keys that stand for these, in their order. To be called with one chunk after the other."""
        steps = dict(self._steps(keys))
        kept: array[int] = array("q")
        for key in keys:
            group, at = steps.get(key, _ALONE)
            head = self._open.get(group) if group[1] else None
            if head is not None and (group[0] == "decision" or abs(head[1] - at) <= TOGETHER_MS):
                self.folded[head[0]] = self.folded.get(head[0], 0) + 1
                self._open[group] = (head[0], at)
                continue
            if group[1]:
                self._open[group] = (key, at)
            kept.append(key)
        return kept

    def _steps(self, keys: Sequence[int]) -> Iterator[tuple[int, _Step]]:
        reader = self._database.reader()
        numbers = json.dumps([key >> 1 for key in keys if not key & 1])
        rows = reader.execute(
            "SELECT key, resource_id, created_at FROM audit WHERE key IN (SELECT value FROM json_each(?))"
            " AND json_extract(model, '$.action') LIKE '%tag%'",
            (numbers,),
        )
        for key, email_id, at in rows:
            yield key << 1, _Step(("tags", str(email_id)), at)
        numbers = json.dumps([key >> 1 for key in keys if key & 1])
        for number, kind, release, email_id, at in reader.execute(JOURNAL_STEPS, (numbers,)):
            if release and self._decisions:
                yield number << 1 | 1, _Step(("decision", str(release)), 0)
            elif kind in TAGGING and email_id:
                yield number << 1 | 1, _Step(("tags", str(email_id)), parsed_ms(at, 0))
