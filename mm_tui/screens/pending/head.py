"""The head of a waiting email: sender and recipients, what the gateway hides, risks, and the state of its decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from mm_tui.clock import at_time
from mm_tui.decision.state import Outcome
from mm_tui.models import Mailbox, Party
from mm_tui.review.digest import short
from mm_tui.review.disclosure import BCC_NOT_DISCLOSED, NOT_DISCLOSED, disclosure, in_short, when_it_leaves
from mm_tui.review.findings import Finding, Level
from mm_tui.review.risk.engine import explanation
from mm_tui.screens.pending.pages import HEAD_CHARACTERS, fits_head
from mm_tui.services.decisions.ended import tells_end
from mm_tui.services.decisions.read_versions import ReadChange
from mm_tui.services.decisions.view import DecisionView, Phase
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.text import OneLine, is_blank
from mm_tui.widgets.cells import at_most, fit_address
from mm_tui.widgets.chrome import hint
from mm_tui.widgets.words import count, exact, joined, mode_words

if TYPE_CHECKING:
    from textual.screen import Screen

SIGNS = {Level.HIGH: ("!! ", "$error"), Level.MEDIUM: (" ! ", "$warning"), Level.LOW: (" · ", "$mm-dim")}
LET_IN = "the agent sees it once you let it in"
NOTE_CHARACTERS = 140
"""The most characters of a note for colleagues."""
ABOUT_CELLS = 100
"""The most cells of an address, and of a subject, in a dialog."""
CROWDED_CHARACTERS = 40
"""The most characters of a line that is shown in full in the text below."""
PHASE_SIGNS = {
    Phase.HELD: "◔ ",
    Phase.WORKING: "◑ ",
    Phase.WAITING: "◑ ",
    Phase.DONE: "✓ ",
    Phase.UNDECIDED: "○ ",
}


def head(
    entry: QueueEntry,
    mailbox: Mailbox | None,
    *,
    shown_findings: int,
    crowded: bool = False,
    now: datetime | None = None,
    more: Sequence[Content] = (),
) -> Content:
    """The lines above the body.

    Args:
        mailbox: its mailbox; None if the mailbox list has not been read.
        shown_findings: how many findings are shown; the rest are counted.
        crowded: it does not all fit here and is in full in the text below: only the beginnings are shown.
        now: the current time, by default the machine's; a send time may have passed.
        more: lines from models, below all others.
    """
    item, edit = entry.item, entry.edit
    subject = OneLine(edit.text.subject) if edit is not None else item.subject
    if crowded or len(subject) > HEAD_CHARACTERS:
        subject = _begun(subject, CROWDED_CHARACTERS if crowded else HEAD_CHARACTERS // 2)
    named = len(edit.text.to if edit is not None else item.to)
    sender = Content(_begun(OneLine(f"{item.sender}"), CROWDED_CHARACTERS)) if crowded else _party(item.sender)
    to = _recipients(entry) if not crowded or not named else _counted(named)
    lines = [
        Content.assemble(
            (OneLine("(no subject)") if is_blank(subject) else subject, "bold"),
            (f"  {author_words(entry)}" if entry.author is not None else "", "$mm-accent"),
            ("  edited by you" if edit is not None else "", "$mm-accent"),
            (f"  {short(entry.shown_digest)}", "$mm-dim"),
        ),
        _row("from", sender if entry.is_inbound else Content.assemble(sender, _mode(mailbox))),
        _row("to", Content.assemble(to, _mode(mailbox)) if entry.is_inbound else to),
    ]
    if entry.resubmitted_words:
        lines.insert(1, Content.assemble((" ! ", "$warning"), _resubmitted(entry)))
    unread = "could not be read" if entry.unread_because else "loading …"
    has_more = not entry.is_inbound and not crowded
    if item.complete and item.cc:
        lines.append(_row("cc", _counted(len(item.cc)) if crowded else _parties(item.cc)))
    elif item.complete and "cc" in item.raw.untold:
        lines.append(_row("cc", Content.styled(NOT_DISCLOSED, "$mm-fail")))
    elif not item.complete and not has_more:
        lines.append(_row("cc", Content.styled(unread, "$mm-dim")))
    if has_more:
        has_time = bool(item.raw.send_at)
        beside = list(in_short(mailbox, knows_send_time=has_time or edit is not None))
        beside += [_when(entry, now)] if edit and not entry.ended else []
        # Most emails have no cc: a row of its own would move the text when it goes.
        beside += [] if item.complete else [OneLine(f"cc {unread}")]
        lines.append(_row("bcc", Content.styled(" · ".join(beside), "$mm-dim")))
        lines += (
            [_row("when", Content.styled(_when(entry, now), "bold"))]
            if has_time and not edit and not entry.ended
            else []
        )
    elif entry.is_inbound:
        lines.append(_row("came", Content.styled(f"{exact(item.received_at)} · {LET_IN}", "$mm-dim")))
    if entry.presence is not None:
        lines.append(Content.assemble((" ! ", "$warning"), entry.presence.words))
    if snooze := entry.woken or entry.snoozed:
        lines.append(Content.assemble((" · ", "$accent"), snooze))
    if words := entry.approvals.words:
        lines.append(Content.assemble((" ! " if entry.approvals.needed else " · ", "$warning"), words))
    if entry.assignment is not None:
        lines.append(Content.assemble((" · ", "$accent"), entry.assignment.words))
    if entry.note is not None:
        lines.append(Content.assemble((" · ", "$accent"), _note(entry.note.words, crowded=crowded)))
    if words := entry.elsewhere_words:
        lines.append(Content.assemble((" ! ", "$warning"), words))
    if entry.pair:
        lines.append(Content.assemble((" ! ", "$warning"), entry.pair))
    if not entry.is_checked:
        lines.append(Content.assemble((" ? ", "$warning"), unchecked_words(entry)))
    if entry.is_checked and not crowded and not entry.assessment.findings:
        lines.append(Content.styled(f" · {entry.assessment.nothing}", "$mm-dim"))
    lines += finding_lines(entry.assessment.findings, shown_findings)
    lines += more
    return joined(lines, "\n")


def above(entry: QueueEntry, mailbox: Mailbox | None, now: datetime | None = None) -> list[OneLine]:
    """Further lines that must be read if the head has no room for them: what the gateway adds to an outbound email, and
    when it is sent."""
    return [] if entry.is_inbound else [*disclosure(mailbox), _when(entry, now)]


def _when(entry: QueueEntry, now: datetime | None) -> OneLine:
    return when_it_leaves(entry.item.raw.send_at, now or datetime.now(UTC), edited=entry.edit is not None)


def banner(
    decision: DecisionView | None,
    entry: QueueEntry | None,
    change: ReadChange | None,
    *,
    screen: Screen[object],
    today: date | None = None,
) -> Content:
    """The state of the email's decision, on one line; empty if there is none. All in the one colour of its ground.

    Args:
        screen: where it is shown, for the keys that work there.
        today: the reader's date: an earlier day is named.
    """
    goes_on = f"  {hint(screen, 'pending.next')}" if entry is not None and entry.ended else ""
    if entry is not None and entry.ended and not tells_end(decision, entry.item.id):
        return Content.assemble(PHASE_SIGNS.get(Phase.ELSEWHERE, "▲ "), (entry.ended, "bold"), goes_on)
    if change is not None and entry is not None and entry.edit is None and (decision is None or decision.ended):
        words = (
            f"changed {at_time(change.at, today)} while you were reading: see what changed in Diff, the "
            "whole text in Draft"
        )
        return Content.assemble("▲ ", (words, "bold"))
    about = entry.item.id if entry is not None else ""
    if decision is not None and not decision.is_shown_by_tags(about):
        sign = PHASE_SIGNS.get(decision.phase, "▲ ")
        words = decision.question.words if decision.question is not None else decision.words
        words = OneLine(f"{words}: see Diff") if decision.outcome is Outcome.NOT_AS_SEEN else words
        act = "pending.answer" if decision.question is not None else "app.undo" if decision.can_undo else ""
        key = f"  {hint(screen, act)}" if act else ""
        return Content.assemble(sign, (words, "bold"), key, goes_on)
    if entry is not None and entry.edit is not None and not entry.edit_is_current:
        return Content.assemble(
            "▲ ",
            ("the draft changed since your edit began", "bold"),
            f"  {hint(screen, 'pending.edit')}",
        )
    return Content("")


def about_line(entry: QueueEntry, *, digest: bool = True) -> OneLine:
    """Which email a dialog is about, on one line: to or from whom, the short digest, and the subject.

    `digest` is False where nothing is decided.
    """
    edit = entry.edit.text if entry.edit is not None else None
    to = (
        [str(Party.parse(one).address) for one in edit.to]
        if edit is not None
        else [one.address for one in entry.item.to]
    )
    address = entry.item.sender.address if entry.is_inbound else to[0] if to else "(not disclosed)"
    subject = OneLine(edit.subject if edit is not None else entry.item.subject)
    subject = OneLine("(no subject)") if is_blank(subject) else subject
    # Longer ones would push what is asked out of the dialog.
    address = fit_address(address, min(cell_len(address), ABOUT_CELLS))
    subject = OneLine(at_most(subject, ABOUT_CELLS))
    more = f" +{len(to) - 1}" if len(to) > 1 else ""
    who = f"from {address}" if entry.is_inbound else f"to {address}{more}"
    parts = [who, *([short(entry.shown_digest)] if digest else []), subject]
    return OneLine(" · ".join(parts))


def _begun(text: OneLine, characters: int) -> OneLine:
    """The beginning of a text that is in full on the page."""
    return text if len(text) <= characters else OneLine(f"{text[:characters]}… (in full in the text below)")


def _note(words: OneLine, *, crowded: bool) -> OneLine:
    """The beginning of a note; the findings page has it in full."""
    most = CROWDED_CHARACTERS if crowded else NOTE_CHARACTERS
    return words if len(words) <= most else OneLine(f"{words[:most]}… (in full among all risks)")


def _row(name: str, value: Content) -> Content:
    return Content.assemble((f"{name:<5}", "$mm-dim"), value)


def _party(party: Party) -> Content:
    return Content.assemble(party.address, (f" ({party.name})" if party.name else "", "$mm-dim"))


def _parties(parties: Sequence[Party]) -> Content:
    if not fits_head([party.header for party in parties]):
        return _counted(len(parties))
    return joined([_party(party) for party in parties], ", ") if parties else Content.styled(NOT_DISCLOSED, "$mm-fail")


def _recipients(entry: QueueEntry) -> Content:
    if entry.edit is None:
        return _parties(entry.item.to)
    if not fits_head(entry.edit.text.to):
        return _counted(len(entry.edit.text.to))
    return joined([_party(Party.parse(one)) for one in entry.edit.text.to], ", ") or Content("no recipient")


def _counted(number: int) -> Content:
    return Content.assemble((count(number, "recipient", "recipients"), "bold"), ", all listed in the text below")


def _mode(mailbox: Mailbox | None) -> Content:
    return (
        Content.styled(f"  mode {mode_words(mailbox.oversight_mode)}", "$mm-dim")
        if mailbox is not None
        else Content("")
    )


def finding_lines(findings: Sequence[Finding], shown: int, *, hint: str = ": i shows all") -> list[Content]:
    """A line for each of the first findings, and one with the number of others and the key that shows them. With
    `shown` 0 all that is one line."""
    if not shown and findings:
        others = f"  and {len(findings) - 1} more{hint}" if len(findings) > 1 else ""
        return [Content.assemble(*finding_lines(findings[:1], 1), (others, "$mm-dim"))]
    lines = [
        Content.assemble(SIGNS.get(finding.level, ("   ", "")), (finding.words, "$foreground"))
        for finding in findings[:shown]
    ]
    if len(findings) > shown:
        lines.append(Content.styled(f"   and {len(findings) - shown} more{hint}", "$mm-dim"))
    return lines


def _resubmitted(entry: QueueEntry) -> OneLine:
    """Says that it follows a rejected draft, and where to see the difference."""
    submitted = entry.resubmission
    unknown = " (that text is not on this machine)" if submitted is not None and submitted.before is None else ""
    return OneLine(f"{entry.resubmitted_words}{unknown}")


def author_words(entry: QueueEntry) -> OneLine:
    """The human who wrote it, and whether only a tag says so."""
    by_tag = ", according to its tag" if entry.author is not None and not entry.author.proven else ""
    return OneLine(f"{entry.author_words}{by_tag}")


def unchecked_words(entry: QueueEntry) -> OneLine:
    """Says that the rules have not seen all of it, and why."""
    return OneLine(f"not checked yet: {entry.unread_words}")


def explained(finding: Finding) -> list[Content]:
    """What the rule looks for, and the code and level of its finding."""
    words = f"{explanation(finding.code)} " if explanation(finding.code) else ""
    return [Content.styled(f"   {words}({finding.code}, {finding.level.word} risk)", "$mm-dim")]


def findings_page(
    entry: QueueEntry, mailbox: Mailbox | None = None, more: Sequence[Content] = (), *, explain: bool = False
) -> Content:
    """All findings about a waiting email, and what was not checked; for a known mailbox also what the gateway adds to
    an email or does not disclose. With `explain` also what each rule looks for."""
    found = entry.assessment
    lines = [
        line
        for finding in found.findings
        for line in (*finding_lines([finding], 1), *(explained(finding) if explain else ()))
    ] or [Content(f" · {found.nothing}" if entry.is_checked else " · nothing found so far")]
    if found.findings and explain:
        lines.append(Content.styled("   `mm-tui docs risk` describes each rule in full.", "$mm-dim"))
    if not entry.is_checked:
        lines.append(Content.assemble((" ? ", "$warning"), unchecked_words(entry)))
    lines += [Content.styled(f" · {words}", "$mm-dim") for words in found.known]
    lines += [Content.styled(f" ? {words}", "$mm-dim") for words in found.unchecked]
    lines += [Content(f" · {entry.note.words}")] if entry.note is not None else []
    if mailbox is not None and not entry.is_inbound:
        # What was not checked says already that bcc is unknown.
        notes = (words for words in above(entry, mailbox) if words != BCC_NOT_DISCLOSED)
        lines += [Content.styled(f" · {words}", "$mm-dim") for words in notes]
    lines += more
    lines.append(Content.styled(f"digest {entry.shown_digest}", "$mm-dim"))
    if entry.edit is not None:
        lines.append(Content.styled(f"digest of the draft as it waits at the gateway {entry.digest}", "$mm-dim"))
    return joined(lines, "\n")
