"""The rules together: levels, order, settings, and an explanation for each."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from msgspec.structs import replace

from mm_tui.review import risk
from mm_tui.review.findings import Level
from mm_tui.review.risk.engine import RULES, assess, explanation
from mm_tui.review.risk.model import ThreadContext
from mm_tui.review.risk.rule import Rule
from mm_tui.settings.sections import Risk
from tests.support.risk import CONTEXT, QUESTION, drafted, found


def test_nothing_is_silent() -> None:
    body = "Your refund of $999 is issued. {{x}}"
    settings = Risk(
        off=("promise_money", "nonsense"), levels={"template_hole": "low"}, promises=("is issued",), max_recipients=1
    )
    assessment = assess(drafted(body), CONTEXT, settings)
    assert found(assessment, "promise_money") == []
    assert found(assessment, "template_hole")[0][0] is Level.LOW
    assert found(assessment, "promise_own")[0][0] is Level.MEDIUM
    assert "switched off in the settings: promise_money" in assessment.unchecked
    assert "the settings name a risk rule that does not exist: nonsense" in assessment.unchecked
    unread = replace(CONTEXT, messages=(replace(QUESTION, body=None),))
    said = assess(drafted("It costs $1."), unread).unchecked
    assert any(sentence.startswith("1 of 1 earlier emails have not been read") for sentence in said)
    assert any("no earlier email" in sentence for sentence in assess(drafted(), ThreadContext()).unchecked)
    assert any("bcc" in sentence for sentence in said)


def test_the_level_of_a_single_finding_can_be_tuned() -> None:
    settings = Risk(levels={"link": "low", "link_other_host": "medium"})
    body = "[acme.example](https://evil.test) and http://127.0.0.1/"
    assessment = assess(drafted(body), CONTEXT, settings)
    assert found(assessment, "link_other_host")[0][0] is Level.MEDIUM
    assert found(assessment, "link_ip")[0][0] is Level.LOW


def test_the_same_words_are_reported_once_with_all_places() -> None:
    draft = drafted("You get a discount. You get a discount.")
    (finding,) = [finding for finding in assess(draft, CONTEXT).findings if finding.code == "promise_discount"]
    assert [draft.body[slice(*span)] for span in finding.spans] == ["discount", "discount"]


def test_worst_first() -> None:
    levels = [finding.level for finding in assess(drafted("By Friday. {{x}} $3"), CONTEXT).findings]
    assert levels == sorted(levels, reverse=True)
    assert len(levels) >= 3


def test_every_rule_runs_has_a_code_of_its_own_and_is_explained() -> None:
    modules = [import_module(f"{risk.__name__}.{one.name}") for one in iter_modules(risk.__path__)]
    written = {value for module in modules for value in vars(module).values() if isinstance(value, Rule)}
    assert written == set(RULES), "a module with rules belongs into the groups of the engine"
    assert len({rule.code for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert len(rule.text) > 60, f"the docstring of {rule.code} says too little for docs/risk.md"


def test_no_finding_is_no_all_clear() -> None:
    assert assess(drafted(), CONTEXT).nothing == "nothing found by word rules"
    unread = replace(CONTEXT, messages=(replace(QUESTION, body=None),))
    assert assess(drafted(), unread).nothing == "nothing found by word rules, not compared with the thread"
    assert "not compared" in assess(drafted(), ThreadContext()).nothing


def test_each_rule_is_explained_in_a_sentence() -> None:
    for each in RULES:
        assert each.explanation.endswith(".") and "`" not in each.explanation and len(each.explanation.split()) > 2
        assert all(explanation(code) == each.explanation for code in each.codes)
    assert explanation("thread_moved") == ""
