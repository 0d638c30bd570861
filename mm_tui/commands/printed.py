"""What commands have printed on this machine, so that a later command may rely on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from functools import partial

from mm_tui import typed_json
from mm_tui.review.risk.model import Assessment
from mm_tui.store.database import Database
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine

REMEMBERED = 500
"""How many of the last printed items of each kind are remembered."""


class Printed(StrEnum):
    """What was printed; the name under which it is stored."""

    RISKS = "cli.high_risk_told"
    """The high risks as `risk_gate.shown` names them, by digest."""
    QUESTION = "cli.asked"
    """The question about a decision and the digest that it names, by the decision's id."""
    CONTENT = "cli.shown"
    """By a waiting email's id its whole digest, `FIRST_OF_TWO` if that was so, and that its thread had continued."""
    SELECTION = "cli.summary"
    """The digest of what a filter selected, by the filter."""


FIRST_OF_TWO = "first of two"
"""An approval would only be recorded, because another reviewer had to approve it, too."""


def thread_moved(assessment: Assessment) -> list[OneLine]:
    """That something came in an email's thread after it was written, and how much; empty if nothing did."""
    return [finding.words for finding in assessment.findings if finding.code == "thread_moved"]


def printed(database: Database, what: Printed, key: str) -> frozenset[str]:
    """What was printed last about this."""
    return frozenset(_all(database, what).get(key, ()))


def remember(database: Database, what: Printed, key: str, values: Sequence[str]) -> None:
    """Records that this was printed last; nothing forgets what was."""
    with database.write():
        known = _all(database, what)
        known.pop(key, None)
        if values:
            known[key] = list(values)
        kept = dict(list(known.items())[-REMEMBERED:])
        StateStore(database, kept=True).set(what, json.dumps(kept) if kept else None)


def _all(database: Database, what: Printed) -> dict[str, list[str]]:
    return StateStore(database, kept=True).read(what, partial(typed_json.read, dict[str, list[str]]), {})
