"""Runs the rules and sorts their findings."""

from __future__ import annotations

from functools import cache

from msgspec.structs import replace

from mm_tui.review.findings import Finding, Level, merged
from mm_tui.review.risk import (
    answers,
    attachments,
    calculations,
    choices,
    colleagues,
    counts,
    days,
    details,
    facts,
    form,
    greetings,
    holes,
    orders,
    people,
    private,
    promises,
    recipients,
    replies,
    requests,
    shape,
    sums,
    targets,
    timing,
    wording,
)
from mm_tui.review.risk.model import Assessment, Draft, ThreadContext
from mm_tui.review.risk.rule import Reading, Rule
from mm_tui.review.risk.targets import known_from_house
from mm_tui.settings.sections import Risk
from mm_tui.text import OneLine

_GROUPS = (
    recipients,
    answers,
    sums,
    calculations,
    facts,
    targets,
    details,
    counts,
    days,
    timing,
    choices,
    greetings,
    people,
    promises,
    private,
    orders,
    requests,
    replies,
    colleagues,
    attachments,
    holes,
    form,
    shape,
    wording,
)
"""Each group is a module, and its first line says what its rules are about."""

RULES: tuple[Rule, ...] = tuple(
    each
    for group in _GROUPS
    for each in vars(group).values()
    if isinstance(each, Rule) and each.find.__module__ == group.__name__
)
"""All rules, in the order of docs/risk.md: that of the groups, and within each the order in which they are written."""
REMINDERS = frozenset(each.code for each in RULES if each.reminder)
"""The codes of what is easily forgotten while writing."""

NO_HISTORY = "not compared with earlier mail: run mm-tui sync (the app does that on its own)"
"""The message before the initial sync of the mailbox has ended."""


def assess(draft: Draft, context: ThreadContext, settings: Risk | None = None) -> Assessment:
    """What the rules find in `draft`.

    Args:
        draft: the email that waits.
        context: its context.
        settings: which rules run, and their levels; None means the defaults.
    """
    return assess_within(Reading(draft, context, settings or Risk()))


def assess_within(reading: Reading) -> Assessment:
    """What the rules find in a draft that is being read. Whom they asked about is in `reading.known.asked`."""
    draft, settings = reading.draft, reading.settings
    findings: list[Finding] = []
    outbound = draft.outbound
    for each in RULES:
        if each.code in settings.off or not (outbound or each.inbound):
            continue
        if each.needs_thread and not reading.has_thread_text:
            continue
        findings += (finding for finding in each.find(reading) if finding.code not in settings.off)
    tuned = [_tuned(finding, settings) for finding in merged(findings)]
    tuned.sort(key=lambda finding: -finding.level)
    known = tuple(known_from_house(reading)) if draft.outbound else ()
    compared = reading.has_thread_text or not draft.outbound
    return Assessment(tuple(tuned), tuple(_unchecked(reading)), known, compared)


@cache
def _owner(code: str) -> str | None:
    """The code of the rule that a finding's code belongs to."""
    return next((each.code for each in RULES if code in each.codes), None)


def explanation(code: str) -> str:
    """What the rule of a finding looks for, in one sentence; empty if no rule has that code."""
    return next((rule.explanation for rule in RULES if code in rule.codes), "")


def _tuned(finding: Finding, settings: Risk) -> Finding:
    word = settings.levels.get(finding.code) or settings.levels.get(_owner(finding.code) or "")
    return replace(finding, level=Level.named(word)) if word else finding


def _unchecked(reading: Reading) -> list[OneLine]:
    """What was not checked, and why, in words."""
    said: list[str] = []
    settings, draft = reading.settings, reading.draft
    for code in (*settings.off, *settings.levels):
        if _owner(code) is None:
            said.append(f"the settings name a risk rule that does not exist: {code}")
        elif code in settings.off:
            said.append(f"switched off in the settings: {code}")
    if not draft.complete:
        said.append("cc and attachments have not been loaded yet")
    if not reading.context.history_read:
        said.append(NO_HISTORY)
    if draft.outbound:
        unread = sum(mail.body is None for mail in reading.context.messages)
        if not reading.has_thread:
            said.append("no earlier email of this thread is on this machine: nothing to compare with")
        elif unread:
            total = len(reading.context.messages)
            said.append(f"{unread} of {total} earlier emails have not been read on this machine, so not compared")
        said += reading.not_read
        if not draft.bcc:
            said.append(f"bcc is not disclosed by the gateway{': your edit has none' if draft.replaces else ''}")
    if draft.sender_verified is None:
        said.append("the gateway shows no proof of the sender's identity")
    return [OneLine(sentence) for sentence in said]
