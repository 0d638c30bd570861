"""The pending screen: the queue of waiting emails, for reading, editing and deciding."""

from __future__ import annotations

from collections.abc import Callable, Collection

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input

from mm_tui import keymap
from mm_tui.query import QUEUE
from mm_tui.screens.base import NO_WAY_BACK, PartAction, look_at_question
from mm_tui.screens.dialogs.dialog import ask
from mm_tui.screens.lines import StatusLine
from mm_tui.screens.pending.batches import Batches
from mm_tui.screens.pending.bulk_reject import BulkReject
from mm_tui.screens.pending.column import READING, PendingList, QueueColumn
from mm_tui.screens.pending.deciding import Deciding
from mm_tui.screens.pending.editing import Editing
from mm_tui.screens.pending.filtering import FilterActions, FilterStrip
from mm_tui.screens.pending.host import QueueHost
from mm_tui.screens.pending.keys import NAMES_ON_AN_EMAIL, WHILE_UNDECIDED, label_here
from mm_tui.screens.pending.open_email import OpenEmail
from mm_tui.screens.pending.pane import ItemPane, View
from mm_tui.screens.pending.reading import MailOpener, QueueRead, QueueReader
from mm_tui.screens.pending.saved_texts import SavedTextsScreen
from mm_tui.screens.pending.second_reading import SecondReaderActions
from mm_tui.screens.pending.snoozing import Snoozing
from mm_tui.screens.pending.team import Team
from mm_tui.screens.pending.timers import ScreenTimers
from mm_tui.screens.pending.words import NOT_YET, SIGNS
from mm_tui.screens.status import knows_queue
from mm_tui.services.decisions.approval_gate import NO_ROOM
from mm_tui.services.events import AssistChanged, AuditChanged, DecisionChanged, ServiceEvent, SyncChanged
from mm_tui.widgets.pager import Pager


