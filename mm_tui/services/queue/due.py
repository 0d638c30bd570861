"""Due times of waiting emails, from the minutes that `[review] sla_minutes` allows a mailbox. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

DEFAULT = "default"
"""The key of the minutes for all other mailboxes."""
SOON = 3
"""An email is shown as due in the last third of its time."""


def due_at(received_at: datetime | None, address: str, minutes: Mapping[str, int]) -> datetime | None:
    """When an email is due; None if nothing is set for its mailbox, or its time is unknown. `minutes`: minutes by
    mailbox address, in any letter case; `default` for all others."""
    if received_at is None or not minutes:
        return None
    by_address = {name.lower(): allowed for name, allowed in minutes.items()}
    allowed = by_address.get(address.lower(), by_address.get(DEFAULT))
    return received_at + timedelta(minutes=allowed) if allowed is not None else None


def is_overdue(due: datetime | None, now: datetime) -> bool:
    """Whether an email is past its due time."""
    return due is not None and now >= due


def due_words(received_at: datetime | None, due: datetime | None, now: datetime) -> str:
    """`due 5m` in the last third of its time, `overdue 12m` after it, otherwise empty."""
    if due is None or received_at is None:
        return ""
    if now >= due:
        return f"overdue {_span(now - due)}"
    return f"due {_span(due - now)}" if (due - now) * SOON <= due - received_at else ""


def _span(length: timedelta) -> str:
    """Whole minutes, hours or days, at least one minute."""
    minutes = max(1, int(length.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes}m"
    return f"{minutes // 60}h" if minutes < 60 * 24 else f"{minutes // (60 * 24)}d"
