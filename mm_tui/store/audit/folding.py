"""Groups related lines of the two logs: the steps of one decision, and the tag changes made on opening an email."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mm_tui.store.audit.journal import AT, EMAIL, KIND, inner, parsed_ms
from mm_tui.store.damaged import field_of
from mm_tui.store.database import Database

TOGETHER_MS = 15 * 60 * 1000
"""Tag changes of one email no further apart than this are one row."""
_JOURNAL_STEPS = f"""
SELECT number, {KIND}, {inner("details.release")}, {EMAIL}, {AT} FROM journal
WHERE number IN (SELECT value FROM json_each(?))
"""
TAGGING = frozenset({"tagging", "untagging"})


class _Step(NamedTuple):
    group: tuple[str, str]
    """What the line is a step of; the second part is empty for a line on its own."""
    at: int
    """Milliseconds since 1970."""


_ALONE = _Step(("", ""), 0)


class Folder:
    """Folds lines, newest first, into groups represented by their newest line. `decisions`: fold the steps of a
    decision as well as tag changes."""

    def __init__(self, database: Database, *, decisions: bool = True) -> None:
        self._database = database
        self._decisions = decisions
        self._open: dict[tuple[str, str], tuple[int, int]] = {}
        """For each group, the key that represents it and the time of its last line."""
        self.folded: dict[int, int] = {}
        """How many further lines a key represents."""

    def fold(self, keys: Sequence[int]) -> array[int]:
        """The keys that represent these, in order. Call it with successive chunks."""
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
            f" AND {field_of('model', 'action')} LIKE '%tag%'",
            (numbers,),
        )
        for key, email_id, at in rows:
            yield key << 1, _Step(("tags", str(email_id)), at)
        numbers = json.dumps([key >> 1 for key in keys if key & 1])
        for number, kind, decision_id, email_id, at in reader.execute(_JOURNAL_STEPS, (numbers,)):
            if decision_id and self._decisions:
                yield number << 1 | 1, _Step(("decision", str(decision_id)), 0)
            elif kind in TAGGING and email_id:
                yield number << 1 | 1, _Step(("tags", str(email_id)), parsed_ms(at, 0))
