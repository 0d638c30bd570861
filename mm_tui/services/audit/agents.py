"""What reviewers did with the drafts of each agent, from the local journal. An agent is identified by the key that
composed the drafts. Only the gateway's audit log names the key: drafts not covered by it are listed without a key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median

import msgspec

from mm_tui.clock import Clock
from mm_tui.services.audit.track_record import Decided, by_day, ended
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.text import OneLine

MOST_REASONS = 10
"""How many different reasons are listed for one agent."""


class AgentFigures(msgspec.Struct):
    """One agent's row: who it is, and what became of its drafts."""

    key_id: OneLine
    """The id of the key that composed; empty if the log does not say."""
    decided: list[Decided] = msgspec.field(default_factory=list)
    """Decisions about its drafts."""

    def number(self, *outcomes: str) -> int:
        """How many drafts were decided this way."""
        return sum(one.outcome in outcomes for one in self.decided)

    @property
    def edited(self) -> int:
        """How many were sent with a human's text."""
        return self.number("edit_released", "rescheduled")

    @property
    def reasons(self) -> list[tuple[OneLine, int]]:
        """Why drafts were rejected, most frequent first."""
        found = Counter(OneLine(one.reason) for one in self.decided if one.reason)
        return found.most_common(MOST_REASONS)

    @property
    def flags(self) -> list[tuple[OneLine, int]]:
        """Codes of findings, with the number of drafts that had them, most frequent first."""
        return Counter(OneLine(flag) for one in self.decided for flag in one.flags).most_common()

    @property
    def seconds(self) -> float | None:
        """Median time from a draft's arrival to its decision; None if unknown."""
        known = [one.seconds for one in self.decided if one.seconds is not None]
        return median(known) if known else None

    def days(self, now: datetime) -> Sequence[tuple[int, int]]:
        """Counts by day; see `track_record.by_day`."""
        return by_day(self.decided, now)


def numbered(counts: Sequence[tuple[str, int]]) -> OneLine:
    """`Wrong tone 3, Wrong facts 1`."""
    return OneLine(", ".join(f"{words} {number}" for words, number in counts))


def by_agent(decided: Iterable[Decided], audit: AuditStore) -> list[AgentFigures]:
    """The agents of these decisions, busiest first. Inbound mail belongs to no agent."""
    drafts = [one for one in decided if not one.inbound]
    keys, found = audit.composers([one.email_id for one in drafts]), dict[str, AgentFigures]()
    for one in drafts:
        key = keys.get(one.email_id, "")
        found.setdefault(key, AgentFigures(OneLine(key))).decided.append(one)
    return sorted(found.values(), key=lambda agent: (-len(agent.decided), agent.key_id))


def decided_since(database: Database, clock: Clock, days: int) -> list[Decided]:
    """What was decided with this program in the last days, according to the journal."""
    since = clock.now() - timedelta(days=days)
    return [one for one in ended(Journal(database).entries(), {}) if one.at >= since]


BARS = " ▁▂▃▄▅▆▇█"


def spark(values: Sequence[int], width: int, *, most: int | None = None) -> str:
    """A plot of counts, oldest first, in `width` cells (at most as many), adding up neighbours; zero is blank. `most`:
    the count that fills a cell; by default the largest."""
    sums = [sum(values[at * len(values) // width : (at + 1) * len(values) // width]) for at in range(width)]
    most = max(sums) if most is None else most
    return "".join(BARS[-(-one * (len(BARS) - 1) // most)] if most else BARS[0] for one in sums)
