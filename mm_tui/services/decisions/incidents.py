"""Mail that left and should not have: remembered in the store until a human has looked at it, also after a restart."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

from mm_tui.models import Attachment, Party, PendingItem
from mm_tui.services.decisions.record import ActiveDecision, restored
from mm_tui.store.decisions.records import DecisionStore
from mm_tui.store.state import StateStore
from mm_tui.text import ManyLine, OneLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mm_tui.store.database import Database

_NAME = "incidents"


class Incidents:
    """The incidents that nobody has looked at yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._state = StateStore(database)
        self._rows = DecisionStore(database)

    def note(self, release_id: str) -> None:
        """Remembers that a decision ended so, inside the caller's transaction."""
        self._state.set(_NAME, json.dumps([*dict.fromkeys([*self._ids(), release_id])]))

    def unseen(self) -> list[ActiveDecision]:
        """Those that nobody has looked at, oldest first."""
        rows = [self._rows.get(release_id) for release_id in self._ids()]
        return [restored(row) for row in rows if row is not None]

    def looked_at(self, release_id: str) -> None:
        """A human has looked at it: it is forgotten, and with it the text that was kept to be shown."""
        with self._database.write() as connection:
            left = [one for one in self._ids() if one != release_id]
            self._state.set(_NAME, json.dumps(left) if left else None)
            self._drop_text(connection, release_id)

    def _drop_text(self, connection: sqlite3.Connection, release_id: str) -> None:
        if (row := self._rows.get(release_id)) is not None:
            self._rows.put(connection, replace(row, content=None))

    def _ids(self) -> Sequence[str]:
        found: list[str] = json.loads(self._state.get(_NAME) or "[]")
        return found


def item_of(live: ActiveDecision) -> PendingItem | None:
    """The email as it was seen when it was decided; None where its text is not kept."""
    if live.content is None:
        return None
    raw, case = live.content.base, live.state.case
    return PendingItem(
        id=case.item,
        mailbox_id=live.facts.mailbox_id,
        direction=OneLine(live.facts.direction),
        sender=Party.parse(raw.sender),
        to=tuple(map(Party.parse, raw.to)),
        cc=tuple(map(Party.parse, raw.cc)),
        subject=OneLine(raw.subject),
        body=ManyLine(raw.body),
        received_at=live.facts.received_at,
        thread_id=live.facts.thread_id,
        attachments=tuple(
            Attachment(name=OneLine(name), size=size, content_type=OneLine(kind))
            for name, size, kind in raw.attachments
        ),
        raw=raw,
        complete=True,
    )
