"""The inbox's column: search as you type, filters, and reading keys in a thread."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace
from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from mm_tui.messages import session_of
from mm_tui.query import MAIL_FILTERS, saved
from mm_tui.screens.inbox import words as inbox_words
from mm_tui.screens.inbox.mail_list import MailList
from mm_tui.screens.lines import StatusLine
from mm_tui.services.events import SyncPhase
from mm_tui.session import Session
from mm_tui.store.mail.search import MailView, parse_query
from mm_tui.text import OneLine
from mm_tui.widgets.cached_static import CachedStatic
from mm_tui.widgets.line_input import SearchInput

FIRST_KEYS = 200
"""How many keys are read before the first frame; a thread reads the rest."""
PAINT_SECONDS = 0.1
"""The longest time in seconds that the reading waits for the first results to be painted."""


def _leaves_out(view: MailView) -> bool:
    """Whether the view leaves some mail out."""
    return view != MailView(folded=view.folded)


class KeysRead(NamedTuple):
    """Keys of a view, from the thread that reads them."""

    view: MailView
    keys: array[int]
    whole: bool
    """No more follow."""
    fresh: bool
    """It is a new view, shown from the top."""
    total: int | None = None
    """How many there will be, where that is known before."""
    painted: threading.Event | None = None
    """Set once they are on the screen; until then the reading leaves the processor to the painting."""


class MailColumn(Vertical):
    """The inbox's list with its heading and search line."""

    class OtherView(Message):
        """The list shows another view, chosen with one key, and not by moving the cursor: nothing has to rest."""

    mails = getters.query_one("#mails", MailList)
    """The list of emails."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = MailView(folded=True)
        self._whole = False
        self._total: int | None = None
        """How many keys the view has, while only the first are listed and if they were counted."""
        self._starting = True
        """Whether the initial sync is still adding mail in any order, so that an untouched cursor stays on the
        newest."""

    def compose(self) -> ComposeResult:
        yield Static(id="hint")
        yield CachedStatic(id="heading")
        with Horizontal(id="search-line"):
            yield Static(Content("/"))
            yield SearchInput(id="search", placeholder="words, from: to: subject: label: is: in: before: after: has:")
        mails = MailList(
            self.session.mail, self.session.clock, is_test=not self.session.settings.profile.is_live, id="mails"
        )
        mails.folded = self.view.folded
        yield mails

    @property
    def session(self) -> Session:
        return session_of(self)

    @property
    def leaves_out(self) -> bool:
        return _leaves_out(self.view)

    def list_first(self) -> None:
        """Lists the first screen at once, and reads the rest in a thread."""
        # A watcher, because the change message arrives only after the letter has been drawn.
        self.watch(self.query_one("#search", Input), "value", self._query_typed, init=False)
        self.use_profile_mailbox()
        keys = self.session.mail.keys(self.view, limit=FIRST_KEYS)
        self.mails.set_keys(keys, go_first=True)
        self._whole = len(keys) < FIRST_KEYS
        self.show_heading()
        if not self._whole:
            # Only once the first picture is on the screen: the thread would take the processor from its drawing.
            self.mails.after_drawing(self.reload)

    def show(self, view: MailView) -> None:
        """Shows another view, from the top."""
        if view != self.view:
            before, self.view = self.view, view
            self._whole = False
            self.mails.folded = view.folded
            self.reload(fresh=True)
            if before.mailbox_id != view.mailbox_id:
                self.screen.query_one(StatusLine).update_state()
            if _leaves_out(before) != _leaves_out(view):
                self.screen.refresh_bindings()

    def forget(self, email_ids: frozenset[str] | None) -> None:
        """Makes the rows of these emails be read again when next drawn; None: all."""
        # A folded row also shows the state of other emails in its thread.
        if email_ids is None or self.view.folded or len(email_ids) > FIRST_KEYS:
            self.mails.forget_rows()
        else:
            found = (self.session.mail.rowid(email_id) for email_id in email_ids)
            self.mails.forget_rows([key for key in found if key is not None])

    def reload(self, *, fresh: bool = False) -> None:
        """Reads the keys of the view in a thread. `fresh`: it is a new view, shown from the top."""
        view, store = self.view, self.session.mail
        query = parse_query(view.query, self.session.clock.now())
        painted = threading.Event()

        def post(found: KeysRead) -> None:
            # On the screen's loop: a message that the list posts for its parent does not bubble further.
            self.screen.call_later(self.take_keys, found)

        def read() -> None:
            worker = get_current_worker()
            keys: array[int] = array("q")
            first = True
            for chunk in store.stream(view, query=query, stop=lambda: worker.is_cancelled, first=FIRST_KEYS):
                keys.extend(chunk)
                if first and fresh and not worker.is_cancelled:
                    post(KeysRead(view, keys[:], whole=False, fresh=True, painted=painted))
                    first = False
                    if len(keys) >= FIRST_KEYS:
                        # Counting a million takes 50 ms, reading them 200: the heading is complete before the keys are.
                        # SQLite counts without the interpreter, beside the painting.
                        if (total := store.quick_count(view, query=query)) is not None:
                            post(KeysRead(view, keys[:], whole=False, fresh=False, total=total))
                        painted.wait(PAINT_SECONDS)
            if not worker.is_cancelled:
                post(KeysRead(view, keys, whole=True, fresh=fresh and first))

        self.run_worker(read, thread=True, exclusive=True, group="list", exit_on_error=False)

    def take_keys(self, found: KeysRead) -> None:
        """Lists the keys that were read, if they are still for the current view."""
        if found.view != self.view:
            return
        wants_last = self.mails.wants_last and not self._whole
        self._whole, self._total = found.whole, found.total
        go_first = found.fresh or (self._starting and self.mails.cursor == 0)
        if found.keys != self.mails.keys or found.fresh:
            self.mails.set_keys(found.keys, go_first=go_first)
            if wants_last and not found.fresh:
                self.mails.action_last()
        sync = self.session.sync
        if found.keys and sync is not None and sync.state.phase not in (SyncPhase.CONNECTING, SyncPhase.INITIAL):
            self._starting = False
        if found.whole or found.fresh or found.total is not None:
            self.show_heading()
        self.show_empty_words()
        if found.painted is not None:
            self.mails.after_drawing(found.painted.set)
        if found.fresh and not self.view.query:
            self.mails.after_drawing(lambda: self.post_message(self.OtherView()))

    def use_profile_mailbox(self) -> None:
        """Lists only the profile's mailbox, as soon as it is known."""
        wanted = self.session.settings.profile.mailbox
        if wanted is None or self.view.mailbox_id is not None:
            return
        for box in self.session.mail.mailbox_rows():
            if wanted in (box.mailbox_id, box.address):
                self.view = replace(self.view, mailbox_id=box.mailbox_id)

    def show_heading(self) -> None:
        """Shows what is listed, and how many emails there are."""
        found, whole = (len(self.mails.keys), self._whole) if self._total is None else (self._total, True)
        words = inbox_words.heading(self.session, self.view, found, whole=whole)
        self.query_one("#heading", CachedStatic).put(words, layout=False)

    def show_empty_words(self) -> None:
        """Shows why nothing is listed, if that is so."""
        words = () if self.mails.keys else inbox_words.empty_words(self.session, self.view)
        if words != self.mails.empty_words:
            self.mails.empty_words = words
            self.mails.refresh()

    # The search line and the filters

    def search(self) -> None:
        line = self.query_one("#search", Input)
        self.screen.add_class("-searching")
        line.focus()
        self.screen.refresh_bindings()

    def _query_typed(self, query: str) -> None:
        self.show(replace(self.view, query=query))

    def on_input_submitted(self, _message: Input.Submitted) -> None:
        self._end_search()

    def _end_search(self) -> None:
        self.mails.focus()
        self.screen.set_class(bool(self.view.query), "-searching")
        self.screen.refresh_bindings()

    def show_all(self) -> None:
        """Leaves the search line, then clears search and filters."""
        self.show_searched(MailView(folded=self.view.folded))

    def show_searched(self, view: MailView) -> None:
        """Shows another view, with its query on the search line if it has one."""
        self.show(view)
        self.query_one("#search", Input).value = OneLine(view.query)
        self._end_search()

    def commands(self) -> list[tuple[str, str, Callable[[], None]]]:
        """The saved filters, for the palette."""
        filters = saved(self.session.settings.filters.inbox, MAIL_FILTERS).items()
        view = MailView(folded=self.view.folded)
        return [
            (
                OneLine(f"Show only {name}"),
                OneLine(f"Filter the inbox by {text}"),
                partial(self.show_searched, replace(view, query=text)),
            )
            for name, text in filters
        ]

    def toggle_folded(self) -> None:
        self.show(replace(self.view, folded=not self.view.folded))

    def next_mailbox(self) -> None:
        """Shows the next mailbox; after the last one, all."""
        self.show(replace(self.view, mailbox_id=self.session.mail.mailbox_after(self.view.mailbox_id)))

    def filter(self) -> None:
        from mm_tui.screens.dialogs.dialog import ask
        from mm_tui.screens.inbox.filters import FilterScreen

        ask(self.app, FilterScreen(self.session, self.view), self.show_searched)
