"""By when waiting mail should be decided, from the minutes that `[review] sla_minutes` allows a mailbox. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

DEFAULT = "default"
"""The name under which the minutes for all other mailboxes stand."""
SOON = 3
"""An email is said to be due in the last third of its time."""


def due_at(received_at: datetime | None, address: str, minutes: Mapping[str, int]) -> datetime | None:
    """By when an email should be decided; None when nothing is set for its mailbox, or its time is not known.

    Args:
        received_at: when it came into the queue.
        address: its mailbox's.
        minutes: minutes by mailbox address, in any letter case, and under `default` for all others.
    """
    if received_at is None or not minutes:
        return None
    by_address = {name.lower(): allowed for name, allowed in minutes.items()}
    allowed = by_address.get(address.lower(), by_address.get(DEFAULT))
    return received_at + timedelta(minutes=allowed) if allowed is not None else None


def is_overdue(due: datetime | None, now: datetime) -> bool:
    """Whether an email has waited longer than it should."""
    return due is not None and now >= due


def due_words(received_at: datetime | None, due: datetime | None, now: datetime) -> str:
    """`due 5m` in the last third of its time, `overdue 12m` after it, else empty."""
    if due is None or received_at is None:
        return ""
    if now >= due:
        return f"overdue {_span(now - due)}"
    return f"due {_span(due - now)}" if (due - now) * SOON <= due - received_at else ""


def _span(length: timedelta) -> str:
    """Whole minutes, hours or days, rounded up to a minute at least."""
    minutes = max(1, int(length.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes}m"
    return f"{minutes // 60}h" if minutes < 60 * 24 else f"{minutes // (60 * 24)}d"
