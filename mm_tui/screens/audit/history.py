"""An email's history, from arrival or draft to the delivery receipt."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from mm_tui import keymap
from mm_tui.review.identity import Identity
from mm_tui.screens.audit.pages import history_page
from mm_tui.screens.base import BaseScreen
from mm_tui.services.audit.history import Histories, History
from mm_tui.services.audit.line import AuditLines
from mm_tui.services.events import AuditChanged, DecisionChanged, MailChanged, ServiceEvent
from mm_tui.text import OneLine
from mm_tui.widgets.background import awaited, in_thread
from mm_tui.widgets.pager import Pager
from mm_tui.widgets.words import count


class HistoryScreen(BaseScreen):
    """The history of one email: everything the logs and the store have about it."""

    MODE = "audit"
    TITLE_WORD = "history"
    CSS_PATH = "audit.tcss"
    BINDINGS = keymap.bindings("life")

    def __init__(self, email_id: str) -> None:
        super().__init__()
        self._email_id = email_id
        self.history: History | None = None
        self.identity: Identity | None = None
        """None until it is checked, and if the email has none."""
        self._checking = ""
        self._not_arrived: tuple[OneLine, ...] = ()

    def compose_body(self) -> ComposeResult:
        yield Static(Content(" loading …"), id="heading")
        yield Pager(id="history")

    def on_mount(self) -> None:
        self.query_one(Pager).focus()
        self._reload()

    def handle_event(self, event: ServiceEvent) -> None:
        if isinstance(event, AuditChanged | MailChanged | DecisionChanged):
            self._reload()

    def _reload(self) -> None:
        in_thread(self, self._read, self._take, "history")

    def _read(self) -> History:
        database = self.session.database
        return Histories(database, AuditLines(database)).of(self._email_id)

    def _take(self, history: History) -> None:
        shown = self.history is not None
        self.history = history
        happened = count(len(history.events), "event", "events")
        self.query_one("#heading", Static).update(Content(f"History of an email · {happened}"))
        self._show(keep_place=shown)
        header = history.detail.identity if history.detail is not None else ""
        if header and header != self._checking:
            self._checking = header
            awaited(self, self.session.identities.check(header), self._show_identity, "identity")
        if history.summary is not None:
            awaited(self, self._look_up(history), self._show_why_not_arrived, "delivery")

    async def _look_up(self, history: History) -> tuple[OneLine, ...]:
        from mm_tui.services.mail.unsent import why_not_arrived

        assert history.summary is not None
        parties = (*history.summary.to, *(history.detail.cc if history.detail is not None else ()))
        addresses = [str(party.address) for party in parties]
        return await why_not_arrived(self.session.gateway, history.summary, addresses)

    def _show_why_not_arrived(self, words: tuple[OneLine, ...]) -> None:
        if words != self._not_arrived:
            self._not_arrived = words
            self._show(keep_place=True)

    def _show_identity(self, identity: Identity) -> None:
        self.identity = identity
        self._show(keep_place=True)

    def on_pager_room_changed(self) -> None:
        self._show(keep_place=True)

    def _show(self, *, keep_place: bool) -> None:
        pager = self.query_one(Pager)
        if self.history is not None:
            page = history_page(self.history, pager.room, self.identity, self._not_arrived)
            pager.show(page, f"history {self._email_id}", keep_place=keep_place)

    def action_thread(self) -> None:
        mail = self.history.summary if self.history is not None else None
        if mail is None:
            self.say("this email is not in the local store")
            return
        from mm_tui.screens.thread.screen import ThreadScreen

        self.app.push_screen(ThreadScreen(mail.mailbox_id, mail.thread_id, mail.id))

    def action_back(self) -> None:
        self.dismiss()
