"""What reviewers did with the drafts of each agent, from the local journal. An agent is the key that composed them.

The key is told by the gateway's audit log alone: where that was not read, drafts stand under no key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

from mm_tui.services.audit.track_record import Decided, by_day, decision
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.audit.journal import Journal
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.clock import Clock
    from mm_tui.store.database import Database

MOST_REASONS = 10
"""So many different reasons are told of one agent."""


@dataclass
class AgentFigures:
    """One agent's row."""

    key_id: OneLine
    """Of the key that composed; empty where the log does not tell."""
    decided: list[Decided] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    """Codes of findings, with how many of the decided drafts had them."""

    def number(self, *outcomes: str) -> int:
        """How many drafts were decided so."""
        return sum(one.outcome in outcomes for one in self.decided)

    @property
    def seconds(self) -> float | None:
        """Median time from a draft's arrival to its decision; None where no time is known."""
        known = [one.seconds for one in self.decided if one.seconds is not None]
        return median(known) if known else None

    def days(self, now: datetime) -> Sequence[tuple[int, int]]:
        """As `track_record.by_day`."""
        return by_day(self.decided, now)


def figures(database: Database, clock: Clock, days: int) -> list[AgentFigures]:
    """The agents whose drafts were decided with this program in the last days, the busiest first."""
    since = clock.now() - timedelta(days=days)
    audit, found = AuditStore(database), dict[str, AgentFigures]()
    held: dict[str, Mapping[str, object]] = {}
    for entry in Journal(database).plain():
        details, kind = entry["details"], entry.get("kind")
        if not isinstance(details, dict):
            continue
        release = str(details.get("release"))
        if kind == "held":
            held[release] = entry
        elif kind in ("ended", "undone", "fell_back") and (began := held.pop(release, None)) is not None:
            decided = decision(began, str(details.get("note")))
            if decided is None or decided.inbound or decided.at < since:
                continue
            key = audit.composer(str(began.get("email_id")))
            agent = found.setdefault(key, AgentFigures(OneLine(key)))
            agent.decided.append(decided)
            told = began["details"]
            if isinstance(told, dict):
                agent.flags.update({one.split()[0] for one in str(told.get("found", "")).split(",") if one.strip()})
                if decided.outcome == "rejected":
                    agent.reasons[str(OneLine(str(told.get("reason", ""))))] += 1
    return sorted(found.values(), key=lambda agent: (-len(agent.decided), agent.key_id))
