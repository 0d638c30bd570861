"""The plot above the audit list: decisions by day, from both logs. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from textual.content import Content

from mm_tui.services.audit.plots import spark
from mm_tui.store.audit.made import Outcome
from mm_tui.widgets.chrome import Part, fit

if TYPE_CHECKING:
    from mm_tui.store.audit.made import MadeDecision

DAYS = 30
"""The number of days in the plot, including today."""


def first_day(now: datetime) -> datetime:
    """The midnight, in the reader's time zone, at which the plot begins."""
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=DAYS - 1)


def decisions_plot(made: Sequence[MadeDecision], now: datetime, width: int) -> Content:
    """One line: the totals by outcome, a bar per day, today's count and the highest; empty without decisions.

    Where there is little room the last words are left out, then a bar stands for two days.

    Args:
        made: decisions since `first_day`.
        now: the current time.
        width: cells of the line.
    """
    if not made:
        return Content("")
    today = now.astimezone().date()
    days = [0] * DAYS
    for one in made:
        at = DAYS - 1 - (today - one.at.astimezone().date()).days
        days[min(DAYS - 1, max(0, at))] += 1
    outcomes = Counter(one.outcome for one in made)
    said = ", ".join(f"{outcomes[outcome]:,} {outcome}" for outcome in Outcome if outcomes[outcome])
    totals = f"{DAYS} days: {said}  "
    bars = spark(days, DAYS if DAYS + len(totals) <= width else DAYS // 2)
    parts = [
        Part(0, Content.assemble((totals, "$mm-dim"), bars)),
        Part(1, Content.styled(f"{days[-1]:,} today", "bold")),
        Part(2, Content.styled(f"up to {max(days):,} a day", "$mm-dim")),
    ]
    return fit(parts, width, " · ")
