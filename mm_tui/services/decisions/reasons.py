"""The reasons offered for a rejection: the configured ones, then the reviewer's own from before.

Each keeps its place, so that its key stays the same. New reasons are added at the end; when the list is full, a new one
replaces the one not used for the longest time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from mm_tui.store.database import Database
from mm_tui.store.state import StateStore

KEPT = 4
"""How many own reasons are remembered."""
_NAME = "review.reasons"


class _Own(NamedTuple):
    places: list[str]
    """In the order in which they are shown."""
    recent: list[str]
    """The same, most recently used first."""


def offered(database: Database, configured: Sequence[str]) -> list[str]:
    """The reasons to offer, without duplicates."""
    return list(dict.fromkeys([*configured, *_own(database).places]))


def remember(database: Database, reason: str, configured: Sequence[str]) -> None:
    """Remembers a reason after a rejection that was not undone, if the store can be written."""
    if reason in configured:
        return
    own = _own(database)
    if reason not in own.places:
        if len(own.places) < KEPT:
            own.places.append(reason)
        else:
            oldest = own.recent.pop()
            own.places[own.places.index(oldest)] = reason
    recent = [reason, *(old for old in own.recent if old != reason)]
    StateStore(database).note(_NAME, json.dumps({"places": own.places, "recent": recent}))


def _own(database: Database) -> _Own:
    return StateStore(database).read(_NAME, _read, _Own([], []))


def _read(text: str) -> _Own:
    stored = json.loads(text)
    if isinstance(stored, list):
        # The format of earlier versions: most recently used first, including the configured ones.
        stored = {"places": stored[:KEPT], "recent": stored[:KEPT]}
    return _Own(list(map(str, stored["places"])), list(map(str, stored["recent"])))
