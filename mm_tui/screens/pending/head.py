"""The head of a waiting email: sender and recipients, what the gateway hides, what colleagues do, and risks. It has a
share of the screen. What does not fit there and must be seen is on the page below (`OpenedEmail.above`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec.structs import replace
from textual.content import Content
from textual.geometry import Size

from mm_tui.models import Mailbox, Party
from mm_tui.review.digest import short
from mm_tui.review.disclosure import NOT_DISCLOSED, in_short
from mm_tui.screens.pending.advice import NO_ADVICE, Advice
from mm_tui.screens.pending.diff_pages import follows
from mm_tui.screens.pending.findings import finding_lines, unchecked_lines, when
from mm_tui.screens.pending.pages import HEAD_CHARACTERS, fits_head
from mm_tui.services.decisions.approval_gate import ReadChange
from mm_tui.services.decisions.view import Changed, DecisionView
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.text import OneLine, subject_words
from mm_tui.widgets.cached_static import CachedStatic
from mm_tui.widgets.hanging import SIGN, hanging
from mm_tui.widgets.words import count, exact, joined, mode_words

HEAD_SHARE = 2
"""The largest share of the pane for the head: a half."""
PADDING = 2
"""The cells beside the head."""
MOST_FINDINGS = 8
LATE_ROWS = 2
"""Rows kept for an email that is not checked yet, besides the one that says so: for what the rules find, or cc."""
BEGUN_CHARACTERS = 40
"""The characters that a crowded head has of a line that is in full on the page."""
CROWDED_ADDRESS = 50
"""The most characters of a recipient's address in a crowded head."""
NOTE_CHARACTERS = 140
"""The most characters of a note for colleagues."""
LET_IN = "the agent sees it once you let it in"
IN_TEXT, AMONG_FINDINGS = "in full in the text below", "in full among the findings"
ALERT, NEWS = (" ! ", "$warning"), (" · ", "$accent")
STARTS = re.compile(rf"{SIGN.pattern}|(?:from|also|when|came|asks|about|bcc |(?:to|cc) {{2}}) ")
"""What lines of the head begin with, before they continue."""

WHOM, CONTINUED = re.compile(r"(?:to|cc) {2} "), " " * 5
"""What its lines about the recipients begin with."""


class OpenedEmail(msgspec.Struct, frozen=True):
    """The email that is open, with what is known about it."""

    entry: QueueEntry
    decision: DecisionView | None = None
    """The newest decision about it."""
    mailbox: Mailbox | None = None
    """Its mailbox; None if the mailbox list has not been read."""
    change: ReadChange | None = None
    """How its content differs from what the reader had on the screen."""
    advice: Advice = NO_ADVICE
    about: str = ""
    """The sentence of the marked words that the reader went to; empty for none."""

    @property
    def changed(self) -> Changed | None:
        """The difference that its decision is about."""
        return self.decision.changed if self.decision is not None else None

    @property
    def has_differences(self) -> bool:
        """Whether there is something to compare it with."""
        is_other = self.entry.edit is not None or follows(self.entry)
        return self.changed is not None or self.change is not None or is_other


class Detail(NamedTuple):
    """How much the head shows, by the room there is."""

    findings: int
    """How many findings; the rest are counted."""
    advice: Sequence[Content] = ()
    crowded: bool = False
    """Everything is in full on the page, so that beginnings and numbers are enough."""


class ItemHead(CachedStatic):
    """Shows the head. While one email is shown its height only grows, so that what is read stays in its place: what
    comes late takes the room that is there, and only what does not fit there makes it grow."""

    is_crowded = False
    """Whether it has no room for everything that must be seen, which is on the page then."""
    shows_whom = False
    """Whether it has room for all rows about the recipients."""
    _rows = 0
    _rows_for: tuple[str, Size] | None = None
    """The email, and the size of the pane, for which it has this height."""

    def draw(self, opened: OpenedEmail | None, pane: Size, now: datetime, *, is_scrolled: bool) -> int:
        """Draws the head for a pane of this size; returns by how many rows it grew under the reader's eyes.
        `is_scrolled`: the text below is scrolled, and keeps its place although the head grows."""
        if opened is None:
            self._rows, self._rows_for, self.is_crowded, self.shows_whom = 0, None, False, False
            self.put(Content(""))
            self.styles.min_height = 0
            return 0
        width, most, place = max(1, pane.width - PADDING), pane.height // HEAD_SHARE, (opened.entry.item.id, pane)
        before = self._rows if place == self._rows_for else 0
        text, self.is_crowded = fitted(opened, now, width, most, 0 if is_scrolled else before)
        rows = text.get_height({}, width) + (0 if opened.entry.is_checked else LATE_ROWS)
        self._rows, self._rows_for = max(before, min(rows, most)), place
        self.styles.min_height = self._rows
        self.shows_whom = _whom_height(text, width) <= self._rows
        self.put(text)
        return self._rows - before if before else 0

    def make_room(self) -> None:
        """Shows again all that came while the email was on the screen."""
        self._rows_for = None


