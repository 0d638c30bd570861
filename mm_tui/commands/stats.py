"""`mm-tui stats`: what reviewers did with the drafts of each agent, by the key that composed them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import Exit
from mm_tui.commands.values import positive
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.services.audit.agents import AgentFigures
    from mm_tui.services.audit.track_record import Decided
    from mm_tui.settings.sections import Settings

MOST_DAYS = 36_500
DAYS = 30
LOGGED = 1000
"""How many of the newest lines of the gateway's log are read for the composing keys."""


UNKNOWN_KEY = "unknown key"
NO_ADMIN = "only the gateway's audit log says which key wrote a draft; it is read with an admin_key"
NOT_LOGGED = f"the newest {LOGGED:,} lines of the gateway's audit log do not say which key wrote these drafts"


def _days(text: str) -> int:
    if (days := positive(text)) > MOST_DAYS:
        raise argparse.ArgumentTypeError(f"must be at most {MOST_DAYS:,}")
    return days


def add(commands: Commands) -> None:
    parser = commands.action(
        "stats",
        help="figures for each agent: drafts, approved as written, edited, rejected and why, wait, flags",
        description="Counts what was decided with mm-tui on this machine, from the local journal, by the key that "
        "composed the draft. Only the gateway's audit log names the key, and reading it needs an admin_key; "
        "without one, only its stored lines are used.",
        task=_stats,
    )
    parser.add_argument("--days", type=_days, default=DAYS, metavar="N", help=f"days back; default: {DAYS}")


async def _stats(arguments: argparse.Namespace, chosen: Settings) -> int:
    from mm_tui.commands.audit import fetch_newest
    from mm_tui.commands.online import online
    from mm_tui.services.audit.agents import by_agent, decided_since

    async with online(chosen) as session:
        if chosen.profile.admin_key is not None:
            await fetch_newest(session, LOGGED)
        now = session.clock.now()
        decided = decided_since(session.database, session.clock, arguments.days)
        agents = by_agent(decided, session.audit)
        mailboxes = [_learning(box, decided) for box in sorted({one.mailbox_id for one in decided})]
    if arguments.json:
        rows = [_row(agent, now) for agent in agents]
        emit.data({"days": arguments.days, "agents": rows, "mailboxes": mailboxes})
    elif agents:
        for agent in agents:
            _print(agent, now)
        if any(not agent.key_id for agent in agents):
            emit.note(OneLine(f"note: {UNKNOWN_KEY}: {NO_ADMIN if chosen.profile.admin_key is None else NOT_LOGGED}"))
    else:
        emit.note(OneLine(f"No draft was decided here in the last {arguments.days} days."))
    return Exit.OK


def _row(agent: AgentFigures, now: datetime) -> dict[str, object]:
    return {
        "key": agent.key_id or None,
        "drafts": len(agent.decided),
        "approved_as_written": agent.number("approved"),
        "edited": agent.edited,
        "rejected": agent.number("rejected"),
        "reasons": dict(agent.reasons),
        "median_wait_seconds": agent.seconds,
        "flags": dict(agent.flags),
        "by_day": agent.days(now),
    }


def _learning(mailbox_id: str, decided: Sequence[Decided]) -> dict[str, object]:
    from mm_tui.services.audit.track_record import learning

    found = learning(one for one in decided if one.mailbox_id == mailbox_id)
    return {
        "mailbox_id": mailbox_id,
        "without_examples": found.without,
        "words_changed_without": found.changed_without,
        "with_examples": found.with_examples,
        "words_changed_with": found.changed_with,
    }


def _print(agent: AgentFigures, now: datetime) -> None:
    from mm_tui.services.audit.agents import numbered, spark
    from mm_tui.services.events import span

    said = f"{agent.key_id or UNKNOWN_KEY}: {len(agent.decided)} decided, {agent.number('approved')} as written, "
    said += f"{agent.edited} edited, {agent.number('rejected')} rejected"
    said += f", median wait {span(timedelta(seconds=agent.seconds))}" if agent.seconds is not None else ""
    emit.line(OneLine(said))
    if agent.reasons:
        emit.line(OneLine(f"  rejected: {numbered(agent.reasons)}"))
    if agent.flags:
        emit.line(OneLine(f"  flagged: {numbered(agent.flags)}"))
    days = agent.days(now)
    if most := max(max(pair) for pair in days):
        for name, at in (("as written", 0), ("not as written", 1)):
            plot = spark([pair[at] for pair in days], len(days), most=most)
            emit.line(OneLine(f"  {name:<14} |{plot}| {len(days)} days, busiest day {max(pair[at] for pair in days)}"))
