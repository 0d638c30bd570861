"""Determines which part of the queue is listed, in which order, and which decided emails stay in the list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from mm_tui.clock import Clock
from mm_tui.services.decisions.ended import UNKNOWN_END, says_how_it_ended, with_ended
from mm_tui.services.decisions.view import DecisionView, Phase
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

OUTCOME_SECONDS = 8.0
"""Seconds for which an email decided here stays in the list, with its outcome."""

COUNT_SECONDS = 10.0
"""Seconds for which the filters' counts are reused while only time changes them, such as for due emails."""


class QueueListing:
    """Holds the whole queue, so that any part of it can be listed at once."""

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
        """The text in the search line."""
        self.order = Order.OLDEST
        self._listed_in = Order.OLDEST
        """The order of `listed`."""
        self._in_place: str | None = None
        """The email under the cursor, if its risk has changed there: it stays in its place until the reader moves."""
        self.waiting: list[QueueEntry] = []
        """All waiting emails, oldest first."""
        self.expected: int | None = None
        """The number of waiting emails while they are still being read; None if `waiting` has all of them."""
        self.incidents: list[QueueEntry] = []
        """Incidents that the reviewer may not have looked at yet."""
        self.endings: dict[str, OneLine] = {}
        """How listed emails that no longer wait were decided elsewhere, by id."""
        self.filters: list[FilterCount] = []
        """The saved filters with their counts."""
        self._counted: list[QueueEntry] = []
        """The emails in the filters' counts, and the monotonic time of counting."""
        self._counted_at = float("-inf")
        self.complaint = OneLine("")
        """The parts of the query that could not be used."""
        self.listed: dict[str, QueueEntry] = {}
        """The listed emails by id: the selected ones that wait, and ended ones that stay for now."""
        self.entries: list[QueueEntry] = []
        """The listed emails that wait. The footer asks how many for each key."""
        self.left_out: list[QueueEntry] = []
        """The snoozed emails that filter and query select; they are listed only on request."""
        self._ended_at: dict[str, float] = {}
        """For ended emails that stay in the list: when the list was first read without them (monotonic)."""

    @property
    def now(self) -> datetime:
        return self._clock.now()

    def find(self, email_id: str) -> QueueEntry | None:
        waiting = (entry for entry in self.waiting if entry.item.id == email_id)
        return self.listed.get(email_id) or next(waiting, None)

    def end_of(self, email_id: str) -> OneLine:
        """How an email was decided, if it no longer waits; empty while it waits."""
        if any(entry.item.id == email_id for entry in self.waiting):
            return OneLine("")
        return entry.ended if (entry := self.listed.get(email_id)) is not None else UNKNOWN_END

    @property
    def is_filtered(self) -> bool:
        """Whether some waiting emails are not listed."""
        return self.filter != ALL or bool(self.typed.strip())

    @property
    def shows_ended(self) -> bool:
        """Whether an email is listed that no longer waits."""
        return bool(self._ended_at)

    def list_again(self, reading: str | None, *, stay: bool = True) -> None:
        """Lists what filter and query select, and updates the counts of all filters. `stay`: keep the email under the
        cursor in the list, whatever happened to it; False if the reviewer asked for another list."""
        context = self._context()
        filters = self._filters(context)
        if self.filter not in filters:
            self.filter = ALL
        self._count(filters, context)
        saved, typed = QueueFilter(self.filter.query, context), QueueFilter(self.typed, context)
        self.complaint = next(iter((*typed.complaints, *saved.complaints)), OneLine(""))
        asks = saved.asks_snoozed or typed.asks_snoozed
        selected = typed.select(saved.select(self.waiting))
        self.left_out = [] if asks else [entry for entry in selected if entry.snoozed]
        found = [entry for entry in selected if asks or not entry.snoozed]
        if not stay:
            self._ended_at.clear()
        staying = self._staying(found, reading) if stay else []
        self._note_place(found, reading, stay=stay)
        staying += [entry for entry in found if entry.item.id == self._in_place]
        found = [entry for entry in found if entry.item.id != self._in_place]
        shown = with_ended(ordered(found, self.order), list(self.listed), staying)
        by_id = {entry.item.id: entry for entry in shown}
        self.listed = {entry.item.id: entry for entry in self._incidents() if entry.item.id not in by_id} | by_id
        self.entries = [entry for entry in self.listed.values() if not entry.ended]

    def _filters(self, context: FilterContext) -> list[SavedFilter]:
        boxes = [(box_id, OneLine(address)) for box_id, address in context.addresses.items()]
        return saved_filters(self._saved, boxes)

    def count(self, waiting: Sequence[QueueEntry]) -> list[FilterCount]:
        """How many of these emails each filter shows, for `take`. Call it in a thread: it may take 50 ms."""
        context = self._context()
        return counted(self._filters(context), waiting, context)

    def take(self, waiting: list[QueueEntry], counts: Sequence[FilterCount]) -> None:
        """Takes what waits, oldest first, and how many of it each filter shows."""
        self.waiting = self._counted = waiting
        self.filters, self._counted_at = list(counts), self._clock.monotonic()

    def _count(self, filters: list[SavedFilter], context: FilterContext) -> None:
        """Counts what each filter selects, unless this was done recently with the same emails."""
        now, names = self._clock.monotonic(), [one.filter for one in self.filters]
        is_recent = now - self._counted_at < COUNT_SECONDS and self._counted is self.waiting
        if not is_recent or names != filters:
            self.filters = counted(filters, self.waiting, context)
            self._counted, self._counted_at = self.waiting, now

    def is_over(self, reading: str | None) -> bool:
        """Whether an email decided here has stayed in the list long enough. `reading`: the email under the cursor,
        which stays while anything else waits."""
        now = self._clock.monotonic()
        return any(
            now - at >= OUTCOME_SECONDS for key, at in self._ended_at.items() if not self.waiting or key != reading
        )

    def next_filter(self, step: int) -> None:
        """Applies the next filter that selects something; with -1 the previous one."""
        names = [one.filter for one in self.filters if one.number or one.filter in (ALL, self.filter)]
        if names:
            self.filter = names[(names.index(self.filter) + step) % len(names)]

    def _staying(self, found: Sequence[QueueEntry], reading: str | None) -> list[QueueEntry]:
        """What stays although it is no longer selected: the email being read, and for a while those decided here."""
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
            if view is not None and says_how_it_ended(view, key):
                words, must_be_seen, is_ours = view.words, view.must_be_seen, view.phase is not Phase.ELSEWHERE
            else:
                words, must_be_seen, is_ours = self.endings.get(key, UNKNOWN_END), False, False
            over = is_ours and now - since >= OUTCOME_SECONDS and (not is_read or not waiting)
            # The last one is removed too, to show that nothing waits.
            if must_be_seen or ((is_ours or is_read) and not over):
                staying.append(replace(entry, ended=words))
        return staying

    def _note_place(self, found: Sequence[QueueEntry], reading: str | None, *, stay: bool) -> None:
        """Notes whether the email under the cursor must stay where it is, with the one that follows it."""
        same = stay and self.order is self._listed_in and self.order is Order.RISKIEST
        self._listed_in = self.order
        if not same or reading != self._in_place:
            self._in_place = None
        before = self.listed.get(reading or "")
        if same and before is not None:
            changed = (one for one in found if one.item.id == reading and one.concern != before.concern)
            self._in_place = reading if next(changed, None) is not None else self._in_place

    def _incidents(self) -> list[QueueEntry]:
        """Incidents, in any part of the queue, until the reviewer has looked at them."""
        found = []
        for entry in self.incidents:
            view = self._decision_of(entry.item.id)
            if view is not None and view.phase is Phase.INCIDENT and view.must_be_seen:
                found.append(replace(entry, ended=view.words))
        return found
