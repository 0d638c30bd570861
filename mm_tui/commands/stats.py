"""`mm-tui stats`: what reviewers did with the drafts of each agent, by the key that composed them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mm_tui.commands import common
from mm_tui.commands.audit import positive
from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import Exit
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.settings.sections import Settings

DAYS = 30
LOGGED = 1000
"""So many of the newest lines of the gateway's log are read; they tell which key composed what."""


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Describes the command."""
    parser = commands.add_parser(
        "stats",
        parents=[shared],
        help="figures for each agent: drafts, approved as written, edited, rejected and why, wait, flags",
        description="Counts what was decided with mm-tui on this machine, from the local journal, by the key that "
        "composed the draft. The key is told by the gateway's audit log, which needs an admin_key; without one "
        "only what is stored of it counts.",
    )
    parser.add_argument("--days", type=positive, default=DAYS, metavar="N", help=f"days back; default: {DAYS}")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the figures."""
    return common.run_async(_stats, arguments)


async def _stats(arguments: argparse.Namespace, chosen: Settings) -> int:
    from mm_tui.commands.audit import fetch_newest
    from mm_tui.commands.online import online
    from mm_tui.services.audit.agents import MOST_REASONS, figures
    from mm_tui.services.events import span

    async with online(chosen) as session:
        if chosen.profile.admin_key is not None:
            await fetch_newest(session, LOGGED)
        now = session.clock.now()
        agents = figures(session.database, session.clock, arguments.days)
    if arguments.json:
        rows = [
            {
                "key": agent.key_id or None,
                "drafts": len(agent.decided),
                "approved_as_written": agent.number("approved"),
                "edited": agent.number("edit_released", "rescheduled"),
                "rejected": agent.number("rejected"),
                "reasons": dict(agent.reasons.most_common(MOST_REASONS)),
                "median_wait_seconds": agent.seconds,
                "flags": dict(agent.flags.most_common()),
                "by_day": agent.days(now),
            }
            for agent in agents
        ]
        emit.data({"days": arguments.days, "agents": rows})
        return Exit.OK
    if not agents:
        emit.note(OneLine(f"No draft was decided here in the last {arguments.days} days."))
        return Exit.OK
    from datetime import timedelta

    emit.table(
        [
            [
                agent.key_id or "(key not known)",
                f"{len(agent.decided)} decided",
                f"{agent.number('approved')} as written",
                f"{agent.number('edit_released', 'rescheduled')} edited",
                f"{agent.number('rejected')} rejected",
                f"median wait {span(timedelta(seconds=agent.seconds))}" if agent.seconds is not None else "",
            ]
            for agent in agents
        ]
    )
    return Exit.OK
