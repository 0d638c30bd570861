"""What reviewers did with the drafts of each agent, from the local journal. An agent is the key that composed them.

The key is told by the gateway's audit log alone: where that was not read, drafts stand under no key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
    """Decisions about its drafts."""

    def number(self, *outcomes: str) -> int:
        """How many drafts were decided so."""
        return sum(one.outcome in outcomes for one in self.decided)

    @property
    def edited(self) -> int:
        """How many left with a human's text."""
        return self.number("edit_released", "rescheduled")

    @property
    def reasons(self) -> list[tuple[OneLine, int]]:
        """Why drafts were rejected, the most frequent first."""
        found = Counter(OneLine(one.reason) for one in self.decided if one.reason)
        return found.most_common(MOST_REASONS)

    @property
    def flags(self) -> list[tuple[OneLine, int]]:
        """Codes of findings, with how many of the drafts had them, the most frequent first."""
        return Counter(OneLine(flag) for one in self.decided for flag in one.flags).most_common()

    @property
    def seconds(self) -> float | None:
        """Median time from a draft's arrival to its decision; None where no time is known."""
        known = [one.seconds for one in self.decided if one.seconds is not None]
        return median(known) if known else None

    def days(self, now: datetime) -> Sequence[tuple[int, int]]:
        """As `track_record.by_day`."""
        return by_day(self.decided, now)


def numbered(counts: Sequence[tuple[str, int]]) -> OneLine:
    """`Wrong tone 3, Wrong facts 1`."""
    return OneLine(", ".join(f"{words} {number}" for words, number in counts))


def by_agent(decided: Iterable[Decided], audit: AuditStore) -> list[AgentFigures]:
    """The agents of these decisions, the busiest first. Inbound mail is no agent's."""
    drafts = [one for one in decided if not one.inbound]
    keys, found = audit.composers([one.email_id for one in drafts]), dict[str, AgentFigures]()
    for one in drafts:
        key = keys.get(one.email_id, "")
        found.setdefault(key, AgentFigures(OneLine(key))).decided.append(one)
    return sorted(found.values(), key=lambda agent: (-len(agent.decided), agent.key_id))


def decided_since(database: Database, clock: Clock, days: int) -> list[Decided]:
    """What was decided with this program in the last days, by the journal."""
    since = clock.now() - timedelta(days=days)
    made: list[Decided] = []
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
            if decided is not None and decided.at >= since:
                made.append(decided)
    return made
