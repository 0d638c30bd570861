"""The audit screen: the gateway's log and our own journal, merged by time."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from functools import cached_property, partial

from msgspec.structs import replace
from textual import events, getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from mm_tui import keymap
from mm_tui.screens.audit.entry_list import AuditList
from mm_tui.screens.audit.pages import line_page
from mm_tui.screens.audit.plot import decisions_plot, first_day
from mm_tui.screens.audit.words import empty_words, heading
from mm_tui.screens.base import BaseScreen
from mm_tui.screens.dialogs.dialog import ask
from mm_tui.services.audit.line import AuditLines, narrowed
from mm_tui.services.events import AuditChanged, DecisionChanged, MailboxesChanged, ServiceEvent, SyncChanged, SyncPart
from mm_tui.store.audit.folding import Folder
from mm_tui.store.audit.journal import Verdict
from mm_tui.store.audit.made import MadeDecision, made_since
from mm_tui.store.audit.timeline import Facet, LineFilter
from mm_tui.widgets.background import Later, in_thread
from mm_tui.widgets.cached_static import CachedStatic
from mm_tui.widgets.line_input import SearchInput
from mm_tui.widgets.pager import Page, Pager

CHECKING = "checking the journal"
TYPING_SECONDS = 0.12
"""Seconds without a key before the search starts."""
FIRST_KEYS = 200
PAGE_CELLS = 100
"""The greatest width in cells of the dialog that shows a log line, including six for its margins."""
PADDING = 2
BESIDE_COLUMNS = 150
"""The screen width in cells from which the line under the cursor is shown in full beside the list."""


class AuditScreen(BaseScreen):
    """Shows both logs, newest first."""

    MODE = "audit"
    TITLE_WORD = "audit"
    CSS_PATH = "audit.tcss"
    BINDINGS = keymap.bindings("audit")
    HELP_MORE = (
        ("after:", "after a day (2026-03-01, 2026-03, yesterday) or within an age (30min, 6h, 7d, 2w, 3mo, 1y)"),
        ("before:", "before that day, or longer ago than that age"),
    )

    entries = getters.query_one("#entries", AuditList)
    """The list of log lines."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen = LineFilter()
        self.typed = ""
        self.folds = True
        """Whether related lines are folded into one row."""
        self._made: Sequence[MadeDecision] = ()
        self.has_read = False
        """Whether all matching lines have been found."""
        self._newer = 0
        """Rows that came in above the view."""
        self._searching = Later(self, TYPING_SECONDS, self._search)

    @cached_property
    def lines(self) -> AuditLines:
        """The service that reads both logs."""
        return AuditLines(self.session.database)

    @property
    def wanted(self) -> LineFilter:
        """The current filter: the chosen one, narrowed by the search."""
        return narrowed(self.chosen, self.typed, self.session.clock.now())[0]

    def status_mailbox(self) -> str | None:
        return self.chosen.mailbox_id

    def size_classes(self, width: int, height: int) -> tuple[str, ...]:
        return (*super().size_classes(width, height), *(("-beside",) if width >= BESIDE_COLUMNS else ()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offers to show a line only where it is not shown beside the list, and all lines only if some are left out."""
        del parameters
        if action == "look":
            return not self.has_class("-beside")
        return action != "clear" or self.has_class("-searching") or self.chosen != LineFilter() or bool(self.typed)

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield CachedStatic(id="plot")
                yield CachedStatic(id="heading")
                with Horizontal(id="search-line"):
                    yield Static(Content("/"))
                    yield SearchInput(id="search", placeholder="words, after: before:")
                yield AuditList(self.lines, self.session.clock, id="entries")
            yield Pager(id="entry")

    def on_mount(self) -> None:
        self.entries.empty_words = ("Loading both logs …",)
        self.entries.focus()
        self._show_heading()
        self.reload(fresh=True)

    # Content

    def handle_event(self, event: ServiceEvent) -> None:
        if isinstance(event, AuditChanged | DecisionChanged | MailboxesChanged):
            self.reload_soon()
        elif isinstance(event, SyncChanged):
            self._show_heading()

    def services_ready(self) -> None:
        self._show_heading()

    def on_screen_resume(self, _event: events.ScreenResume) -> None:
        # The gateway's log is read once a minute; read it now, because the reader wants to see the latest actions.
        if self.session.sync is not None:
            self.session.sync.wake(SyncPart.AUDIT)

    def show(self, chosen: LineFilter, typed: str) -> None:
        """Applies another filter, starting with the newest line."""
        if (chosen, typed) != (self.chosen, self.typed):
            self.chosen, self.typed = chosen, typed
            self.reload(fresh=True)

    def reload(self, fresh: bool = False) -> None:
        """Reads both logs again, in a thread; `fresh` goes to the newest line."""
        super().reload()
        work = partial(self._read, self.wanted, self._asked, fresh)
        self.run_worker(work, thread=True, exclusive=True, group="lines", exit_on_error=False)

    @property
    def _asked(self) -> tuple[LineFilter, str, bool]:
        return (self.chosen, self.typed, self.folds)

    def _read(self, wanted: LineFilter, asked: tuple[LineFilter, str, bool], fresh: bool) -> None:
        worker = get_current_worker()

        def post(*, whole: bool, fresh: bool) -> None:
            if not worker.is_cancelled:
                self.call_later(self._take, asked, keys[:], dict(folder.folded), whole=whole, fresh=fresh)

        self.lines.learn()
        # First, so that the plot above does not push away lines that are being read.
        since = first_day(self.session.clock.now())
        self.call_later(self._show_decisions, made_since(self.session.database, since))
        folder = Folder(self.session.database)
        keys = array("q")
        first = fresh
        for chunk in self.lines.keys(wanted, stop=lambda: worker.is_cancelled, first=FIRST_KEYS):
            keys.extend(folder.fold(chunk) if asked[-1] else chunk)
            if first:
                post(whole=False, fresh=True)
                first = False
        post(whole=True, fresh=first)

    def _show_decisions(self, made: Sequence[MadeDecision]) -> None:
        self._made = made
        self._show_plot()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= BESIDE_COLUMNS, "-beside")
        self.refresh_bindings()
        self.call_after_refresh(self._show_plot)

    def _show_plot(self) -> None:
        width = self.query_one("#left").size.width - PADDING
        words = decisions_plot(self._made, self.session.clock.now(), width)
        plot = self.query_one("#plot", CachedStatic)
        plot.put(words)
        plot.display = bool(words)

    def _take(
        self,
        asked: tuple[LineFilter, str, bool],
        keys: array[int],
        folded: Mapping[int, int],
        *,
        whole: bool,
        fresh: bool,
    ) -> None:
        """Lists the lines found, if they are still asked for. `whole`: no more follow. `fresh`: they are other lines,
        shown from the newest."""
        if asked != self._asked:
            return
        self.lines.folded = folded
        self.has_read = whole
        self.entries.empty_words = empty_words(self.session, self.chosen, self.typed)
        self.entries.forget_rows()
        self._newer = 0 if fresh else self._newer + self.entries.added_above(keys)
        if fresh or keys != self.entries.keys:
            self.entries.set_keys(keys, go_first=fresh)
        self._show_heading()
        self._show_line()

    def _show_heading(self) -> None:
        rows, folded, names = len(self.entries.keys), sum(self.lines.folded.values()), self.lines.names
        words = heading(
            self.session, names, self.chosen, self.typed, rows, folded, newer=self._newer, whole=self.has_read
        )
        self.query_one("#heading", CachedStatic).put(words)
        self.update_status()

    def _show_line(self) -> None:
        row = self.entries.current_row
        pager = self.query_one("#entry", Pager)
        page = line_page(row, pager.room, self.session.settings.keys, self.lines.names) if row is not None else Page()
        pager.show(page, str(row.line.key) if row is not None else "")

    def on_pager_room_changed(self) -> None:
        self._show_line()

    def on_virtual_list_moved(self, _message: AuditList.Moved) -> None:
        if self._newer and self.entries.current_key == self.entries.keys[0]:
            self._newer = 0
            self._show_heading()
        self._show_line()

    # Actions

    def action_fold(self) -> None:
        self.folds = not self.folds
        self.reload(fresh=True)

    def on_virtual_list_opened(self, _message: AuditList.Opened) -> None:
        row = self.entries.current_row
        if row is None:
            return
        if row.line.about_type != "email" or not row.line.about:
            self.say("this line is not about an email")
            if not self.has_class("-beside"):
                self.action_look()
            return
        from mm_tui.screens.audit.history import HistoryScreen

        self.app.push_screen(HistoryScreen(row.line.about))

    def action_look(self) -> None:
        """Shows the line in full, for when there is no room beside the list."""
        row = self.entries.current_row
        if row is not None:
            from mm_tui.screens.dialogs.mail import PageScreen

            room = min(self.size.width * 94 // 100, PAGE_CELLS) - 6
            page = line_page(row, room, self.session.settings.keys, self.lines.names)
            self.app.push_screen(PageScreen("Log line", page))

    def action_search(self) -> None:
        self.add_class("-searching")
        self.query_one("#search", Input).focus()

    def on_input_changed(self) -> None:
        self._searching.after_pause()

    def _search(self) -> None:
        self.show(self.chosen, self.query_one("#search", Input).value)

    def on_input_submitted(self) -> None:
        self._searching.stop()
        self._search()
        self._end_search()

    def _end_search(self) -> None:
        self.entries.focus()
        self.set_class(bool(self.typed), "-searching")

    def action_clear(self) -> None:
        line = self.query_one("#search", Input)
        with line.prevent(Input.Changed):
            line.value = ""
        self._searching.stop()
        self.show(LineFilter(), "")
        self._end_search()

    def action_next_mailbox(self) -> None:
        following = self.session.mail.mailbox_after(self.chosen.mailbox_id)
        self.show(replace(self.chosen, mailbox_id=following), self.typed)

    def action_filter(self) -> None:
        timeline = self.lines.timeline
        in_thread(self, lambda: (timeline.actors(), timeline.actions()), self._ask_filter, "facets")

    def _ask_filter(self, facets: tuple[list[Facet], list[Facet]]) -> None:
        from mm_tui.screens.audit.dialogs import AuditFilterScreen

        boxes = list(self.session.mail.addresses().items())
        now, names = self.session.clock.now(), self.lines.names
        dialog = AuditFilterScreen(self.chosen, *facets, boxes, now, names)
        ask(self.app, dialog, lambda chosen: self.show(chosen, self.typed))

    def action_verify(self) -> None:
        self.say(CHECKING)
        journal = self.session.journal
        in_thread(self, lambda: (journal.verify(), journal.head()), self._show_verdict, "verify")

    def _show_verdict(self, found: tuple[Verdict, str]) -> None:
        from mm_tui.screens.audit.dialogs import verdict_screen

        verdict, head = found
        self.unsay(CHECKING)
        ask(self.app, verdict_screen(verdict, head), lambda _: self._copy(head))

    def _copy(self, head: str) -> None:
        self.app.copy_to_clipboard(head)
        self.say("head copied to the terminal's clipboard")

    def action_export(self) -> None:
        from mm_tui.screens.audit.dialogs import ExportScreen

        shown = self.chosen != LineFilter() or bool(self.typed)
        ask(self.app, ExportScreen(self.lines, self.wanted, narrowed=shown), self.say)
