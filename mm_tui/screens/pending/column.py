"""The left side of the pending screen: the heading, the search line, and the list of waiting emails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

import msgspec
from rich.cells import cell_len
from rich.segment import Segment
from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from mm_tui.clock import Clock
from mm_tui.messages import session_of
from mm_tui.review.findings import Level
from mm_tui.screens.pending.words import empty_words, heading
from mm_tui.screens.status import knows_queue
from mm_tui.services.decisions.ended import says_how_it_ended
from mm_tui.services.decisions.view import DecisionView, Phase
from mm_tui.services.presence.tags import BADGE_NAME
from mm_tui.services.queue.due import due_words, is_overdue
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.store.audit.made import MadeDecision
from mm_tui.text import OneLine, subject_words
from mm_tui.widgets.cached_static import CachedStatic
from mm_tui.widgets.cells import SEPARATOR, at_most, fit_address, fit_cells, fit_list, fit_words
from mm_tui.widgets.line_input import SearchInput
from mm_tui.widgets.virtual_list import VirtualList
from mm_tui.widgets.words import age

if TYPE_CHECKING:
    from mm_tui.services.decisions.listing import QueueListing
    from mm_tui.services.decisions.marks import Marks


AGE = 4
FIXED = 1 + 2 + 1 + AGE + 1 + 1
"""The cells of the first line besides the address and the badges: mark, risk, age and spaces."""
LEAST_WHO, LEAST_SUBJECT = 20, 12
"""The cells that an address and a subject are left beside badges."""
PRESENCE_CELLS = 24
"""The width in cells for who else has an email open."""
_NOTHING = OneLine("")
_BADGES = {"already_answered": "answered already", "another_answer": "two answers"}
"""The list's words for an email, by finding."""
CALM = frozenset({Phase.HELD, Phase.WORKING, Phase.WAITING, Phase.DONE, Phase.UNDECIDED})


class PendingRow(msgspec.Struct, frozen=True):
    """The content of one row, two lines."""

    queued: QueueEntry
    phase: Phase | None = None
    """The decision about it; None if there is none."""
    words: OneLine = _NOTHING
    """The state of its decision, in words."""
    marked: bool = False
    failed: bool = False
    """Whether a decision about it failed and nobody has noticed yet."""
    not_done: str = ""
    """What a failed decision did not do, once somebody has noticed."""
    presence: str = ""
    """Who else has it open, or that it is one of an edit and its original."""

    @property
    def has_status(self) -> bool:
        """Whether the state of a decision takes the place of the subject."""
        return self.phase is not None and (self.failed or self.phase is not Phase.UNDECIDED)

    @classmethod
    def of(
        cls, queued: QueueEntry, decision: DecisionView | None, *, marked: bool = False, noted: bool = False
    ) -> Self:
        """Builds a row from the queue's entry and the decision about it; `noted`: the reader has seen how it ended."""
        presence = queued.pair or (queued.presence.badge if queued.presence is not None else "")
        presence = f"{queued.decided_by_other} decided" if queued.decided_by_other else presence
        if queued.ended and not says_how_it_ended(decision, queued.item.id):
            return cls(queued, Phase.ELSEWHERE, queued.ended)
        if decision is None or decision.is_shown_by_tags(queued.item.id):
            return cls(queued, marked=marked, presence=presence)
        failed = decision.failed and not noted
        not_done = decision.not_done if noted else ""
        return cls(queued, decision.phase, decision.words, marked, failed, not_done, presence)


