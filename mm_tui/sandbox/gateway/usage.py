"""The account's usage: totals since the first of the month, or by day."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from mm_tui.sandbox.gateway import ids, sending
from mm_tui.sandbox.gateway.state import State

_DECIDED = "action IN ('oversight.approved', 'oversight.rejected')"
_DAILY = (
    ("email_sent", "SELECT released_at AS at FROM released"),
    ("email_received", "SELECT received_at AS at FROM emails WHERE direction = 'inbound'"),
    ("oversight_action", f"SELECT created_at AS at FROM audit WHERE {_DECIDED}"),  # noqa: S608 - a constant
)


def month_start(state: State) -> int:
    """The first of the month (UTC) in epoch ms."""
    now = datetime.fromtimestamp(state.now_ms() / 1000, UTC)
    return ids.to_ms(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0))


def summed_up(state: State) -> dict[str, object]:
    """The totals since the first of the month (UTC)."""
    since = month_start(state)
    floor = ids.encode(since << 80)
    (received,) = state.db.execute(
        "SELECT count(*) FROM mailboxes JOIN emails ON emails.mailbox_id = mailboxes.id"
        " WHERE direction = 'inbound' AND emails.id >= ?",
        (floor,),
    ).fetchone()
    (decided,) = state.db.execute(f"SELECT count(*) FROM audit WHERE id >= ? AND {_DECIDED}", (floor,)).fetchone()  # noqa: S608
    return {
        "from": since,
        "to": state.now_ms(),
        "emails_sent": sending.sent_this_month(state),
        "emails_received": received,
        "api_calls": state.api_calls,
        "oversight_actions": decided,
    }


def by_day(state: State, since: int | None, until: int | None) -> dict[str, object]:
    """The usage by day (UTC), without empty days. `since` and `until` are in epoch ms."""
    since = month_start(state) if since is None else since
    until = state.now_ms() if until is None else until
    counted: Counter[tuple[str, str]] = Counter()
    for event_type, sql in _DAILY:
        for (at,) in state.db.execute(f"SELECT at FROM ({sql}) WHERE at >= ? AND at <= ?", (since, until)):  # noqa: S608
            counted[ids.iso(at)[:10], event_type] += 1
    data = [{"date": day, "event_type": what, "count": count} for (day, what), count in sorted(counted.items())]
    return {"from": since, "to": until, "breakdown": "daily", "data": data}
