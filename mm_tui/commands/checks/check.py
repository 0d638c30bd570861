"""One finding of `mm-tui doctor`."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from mm_tui.commands.output.exits import Exit
from mm_tui.text import OneLine


class Result(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Check(msgspec.Struct, frozen=True):
    """The finding of one check. `status` is the exit status if it is the first problem."""

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
