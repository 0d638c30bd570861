"""The inbox: all mail of the store, filtered and searched, with a preview where there is room."""

from __future__ import annotations

import threading
from array import array
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.message import Message
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from mm_tui import keymap
from mm_tui.messages import Said
from mm_tui.query import MAIL, MAIL_FILTERS, saved
from mm_tui.screens import inbox_words
from mm_tui.screens.base import BaseScreen
from mm_tui.services.notices import (
    AssistChanged,
    MailboxesChanged,
    MailChanged,
    PendingChanged,
    SyncChanged,
)
from mm_tui.store.search import MailView, parse_query
from mm_tui.text import OneLine
from mm_tui.widgets.line_input import LineInput
from mm_tui.widgets.mail_list import MailList
from mm_tui.widgets.preview import Preview
from mm_tui.widgets.quiet import QuietStatic

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.app import ComposeResult
    from textual.timer import Timer

    from mm_tui.services.notices import Notice

FIRST_KEYS = 200
"""Keys read before the first frame; the rest follows from a thread."""
PAINT_SECONDS = 0.1
"""How long the reading waits at most until what was found first has been painted."""
RELOAD_SECONDS = 0.3
"""News that comes faster than this is shown together."""
BESIDE_COLUMNS, BELOW_COLUMNS, BELOW_LINES = 160, 120, 32
"""From which size on the preview stands beside the list, or below it."""
PREVIEW_SECONDS = 0.15
"""The cursor has to rest this long before the preview follows."""


def _places(width: int, height: int) -> dict[str, bool]:
    """The classes that say where the preview stands, by the size of the screen."""
    return {
        "-beside": width >= BESIDE_COLUMNS,
        "-below": BELOW_COLUMNS <= width < BESIDE_COLUMNS and height >= BELOW_LINES,
    }


class KeysRead(Message):
    """Keys of a view, from the worker that reads them. `whole`: nothing more follows."""

    def __init__(
        self,
        view: MailView,
        keys: array[int],
        *,
        whole: bool,
        fresh: bool,
        painted: threading.Event | None = None,
    ) -> None:
        super().__init__()
        self.view = view
        self.keys = keys
        self.whole = whole
        self.fresh = fresh
        self.painted = painted
        """To be set when they are on the screen: so long the reading leaves the processor to the painting."""


