"""The plot above the audit list: decisions by day, from both logs. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from textual.content import Content

from mm_tui.services.audit.plots import spark
from mm_tui.store.audit.made import Outcome

if TYPE_CHECKING:
    from mm_tui.store.audit.made import MadeDecision

DAYS = 30
"""The number of days in the plot, including today."""


def first_day(now: datetime) -> datetime:
    """The midnight, in the reader's time zone, at which the plot begins."""
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=DAYS - 1)


def decisions_plot(made: Sequence[MadeDecision], now: datetime) -> Content:
    """One line with a bar per day, the highest count, and the totals by outcome; empty without decisions.

    Args:
        made: decisions since `first_day`.
        now: the current time.
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
    return Content.assemble(
        ("decisions ", "$mm-dim"),
        spark(days, DAYS),
        (f" {days[-1]:,} today", "bold"),
        (f" · {DAYS} days: {said}, up to {max(days):,} a day", "$mm-dim"),
    )
