"""The inbox: all stored mail, filtered and searched, with a preview if there is room."""

from __future__ import annotations

from collections.abc import Callable

from textual import events, getters
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.css.query import NoMatches
from textual.timer import Timer
from textual.widgets import Static

from mm_tui import keymap
from mm_tui.query import MAIL
from mm_tui.screens.base import BaseScreen, PartAction
from mm_tui.screens.dialogs.mail_actions import ask_label, ask_spam, say_why_not
from mm_tui.screens.inbox import words as inbox_words
from mm_tui.screens.inbox.column import MailColumn
from mm_tui.screens.inbox.mail_list import MailList
from mm_tui.screens.inbox.preview import Preview
from mm_tui.services.assistant.cards import CardState
from mm_tui.services.events import (
    AssistChanged,
    MailboxesChanged,
    MailChanged,
    PendingChanged,
    ServiceEvent,
    SyncChanged,
)
from mm_tui.store.mail.rows import MailRow
from mm_tui.widgets.background import awaited

BESIDE_COLUMNS, BELOW_COLUMNS, BELOW_LINES = 160, 120, 32
"""The sizes from which the preview is beside the list, or below it."""
PREVIEW_SECONDS = 0.07
"""Seconds that the cursor must rest before the preview follows: longer than between the repeats of a key held down."""


def _places(width: int, height: int) -> dict[str, bool]:
    """The classes for the place of the preview, by screen size."""
    return {
        "-beside": width >= BESIDE_COLUMNS,
        "-below": BELOW_COLUMNS <= width < BESIDE_COLUMNS and height >= BELOW_LINES,
    }


class InboxScreen(BaseScreen):
    """Lists mail, newest first, with a preview."""

    MODE = "inbox"
    TITLE_WORD = "inbox"
    CSS_PATH = "inbox.tcss"
    BINDINGS = keymap.bindings("inbox")
    HELP_SIGNS = inbox_words.SIGNS
    HELP_MORE = tuple((f"{name}:", words) for name, words in MAIL.operators.items())

    column = getters.query_one("#left", MailColumn)
    """The list and the lines above it."""

    def __init__(self) -> None:
        super().__init__()
        self._preview_timer: Timer | None = None
        self._preview_wanted = True

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="panes"):
            yield MailColumn(id="left")
            yield Preview(self.session, id="preview")

    @property
    def mails(self) -> MailList:
        return self.column.mails

    @property
    def _row(self) -> MailRow | None:
        """The email under the cursor; a row that has gone from the store is none."""
        row = self.mails.current_row
        return row if row is not None and row.email_id else None

    def status_mailbox(self) -> str | None:
        return self.column.view.mailbox_id if self.is_mounted else None

    def more_commands(self) -> list[tuple[str, str, Callable[[], None]]]:
        return self.column.commands()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offers `show all` only if something is left out, and the preview only where there is room for it."""
        del parameters
        if action == "toggle_preview":
            return any(_places(*self.app.size).values())
        if action == "import_report":
            return bool(self.session.demo)
        return action != "clear" or self.has_class("-searching") or self.column.leaves_out

    def on_mount(self) -> None:
        self.column.list_first()
        self.mails.focus()
        self._show_hint()
        self._show_preview()

    def handle_event(self, event: ServiceEvent) -> None:
        if isinstance(event, MailChanged):
            self.column.forget(event.email_ids)
            self.reload_soon()
        elif isinstance(event, AssistChanged):
            if event.email_id is not None:
                self.column.forget(frozenset({event.email_id}))
                self._show_preview()
        elif isinstance(event, PendingChanged):
            self.reload_soon()
        elif isinstance(event, MailboxesChanged):
            self.column.use_profile_mailbox()
            self.column.show_heading()
        elif isinstance(event, SyncChanged):
            self.column.show_empty_words()

    def draw_ages(self) -> None:
        super().draw_ages()
        if self.is_mounted:
            self.mails.redraw_ages()

    def reload(self) -> None:
        super().reload()
        self.column.reload()
        self._show_preview()

    def services_ready(self) -> None:
        self.column.show_empty_words()

    def _show_hint(self) -> None:
        words = inbox_words.hint(self.session)
        hint = self.query_one("#hint", Static)
        hint.display = bool(words)
        hint.update(Content(words))

    def action_import_report(self) -> None:
        from mm_tui.screens.dialogs.mail import PageScreen
        from mm_tui.widgets.pager import PageWriter

        writer = PageWriter()
        for line in self.session.demo or ():
            writer.line(line)
        self.app.push_screen(PageScreen("Import report", writer.page()))

    # The preview

    def on_mail_column_other_view(self, _message: MailColumn.OtherView) -> None:
        self._show_preview()

    def on_virtual_list_moved(self, _message: MailList.Moved) -> None:
        # One timer for all moves: creating one each time would cost as much as the repaint.
        if self._preview_timer is None:
            self._preview_timer = self.set_interval(PREVIEW_SECONDS, self._rested)
        else:
            self._preview_timer.reset()
            self._preview_timer.resume()

    def _rested(self) -> None:
        if self._preview_timer is not None:
            self._preview_timer.pause()
        self._show_preview()

    def _show_preview(self) -> None:
        try:
            preview = self.query_one(Preview)
        except NoMatches:
            return
        if preview.display and preview.size.width:
            preview.show(self.mails.current_row)

    def size_classes(self, width: int, height: int) -> tuple[str, ...]:
        wanted = (name for name, wanted in _places(width, height).items() if wanted)
        return (*super().size_classes(width, height), *wanted)

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        for name, wanted in _places(width, height).items():
            self.set_class(wanted, name)
        self.refresh_bindings()
        self.call_after_refresh(self._show_preview)

    # Actions

    def on_virtual_list_opened(self, _message: MailList.Opened) -> None:
        from mm_tui.screens.thread.screen import ThreadScreen

        if (row := self._row) is not None:
            screen = ThreadScreen(row.mailbox_id, row.thread_id, row.email_id, for_thread=self.mails.folded)
            self.app.push_screen(screen)

    action_search = PartAction("column.search")
    action_clear = PartAction("column.show_all")
    action_toggle_folded = PartAction("column.toggle_folded")
    action_next_mailbox = PartAction("column.next_mailbox")
    action_filter = PartAction("column.filter")

    def action_toggle_preview(self) -> None:
        self._preview_wanted = not self._preview_wanted
        self.set_class(not self._preview_wanted, "-no-preview")
        self.call_after_refresh(self._show_preview)

    def action_summarise(self) -> None:
        row, triage = self._row, self.session.triage
        if row is not None and triage is None:
            say_why_not(self)
        elif row is not None and triage is not None:
            # Those asked about before go on.
            awaited(self, triage.examine(row.email_id, again=True), self._examined, f"examine-{row.email_id}")

    def _examined(self, card: CardState) -> None:
        if card.words:
            self.say(card.words)

    def action_label(self) -> None:
        if (row := self._row) is not None:
            ask_label(self, row.email_id, row.label)

    def action_spam(self) -> None:
        if (row := self._row) is not None:
            ask_spam(self, row)
