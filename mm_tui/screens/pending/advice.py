"""Advice from models about a waiting draft: what its thread asks for, and the second reader's remarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from textual.content import Content

from mm_tui.models import Direction
from mm_tui.review.render_pass import plain
from mm_tui.services.assistant.cards import CardState, begins_alike
from mm_tui.session import Session
from mm_tui.widgets.marks import Mark
from mm_tui.widgets.words import joined

if TYPE_CHECKING:
    from mm_tui.services.assistant.second_reader import SecondReaderState
    from mm_tui.services.knowledge.facts import Facts
    from mm_tui.services.queue.entry import QueueEntry

STYLE = "reader"
"""The mark for the second reader's quotes in a text."""
ASKS, ABOUT, SEPARATOR = "asks ", "about ", " · "
"""What precedes a request, and what precedes all else that a card says."""
LEAST_ASKED = 36
"""Cells that a request is given before what else the card says of it."""
OTHER = "other"
"""The label that says nothing."""


class Advice(msgspec.Struct, frozen=True):
    """The models' advice on the draft shown."""

    card: CardState | None = None
    """The card of the newest email of its thread; None if there is none."""
    reader: SecondReaderState | None = None
    """None if the second reader was not asked."""

    def lines(self, width: int, remarks: int | None = None) -> list[Content]:
        """The lines above the draft, `width` cells wide: quotes in full, everything else on one line each. `remarks`:
        how many of the second reader's; None for all. The last line has the number of all."""
        return [*self._card_lines(width), *self.reader_lines()[:-1][:remarks], *self._last_line(width)]

    def short_lines(self, width: int) -> list[Content]:
        """The same for little room: the second reader's remarks are only counted."""
        return [*self._card_lines(width)[:1], *self._last_line(width)]

    def _last_line(self, width: int) -> list[Content]:
        return [line.truncate(width, ellipsis=True) for line in self.reader_lines()[-1:]]

    def _card_lines(self, width: int) -> list[Content]:
        card = self.card
        if card is None:
            return []
        if not card.has_results:
            # Two lines, as when the results are there: nothing moves when they come.
            return [Content.styled(card.words, "$mm-dim").truncate(width, ellipsis=True), Content("")]
        asked = plain(card.asked) or card.about
        summary = Content(" ".join(plain(card.summary).split()))
        name = ASKS if card.asked else ABOUT
        first = Content(asked)
        more = [Content.assemble("by ", card.deadline)] if card.deadline else []
        more += [Content.styled("high urgency", "$mm-risk")] if card.urgency == "high" else []
        more += [Content(card.label)] if card.label and card.label != OTHER and not first else []
        if not first and not more and not card.summary:
            return []
        badge = Content.styled(f"  {card.short_badge}", "$mm-dim")
        room = max(1, width - badge.cell_length - len(name))
        says_more = bool(first or more)
        first = first if says_more else summary
        while more and first and room - _length(more) < min(LEAST_ASKED, first.cell_length):
            more.pop()
        said = [first.truncate(max(1, room - _length(more)), ellipsis=True)] if first else []
        lines = [Content.assemble((name, "$mm-dim"), joined([*said, *more], SEPARATOR).truncate(room), badge)]
        if says_more and card.summary and not begins_alike(first.plain, summary.plain):
            lines.append(Content.assemble(" " * len(name), summary).truncate(width, ellipsis=True))
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
        remarks = self.reader.remarks if self.reader is not None else ()
        return [Mark(*remark.draft_span, STYLE, remark.line) for remark in remarks]

    def thread_marks(self, email_id: str) -> list[Mark]:
        """Marks for its quotes in the body of an email of the thread."""
        remarks = self.reader.remarks if self.reader is not None else ()
        return [Mark(*remark.source_span, STYLE) for remark in remarks if remark.source_id == email_id]


def _length(parts: Sequence[Content]) -> int:
    """Cells of the parts behind another."""
    return sum(part.cell_length + len(SEPARATOR) for part in parts)


NO_ADVICE = Advice()


def advice_of(session: Session, entry: QueueEntry) -> Advice:
    """The advice that is stored; asks no model."""
    newest = "" if entry.is_inbound else newest_inbound(entry)
    card = session.triage.card(newest) if session.triage is not None and newest else None
    if card is not None and not (card.has_results or card.is_coming):
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
