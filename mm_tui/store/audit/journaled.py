"""The decisions that the journal records about each email, and what the gateway calls us in its own records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from mm_tui.store.audit.journal import ABOUT, ACT, AT, EMAIL, IS_DECISION, KIND, WHO, parsed_ms
from mm_tui.store.damaged import field_of
from mm_tui.store.database import Database
from mm_tui.store.sort_keys import from_ms
from mm_tui.text import OneLine

OWN_KEYS = 50
"""How many of our own approvals are examined to learn the names of our keys."""


class JournaledDecision(NamedTuple):
    who: OneLine
    approved: bool
    number: int
    """The number of the journal entry."""
    at: datetime | None
    """When the gateway's answer arrived."""


class JournaledDecisions:
    """The decisions in the journal by email, as far as `learn` has read. Call `learn` in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_email: dict[str, list[JournaledDecision]] = {}
        self._read_to = 0
        self.originals: dict[str, str] = {}
        """The ids of drafts that were replaced by edits released here, by the ids of the edits."""
        self.own_keys: frozenset[str] = frozenset()
        """The key ids under which the gateway recorded our approvals."""

    def about(self, email_id: str) -> Sequence[JournaledDecision]:
        """The decisions about this email that were made here."""
        return self._by_email.get(email_id, ())

    def learn(self) -> None:
        """Reads the decisions added to the journal since the last call."""
        reader = self._database.reader()
        newest = reader.execute("SELECT coalesce(max(number), 0) FROM journal").fetchone()[0]
        rows = reader.execute(
            f"SELECT number, {WHO}, {ACT}, {ABOUT}, {KIND}, {AT}, {EMAIL} FROM journal"
            f" WHERE number > ? AND number <= ? AND {IS_DECISION} ORDER BY number",
            (self._read_to, newest),
        )
        self._read_to = int(newest)
        for number, who, act, about, kind, moment, email_id in rows:
            if act in ("approve", "reject", "release_edit") and about and who:
                approved = kind == "done" and act != "reject"
                at = parsed_ms(moment, 0)
                decision = JournaledDecision(OneLine(str(who)), approved, int(number), from_ms(at) if at else None)
                self._by_email.setdefault(str(about), []).append(decision)
                if approved and act == "release_edit" and email_id and about != email_id:
                    self.originals[str(about)] = str(email_id)
        self.own_keys = self._recorded_names()

    def _recorded_names(self) -> frozenset[str]:
        ours = [about for about, made in self._by_email.items() if any(one.approved for one in made)][-OWN_KEYS:]
        rows = self._database.rows(
            f"SELECT DISTINCT {field_of('details.model', 'approved_by')} FROM mail JOIN details USING (key)"
            " WHERE mail.email_id IN (SELECT value FROM json_each(?))",
            (json.dumps(ours),),
        )
        return frozenset(row[0] for row in rows if row[0])
