"""`mm-tui doctor`: checks everything the program needs, with a cure for each problem."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import Exit
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.commands.checks import Check, Result


def add(commands: Commands) -> None:
    commands.action(
        "doctor",
        help="check configuration, keys, gateway, assistant, terminal and store",
        description="Checks everything the program needs. Each line says ok, warning or problem, and the cure. "
        "Changes nothing. Exits with the status of the first problem: 10 configuration and store, 4 keys, "
        "5 gateway, 6 journal; 0 when there is none.",
        run=run,
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the checks, prints them, and returns the status of the first problem."""
    from mm_tui.commands.checks import Result
    from mm_tui.system import lookups

    found = lookups.run(_check_all(arguments.config, arguments.profile))
    problems = [check for check in found if check.result is Result.PROBLEM]
    if arguments.json:
        checks = [{"check": one.name, "result": str(one.result), "words": one.words, "cure": one.cure} for one in found]
        emit.data({"ok": not problems, "checks": checks})
    else:
        for check in found:
            emit.verdict(check.result, OneLine(f"{check.name}: {check.words}"))
            if check.cure:
                emit.line(OneLine(f"{' ' * emit.VERDICT_INDENT}{check.cure}"))
        counts = Counter(check.result for check in found)
        emit.line(OneLine(", ".join(f"{counts[result]} {_counted(result, counts[result])}" for result in Result)))
    return problems[0].status if problems else Exit.OK


async def _check_all(path: Path | None, profile: str | None) -> list[Check]:
    """Runs all checks, skipping those that depend on something missing."""
    from mm_tui.commands import checks, store_checks

    found, settings = checks.configuration(path, profile)
    found += checks.terminal()
    found += checks.data_folder()
    if settings is not None:
        found += checks.choices(settings)
        found += store_checks.store(settings)
        found += store_checks.agent_store(settings)
        found += await checks.gateway(settings)
        found += await checks.assistant(settings)
    return found


def _counted(result: Result, count: int) -> str:
    return result if result == "ok" or count == 1 else f"{result}s"
