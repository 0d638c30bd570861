"""An email's history, from arrival or draft to the delivery receipt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from mm_tui import keymap
from mm_tui.screens.audit.pages import history_page
from mm_tui.screens.base import BaseScreen
from mm_tui.services.audit.history import Histories, History
from mm_tui.services.audit.line import AuditLines
from mm_tui.services.events import AuditChanged, DecisionChanged, MailChanged, ServiceEvent
from mm_tui.widgets.pager import Pager
from mm_tui.widgets.words import count

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from mm_tui.review.identity import Identity
    from mm_tui.text import OneLine


@dataclass(eq=False, repr=False)
class HistoryRead(Message):
    """Carries the history from the thread that reads it."""

    history: History


@dataclass(eq=False, repr=False)
class IdentityChecked(Message):
    """Carries the result of checking the email's signed identity."""

    identity: Identity


@dataclass(eq=False, repr=False)
class DeliveryLookedUp(Message):
    """Carries the reasons why the email did not arrive."""

    words: tuple[OneLine, ...]


class HistoryScreen(BaseScreen):
    """What happened to one email."""

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
        yield Pager(id="life")

    def on_mount(self) -> None:
        self.query_one(Pager).focus()
        self._reload()

    def handle_event(self, event: ServiceEvent) -> None:
        if isinstance(event, AuditChanged | MailChanged | DecisionChanged):
            self._reload()

    def _reload(self) -> None:
        self.run_worker(self._read, thread=True, exclusive=True, group="history", exit_on_error=False)

    def _read(self) -> None:
        database = self.session.database
        self.post_message(HistoryRead(Histories(database, AuditLines(database)).of(self._email_id)))

    def on_history_read(self, message: HistoryRead) -> None:
        shown = self.history is not None
        self.history = message.history
        happened = count(len(message.history.events), "event", "events")
        self.query_one("#heading", Static).update(Content(f"History of an email · {happened}"))
        self._show(keep_place=shown)
        header = message.history.detail.identity if message.history.detail is not None else ""
        if header and header != self._checking:
            self._checking = header
            self.run_worker(self._check(header), exclusive=True, group="identity", exit_on_error=False)
        if message.history.summary is not None:
            self.run_worker(self._look_up(message.history), exclusive=True, group="delivery", exit_on_error=False)

    async def _look_up(self, history: History) -> None:
        from mm_tui.services.delivery import why_not_arrived

        assert history.summary is not None
        parties = (*history.summary.to, *(history.detail.cc if history.detail is not None else ()))
        addresses = [str(party.address) for party in parties]
        words = await why_not_arrived(self.session.gateway, history.summary, addresses)
        self.post_message(DeliveryLookedUp(words))

    def on_delivery_looked_up(self, message: DeliveryLookedUp) -> None:
        if message.words != self._not_arrived:
            self._not_arrived = message.words
            self._show(keep_place=True)

    async def _check(self, header: str) -> None:
        self.post_message(IdentityChecked(await self.session.identity(header)))

    def on_identity_checked(self, message: IdentityChecked) -> None:
        self.identity = message.identity
        self._show(keep_place=True)

    def on_pager_room_changed(self) -> None:
        self._show(keep_place=True)

    def _show(self, *, keep_place: bool) -> None:
        pager = self.query_one(Pager)
        if self.history is not None:
            page = history_page(self.history, pager.room, self.identity, self._not_arrived)
            pager.show(page, f"life {self._email_id}", keep_place=keep_place)

    def action_thread(self) -> None:
        mail = self.history.summary if self.history is not None else None
        if mail is None:
            self.say("this email is not in the local store")
            return
        from mm_tui.screens.thread.screen import ThreadScreen

        self.app.push_screen(ThreadScreen(mail.mailbox_id, mail.thread_id, mail.id))

    def action_back(self) -> None:
        self.dismiss()
