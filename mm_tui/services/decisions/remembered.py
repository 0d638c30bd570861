"""Ended decisions that still need something done; remembered in the store, also after a restart.

Among them are incidents: decisions after which something unwanted was sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from mm_tui import typed_json
from mm_tui.decision.state import INCIDENTS, Outcome
from mm_tui.models import PendingItem
from mm_tui.services.decisions.record import ActiveDecision, UnreadableDecision, restored, state_of
from mm_tui.store.database import Database
from mm_tui.store.decisions.records import DecisionStore
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine

log = logging.getLogger("mm_tui.decisions")

UNSEEN_INCIDENTS = "incidents"
"""Incidents that no human has looked at yet."""
FELL_BACK_UNASKED = "fell_back"
"""Decisions that fell back because a program ended otherwise than by its human, and nobody has looked at since."""
REDRAFTS_TO_ASK = "redrafts_to_ask"
"""Rejections for which the agent must still be asked for another draft."""


class RememberedDecisions:
    """The decisions remembered under one of the names above, with their texts."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._state = StateStore(database, kept=True)
        self._rows = DecisionStore(database)

    def note(self, decision_id: str) -> None:
        """Remembers a decision, inside the caller's transaction."""
        self._state.set(self._name, json.dumps([*dict.fromkeys([*self._ids(), decision_id])]))

    def all(self) -> list[ActiveDecision]:
        """The remembered decisions, oldest first."""
        found = []
        for decision_id in self._ids():
            if (row := self._rows.get(decision_id)) is not None:
                try:
                    found.append(restored(row))
                except UnreadableDecision as error:
                    log.error("%s", error)
        return found

    def forget(self, decision_id: str) -> None:
        """Forgets a decision that needs nothing more, and deletes the text kept for it."""
        with self._database.write() as connection:
            left = [one for one in self._ids() if one != decision_id]
            self._state.set(self._name, json.dumps(left) if left else None)
            if (row := self._rows.get(decision_id)) is not None:
                self._rows.put(connection, replace(row, content=None))

    def _ids(self) -> Sequence[str]:
        if self._state.get(self._name) is None:
            return []
        listed: list[str] | None = self._state.read(self._name, partial(typed_json.read, list[str]), None)
        return self._by_text() if listed is None else listed

    def _by_text(self) -> list[str]:
        """The same by the texts that are kept for them, if the list was damaged."""
        found = []
        for row in self._rows.with_text():
            with suppress(UnreadableDecision):
                if _kept_as(state_of(row).outcome) == self._name:
                    found.append(row.decision_id)
        return found


def _kept_as(outcome: Outcome | None) -> str:
    """Under which name an ended decision is remembered whose text is kept."""
    if outcome is Outcome.FELL_BACK:
        return FELL_BACK_UNASKED
    return UNSEEN_INCIDENTS if outcome in INCIDENTS else REDRAFTS_TO_ASK


def item_of(decision: ActiveDecision) -> PendingItem | None:
    """The email as it was seen when it was decided; None if its text was not kept."""
    if decision.content is None:
        return None
    meta = decision.meta
    return PendingItem.of(
        decision.content.base,
        id=decision.email_id,
        mailbox_id=meta.mailbox_id,
        direction=OneLine(meta.direction),
        received_at=meta.received_at,
        thread_id=meta.thread_id,
        complete=True,
    )
