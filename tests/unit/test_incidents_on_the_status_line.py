"""What left and should not have stays on the status line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mm_tui.screens.status import incidents
from mm_tui.services.decisions.view import Phase


def session(*phases: Phase) -> Any:
    unseen = [f"mail{number}" for number, phase in enumerate(phases) if phase is Phase.INCIDENT]
    return SimpleNamespace(decisions=SimpleNamespace(overview=SimpleNamespace(unseen_incidents=lambda: unseen)))


def test_an_incident_is_named_and_the_others_are_counted() -> None:
    nothing: Any = SimpleNamespace(decisions=None)
    assert not incidents(session(Phase.DONE, Phase.ELSEWHERE))
    assert not incidents(nothing)
    assert incidents(session(Phase.DONE, Phase.INCIDENT, Phase.DONE)).plain.endswith("incident: mail1")
    assert "mail1 and 1 more (2 shows it)" in incidents(session(*[Phase.INCIDENT] * 2), lambda: "(2 shows it)").plain
