"""What was found about a waiting email, and what was not checked: some lines of it, or a page with all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from textual.content import Content

from mm_tui.models import Mailbox
from mm_tui.review.disclosure import BCC_NOT_DISCLOSED, disclosure, send_time_words
from mm_tui.review.findings import Finding, Level
from mm_tui.review.risk.engine import explanation
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.text import OneLine
from mm_tui.widgets.words import joined

SIGNS = {Level.HIGH: ("!! ", "$error"), Level.MEDIUM: (" ! ", "$warning"), Level.LOW: (" · ", "$mm-dim")}


def finding_lines(
    findings: Sequence[Finding], shown: int, *, hint: str = ": i shows all", about: str = ""
) -> list[Content]:
    """A line for each of the first findings, and one with the number of others and the key that shows them. With
    `shown` 0 all that is one line. The sentence that is `about` is highlighted, and always shown."""
    at = next((at for at, finding in enumerate(findings) if finding.words == about), 0)
    if at >= max(1, shown):
        first = max(0, shown - 1)
        findings = [*findings[:first], findings[at], *findings[first:at], *findings[at + 1 :]]
    if not shown and findings:
        others = f"  and {len(findings) - 1} more{hint}" if len(findings) > 1 else ""
        return [Content.assemble(*finding_lines(findings[:1], 1, about=about), (others, "$mm-dim"))]
    lines = [
        Content.assemble(
            SIGNS.get(finding.level, ("   ", "")),
            (finding.words, "bold reverse" if finding.words == about else "$foreground"),
        )
        for finding in findings[:shown]
    ]
    if len(findings) > shown:
        lines.append(Content.styled(f"   and {len(findings) - shown} more{hint}", "$mm-dim"))
    return lines


def findings_page(
    entry: QueueEntry, mailbox: Mailbox | None = None, more: Sequence[Content] = (), *, explain: bool = False
) -> Content:
    """All findings about a waiting email, and what was not checked; for a known mailbox also what the gateway adds to
    an email or does not disclose. With `explain` also what each rule looks for."""
    found = entry.assessment
    lines: list[Content] = []
    explained: set[str] = set()
    for finding in found.findings:
        lines += finding_lines([finding], 1)
        words = explanation(finding.code)
        lines += [_explained(finding, "" if words in explained else words)] if explain else []
        explained.add(words)
    if not found.findings:
        lines.append(Content(f" · {found.nothing}" if entry.is_checked else " · nothing found so far"))
    lines += unchecked_lines(entry)
    lines += [Content.styled(f" · {words}", "$mm-dim") for words in found.known]
    lines += [Content.styled(f" ? {words}", "$mm-dim") for words in found.unchecked]
    lines += [Content(f" · {entry.note.words}")] if entry.note is not None else []
    # What was not checked says already that bcc is unknown.
    added = [words for words in above(entry, mailbox) if words != BCC_NOT_DISCLOSED] if mailbox is not None else []
    lines += [Content.styled(f" · {words}", "$mm-dim") for words in added]
    lines += more
    lines += [Content("")]
    if explain and found.findings:
        lines.append(Content.styled("`mm-tui docs risk` describes each rule in full.", "$mm-dim"))
    lines.append(Content.styled(f"digest {entry.shown_digest}", "$mm-dim"))
    if entry.edit is not None:
        lines.append(Content.styled(f"digest of the draft as it waits at the gateway {entry.digest}", "$mm-dim"))
    return joined(lines, "\n")


def _explained(finding: Finding, words: str) -> Content:
    """What the rule looks for, in these words, and the code and level of its finding."""
    words = f"{words} " if words else ""
    return Content.styled(f"   {words}({finding.code}, {finding.level.word} risk)", "$mm-dim")


def unchecked_lines(entry: QueueEntry) -> list[Content]:
    """Says that the rules have not seen all of it, and why, if that is so."""
    words = OneLine(f"not checked yet: {entry.unread_words}")
    return [] if entry.is_checked else [Content.assemble((" ? ", "$warning"), words)]


def above(entry: QueueEntry, mailbox: Mailbox | None, now: datetime | None = None) -> list[OneLine]:
    """What must be read besides an outbound email itself: what the gateway adds to it, and when it is sent."""
    return [] if entry.is_inbound else [*disclosure(mailbox, entry.item.bcc), when(entry, now)]


def when(entry: QueueEntry, now: datetime | None = None) -> OneLine:
    """When it is sent; `now` is by default the machine's time."""
    return send_time_words(entry.item.raw.send_at, now or datetime.now(UTC), edited=entry.replaces)
