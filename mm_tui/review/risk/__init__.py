"""The risk rules for drafts.

Pure: no clock, no network, no files. `assess` runs every rule of `RULES` on a draft and its context. A rule states
facts about the text; it never decides. docs/risk.md describes each rule; a test compares the two.
"""

from __future__ import annotations

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.model import Assessment, Draft, HouseText, Message, OtherAnswer, Rejected, ThreadContext
from mm_tui.settings.sections import Risk

__all__ = [
    "Assessment",
    "Draft",
    "Finding",
    "HouseText",
    "Level",
    "Message",
    "OtherAnswer",
    "Rejected",
    "Risk",
    "Span",
    "ThreadContext",
    "assess",
]
