"""Batches: marking what has been read to its end, and deciding all that is marked with one wait and one undo."""

from __future__ import annotations

from textual.content import Content

from mm_tui.screens.dialogs.choice import Choice, ChoiceScreen
from mm_tui.screens.dialogs.reasons import ReasonScreen
from mm_tui.screens.pending.deciding import Deciding
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.text import OneLine
from mm_tui.widgets.words import count, joined


class Batches(Deciding):
    """Mixed into the pending screen. High risk and edited drafts are never in a batch."""

    def action_mark(self) -> None:
        entry = self.current
        if entry is None:
            return
        if entry.item.id in self.marked:
            del self.marked[entry.item.id]
        elif (why := self.why_not(self.gate.why_not_approve, entry)) or (why := entry.assessment.why_alone):
            self.refuse(why)
        elif entry.edit is not None:
            self.say("an edited draft is released by itself, not in a batch", "warning")
        else:
            self.marked[entry.item.id] = entry.version
        self.reload()

    def _marked_entries(self) -> list[QueueEntry]:
        found = [entry for entry in self.waiting if self.marked.get(entry.item.id) == entry.version]
        return [entry for entry in found if self.gate.has_seen(entry) and not self.why_not(self.gate.why_busy, entry)]

    def action_approve_marked(self) -> None:
        batch = [entry for entry in self._marked_entries() if not entry.assessment.why_alone and entry.edit is None]
        if not batch:
            self.say("nothing is marked: space marks what has been read to its end")
            return
        self.app.push_screen(
            ChoiceScreen(
                f"Approve {count(len(batch), 'mail', 'mails')}?",
                _summary(batch),
                [Choice("A", "approve them all, with one undo", True)],
                stay="back, nothing is decided",
            ),
            lambda sure: self._approve_batch(batch) if sure else None,
        )

    def _approve_batch(self, batch: list[QueueEntry]) -> None:
        if (decisions := self._decisions()) is not None:
            found = {entry.item.id: entry.assessment.findings for entry in batch}
            self._decide(batch, decisions.approve_all([(entry.item, entry.digest) for entry in batch], found=found))

    def action_reject_marked(self) -> None:
        batch = self._marked_entries()
        if not batch:
            self.say("nothing is marked: space marks what has been read to its end")
            return
        self.app.push_screen(
            ReasonScreen(
                f"Reject {count(len(batch), 'mail', 'mails')}, and why",
                OneLine(", ".join(entry.item.subject for entry in batch)),
                self._reasons(),
            ),
            lambda reason: self._reject_batch(batch, reason) if reason else None,
        )

    def _reject_batch(self, batch: list[QueueEntry], reason: str) -> None:
        if (decisions := self._decisions()) is not None:
            self.reasons_given.update((entry.item.id, reason) for entry in batch)
            self._decide(batch, decisions.reject_all([(entry.item, entry.digest) for entry in batch], reason))


def _summary(batch: list[QueueEntry]) -> Content:
    lines = [
        Content.assemble(
            (f"{entry.risk_sign} ", "$warning"),
            OneLine(", ".join(party.address for party in entry.item.to)),
            (f"  {entry.item.subject}", "$mm-dim"),
        )
        for entry in batch
    ]
    return joined(lines, "\n")
