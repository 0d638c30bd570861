"""Every reachable state of the decision core in a hostile world keeps the promises."""

from __future__ import annotations

import os

import pytest

from mm_tui.decision.state import Outcome
from tests.support.decision_scopes import DEEPER, SCOPES
from tests.support.decision_walk import Walker

WALKED = {**SCOPES, **(DEEPER if os.environ.get("MM_TUI_DEEP") else {})}
ALWAYS = {Outcome.DENIED, Outcome.FELL_BACK, Outcome.LEFT, Outcome.UNDONE, Outcome.UNREACHABLE}
WATCHED = ALWAYS | {Outcome.CHANGED, Outcome.ELSEWHERE, Outcome.UNCLEAR}
EDITED = (ALWAYS - {Outcome.DENIED}) | {
    Outcome.EDIT_FAILED,
    Outcome.EDIT_RELEASED,
    Outcome.NOT_SUBMITTED,
    Outcome.TAKEN_BACK,
}
SIBLINGS = {Outcome.DOUBTFUL, Outcome.ELSEWHERE, Outcome.SIBLING_RELEASED, Outcome.SIBLING_WAITING}
RELEASED = {Outcome.APPROVED, Outcome.DECIDED, Outcome.NOT_AS_SEEN}
MOVED = {Outcome.EDIT_CLOSED, Outcome.INCIDENT, Outcome.WITHDRAWN}
ENDINGS = {
    "approve": WATCHED | RELEASED,
    "approve, known by name": WATCHED | RELEASED,
    "approve beside a colleague's edit": WATCHED - {Outcome.UNCLEAR} | RELEASED | {Outcome.INCIDENT},
    "reject": WATCHED | {Outcome.REJECTED, Outcome.DECIDED},
    "edit a scheduled mail": WATCHED | {Outcome.RESCHEDULED},
    "edit and release": EDITED | WATCHED - {Outcome.DENIED} | MOVED | {Outcome.NOT_AS_SEEN},
    "edit and release, rewritten": EDITED | WATCHED - {Outcome.DENIED, Outcome.UNCLEAR} | MOVED | {Outcome.NOT_AS_SEEN},
    "edit and release beside a colleague's edit": EDITED | WATCHED - {Outcome.DENIED, Outcome.UNCLEAR} | MOVED,
    "approve, then approve again": WATCHED | RELEASED,
    "approve, then edit and release": EDITED | {Outcome.APPROVED, Outcome.DECIDED, Outcome.DENIED, Outcome.DOUBTFUL},
    "edit and release, then approve": EDITED | SIBLINGS | {Outcome.APPROVED, Outcome.DECIDED, Outcome.DENIED},
    "edit and release, then again": EDITED | SIBLINGS,
    "first of two approvals": WATCHED | {Outcome.FIRST_APPROVED},
    "second of two approvals": WATCHED | RELEASED | {Outcome.NOT_SECONDED},
    "both approvals by one reviewer": ALWAYS | {Outcome.UNCLEAR, Outcome.FIRST_APPROVED, Outcome.NOT_SECONDED},
    "approve for a set time": ALWAYS | {Outcome.APPROVED, Outcome.DECIDED, Outcome.TOO_LATE},
    "edit and approve first": EDITED - {Outcome.EDIT_RELEASED} | {Outcome.UNCLEAR, Outcome.FIRST_APPROVED},
}
"""The endings that each walk must reach: else a branch is dead, or the world has become too kind."""


@pytest.mark.timeout(600)  # it computes without a pause, and shares its processor
@pytest.mark.parametrize("name", WALKED)
def test_every_reachable_state_keeps_the_promises(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    counted = Walker(WALKED[name]).walk()
    with capsys.disabled():
        print(f"\n  {name}: {counted.states} states, {counted.transitions} transitions, {counted.endings} endings")
    assert counted.outcomes >= ENDINGS[name.removesuffix(", others too")]
    assert name in DEEPER or counted.outcomes == ENDINGS[name]


def test_the_walks_reach_every_ending_between_them() -> None:
    assert set().union(*ENDINGS.values()) == set(Outcome)
