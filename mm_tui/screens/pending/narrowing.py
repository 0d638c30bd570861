"""Which part of the queue is listed: saved filters, search as you type, and the order."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from mm_tui.query import QUEUE
from mm_tui.screens.dialogs.choice import CHOICE_KEYS, Choice, ChoiceScreen
from mm_tui.screens.pending.batches import Batches
from mm_tui.screens.pending.filter_strip import FilterStrip
from mm_tui.services.decisions.ended import UNKNOWN_END, tells_end, with_ended
from mm_tui.services.decisions.view import Phase
from mm_tui.services.queue.entries import ordered
from mm_tui.services.queue.entry import Order, QueueEntry
from mm_tui.services.queue.filter import ALL, FilterCount, QueueFilter, SavedFilter, counted, saved_filters
from mm_tui.text import OneLine
from mm_tui.widgets.line_input import LineInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult

    from mm_tui.services.queue.entries import ReviewQueue

OUTCOME_SECONDS = 8.0
"""How long a mail that was decided here stays in the list, with what came of it."""


class Narrowed(Batches):
    """Mixed into the pending screen. All that waits is held, so that another part is there at once."""

    HELP_MORE = tuple((f"{name}:", words) for name, words in QUEUE.operators.items())

    if TYPE_CHECKING:

        @property
        def queue(self) -> ReviewQueue: ...
        def entries_changed(self, before: QueueEntry | None) -> None: ...

    def __init__(self) -> None:
        super().__init__()
        self.filter = ALL
        self.typed = ""
        """What stands on the search line."""
        self.order = Order.OLDEST
        self.waiting: list[QueueEntry] = []
        """All that waits, oldest first."""
        self.filters: list[FilterCount] = []
        self.complaint = OneLine("")
        """What of the query could not be used."""
        self.incidents: list[QueueEntry] = []
        """Mail that left and should not have, and that the reader may not have looked at yet."""
        self.endings: dict[str, OneLine] = {}
        """How mails that are listed and wait no more were decided elsewhere, by their ids."""
        self._entries: dict[str, QueueEntry] = {}
        """What is listed: what is selected of all that waits, and what has ended and stays for now."""
        self._ended_at: dict[str, float] = {}
        """When the list was first read without them, of mails that stay in it, by the monotonic clock."""

    def compose_search(self) -> ComposeResult:
        """The search line."""
        with Horizontal(id="search-line"):
            yield Static(Content("/"))
            yield LineInput(
                id="search", placeholder="words, from: to: subject: in: is: risk: flag: before: after: has:"
            )

    @property
    def current(self) -> QueueEntry | None:
        """The mail under the cursor."""
        raise NotImplementedError

    @property
    def entries(self) -> list[QueueEntry]:
        """All that is listed and waits."""
        return [entry for entry in self._entries.values() if not entry.ended]

    @property
    def is_narrowed(self) -> bool:
        """Whether something that waits is left out of the list."""
        return self.filter != ALL or bool(self.typed.strip())

    def narrow(self, *, stay: bool = True) -> None:
        """Lists what the filter and the search line select, and counts all filters anew.

        Args:
            stay: what is under the cursor stays, whatever became of it: the reader has not moved. Else they asked for
                another list.
        """
        before, around = self.current, self.queue.around()
        boxes = [(box_id, OneLine(address)) for box_id, address in around.addresses.items()]
        filters = saved_filters(self.services.settings.filters.queue, boxes)
        if self.filter not in filters:
            self.filter = ALL
        self.filters = counted(filters, self.waiting, around)
        saved, typed = QueueFilter(self.filter.query, around), QueueFilter(self.typed, around)
        self.complaint = next(iter((*typed.complaints, *saved.complaints)), OneLine(""))
        found = [entry for entry in self.waiting if saved.has(entry) and typed.has(entry)]
        if not stay:
            self._ended_at.clear()
        listed, staying = list(self._entries), self._staying(found) if stay else []
        shown = {entry.item.id: entry for entry in with_ended(ordered(found, self.order), listed, staying)}
        self._entries = {entry.item.id: entry for entry in self._incidents() if entry.item.id not in shown} | shown
        self.forget_marks({entry.item.id: entry for entry in self.waiting})
        self.query_one(FilterStrip).show(self.filters, self.filter)
        self.entries_changed(before)

    def _staying(self, found: Sequence[QueueEntry]) -> list[QueueEntry]:
        """What is not selected any more and stays: the mail that is read, and for a while what was decided here."""
        now, current = self.services.clock.monotonic(), self.current
        waiting = {entry.item.id: entry for entry in self.waiting}
        selected = {entry.item.id for entry in found}
        self._ended_at = {key: at for key, at in self._ended_at.items() if key in self._entries and key not in waiting}
        staying = []
        for key, entry in self._entries.items():
            if key in selected:
                continue
            is_read = current is not None and current.item.id == key
            if key in waiting:
                staying += [waiting[key]] if is_read else []
                continue
            since = self._ended_at.setdefault(key, now)
            view = self.decision_of(key)
            words = view.words if view is not None and tells_end(view) else self.endings.get(key, UNKNOWN_END)
            must_be_seen = view is not None and tells_end(view) and view.must_be_seen
            is_ours = view is not None and tells_end(view) and view.phase is not Phase.ELSEWHERE
            over = is_ours and now - since >= OUTCOME_SECONDS and (not is_read or not waiting)
            # The last one goes too, so that it can be seen that nothing waits.
            if must_be_seen or ((is_ours or is_read) and not over):
                staying.append(replace(entry, ended=words))
        return staying

    def _incidents(self) -> list[QueueEntry]:
        """What left and should not have, whatever part of the queue is listed, until the reader has looked at it."""
        found = []
        for entry in self.incidents:
            view = self.decision_of(entry.item.id)
            if view is not None and view.phase is Phase.INCIDENT and view.must_be_seen:
                found.append(replace(entry, ended=view.words))
        return found

    @property
    def shows_ended(self) -> bool:
        """Whether something is listed that waits no more."""
        return bool(self._ended_at)

    @property
    def ended_is_over(self) -> bool:
        """Something that was decided here has been listed for long enough."""
        now, current = self.services.clock.monotonic(), self.current
        return any(
            now - at >= OUTCOME_SECONDS
            for key, at in self._ended_at.items()
            if not self.waiting or current is None or key != current.item.id
        )

    def show_filter(self, chosen: SavedFilter) -> None:
        """Lists what a saved filter selects."""
        self.filter = chosen
        self.narrow(stay=False)

    def on_filter_strip_chosen(self, message: FilterStrip.Chosen) -> None:
        self.show_filter(message.chosen)

    def action_filter_step(self, step: int) -> None:
        """The next filter that selects something, or the one before."""
        names = [one.filter for one in self.filters if one.number or one.filter in (ALL, self.filter)]
        if names:
            self.show_filter(names[(names.index(self.filter) + step) % len(names)])

    def action_filter(self) -> None:
        """Lets the reader choose a saved filter, with its count."""
        width = max(len(one.filter.name) for one in self.filters)
        choices = [
            Choice(key, f"{one.filter.name:<{width}}  {one.number or '–'!s:>4}", one.filter)
            for key, one in zip(CHOICE_KEYS, self.filters, strict=False)
        ]
        self.app.push_screen(
            ChoiceScreen(
                "Which part of the queue?",
                Content("Only the list is narrowed: everything goes on waiting. / searches; [filters] saves your own."),
                choices,
                stay="as it is",
                at_once=True,
            ),
            lambda chosen: self.show_filter(chosen) if chosen is not None else None,
        )

    def more_commands(self) -> list[tuple[str, str, Callable[[], None]]]:
        """The saved filters, for the palette."""
        return [
            (f"Filter {one.filter.name}  ({one.number})", one.filter.query or "Everything that waits.",
             partial(self.show_filter, one.filter))
            for one in self.filters
        ]  # fmt: skip

    def action_order(self) -> None:
        self.order = Order.RISKIEST if self.order is Order.OLDEST else Order.OLDEST
        self.narrow()

    # The search line

    def action_search(self) -> None:
        """Opens the search line."""
        if self.has_class("-reading"):
            self.remove_class("-reading")
            self.pane.set_beside(False)
        self.add_class("-searching")
        self.query_one("#search", Input).focus()
        self.refresh_bindings()

    def on_input_changed(self, message: Input.Changed) -> None:
        self.typed = message.value
        self.narrow(stay=False)

    def on_input_submitted(self, _message: Input.Submitted) -> None:
        self._end_search()

    def _end_search(self) -> None:
        self.queue_list.focus()
        self.set_class(bool(self.typed.strip()), "-searching")
        self.refresh_bindings()

    def show_all(self) -> None:
        """Drops filter and search."""
        line = self.query_one("#search", Input)
        with line.prevent(Input.Changed):
            line.value = ""
        self.filter, self.typed = ALL, ""
        self._end_search()
        self.narrow(stay=False)
