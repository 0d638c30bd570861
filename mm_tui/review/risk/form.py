"""Rules about the form of a draft: its subject."""

from __future__ import annotations

from collections.abc import Iterator

from mm_tui.config import Risk
from mm_tui.review.findings import Finding, Level
from mm_tui.review.risk.model import Draft, ThreadContext
from mm_tui.text import OneLine


def empty_subject(draft: Draft, context: ThreadContext, settings: Risk) -> Iterator[Finding]:
    """The subject is empty, or nothing but reply marks."""
    if not draft.subject.strip():
        yield Finding("empty_subject", Level.MEDIUM, OneLine("the subject is empty"))


FORM_RULES = (empty_subject,)
