"""The plot above the audit list: decisions by day, from both logs. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from textual.content import Content

from mm_tui.services.audit.agents import spark
from mm_tui.store.audit.made import MadeDecision, MadeOutcome
from mm_tui.widgets.words import LinePart, fit

GAP = 2
DAYS = 30
"""The number of days in the plot, including today."""


def first_day(now: datetime) -> datetime:
    """The midnight, in the reader's time zone, at which the plot begins."""
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=DAYS - 1)


OUTCOME_WORDS = {
    (MadeOutcome.SENT, True): "as written",
    (MadeOutcome.EDITED, True): "edited",
    (MadeOutcome.REJECTED, True): "rejected",
    (MadeOutcome.LET_IN, True): "let in",
    (MadeOutcome.SENT, False): "approved elsewhere",
    (MadeOutcome.EDITED, False): "edited elsewhere",
    (MadeOutcome.REJECTED, False): "rejected elsewhere",
    (MadeOutcome.LET_IN, False): "let in elsewhere",
}
"""What happened, and whether it was decided with this program's store. The gateway's log does not say if a draft was
sent as it was written."""


def decisions_plot(made: Sequence[MadeDecision], now: datetime, width: int) -> Content:
    """One line of `width` cells: the totals by outcome, a bar per day, today's count and the highest; empty without
    decisions. Where there is little room the last words are left out, then a bar stands for two or three days, then the
    bars are left out."""
    if not made:
        return Content("")
    today = now.astimezone().date()
    days = [0] * DAYS
    for one in made:
        at = DAYS - 1 - (today - one.at.astimezone().date()).days
        days[min(DAYS - 1, max(0, at))] += 1
    outcomes = Counter((one.outcome, one.here) for one in made)
    said = ", ".join(f"{outcomes[kind]:,} {words}" for kind, words in OUTCOME_WORDS.items() if outcomes[kind])
    totals = f"{DAYS} days: {said}"
    room = width - len(totals) - GAP
    count = next((count for count in (DAYS, DAYS // 2, DAYS // 3) if count <= room), 0)
    parts = [
        LinePart(
            0, Content.assemble((totals, "$mm-dim"), " " * GAP if count else "", spark(days, count) if count else "")
        ),
        LinePart(1, Content.styled(f"{days[-1]:,} today", "bold")),
        LinePart(2, Content.styled(f"busiest day {max(days):,}", "$mm-dim")),
    ]
    return fit(parts, width)
