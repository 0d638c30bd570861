"""The queue of waiting mail: read, edit, approve, reject, without leaving the keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.worker import get_current_worker

from mm_tui import keymap
from mm_tui.messages import SubjectChanged
from mm_tui.models import PendingItem, Status
from mm_tui.screens.base import BaseScreen
from mm_tui.screens.pending.filter_strip import FilterStrip
from mm_tui.screens.pending.narrowing import Narrowed
from mm_tui.screens.pending.pane import ItemPane, View
from mm_tui.screens.pending.queue_list import PendingList, PendingRow
from mm_tui.screens.pending.saved_texts import SavedTextsScreen
from mm_tui.screens.pending.words import empty_words, heading, place_words
from mm_tui.services.decisions.ended import how_it_ended
from mm_tui.services.decisions.read_versions import ReadVersions
from mm_tui.services.decisions.view import DecisionView, Phase
from mm_tui.services.events import AssistChanged, AuditChanged, DecisionChanged, ServiceEvent, SyncChanged
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.services.queue.entry import QueueEntry, Seat
from mm_tui.text import OneLine
from mm_tui.widgets.cached_static import CachedStatic
from mm_tui.widgets.chrome import StatusLine
from mm_tui.widgets.pager import Pager

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.timer import Timer

RELOAD_SECONDS = 0.15
"""News that comes faster than this is shown together."""
READING = ("", "reading the queue …")
THREAD_OPENED = 5
"""How many mails of a thread are opened with the draft that answers it."""
AGES_SECONDS = 30.0
"""How often mail is looked at for having become due."""
CLAIMS_SECONDS = 3.0
"""How often claims that are shown are looked at for having ended, or having been seen too long ago."""
OPEN_SECONDS = 0.12
"""The cursor has to rest this long on a mail before what the list does not tell of it is read."""


class QueueRead(Message):
    """The queue as the stores hold it, from the worker that reads it."""

    def __init__(
        self,
        entries: list[QueueEntry] | None,
        kept: int,
        endings: dict[str, OneLine],
        incidents: Sequence[QueueEntry] = (),
    ) -> None:
        super().__init__()
        self.incidents = incidents
        self.entries = entries
        """None when it could not be read."""
        self.kept = kept
        """How many texts of mail that waits no more are kept."""
        self.endings = endings
        """How what was listed and waits no more was decided elsewhere."""


class PendingScreen(Narrowed, BaseScreen):
    """Waiting mail: here is what is shown. `Narrowed` says what is listed, `Deciding` and `Batches` what is decided."""

    MODE = "pending"
    TITLE_WORD = "pending"
    CSS_PATH = "pending.tcss"
    DECIDES = True
    BINDINGS = keymap.bindings("pending")

    def __init__(self) -> None:
        super().__init__()
        self._queue: ReviewQueue | None = None
        self._list: PendingList | None = None
        self._read = False
        self._reading = False
        self._outdated = False
        self._versions: ReadVersions | None = None
        self._kept = 0
        self._cursor_id = ""
        self._subject = ""
        """The version of the mail under the cursor."""
        self._looked_up: set[str] = set()
        """Mails of which the gateway was asked who had decided them."""
        self._reload_timer: Timer | None = None
        self._open_timer: Timer | None = None

    def compose_body(self) -> ComposeResult:
        yield FilterStrip(id="filters")
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield CachedStatic(id="heading")
                yield from self.compose_search()
                self._list = PendingList(self.services.clock, id="queue")
                yield self._list
            yield ItemPane(id="item")

    def on_mount(self) -> None:
        self.queue_list.empty_words = READING
        self.queue_list.focus()
        self.set_interval(0.5, self._tick)
        self.set_interval(AGES_SECONDS, self._let_mail_age)
        self.set_interval(CLAIMS_SECONDS, self._let_claims_age)
        self.reload()

    @property
    def queue_list(self) -> PendingList:
        """The list of waiting mail."""
        assert self._list is not None, "composed before anything is asked"
        return self._list

    @property
    def pane(self) -> ItemPane:
        """The waiting mail that is read."""
        return self.query_one("#item", ItemPane)

    @property
    def queue(self) -> ReviewQueue:
        """The use-case that reads the queue."""
        if self._queue is None:
            settings = self.services.settings
            self._queue = ReviewQueue(
                self.services.database, self.services.clock, settings.risk, settings.review.sla_minutes
            )
        return self._queue

    @property
    def versions(self) -> ReadVersions:
        """What of each mail was on the screen last."""
        if self._versions is None:
            self._versions = ReadVersions(self.gate)
        return self._versions

    @property
    def shows_item(self) -> bool:
        """Whether the mail under the cursor is on the screen, and not its row alone."""
        return self.has_class("-reading") or self.has_class("-wide")

    @property
    def current(self) -> QueueEntry | None:
        """The mail under the cursor."""
        key = self._list.current_key if self._list is not None else None
        return self._entries.get(key) if key is not None else None

    def status_mailbox(self) -> str | None:
        return self.current.item.mailbox_id if self.current is not None else self.filter.mailbox_id

    def undo_target(self) -> str | None:
        return self.current.item.id if self.current is not None else None

    def decision_of(self, email_id: str) -> DecisionView | None:
        """How the decision about a mail stands; None when there is none."""
        decisions = self.services.decisions
        return decisions.state(email_id) if decisions is not None else None

    # What is shown

    def handle_event(self, notice: ServiceEvent) -> None:
        if isinstance(notice, DecisionChanged):
            self.decision_moved(notice.email_id)
        if isinstance(notice, SyncChanged) and not self._entries:
            self._show_rows()
        ignored = (SyncChanged, AssistChanged) if self.shows_ended else (SyncChanged, AssistChanged, AuditChanged)
        if not isinstance(notice, ignored) and self._reload_timer is None:
            self._reload_timer = self.set_timer(RELOAD_SECONDS, self.reload)

    def services_ready(self) -> None:
        self.reload()
        self._open_soon()

    def reload(self) -> None:
        """Reads the queue anew, in a thread."""
        if self._reload_timer is not None:
            self._reload_timer.stop()
            self._reload_timer = None
        if self._reading:
            # Cancelling it for every piece of news would never let it end on a busy machine.
            self._outdated = True
            return
        self._reading, self._outdated = True, False
        decisions = self.services.decisions
        under_way = [view for view in decisions.states() if not view.ended] if decisions is not None else []
        edits = {view.replacement_id: view.email_id for view in under_way if view.replacement_id is not None}
        seat = self.services.seat()
        incidents = decisions.incidents() if decisions is not None else []
        work = partial(self._read_queue, edits, seat, tuple(self._entries), self.current, incidents)
        self.run_worker(work, thread=True, exclusive=True, group="queue", exit_on_error=False)

    def _read_queue(
        self,
        edits: Mapping[str, str],
        seat: Seat,
        listed: Sequence[str],
        current: QueueEntry | None,
        incidents: Sequence[PendingItem],
    ) -> None:
        worker = get_current_worker()
        # An edit under way is shown with its original; once that is retired, a question can be answered on the edit.
        waiting = {item.email_id for item in self.services.pending.waiting()}
        shown = waiting | ({current.item.id} if current is not None else set())
        hidden = [edit for edit, original in edits.items() if original in shown]
        entries: list[QueueEntry] | None = None
        kept = 0
        endings: dict[str, OneLine] = {}
        left: list[QueueEntry] = []
        try:
            entries = self.queue.entries(
                hidden=hidden, seat=seat, why_unread=self._why_unread, stop=lambda: worker.is_cancelled
            )
            kept = len(self.services.edits.left_over())
            services = self.services
            endings = {key: how_it_ended(services.mail, services.audit, key) for key in listed if key not in waiting}
            left = [self.queue.entry_of(item) for item in incidents]
        finally:
            self.post_message(QueueRead(entries, kept, endings, left))

    def _why_unread(self, email_id: str) -> OneLine:
        details = self.services.details
        return details.why_not(email_id) if details is not None else OneLine(self.services.trouble)

    def on_queue_read(self, message: QueueRead) -> None:
        self._reading = False
        if self._outdated:
            self.reload()
        if message.entries is None:
            return
        self._read = True
        self._kept = message.kept
        self.waiting, self.endings, self.incidents = message.entries, message.endings, list(message.incidents)
        self.versions.forget_others(entry.item.id for entry in self.waiting)
        self.narrow()

    def entries_changed(self, before: QueueEntry | None) -> None:
        """What is listed may be other mail than before."""
        self._show_rows()
        self.note_unasked(before)
        self._show_item()
        self._open_soon()

    def _show_rows(self) -> None:
        waiting = len(self.waiting)
        words = empty_words(self.services, self.filter, self.typed, waiting=waiting) if self._read else READING
        if words != self.queue_list.empty_words:
            self.queue_list.empty_words = words
            self.queue_list.refresh()
        decisions = self.services.decisions
        views: dict[str, DecisionView] = {}
        for decision in decisions.states() if decisions is not None else ():
            # A question may stand on the edit, once its original waits no more.
            views |= {key: decision for key in (decision.email_id, decision.replacement_id) if key is not None}
        self.queue_list.show(
            [
                PendingRow.of(
                    entry,
                    view := views.get(key),
                    marked=key in self.marked,
                    noted=view is not None and view.looked_at,
                )
                for key, entry in self._entries.items()
            ]
        )
        self.query_one("#heading", CachedStatic).put(heading(self, self._kept))
        if not self._entries and self.has_class("-reading"):
            self.action_back()
        self.refresh_bindings()

    def _show_item(self) -> None:
        entry = self.current
        subject = entry.version if entry is not None else ""
        if subject != self._subject:
            self._subject = subject
            self.post_message(SubjectChanged())
        self.tell_what_is_open()
        for line in self.query(StatusLine):
            line.update_state()
        if entry is None:
            self.pane.show(None, None, None)
            return
        box = next((box for box in self.services.mail.mailboxes() if box.id == entry.item.mailbox_id), None)
        self.pane.set_place(place_words(self, entry))
        change = self.versions.show(entry, self.services.clock.now()) if self.shows_item else None
        self.pane.show(entry, self.decision_of(entry.item.id), box, change)

    def _tick(self) -> None:
        """A hold counts down: its words change every second."""
        if self.ended_is_over:
            self.narrow()
        decisions = self.services.decisions
        if decisions is None or not decisions.held():
            return
        self._show_rows()
        entry = self.current
        if entry is not None and self._is_held(entry.item.id):
            self.pane.tick(self.decision_of(entry.item.id))

    def _let_claims_age(self) -> None:
        """A claim ends by itself; one that was not seen with the last poll says when it was."""
        if any(entry.claim is not None for entry in self.waiting):
            self.reload()

    def _let_mail_age(self) -> None:
        """Mail becomes due."""
        if any(entry.due_at is not None for entry in self.waiting):
            self.narrow()
        elif self.current is not None:
            self.pane.set_place(place_words(self, self.current))

    def _is_held(self, email_id: str) -> bool:
        view = self.decision_of(email_id)
        return view is not None and view.phase is Phase.HELD

    def decision_moved(self, email_id: str) -> None:
        """Shows how the decision about one mail stands now."""
        self.give_mark_back(email_id)
        self.keep_reason(self.decision_of(email_id))
        self._show_rows()
        self.tell_what_is_open()
        if self.current is not None and self.current.item.id == email_id:
            self._show_item()

    # Reading

    def on_virtual_list_moved(self, _message: PendingList.Moved) -> None:
        self.forget_refusal()
        self._take_note()
        if self.shows_ended:
            # What had ended stayed because it was read; an edit may have been hidden behind it.
            self.reload()
        self._show_item()
        self._open_soon()
        self.refresh_bindings()

    def _take_note(self) -> None:
        """What became of a decision has been looked at once the cursor has stood on its mail and left it."""
        view = self.decision_of(self._cursor_id) if self._cursor_id else None
        decisions = self.services.decisions
        # An incident must have been opened, or stood beside the list: its row alone does not tell all of it.
        shown = view is not None and (self.shows_item or view.phase is not Phase.INCIDENT)
        if decisions is not None and view is not None and view.must_be_seen and shown:
            self.run_worker(decisions.looked_at(view.id), group="note", exit_on_error=False)
            self._show_rows()
        self._cursor_id = self.current.item.id if self.current is not None else ""

    def on_virtual_list_opened(self, _message: PendingList.Opened) -> None:
        self.read_item()

    def on_pager_end_seen(self, message: Pager.EndSeen) -> None:
        for name in message.page_name.splitlines():
            self.gate.saw(name)
        self.forget_refusal()

    def read_item(self) -> None:
        """Gives the item the keys, and the whole width; beside it its thread, where there is room."""
        if self.current is not None:
            self.add_class("-reading")
            self._show_item()
            self.pane.set_beside(self.has_class("-wide"))
            self.pane.main.focus()
            self.tell_what_is_open()

    def action_back(self) -> None:
        if self.has_class("-reading"):
            self.remove_class("-reading")
            self.pane.set_beside(False)
            self.queue_list.focus()
            self.tell_what_is_open()
        elif self.is_narrowed or self.has_class("-searching"):
            self.show_all()

    def on_resize(self) -> None:
        if self.has_class("-reading"):
            self.pane.set_beside(self.has_class("-wide"))

    def action_next_view(self) -> None:
        self.pane.next_view()

    def action_toggle_source(self) -> None:
        self.pane.toggle_source()

    def action_next(self) -> None:
        if self.current is not None and self.current.ended and self.queue_list.is_last:
            self._take_note()
            self.narrow(stay=False)
        else:
            self.queue_list.action_cursor_down()

    def action_previous(self) -> None:
        self.queue_list.action_cursor_up()

    def action_kept(self) -> None:
        self.app.push_screen(SavedTextsScreen())

    def _open_soon(self) -> None:
        if self._open_timer is not None:
            self._open_timer.stop()
        self._open_timer = self.set_timer(OPEN_SECONDS, self._open_current)
        if self.services.details is not None:
            self.services.details.first(self.queue_list.keys_in_view)

    def _open_current(self) -> None:
        """Reads cc, attachments and thread of the mail under the cursor, and of the next so that it is there at once.

        Both wait for a decision, so no agent can be looking for them as unread mail.
        """
        keys, at = self.queue_list.keys, self.queue_list.cursor
        near = [entry for key in keys[at : at + 2] if (entry := self._entries.get(key)) is not None]
        # One that could not be read is tried again by `WaitingDetails`, not with every change of the list.
        wanted = [
            (entry.item.mailbox_id, entry.item.id)
            for entry in near
            if not entry.is_checked and not entry.unread_because and not entry.ended
        ]
        if near and near[0].ended and not near[0].is_inbound and near[0].item.id not in self._looked_up:
            # Its detail tells who approved it. Of an inbound mail it would be taken from the agent.
            self._looked_up.add(near[0].item.id)
            wanted.append((near[0].item.mailbox_id, near[0].item.id))
        if near and near[0].item.complete:
            # What it answers: only mails that were read before, so that none is taken from an agent.
            around = [mail.summary for mail in near[0].thread[-THREAD_OPENED:] if mail.detail is None]
            wanted += [(mail.mailbox_id, mail.id) for mail in around if str(mail.status) != Status.UNREAD]
        if wanted and self.services.sync is not None:
            self.open_mails(wanted)

    def action_thread(self) -> None:
        """The reader asks for the thread: its mails are opened, and so marked read."""
        entry = self.current
        if entry is None:
            return
        unopened = [mail.summary for mail in entry.thread if mail.detail is None]
        if unopened and self.services.sync is not None:
            self.open_mails([(mail.mailbox_id, mail.id) for mail in unopened])
        self.show_thread()

    def open_mails(self, mails: Sequence[tuple[str, str]]) -> None:
        """Opens mails at the gateway, in a worker; what fails is said on the status line."""
        self.run_worker(self._open_mails(mails), group="open", exclusive=True, exit_on_error=False)

    async def _open_mails(self, mails: Sequence[tuple[str, str]]) -> None:
        from mm_tui.services.sync.opening import open_mails

        if self.services.sync is not None and (words := await open_mails(self.services.sync, mails)):
            self.say(words, "warning")

    def show_thread(self) -> None:
        """Draft beside thread where there is room, else the thread."""
        if self.has_class("-wide"):
            self.read_item()
        else:
            self.pane.show_view(View.THREAD)
            self.read_item()