class InboxScreen(BaseScreen):
    """Mail, newest first."""

    MODE = "inbox"
    TITLE_WORD = "inbox"
    CSS_PATH = "inbox.tcss"
    BINDINGS = keymap.bindings("inbox")
    HELP_MORE = tuple((f"{name}:", words) for name, words in MAIL.operators.items())

    def __init__(self) -> None:
        super().__init__()
        self.view = MailView()
        self._reload_timer: Timer | None = None
        self._preview_timer: Timer | None = None
        self._preview_wanted = True
        self._whole = False

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield Static(id="hint")
                yield QuietStatic(id="heading")
                with Horizontal(id="search-line"):
                    yield Static(Content("/"))
                    yield LineInput(id="search", placeholder="words, from: to: label: is: in: before: after: has:")
                yield MailList(self.services.mail, self.services.clock, id="mails")
            yield Preview(self.services, id="preview")

    def on_mount(self) -> None:
        self._use_profile_mailbox()
        keys = self.services.mail.keys(self.view, limit=FIRST_KEYS)
        self.mails.set_keys(keys, go_first=True)
        self._whole = len(keys) < FIRST_KEYS
        self.mails.focus()
        self._show_hint()
        self._show_heading()
        self._show_preview()
        if not self._whole:
            self.call_after_refresh(self._reload)

    @property
    def mails(self) -> MailList:
        """The list."""
        return self.query_one("#mails", MailList)

    def status_mailbox(self) -> str | None:
        return self.view.mailbox_id

    # What is shown

    def show(self, view: MailView) -> None:
        """Shows another view, from its first line."""
        if view != self.view:
            self.view = view
            self._whole = False
            self.mails.folded = view.folded
            self._reload(fresh=True)
            self._show_heading()
            self.refresh_bindings()

    def heed(self, notice: Notice) -> None:
        if isinstance(notice, MailChanged):
            self._forget(notice.email_ids)
            self._reload_soon()
        elif isinstance(notice, AssistChanged):
            if notice.email_id is not None:
                self._forget(frozenset({notice.email_id}))
                self._show_preview()
        elif isinstance(notice, PendingChanged):
            self._reload_soon()
        elif isinstance(notice, MailboxesChanged):
            self._use_profile_mailbox()
            self._show_heading()
        elif isinstance(notice, SyncChanged):
            self._show_empty_words()

    def services_ready(self) -> None:
        self._show_empty_words()

    def _forget(self, email_ids: frozenset[str] | None) -> None:
        if email_ids is None or len(email_ids) > FIRST_KEYS:
            self.mails.forget_rows()
        else:
            found = (self.services.mail.rowid(email_id) for email_id in email_ids)
            self.mails.forget_rows([key for key in found if key is not None])

    def _reload_soon(self) -> None:
        if self._reload_timer is None:
            self._reload_timer = self.set_timer(RELOAD_SECONDS, self._reload_now)

    def _reload_now(self) -> None:
        self._reload_timer = None
        self._reload()
        self._show_preview()

    def _reload(self, *, fresh: bool = False) -> None:
        view, store = self.view, self.services.mail
        query = parse_query(view.query, self.services.clock.now())

        painted = threading.Event()

        def read() -> None:
            worker = get_current_worker()
            keys: array[int] = array("q")
            first = True
            for chunk in store.stream(view, query=query, stop=lambda: worker.is_cancelled, first=FIRST_KEYS):
                keys.extend(chunk)
                if first and fresh and not worker.is_cancelled:
                    self.post_message(KeysRead(view, keys[:], whole=False, fresh=True, painted=painted))
                    first = False
                    if len(keys) >= FIRST_KEYS:
                        painted.wait(PAINT_SECONDS)
            if not worker.is_cancelled:
                self.post_message(KeysRead(view, keys, whole=True, fresh=fresh and first))

        self.run_worker(read, thread=True, exclusive=True, group="list", exit_on_error=False)

    def on_keys_read(self, message: KeysRead) -> None:
        if message.view != self.view:
            return
        self._whole = message.whole
        if message.keys != self.mails.keys or message.fresh:
            self.mails.set_keys(message.keys, go_first=message.fresh)
        if message.whole:
            # Before, the number is not known yet: the heading would show a wrong one for the blink of an eye.
            self._show_heading()
        self._show_empty_words()
        if message.painted is not None:
            self.call_after_refresh(message.painted.set)

    def _use_profile_mailbox(self) -> None:
        wanted = self.services.settings.profile.mailbox
        if wanted is None or self.view.mailbox_id is not None:
            return
        for box in self.services.mail.mailbox_rows():
            if wanted in (box.mailbox_id, box.address):
                self.view = replace(self.view, mailbox_id=box.mailbox_id)

    def _show_hint(self) -> None:
        words = inbox_words.hint(self.services)
        hint = self.query_one("#hint", Static)
        hint.display = bool(words)
        hint.update(Content(words))

    def _show_heading(self) -> None:
        words = inbox_words.heading(self.services, self.view, len(self.mails.keys), whole=self._whole)
        self.query_one("#heading", QuietStatic).put(words, layout=False)

    def _show_empty_words(self) -> None:
        words = () if self.mails.keys else inbox_words.empty_words(self.services, self.view)
        if words != self.mails.empty_words:
            self.mails.empty_words = words
            self.mails.refresh()

    # The preview

    def on_virtual_list_moved(self, _message: MailList.Moved) -> None:
        # One timer for all moves: making a new one each time would cost as much as the repaint.
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
        self.call_after_refresh(self._show_preview)

    # Acts

    def on_virtual_list_opened(self, _message: MailList.Opened) -> None:
        row = self.mails.current_row
        if row is None or not row.email_id:
            return
        from mm_tui.screens.thread import ThreadScreen

        self.app.push_screen(ThreadScreen(row.mailbox_id, row.thread_id, row.email_id))

    def action_search(self) -> None:
        """Opens the search line."""
        line = self.query_one("#search", Input)
        self.add_class("-searching")
        line.focus()
        self.refresh_bindings()

    def on_input_changed(self, message: Input.Changed) -> None:
        self.show(replace(self.view, query=message.value))

    def on_input_submitted(self, _message: Input.Submitted) -> None:
        self._end_search()

    def _end_search(self) -> None:
        self.mails.focus()
        self.set_class(bool(self.view.query), "-searching")
        self.refresh_bindings()

    def action_clear(self) -> None:
        """Leaves the search line, then drops search and filters."""
        self.show_searched(MailView(folded=self.view.folded))

    def show_searched(self, view: MailView) -> None:
        """Shows another view, with its query on the search line where it has one."""
        line = self.query_one("#search", Input)
        with line.prevent(Input.Changed):
            line.value = OneLine(view.query)
        self.show(view)
        self._end_search()

    def more_commands(self) -> list[tuple[str, str, Callable[[], None]]]:
        """The saved filters, for the palette."""
        filters = saved(self.services.settings.filters.inbox, MAIL_FILTERS).items()
        view = MailView(folded=self.view.folded)
        return [
            (OneLine(f"Filter {name}"), OneLine(text), partial(self.show_searched, replace(view, query=text)))
            for name, text in filters
        ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`show all` is offered only where something is left out."""
        del parameters
        return action != "clear" or self.has_class("-searching") or self.view != MailView(folded=self.view.folded)

    def action_toggle_folded(self) -> None:
        """One line a thread, or one a mail."""
        self.show(replace(self.view, folded=not self.view.folded))

    def action_next_mailbox(self) -> None:
        """The next mailbox, after the last all of them."""
        ids = [None, *(box.mailbox_id for box in self.services.mail.mailbox_rows())]
        at = ids.index(self.view.mailbox_id) if self.view.mailbox_id in ids else 0
        self.show(replace(self.view, mailbox_id=ids[(at + 1) % len(ids)]))

    def action_filter(self) -> None:
        """Asks for a mailbox, label or status."""
        from mm_tui.screens.filters import FilterScreen

        self.app.push_screen(FilterScreen(self.services, self.view), self._filter_chosen)

    def _filter_chosen(self, view: MailView | None) -> None:
        if view is not None:
            self.show_searched(view)

    def action_toggle_preview(self) -> None:
        """Shows or hides the preview."""
        self._preview_wanted = not self._preview_wanted
        self.set_class(not self._preview_wanted, "-no-preview")
        self.call_after_refresh(self._show_preview)

    def action_summarise(self) -> None:
        """Asks the model about the mail under the cursor."""
        row, triage = self.mails.current_row, self.services.triage
        if row is None or not row.email_id:
            return
        if triage is None:
            self.post_message(Said("the assistant is not ready yet", "warning"))
            return
        self.run_worker(self._examine(row.email_id), group="examine", exclusive=True, exit_on_error=False)

    def action_label(self) -> None:
        """Asks for a label for the mail under the cursor."""
        from mm_tui.screens.labels import LabelScreen

        row = self.mails.current_row
        if row is None or not row.email_id:
            return
        if self.services.triage is None:
            self.post_message(Said("the assistant is not ready yet", "warning"))
            return
        labels = self.services.settings.assist.labels
        self.app.push_screen(LabelScreen(labels, row.label), partial(self._label_chosen, row.email_id))

    def _label_chosen(self, email_id: str, label: str | None) -> None:
        triage = self.services.triage
        if label is not None and triage is not None:
            self.run_worker(triage.set_label(email_id, label), group="label", exit_on_error=False)

    async def _examine(self, email_id: str) -> None:
        triage = self.services.triage
        if triage is not None:
            card = await triage.examine(email_id, again=True)
            if card.words:
                self.post_message(Said(card.words))
