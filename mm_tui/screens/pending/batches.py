"""Batches: marks emails that were read to the end, and decides them together with one hold and one undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from mm_tui.review.digest import short
from mm_tui.screens.dialogs.choice import ChoiceScreen, DialogChoice
from mm_tui.screens.dialogs.dialog import ask
from mm_tui.screens.pending.words import about_line
from mm_tui.services.decisions.approval_gate import UNSEEN
from mm_tui.services.decisions.view import Phase, Seen
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.text import ManyLine, OneLine
from mm_tui.widgets.words import count, joined

if TYPE_CHECKING:
    from mm_tui.screens.pending.deciding import Deciding
    from mm_tui.screens.pending.host import QueueHost


class Batches:
    """The marked emails of the pending screen. High risk and edited drafts are never in a batch."""

    def __init__(self, screen: QueueHost, deciding: Deciding) -> None:
        self._screen = screen
        self._deciding = deciding

    def mark(self) -> None:
        entry, marks = self._screen.current, self._screen.marks
        if entry is None:
            return
        if entry.item.id in marks:
            marks.remove(entry.item.id)
        elif (why := self._screen.why_not(self._screen.gate.why_not_approve, entry)) or (
            why := entry.assessment.why_alone
        ):
            if why == UNSEEN and self._screen.is_reading:
                self._screen.refusal.read_on(entry)
            else:
                self._screen.refusal.say(why)
        elif newer := self._deciding.unseen_newer(entry):
            self._screen.refusal.say(newer)
        elif entry.edit is not None:
            self._screen.refusal.say("an edited draft must be approved on its own, not in a batch")
        else:
            marks.add(entry)
        self._screen.reload()

    def keep_marks(self) -> None:
        """Removes the marks of emails that changed or were decided elsewhere, and says so."""
        lost = [
            entry
            for entry in self._screen.marks.keep(self._screen.listing.waiting)
            if (view := self._screen.decision_of(entry.item.id)) is None or view.phase is Phase.UNDECIDED
        ]
        if lost:
            which = about_line(lost[0], digest=False) if len(lost) == 1 else f"{len(lost)} emails"
            self._screen.say(f"changed or no longer waiting, so no longer marked: {which}", "warning")

    def _marked(self) -> list[QueueEntry]:
        gate = self._screen.gate
        return [
            entry
            for entry in self._screen.marks.of(self._screen.listing.waiting)
            if gate.has_seen(entry) and not self._screen.why_not(gate.why_busy, entry)
        ]

    def _beside_listed(self, batch: list[QueueEntry]) -> str:
        """How the marked emails differ from what filter and search list; empty if neither is used."""
        listing = self._screen.listing
        if not listing.is_filtered:
            return ""
        hidden = sum(entry.item.id not in listing.listed for entry in batch)
        words = f"Only what is marked, not everything that is listed ({len(listing.entries):,})."
        return f"{words} {count(hidden, 'marked email is', 'marked emails are')} not listed now." if hidden else words

    def approve(self) -> None:
        """Approves all marked emails, after a summary."""
        if why := self._screen.gate.why_no_room:
            self._screen.refusal.say(why)
            return
        seen = self._screen.gate.has_seen_newer
        batch = [entry for entry in self._marked() if _may_be_batched(entry) and seen(entry)]
        if not batch:
            self._screen.refusal.say("nothing is marked: read an email to the end, then mark it with {pending.mark}")
            return
        found = {entry.item.id: entry.assessment.findings for entry in batch}
        shown = {entry.item.id: entry.approvals for entry in batch}
        ask(
            self._screen.app,
            ChoiceScreen(
                f"Approve {count(len(batch), 'marked email', 'marked emails')}?",
                joined(list(filter(None, (_summary(batch), Content(self._beside_listed(batch))))), "\n\n"),
                [DialogChoice("A", "approve them all (one undo for all)" if len(batch) > 1 else "approve it", True)],
                stay="go back without deciding",
                over=lambda: (
                    self._screen.gate.why_no_room or self._deciding.why_all_over(batch, self._deciding.why_outdated)
                ),
            ),
            lambda _: self._deciding.begin(
                batch, lambda service: service.approve_all(_digests(batch), found=found, shown=shown)
            ),
        )

    def reject(self) -> None:
        batch = self._marked()
        if not batch:
            self._screen.refusal.say(
                "nothing is marked: {pending.mark} marks an email that you have read; after {pending.filter} or "
                "{pending.search} everything selected can be rejected"
            )
            return
        subjects = ", ".join(entry.item.subject for entry in batch)
        self._deciding.ask_reason(
            batch,
            f"Reject {count(len(batch), 'marked email', 'marked emails')}, and give a reason",
            ManyLine("\n".join(filter(None, (subjects, self._beside_listed(batch))))),
            lambda reason, asks: self._deciding.begin(
                batch, lambda service: service.reject_all(_digests(batch), reason, asks_redraft=asks), reason
            ),
            over=lambda: self._deciding.why_all_over(batch, self._deciding.why_over),
            may_ask_redraft=any(not entry.is_inbound and entry.author is None for entry in batch),
        )


def _may_be_batched(entry: QueueEntry) -> bool:
    return not entry.assessment.why_alone and entry.edit is None and not entry.approvals.waits_for_other


def _digests(batch: list[QueueEntry]) -> list[tuple[Seen, str]]:
    return [(entry.item, entry.digest) for entry in batch]


def _summary(batch: list[QueueEntry]) -> Content:
    lines = [
        Content.assemble(
            (f"{entry.risk_sign} ", "$warning"),
            OneLine(", ".join(party.address for party in entry.item.to)),
            (f"  {short(entry.digest)}  {entry.item.subject}", "$mm-dim"),
            ("  first of two approvals" if entry.approvals.is_first else "", "$accent"),
        )
        for entry in batch
    ]
    return joined(lines, "\n")