def fitted(opened: OpenedEmail, now: datetime, width: int, most: int, shown: int = 0) -> tuple[Content, bool]:
    """As much of the head as fits, and whether it is crowded. Advice is left out first, then findings. `most`: the most
    rows; 0 if that is not known yet. `shown`: the rows that it has had for this email; rather than grow it counts
    findings, and has no card. 0: none."""

    def drawn(detail: Detail) -> Content:
        lines = _with_digest(list(_lines(opened, now, detail)), short(opened.entry.shown_digest), width)
        return hanging(joined(lines, "\n"), width, STARTS)

    def fits(text: Content, rows: int) -> bool:
        return text.get_height({}, width) <= rows

    text, is_crowded = Content(""), False
    for detail in _details(opened, width):
        text, is_crowded = drawn(detail), detail.crowded
        if not most or fits(text, most):
            break
    if shown and not is_crowded and not fits(text, shown):
        remarks = replace(opened.advice, card=None).lines(width)
        shorter = (drawn(Detail(findings, remarks)) for findings in range(MOST_FINDINGS, -1, -1))
        text = next((one for one in shorter if fits(one, shown)), text)
    return text, is_crowded


def _whom_height(text: Content, width: int) -> int:
    """The rows of the head down to the last one about the recipients."""
    lines = text.split("\n", allow_blank=True)
    last = max((at for at, line in enumerate(lines) if at and WHOM.match(line.plain)), default=0)
    while last + 1 < len(lines) and lines[last + 1].plain.startswith(CONTINUED):
        last += 1
    return joined(lines[: last + 1], "\n").get_height({}, width)


def _details(opened: OpenedEmail, width: int) -> Iterator[Detail]:
    """What to try, the most first."""
    yield Detail(MOST_FINDINGS, opened.advice.lines(width))
    remarks = len(opened.advice.reader.remarks) if opened.advice.reader is not None else 0
    yield from (Detail(MOST_FINDINGS, opened.advice.lines(width, some)) for some in range(remarks - 1, 0, -1))
    yield Detail(MOST_FINDINGS, opened.advice.short_lines(width))
    least = min(1, len(opened.entry.assessment.findings))
    for crowded in (False, True):
        yield from (Detail(findings, crowded=crowded) for findings in range(MOST_FINDINGS, least - 1, -1))


# The lines


def _lines(opened: OpenedEmail, now: datetime, detail: Detail) -> Iterator[Content]:
    entry = opened.entry
    yield _title(entry, crowded=detail.crowded)
    if entry.resubmitted_words:
        is_unknown = entry.resubmission is not None and entry.resubmission.before is None
        more = " (that text is not on this machine)" if is_unknown else ""
        yield Content.assemble(ALERT, OneLine(f"{entry.resubmitted_words}{more}"))
    yield from _envelope(opened, now, crowded=detail.crowded)
    yield from _remarks(entry, crowded=detail.crowded)
    yield from unchecked_lines(entry)
    if entry.is_checked and not detail.crowded and not entry.assessment.findings:
        yield Content.styled(f" · {entry.assessment.nothing}", "$mm-dim")
    yield from finding_lines(entry.assessment.findings, detail.findings, about=opened.about)
    yield from detail.advice


def _with_digest(lines: list[Content], digest: str, width: int) -> list[Content]:
    """The lines with the digest after the subject, or after the sender if it would need a row of its own there."""
    places = [at for at, line in enumerate(lines) if at == 0 or line.plain.startswith("from ")]
    longer = {at: Content.assemble(lines[at], (f"  {digest}", "$mm-dim")) for at in places}
    free = (at for at in places if longer[at].get_height({}, width) == lines[at].get_height({}, width))
    at = next(free, 0)
    return [*lines[:at], longer[at], *lines[at + 1 :]]


