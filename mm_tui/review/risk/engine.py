"""Runs the rules and orders what they found."""

from __future__ import annotations

from mm_tui.config import Risk
from mm_tui.review.findings import Finding
from mm_tui.review.risk.form import FORM_RULES
from mm_tui.review.risk.model import Assessment, Draft, ThreadContext

RULES = (*FORM_RULES,)


def assess(draft: Draft, context: ThreadContext, settings: Risk | None = None) -> Assessment:
    """What the rules find in `draft`.

    Args:
        draft: the mail that waits.
        context: what is known around it.
        settings: which rules run and how loudly; None takes the defaults.
    """
    settings = settings or Risk()
    findings: list[Finding] = []
    for rule in RULES:
        findings.extend(rule(draft, context, settings))
    findings.sort(key=lambda finding: -finding.level)
    return Assessment(tuple(findings))
