"""Which part of the queue is listed, in which order, and what stays in the list after it has been decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mm_tui.services.decisions.ended import UNKNOWN_END, tells_end, with_ended
from mm_tui.services.decisions.view import Phase
from mm_tui.services.queue.entries import ordered
from mm_tui.services.queue.entry import Order, QueueEntry
from mm_tui.services.queue.filter import (
    ALL,
    FilterContext,
    FilterCount,
    QueueFilter,
    SavedFilter,
    counted,
    saved_filters,
)
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from datetime import datetime

    from mm_tui.clock import Clock
    from mm_tui.services.decisions.view import DecisionView

OUTCOME_SECONDS = 8.0
"""How long an email that was decided here stays in the list, with what came of it."""

COUNT_SECONDS = 10.0
"""How long the filters' counts are used while nothing but time changes them, as what is due."""


class QueueListing:
    """Holds all that waits, so that another part of it is listed at once.

    Args:
        clock: its monotonic time counts.
        saved: the settings' filters of the queue.
        context: what filters must know besides the emails, as `ReviewQueue.around`.
        decision_of: the newest decision about an email.
    """

    def __init__(
        self,
        clock: Clock,
        saved: Mapping[str, str],
        context: Callable[[], FilterContext],
        decision_of: Callable[[str], DecisionView | None],
    ) -> None:
        self._clock = clock
        self._saved = saved
        self._context = context
        self._decision_of = decision_of
        self.filter = ALL
        self.typed = ""
        """What stands on the search line."""
        self.order = Order.OLDEST
        self.waiting: list[QueueEntry] = []
        """All that waits, oldest first."""
        self.expected: int | None = None
        """How many wait in all, while the rest is still being read; None when `waiting` has them all."""
        self.incidents: list[QueueEntry] = []
        """Mail that left and should not have, and that the reader may not have looked at yet."""
        self.endings: dict[str, OneLine] = {}
        """How emails that are listed and wait no more were decided elsewhere, by their ids."""
        self.filters: list[FilterCount] = []
        """The saved filters with what each selects."""
        self._counted: list[QueueEntry] = []
        """The emails that the filters were counted with, and when, by the monotonic clock."""
        self._counted_at = float("-inf")
        self.complaint = OneLine("")
        """What of the query could not be used."""
        self.listed: dict[str, QueueEntry] = {}
        """What is selected of all that waits, and what has ended and stays for now, by id."""
        self.left_out: list[QueueEntry] = []
        """The snoozed emails that filter and query select; they are listed only when asked for."""
        self._ended_at: dict[str, float] = {}
        """When the list was first read without them, of emails that stay in it, by the monotonic clock."""

    @property
    def entries(self) -> list[QueueEntry]:
        """All that is listed and waits."""
        return [entry for entry in self.listed.values() if not entry.ended]

    @property
    def now(self) -> datetime:
        """The time."""
        return self._clock.now()

    def find(self, email_id: str) -> QueueEntry | None:
        """An email that is listed, or waits in another part of the queue."""
        waiting = (entry for entry in self.waiting if entry.item.id == email_id)
        return self.listed.get(email_id) or next(waiting, None)

    @property
    def is_narrowed(self) -> bool:
        """Whether something that waits is left out of the list."""
        return self.filter != ALL or bool(self.typed.strip())

    @property
    def shows_ended(self) -> bool:
        """Whether something is listed that waits no more."""
        return bool(self._ended_at)

    def list_anew(self, reading: str | None, *, stay: bool = True) -> None:
        """Lists what the filter and the query select, and counts all filters anew.

        Args:
            reading: the email under the cursor.
            stay: what is under the cursor stays, whatever became of it: the reader has not moved. Else they asked for
                another list.
        """
        context = self._context()
        boxes = [(box_id, OneLine(address)) for box_id, address in context.addresses.items()]
        filters = saved_filters(self._saved, boxes)
        if self.filter not in filters:
            self.filter = ALL
        self._count(filters, context)
        saved, typed = QueueFilter(self.filter.query, context), QueueFilter(self.typed, context)
        self.complaint = next(iter((*typed.complaints, *saved.complaints)), OneLine(""))
        asks = saved.asks_snoozed or typed.asks_snoozed
        selected = [entry for entry in self.waiting if saved.has(entry) and typed.has(entry)]
        self.left_out = [] if asks else [entry for entry in selected if entry.snoozed]
        found = [entry for entry in selected if asks or not entry.snoozed]
        if not stay:
            self._ended_at.clear()
        staying = self._staying(found, reading) if stay else []
        shown = with_ended(ordered(found, self.order), list(self.listed), staying)
        by_id = {entry.item.id: entry for entry in shown}
        self.listed = {entry.item.id: entry for entry in self._incidents() if entry.item.id not in by_id} | by_id

    def _count(self, filters: list[SavedFilter], context: FilterContext) -> None:
        """Counts what each filter selects, unless that was done lately with the same emails."""
        now, names = self._clock.monotonic(), [one.filter for one in self.filters]
        is_recent = now - self._counted_at < COUNT_SECONDS and self._counted is self.waiting
        if not is_recent or names != filters:
            self.filters = counted(filters, self.waiting, context)
            self._counted, self._counted_at = self.waiting, now

    def is_over(self, reading: str | None) -> bool:
        """Whether something that was decided here has been listed for long enough.

        Args:
            reading: the email under the cursor, which stays as long as anything else waits.
        """
        now = self._clock.monotonic()
        return any(
            now - at >= OUTCOME_SECONDS for key, at in self._ended_at.items() if not self.waiting or key != reading
        )

    def next_filter(self, step: int) -> None:
        """Takes the next filter that selects something; with -1 the one before."""
        names = [one.filter for one in self.filters if one.number or one.filter in (ALL, self.filter)]
        if names:
            self.filter = names[(names.index(self.filter) + step) % len(names)]

    def _staying(self, found: Sequence[QueueEntry], reading: str | None) -> list[QueueEntry]:
        """What is not selected any more and stays: the email that is read, and for a while what was decided here."""
        now = self._clock.monotonic()
        waiting = {entry.item.id: entry for entry in self.waiting}
        selected = {entry.item.id for entry in found}
        self._ended_at = {key: at for key, at in self._ended_at.items() if key in self.listed and key not in waiting}
        staying = []
        for key, entry in self.listed.items():
            if key in selected:
                continue
            is_read = key == reading
            if key in waiting:
                staying += [waiting[key]] if is_read and not waiting[key].snoozed else []
                continue
            since = self._ended_at.setdefault(key, now)
            view = self._decision_of(key)
            if view is not None and tells_end(view, key):
                words, must_be_seen, is_ours = view.words, view.must_be_seen, view.phase is not Phase.ELSEWHERE
            else:
                words, must_be_seen, is_ours = self.endings.get(key, UNKNOWN_END), False, False
            over = is_ours and now - since >= OUTCOME_SECONDS and (not is_read or not waiting)
            # The last one goes too, so that it can be seen that nothing waits.
            if must_be_seen or ((is_ours or is_read) and not over):
                staying.append(replace(entry, ended=words))
        return staying

    def _incidents(self) -> list[QueueEntry]:
        """What left and should not have, whatever part of the queue is listed, until the reader has looked at it."""
        found = []
        for entry in self.incidents:
            view = self._decision_of(entry.item.id)
            if view is not None and view.phase is Phase.INCIDENT and view.must_be_seen:
                found.append(replace(entry, ended=view.words))
        return found
