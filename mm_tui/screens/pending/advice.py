"""Advice from models about a waiting draft: what its thread asks for, and the second reader's remarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from mm_tui.models import Direction
from mm_tui.widgets.marks import Mark

if TYPE_CHECKING:
    from mm_tui.services.assistant.cards import CardState
    from mm_tui.services.assistant.second_reader import SecondReaderState
    from mm_tui.services.facts import Facts
    from mm_tui.services.queue.entry import QueueEntry
    from mm_tui.session import Session

STYLE = "reader"
"""The mark for the second reader's quotes in a text."""
_UNTOLD = ("", "unknown")


@dataclass(frozen=True)
class Advice:
    """The models' advice on the draft shown."""

    card: CardState | None = None
    """The card of the newest email of its thread; None if there is none."""
    reader: SecondReaderState | None = None
    """None if the second reader was not asked."""

    def lines(self, width: int) -> list[Content]:
        """The lines above the draft, `width` cells wide: quotes in full, everything else on one line each."""
        return [*self._wants(width), *self.reader_lines()[:-1], *self._last_line(width)]

    def short_lines(self, width: int) -> list[Content]:
        """The same for little room: the second reader's remarks are only counted."""
        return [*self._wants(width)[:1], *self._last_line(width)]

    def _last_line(self, width: int) -> list[Content]:
        return [line.truncate(width, ellipsis=True) for line in self.reader_lines()[-1:]]

    def _wants(self, width: int) -> list[Content]:
        card = self.card
        if card is None:
            return []
        asked = card.requested_action or card.intent
        said = [Content(card.label)] if card.label else []
        if card.urgency == "high":
            said.append(Content.styled("high urgency", "$mm-risk"))
        if card.deadline:
            said.append(Content.assemble("by ", card.deadline))
        if asked not in _UNTOLD:
            said.append(Content(asked))
        if not said and not card.summary:
            return []
        summary = Content(" ".join(card.summary.split()))
        first = Content(" · ").join(said) if said else summary
        badge = Content.styled(f"  {card.badge}", "$mm-dim")
        room = max(1, width - badge.cell_length)
        line = Content.assemble(("wants ", "$mm-dim"), first).truncate(room, ellipsis=True)
        lines = [Content.assemble(line, badge)]
        if said and card.summary:
            lines.append(Content.assemble("      ", summary).truncate(width, ellipsis=True))
        return lines

    def reader_lines(self) -> list[Content]:
        """The second reader's remarks in full; the last line names the reader."""
        if self.reader is None:
            return []
        remarks = [Content.assemble((" ≠ ", "$accent"), remark.line) for remark in self.reader.remarks]
        return [*remarks, Content.styled(f" · {self.reader.summary}", "$mm-dim")]

    @property
    def draft_marks(self) -> list[Mark]:
        """Marks for the second reader's quotes in the draft's body."""
        return [Mark(*remark.draft_span, STYLE) for remark in (self.reader.remarks if self.reader is not None else ())]

    def thread_marks(self, email_id: str) -> list[Mark]:
        """Marks for its quotes in the body of an email of the thread."""
        remarks = self.reader.remarks if self.reader is not None else ()
        return [Mark(*remark.source_span, STYLE) for remark in remarks if remark.source_id == email_id]


NO_ADVICE = Advice()


def advice_of(session: Session, entry: QueueEntry) -> Advice:
    """The advice that is stored; asks no model."""
    newest = "" if entry.is_inbound else newest_inbound(entry)
    card = session.triage.card(newest) if session.triage is not None and newest else None
    if card is not None and not (card.label or card.summary or card.intent):
        card = None
    return Advice(card, session.second_reader.state(entry) if session.second_reader is not None else None)


def newest_inbound(entry: QueueEntry) -> str:
    """The id of the newest inbound email of the thread; empty if there is none."""
    came = (one for one in reversed(entry.thread) if str(one.summary.direction) == Direction.INBOUND)
    return next((one.summary.id for one in came if one.mail.is_exchanged), "")


def facts_page(facts: Facts) -> Content:
    """The house facts of a mailbox in full, and which could not be read."""
    lines = [Content.styled(f" ! {words}", "$mm-risk") for words in facts.problems]
    for file in facts.files:
        lines += [Content.styled(file.name, "bold"), Content(file.text.rstrip()), Content("")]
    none = Content.styled("None. List the files in config.toml: [assist] facts.", "$mm-dim")
    return Content("\n").join(lines or [none])