def _title(entry: QueueEntry, *, crowded: bool) -> Content:
    """The subject, and who wrote it."""
    subject = OneLine(entry.text.subject)
    if crowded or len(subject) > HEAD_CHARACTERS:
        subject = _begun(subject, BEGUN_CHARACTERS if crowded else HEAD_CHARACTERS // 2)
    by_tag = ", according to its tag" if entry.author is not None and not entry.author.proven else ""
    return Content.assemble(
        (subject_words(subject), "bold"),
        (f"  {entry.author_words}{by_tag}" if entry.author is not None else "", "$mm-accent"),
        ("  edited by you" if entry.edit is not None else "", "$mm-accent"),
    )


def _envelope(opened: OpenedEmail, now: datetime, *, crowded: bool) -> Iterator[Content]:
    """From whom and to whom, and when; for an outbound email also what the gateway does not disclose."""
    entry, item = opened.entry, opened.entry.item
    box = opened.mailbox
    mode = Content.styled(f"  mode {mode_words(box.oversight_mode)}" if box is not None else "", "$mm-dim")
    sender = Content(_begun(OneLine(f"{item.sender}"), BEGUN_CHARACTERS)) if crowded else _party(item.sender)
    recipients = [Party.parse(one) for one in entry.edit.text.to] if entry.edit is not None else item.to
    nobody = Content("no recipient") if entry.edit is not None else Content.styled(NOT_DISCLOSED, "$mm-fail")
    to = _parties(recipients, crowded=crowded) or nobody
    if entry.is_inbound:
        yield _row("from", sender)
        yield _row("to", Content.assemble(to, mode))
    else:
        # Where room is short, whom it goes to is worth more than from which of our addresses.
        rows = [_row("from", Content.assemble(sender, mode)), _row("to", to)]
        yield from reversed(rows) if crowded else rows
    unread = "could not be read" if entry.unread_because else "loading …"
    if item.complete and item.cc:
        yield _row("cc", _parties(item.cc, crowded=crowded))
    elif item.complete and "cc" in item.raw.undisclosed:
        yield _row("cc", Content.styled(NOT_DISCLOSED, "$mm-fail"))
    elif not item.complete and (entry.is_inbound or crowded):
        yield _row("cc", Content.styled(unread, "$mm-dim"))
    if entry.is_inbound:
        yield _row("came", Content.styled(f"{exact(item.received_at)} · {LET_IN}", "$mm-dim"))
    elif not crowded:
        leaves, has_time = not entry.ended, bool(item.raw.send_at)
        said = list(in_short(opened.mailbox, item.bcc, knows_send_time=has_time, edited=entry.replaces))
        said += [when(entry, now)] if leaves and entry.replaces else []
        # Most emails have no cc: a row of its own would move the text when it goes.
        said += [] if item.complete else [OneLine(f"cc {unread}")]
        yield _row("bcc", Content.styled(" · ".join(said), "bold" if item.raw.bcc else "$mm-dim"))
        if leaves and has_time and not entry.replaces:
            yield _row("when", Content.styled(when(entry, now), "bold"))


def _remarks(entry: QueueEntry, *, crowded: bool) -> Iterator[Content]:
    """What colleagues do with it and say about it."""
    note = entry.note.words if entry.note is not None else OneLine("")
    said = (
        (ALERT, entry.presence.words if entry.presence is not None else ""),
        (NEWS, entry.woken or entry.snoozed),
        (ALERT if entry.approvals.needed else (" · ", "$warning"), entry.approvals.words),
        (NEWS, entry.assignment.words if entry.assignment is not None else ""),
        (NEWS, _begun(note, BEGUN_CHARACTERS if crowded else NOTE_CHARACTERS, AMONG_FINDINGS)),
        (ALERT, entry.elsewhere_words),
        (ALERT, entry.pair),
    )
    yield from (Content.assemble(sign, words) for sign, words in said if words)


def _begun(text: OneLine, characters: int, where: str = IN_TEXT) -> OneLine:
    """The beginning of a text that is in full elsewhere."""
    return text if len(text) <= characters else OneLine(f"{text[:characters]}… ({where})")


def _row(name: str, value: Content) -> Content:
    return Content.assemble((f"{name:<5}", "$mm-dim"), value)


def _party(party: Party) -> Content:
    return Content.assemble(party.address, (f" ({party.name})" if party.name else "", "$mm-dim"))


def _parties(parties: Sequence[Party], *, crowded: bool) -> Content:
    """The addresses, or their number if they are on the page; empty without any. Of a single one that fits, the address
    is as short as the number."""
    if crowded and len(parties) == 1 and len(parties[0].address) <= CROWDED_ADDRESS:
        return Content(parties[0].address)
    if parties and (crowded or not fits_head([party.header for party in parties])):
        number = count(len(parties), "recipient", "recipients")
        return Content.assemble((number, "bold"), ", all listed in the text below")
    return joined([_party(party) for party in parties], ", ")
