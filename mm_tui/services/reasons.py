"""The reasons that are offered for a rejection: those used last, then the configured ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mm_tui.store.state import StateStore

if TYPE_CHECKING:
    from mm_tui.store.database import Database

KEPT = 4
"""How many own reasons are remembered."""
_NAME = "review.reasons"


def offered(database: Database, configured: Sequence[str]) -> list[str]:
    """What to offer, best first, each once."""
    return list(dict.fromkeys([*_used(database), *configured]))


def remember(database: Database, reason: str) -> None:
    """A human gave this reason."""
    kept = [reason, *(old for old in _used(database) if old != reason)]
    StateStore(database).set(_NAME, json.dumps(kept[:KEPT]))


def _used(database: Database) -> list[str]:
    return [str(reason) for reason in json.loads(StateStore(database).get(_NAME) or "[]")]
