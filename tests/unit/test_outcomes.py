"""What is said of decisions that ended within seconds of each other."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mm_tui.decision.state import Act, Outcome
from mm_tui.services.decisions.outcomes import Outcomes
from mm_tui.services.decisions.view import DecisionView, Phase
from mm_tui.text import OneLine
from tests.support.clock import FakeClock


def ended(name: str, words: str, phase: Phase, outcome: Outcome, act: Act = Act.APPROVE) -> DecisionView:
    fields: dict[str, Any] = {"about": OneLine(f"to {name}@x.example")}
    return DecisionView(name, name, act, phase, OneLine(words), outcome, OneLine("d"), **fields)


def test_only_what_ended_alike_is_counted_together() -> None:
    outcomes, said = Outcomes(FakeClock()), ""
    for view in (
        ended("ann", "approved elsewhere by robin at 15:17", Phase.ELSEWHERE, Outcome.ELSEWHERE),
        ended("ben", "cancelled elsewhere", Phase.ELSEWHERE, Outcome.ELSEWHERE),
        ended("cas", "approved", Phase.DONE, Outcome.APPROVED),
        ended("dan", "approved", Phase.DONE, Outcome.APPROVED),
        ended("eve", "rejected", Phase.DONE, Outcome.REJECTED, Act.REJECT),
        ended("fay", "undecided: the gateway refused", Phase.UNDECIDED, Outcome.DENIED),
    ):
        news = outcomes.news(view)
        assert news is not None
        said = news.words
        if view.id == "eve":
            assert said == (
                "cancelled elsewhere: to ben@x.example · approved elsewhere by robin at 15:17: to ann@x.example · "
                "rejected: email to eve@x.example · 2 more ended"
            )
    assert said == (
        "not approved: email to fay@x.example: the gateway refused · cancelled elsewhere: to ben@x.example · "
        "approved elsewhere by robin at 15:17: to ann@x.example · 3 more ended"
    )


def test_a_failure_is_told_of_until_its_email_is_decided_again() -> None:
    outcomes = Outcomes(FakeClock())
    failed = ended("fay", "undecided: the gateway refused", Phase.UNDECIDED, Outcome.DENIED)
    assert outcomes.news(failed) is not None
    both = outcomes.news(ended("cas", "approved", Phase.DONE, Outcome.APPROVED))
    assert both is not None and both.failed
    assert both.email_ids == {"fay"}, "what was done keeps no outdated failure on the screen"
    again = replace(failed, id="again", phase=Phase.HELD, outcome=None)
    assert outcomes.news(again) is None
    after = outcomes.news(ended("dan", "approved", Phase.DONE, Outcome.APPROVED))
    assert after is not None and "fay" not in after.words and not after.failed