class PendingScreen(QueueHost):
    """The pending screen. It shows waiting emails, and passes keys to its parts."""

    MODE = "pending"
    TITLE_WORD = "pending"
    CSS_PATH = "pending.tcss"
    DECIDES = True
    RELOAD_SECONDS = 0.15
    BINDINGS = keymap.bindings("pending")
    HELP_SIGNS = SIGNS
    HELP_MORE = tuple((f"{name}:", words) for name, words in QUEUE.operators.items())

    def __init__(self) -> None:
        super().__init__()
        self.reader = QueueReader(self)
        self.opener = MailOpener(self)
        self.filtering = FilterActions(self)
        self.team = Team(self)
        self.deciding = Deciding(self, self.team.ask_take_back)
        self.batches = Batches(self, self.deciding)
        self.bulk_reject = BulkReject(self, self.deciding)
        self.editing = Editing(self)
        self.second_reading = SecondReaderActions(self)
        self.timers = ScreenTimers(self)
        self.open_email = OpenEmail(self, self.editing, self.timers)
        self.snoozing = Snoozing(self, self.deciding)

    def compose_body(self) -> ComposeResult:
        yield FilterStrip(id="filters")
        with Horizontal(id="panes"):
            yield QueueColumn(id="left")
            yield ItemPane(id="item")

    def on_mount(self) -> None:
        self.queue_list.focus()
        self.timers.start()
        self.reload()

    def go_to(self, email_id: str) -> None:
        self.open_email.go_to(email_id)

    @property
    def still_loading(self) -> str:
        is_loading = not self.listing.listed and self.queue_list.empty_words in (READING, NOT_YET)
        return "the queue is still loading" if is_loading else ""

    def status_mailbox(self) -> str | None:
        return self.current.item.mailbox_id if self.current is not None else self.listing.filter.mailbox_id

    def stop_work(self) -> bool:
        return self.bulk_reject.stop()

    def undo_target(self) -> str | None:
        return self.current.item.id if self.current is not None else None

    def undone(self, email_ids: Collection[str]) -> None:
        self.deciding.undone(email_ids)

    def more_commands(self) -> list[tuple[str, str, Callable[[], None]]]:
        return self.filtering.commands()

    # Content

    def handle_event(self, event: ServiceEvent) -> None:
        if isinstance(event, DecisionChanged):
            self.decision_moved(event.email_id)
        if isinstance(event, AssistChanged):
            self.open_email.advice_changed(event)
        if isinstance(event, SyncChanged) and not self.listing.listed:
            unread = 0 if self.listing.waiting else self.session.mail.counts().pending
            if unread:
                # It is stored, and is read next.
                self.listing.expected = unread
            self.show_rows()
        # The gateway's log may say how listed mail ended, and what was done today. Syncing and advice change no queue.
        logged = self.listing.shows_ended or not self.listing.waiting
        matters = logged if isinstance(event, AuditChanged) else not isinstance(event, SyncChanged | AssistChanged)
        if matters or (not self.listing.waiting and self.listing.expected is not None):
            self.reload_soon()

    def draw_ages(self) -> None:
        super().draw_ages()
        if self.is_mounted:
            self.queue_list.redraw_ages()

    def services_ready(self) -> None:
        self.reload()
        self._show_current()

    def reload(self) -> None:
        super().reload()
        self.reader.read()

    def on_queue_read(self, message: QueueRead) -> None:
        if message.expected is None:
            self.reader.ended()
        if message.entries is None:
            return
        self.column.saved_texts, self.column.made = message.saved_texts, message.made
        listing, shown, before = self.listing, self.queue_list, self.current
        # What somebody reads, or is asked about, stays under the cursor.
        shown.wants_last = shown.wants_last and shown.has_focus and self.is_current and listing.expected is not None
        listing.expected = message.expected
        listing.take(message.entries, message.counts)
        listing.endings, listing.incidents = message.endings, list(message.incidents)
        self.open_email.versions.forget_others(entry.item.id for entry in listing.waiting)
        self.update_list()
        if shown.wants_last:
            shown.action_last()
            self.deciding.note_unasked(before)

    def update_list(self, *, stay: bool = True) -> None:
        before = self.current
        self.listing.list_again(before.item.id if before is not None else None, stay=stay)
        self.timers.go_on()
        self.batches.keep_marks()
        known = bool(self.listing.waiting) or knows_queue(self.session)
        self.query_one(FilterStrip).show(self.listing.filters, self.listing.filter, known=known)
        self.show_rows()
        self.open_email.find_wanted()
        self.deciding.note_unasked(before)
        self._show_current()
        look_at_question(self.app)
        self.bulk_reject.list_failures()

    def show_rows(self) -> None:
        self.column.show(self.listing, self.marks, self.bulk_reject.words)
        # Not while it is read, because the class has the whole screen styled again.
        self.set_class(not self.listing.listed and self.listing.expected is None, "-empty")
        if not self.listing.listed and self.is_reading:
            self.action_back()
        self.refresh_bindings()

    def _show_current(self) -> None:
        """Shows the email under the cursor, and soon what can be read about it."""
        self.open_email.show()
        self.opener.open_soon()
        self.second_reading.look_soon()

    def decision_moved(self, email_id: str) -> None:
        self.timers.go_on()
        self.deciding.moved(email_id)
        self.bulk_reject.moved(email_id)
        if not self.bulk_reject.words:
            # While a whole filter is rejected, the reload draws many changes together.
            self.show_rows()
        self.editing.show_what_is_open()
        if self.is_under_cursor(email_id):
            self.open_email.show()

    # Reading

    def on_virtual_list_moved(self, _message: PendingList.Moved) -> None:
        self.refusal.forget()
        self.open_email.note_result()
        if self.listing.shows_ended:
            # Ended emails stay while they are read, and may have hidden an edit.
            self.reload()
        self._show_current()
        self.refresh_bindings()

    def on_virtual_list_opened(self, _message: PendingList.Opened) -> None:
        self.read_item()

    def on_pager_end_seen(self, message: Pager.EndSeen) -> None:
        for name in message.page_name.splitlines():
            self.gate.saw(name)
        if self.current is not None and self.gate.has_seen(self.current):
            self.refusal.read_to_end()

    def on_pager_lines_seen(self, _message: Pager.LinesSeen) -> None:
        self.refusal.lines_seen()

    def on_pager_nothing_left(self, _message: Pager.NothingLeft) -> None:
        # It takes no reason off the line why a key before it did nothing.
        seen = self.current is not None and self.gate.has_seen(self.current)
        if seen and not self.query_one(StatusLine).shows_message:
            self.refusal.say("all of it has been on the screen: nothing is left to read", "information")

    def read_item(self) -> None:
        if self.current is not None:
            self.set_reading(True)
            self.open_email.show()
            self.pane.main.focus()

    def go_back(self) -> bool:
        was_reading = self.is_reading
        if was_reading:
            self.set_reading(False)
            self.queue_list.focus()
            self.editing.show_what_is_open()
        return was_reading

    def action_back(self) -> None:
        if self.go_back():
            return
        if self.is_searching or self.listing.typed:
            self.column.clear_search()
            self.filtering.search("")
            self.end_search()
        elif self.listing.is_filtered:
            self.show_all()
        else:
            self.say(NO_WAY_BACK)

    def show_all(self) -> None:
        self.column.clear_search()
        self.filtering.all()
        self.end_search()

    def on_resize(self, event: events.Resize) -> None:
        if self.refusal.words == NO_ROOM:
            self.refusal.forget()
        if self.lay_out(event.size.width):
            self.open_email.show()

    def action_next_view(self) -> None:
        self._change_view(self.pane.next_view)

    def action_toggle_source(self) -> None:
        self._change_view(self.pane.toggle_source)

    def _change_view(self, change: Callable[[], None]) -> None:
        """Opens the email if only its row is shown: what nobody sees must not change."""
        if self.shows_email:
            change()
        else:
            self.read_item()

    def action_next(self) -> None:
        if self.current is not None and self.current.ended and self.queue_list.is_last:
            self.open_email.note_result()
            self.update_list(stay=False)
        elif self.current is not None and self.queue_list.is_last:
            self.refusal.say("this is the last one listed", "information")
        else:
            self.queue_list.action_cursor_down()

    def action_previous(self) -> None:
        if self.current is not None and self.queue_list.cursor == 0:
            self.refusal.say("this is the first one listed", "information")
        self.queue_list.action_cursor_up()

    def action_order(self) -> None:
        self.filtering.switch_order()
        if self.is_reading:
            # The list, which shows the order, is not on the screen.
            self.say(f"the queue is sorted {self.listing.order}")

    def on_screen_suspend(self) -> None:
        # After the switch: behind a dialog the email stays open, and a decision names the dialog's keys.
        self.call_later(self.editing.show_what_is_open)
        self.call_later(self.open_email.tick)

    def on_screen_resume(self, _event: events.ScreenResume) -> None:
        self.pane.head.make_room()
        self.open_email.tick()
        self.timers.go_on()
        self.bulk_reject.list_failures()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key does something here, or says why not; None if it will once an email is under the cursor, so
        that only the help lists it. A letter for which this is not true counts as text."""
        entry = self.current
        if action == "next_view" and isinstance(self.focused, Input):
            return False
        if action == "filter_step":
            return not self.is_reading
        if action == "answer":
            view = self.decision_of(entry.item.id) if entry is not None else None
            return view is not None and view.question is not None
        return True if entry is not None or action not in NAMES_ON_AN_EMAIL else None

    def label_here(self, action_id: str, label: str) -> str:
        if action_id == "pending.view" and not (self.shows_email and self.pane.has_views):
            return ""
        if action_id == "pending.back":
            narrowed = self.is_searching or self.listing.typed or self.listing.is_filtered
            return label if self.is_reading else "show all" if narrowed else ""
        entry = self.current
        busy = ""
        if entry is not None and action_id in WHILE_UNDECIDED:
            busy = self.why_not(self.gate.why_busy, entry)
        marked, listing = len(self.marks), self.listing
        remarks = self.shows_email and bool(self.pane.advice.draft_marks)
        return label_here(
            action_id,
            label,
            entry,
            busy,
            marked=marked,
            found=len(listing.entries) if listing.is_filtered and not listing.complaint else 0,
            remarks=remarks,
            order=listing.order,
        )

    def is_last_in_footer(self, action_id: str) -> bool:
        return super().is_last_in_footer(action_id) or (action_id == "pending.reject_marked" and not self.marks)

    action_approve = PartAction("deciding.approve")
    action_reject = PartAction("deciding.reject")
    action_send_back = PartAction("deciding.send_back")
    action_answer = PartAction("deciding.answer")
    action_skip = PartAction("deciding.go_to_next_undecided")
    action_mark = PartAction("batches.mark")
    action_approve_marked = PartAction("batches.approve")

    def action_reject_marked(self) -> None:
        if self.marks or not self.listing.is_filtered:
            self.batches.reject()
        else:
            self.bulk_reject.ask()

    action_edit = PartAction("editing.edit")
    action_discard = PartAction("editing.discard")

    def action_saved_texts(self) -> None:
        ask(self.app, SavedTextsScreen(), self.editing.use)

    action_findings = PartAction("open_email.show_findings")
    action_go_to_finding = PartAction("open_email.go_to_finding")
    action_second_reader = PartAction("second_reading.ask")
    action_note = PartAction("team.ask_note")
    action_snooze = PartAction("snoozing.ask")
    action_assign = PartAction("team.ask_assignee")
    action_facts = PartAction("open_email.show_facts")

    def action_thread(self) -> None:
        """Opens the emails of the thread, and shows it beside the draft, or alone if there is no room."""
        if (entry := self.current) is None:
            return
        self.opener.open_thread(entry)
        if not self.has_class("-wide"):
            self.pane.show_view(View.THREAD)
        self.read_item()

    # Filter and search

    def on_filter_strip_chosen(self, message: FilterStrip.Chosen) -> None:
        self.filtering.filter(message.chosen)

    action_filter_step = PartAction("filtering.step")
    action_filter = PartAction("filtering.choose")

    def on_input_changed(self, message: Input.Changed) -> None:
        self.filtering.search(message.value)

    def on_input_submitted(self, _message: Input.Submitted) -> None:
        self.end_search()