class PendingList(VirtualList[str, PendingRow]):
    """Waiting emails by id. The screen provides the rows; nothing is read here."""

    def __init__(self, clock: Clock, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._clock = clock
        self._read_row: Callable[[str], PendingRow] | None = None
        self.row_height = 2

    def show(self, keys: Sequence[str], read_row: Callable[[str], PendingRow]) -> None:
        """Shows these emails; the cursor stays on its email or moves to the one now in its place. `read_row` gives the
        row of one of them, now and whenever it comes into view."""
        self._read_row = read_row
        if keys != self.keys:
            self.forget_rows()
            self.set_keys(keys)
            return
        seen = {key: index for index, key in self.indexes_in_view}
        for key, before in list(self._rows.items()):
            if (index := seen.get(key)) is None:
                # Read again when it comes into view.
                self.forget_row(key)
            elif before != (now := read_row(key)):
                self._rows[key] = now
                self.redraw_row(index)

    def fetch_rows(self, keys: Sequence[str]) -> Sequence[PendingRow]:
        assert self._read_row is not None, "there are no keys before there are rows"
        return [self._read_row(key) for key in keys]

    def draw_row(self, row: PendingRow, line: int, width: int, here: bool) -> list[Segment]:
        style = "here" if here else "row"
        bar = Segment("▌", self.style("bar")) if here else Segment(" ", self.style(style))
        return [bar, *(self._first(row, width - 1, here) if line == 0 else self._second(row, width - 1, here))]

    def _first(self, row: PendingRow, width: int, here: bool) -> list[Segment]:
        level = row.queued.assessment.level
        plain = "here" if here else "row"
        strong = "here-strong" if here else plain
        risk = {Level.HIGH: "fail", Level.MEDIUM: "risk"}.get(level, plain if row.queued.is_checked else "risk")
        words, _ = self._badges(row, width)
        room = width - FIXED - (cell_len(words) + 1 if words else 0)
        sign = {"fail": "here-fail", "risk": "here-risk"}.get(risk, strong) if here else risk
        return [
            Segment("+" if row.marked else " ", self.style("mark" if row.marked and not here else strong)),
            Segment(row.queued.risk_sign, self.style(sign)),
            Segment(f" {fit_cells(self._age(row), AGE, right=True)} ", self.style(plain if here else "dim")),
            Segment(fit_address(_who(row.queued), room), self.style(strong)),
            Segment(f" {words} " if words else " ", self.style(plain if here else "dim")),
        ]

    def _second(self, row: PendingRow, width: int, here: bool) -> list[Segment]:
        plain = "here" if here else "row"
        indent = Segment(" " * (AGE + 5), self.style(plain))
        room = width - AGE - 5
        if row.has_status:
            loud = plain if row.phase in CALM and not row.failed else "risk"
            return [indent, Segment(fit_words(row.words, room), self.style("here-strong" if here else loud))]
        subject = subject_words(row.queued.item.subject).strip()
        said, presence = self._beside_subject(row)
        _, badge = self._badges(row, width)
        badge = f" {badge} " if badge else ""
        left = room - len(said) - cell_len(presence) - cell_len(badge)
        late = is_overdue(row.queued.due_at, self._clock.now())
        return [
            indent,
            Segment(fit_cells(subject, left), self.style(plain if here else "dim")),
            Segment(badge, self.style(plain if here else "dim")),
            Segment(presence, self.style("here-strong" if here else "row")),
            Segment(said, self.style("here-strong" if here else "risk" if late else "row")),
        ]

    def _beside_subject(self, row: PendingRow) -> tuple[str, str]:
        """Whether it is due, and who else has it open."""
        words = due_words(row.queued.item.received_at, row.queued.due_at, self._clock.now())
        presence = at_most(row.presence, PRESENCE_CELLS)
        return f" {words} " if words else "", f" {presence} " if presence else ""

    def _badges(self, row: PendingRow, width: int) -> tuple[str, str]:
        """The badges on the first line, if they fit beside the whole address; otherwise on the second."""
        found, who, room = self._badge_words(row), cell_len(_who(row.queued)), width - FIXED
        words = SEPARATOR.join(found)
        if not words or who + 1 + cell_len(words) <= room:
            return words, ""
        if row.has_status:
            return fit_list(found, max(1, room - 1 - min(who, LEAST_WHO))), ""
        beside = width - AGE - 5 - sum(map(cell_len, self._beside_subject(row))) - 2
        return "", fit_list(found, max(1, beside - LEAST_SUBJECT))

    def _badge_words(self, row: PendingRow) -> list[str]:
        words = [str(row.queued.woken).partition(":")[0]] if row.queued.woken else []
        words += [row.not_done] if row.not_done else []
        words += ["edited"] if row.queued.edit is not None else []
        words += [row.queued.author_words] if row.queued.author_words else []
        if row.queued.assignment is not None:
            words.append(f"for {at_most(row.queued.assignment.to, BADGE_NAME)}")
        words += [row.queued.approvals.badge] if row.queued.approvals.badge else []
        words += ["note"] if row.queued.note is not None else []
        words += ["resubmitted"] if row.queued.resubmission is not None else []
        found = {finding.code for finding in row.queued.assessment.findings}
        words += [word for code, word in _BADGES.items() if code in found]
        words += [] if row.queued.is_checked else ["not checked yet"]
        return words

    def _age(self, row: PendingRow) -> str:
        received = row.queued.item.received_at
        return "" if received is None else age(int((self._clock.now() - received).total_seconds() * 1000))


def _who(entry: QueueEntry) -> str:
    item = entry.item
    if entry.is_inbound:
        return f"← {item.sender.address}"
    more = f" +{len(item.to) - 1}" if len(item.to) > 1 else ""
    return f"→ {item.to[0].address if item.to else '(not disclosed)'}{more}"


READING = ("", "loading the queue …")
SEARCH_HELP = "words, from: to: subject: in: is: risk: flag: before: after: has:"


class QueueColumn(Vertical):
    queue_list = getters.query_one(PendingList)
    """The list of waiting emails."""
    search = getters.query_one("#search", Input)
    """The search line."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.saved_texts: int | None = None
        """How many unsent texts are saved; None before the queue was read."""
        self.made: Sequence[MadeDecision] = ()
        """Today's decisions, where nothing waits."""

    def compose(self) -> ComposeResult:
        yield CachedStatic(id="heading")
        with Horizontal(id="search-line"):
            yield Static(Content("/"))
            yield SearchInput(id="search", placeholder=SEARCH_HELP)
        waiting = PendingList(session_of(self).clock, id="queue")
        waiting.empty_words = READING
        yield waiting

    def clear_search(self) -> None:
        """Empties the search line without an event."""
        with self.search.prevent(Input.Changed):
            self.search.value = ""

    def show(self, listing: QueueListing, marks: Marks, progress: str) -> None:
        """Draws the list, with the state of the decision about each email. `progress`: of rejecting a filter."""
        session, shown = session_of(self), self.queue_list
        is_read = self.saved_texts is not None and (listing.waiting or listing.expected is None)
        words = empty_words(session, listing, self.saved_texts or 0, self.made) if is_read else READING
        if words != shown.empty_words:
            shown.empty_words = words
            shown.refresh()
        listed = listing.listed

        def row(key: str) -> PendingRow:
            view = session.decisions.overview.state(key) if session.decisions is not None else None
            noted = view is not None and view.looked_at
            return PendingRow.of(listed[key], view, marked=key in marks, noted=noted)

        shown.show(list(listed), row)
        known = knows_queue(session)
        keys = session.settings.keys
        words_above = heading(listing, marks, self.saved_texts or 0, keys, progress, known=known)
        above = self.query_one("#heading", CachedStatic)
        # What is wrong with a query is worth a second line where the list is narrow.
        above.set_class(bool(listing.complaint), "-complains")
        above.put(words_above)
