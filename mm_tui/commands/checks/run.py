"""What `doctor` looks at, in the order in which one thing rests on another."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mm_tui.commands.output.exits import Exit
from mm_tui.text import OneLine


class Result(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Check:
    """One finding. `status` is how the program ends when it is the first problem."""

    name: str
    result: Result
    words: OneLine
    cure: OneLine = OneLine("")
    status: Exit = Exit.CONFIG


def ok(name: str, words: str) -> Check:
    """All is well."""
    return Check(name, Result.OK, OneLine(words))


def warning(name: str, words: str, cure: str) -> Check:
    """It works, but not as it should."""
    return Check(name, Result.WARNING, OneLine(words), OneLine(cure))


def problem(name: str, words: str, cure: str, status: Exit = Exit.CONFIG) -> Check:
    """Something cannot work."""
    return Check(name, Result.PROBLEM, OneLine(words), OneLine(cure), status)


async def check_all(path: Path | None, profile: str | None) -> list[Check]:
    """Looks at everything. What rests on something that is missing is left out."""
    from mm_tui.commands.checks import local as checks_local
    from mm_tui.commands.checks import network as checks_network

    found, settings = checks_local.configuration(path, profile)
    found += checks_local.terminal()
    found += checks_local.data_folder()
    if settings is not None:
        found += checks_local.store(settings)
        found += await checks_network.gateway(settings)
        found += await checks_network.assistant(settings)
    return found
