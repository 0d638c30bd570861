"""The reasons that are offered for a rejection: the configured ones, then own words that were used before.

Each keeps its place: hands remember where a reason stands. New words go to the end, and once there are enough take the
place of those that were not used for the longest time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mm_tui.store.state import StateStore

if TYPE_CHECKING:
    from mm_tui.store.database import Database

KEPT = 4
"""How many own reasons are remembered."""
_NAME = "review.reasons"


class _Own(NamedTuple):
    places: list[str]
    """In the order in which they are offered."""
    recent: list[str]
    """The same, the last used first."""


def offered(database: Database, configured: Sequence[str]) -> list[str]:
    """What to offer, each once."""
    return list(dict.fromkeys([*configured, *_own(database).places]))


def remember(database: Database, reason: str, configured: Sequence[str]) -> None:
    """A human rejected mail for this reason, and it was not undone."""
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
    StateStore(database).set(_NAME, json.dumps({"places": own.places, "recent": recent}))


def _own(database: Database) -> _Own:
    stored = json.loads(StateStore(database).get(_NAME) or "[]")
    if isinstance(stored, list):
        # As earlier versions wrote it: the last used first, the configured ones among them.
        stored = {"places": stored[:KEPT], "recent": stored[:KEPT]}
    return _Own(list(map(str, stored["places"])), list(map(str, stored["recent"])))
