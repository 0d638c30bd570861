"""The mailboxes screen: each one's step on the trust ladder, its track record, and actions to move it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial

from textual import getters
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from mm_tui import keymap
from mm_tui.screens.base import NO_WAY_BACK, BaseScreen, PartAction
from mm_tui.screens.mailboxes.forms import MailboxForms
from mm_tui.screens.mailboxes.mailbox_list import EXPLAINED, NARROW, WIDE, MailboxList
from mm_tui.screens.mailboxes.pages import mailbox_page
from mm_tui.screens.status import knows_mailboxes, knows_queue
from mm_tui.services.audit.agents import AgentFigures, by_agent
from mm_tui.services.audit.key_names import key_names
from mm_tui.services.audit.track_record import WINDOWS, TrackRecord, TrackRecords
from mm_tui.services.events import AuditChanged, DecisionChanged, MailboxesChanged, PendingChanged, ServiceEvent
from mm_tui.services.mailboxes import AccountFacts
from mm_tui.widgets.background import awaited, in_thread
from mm_tui.widgets.pager import Page, Pager
from mm_tui.widgets.words import count, sentence, with_keys

FACTS_SECONDS = 300.0
"""Seconds between two reads of account, usage and webhooks."""


NOT_YET = ("No mailboxes loaded yet.", "Contacting the gateway …")
ON_A_MAILBOX = frozenset({"upgrade", "redeem", "move_down", "allowlist", "window"})
"""The actions on the mailbox under the cursor."""


class MailboxesScreen(BaseScreen):
    """Shows a table of mailboxes, and a page about the one under the cursor."""

    MODE = "mailboxes"
    TITLE_WORD = "mailboxes"
    CSS_PATH = "mailboxes.tcss"
    BINDINGS = keymap.bindings("mailboxes")
    HELP_MORE = EXPLAINED
    HELP_MORE_TITLE = "Columns"

    boxes = getters.query_one("#boxes", MailboxList)
    """The table of mailboxes."""
    pager = getters.query_one("#about", Pager)
    """The page about the mailbox under the cursor."""

    def __init__(self) -> None:
        super().__init__()
        self.forms = MailboxForms(self, lambda: self.current, self.read_facts)
        self.facts: AccountFacts | None = None
        self._agents: Mapping[str, Sequence[AgentFigures]] = {}
        self._read_once = False

    @property
    def current(self) -> TrackRecord | None:
        """The mailbox under the cursor."""
        return self.boxes.current_row

    @property
    def has_read(self) -> bool:
        """Whether rows and account have been read."""
        return self._read_once and self.facts is not None

    @property
    def still_loading(self) -> str:
        is_loading = not self._read_once or (self.current is None and self.boxes.empty_words == NOT_YET)
        return "the mailboxes are still loading" if is_loading else ""

    def status_mailbox(self) -> str | None:
        return self.boxes.current_key if self.is_mounted else None

    def compose_body(self) -> ComposeResult:
        with Vertical(id="table"):
            yield Static(id="heading")
            yield Static(id="columns")
            yield MailboxList(id="boxes")
        yield Pager(id="about")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offers what changes a mailbox only if there is one, and another period only where both do not fit."""
        del parameters
        if action == "window" and self.app.size.width >= WIDE:
            return False
        if action not in ON_A_MAILBOX or (self.is_mounted and self.current is not None):
            return True
        return None if self.still_loading else False

    def on_mount(self) -> None:
        self.boxes.empty_words = ("Loading the mailboxes …",)
        self.boxes.focus()
        self.reload()
        self.set_interval(FACTS_SECONDS, self.read_facts)
        self.read_facts()

    # Content

    def handle_event(self, event: ServiceEvent) -> None:
        known = PendingChanged | DecisionChanged | MailboxesChanged | AuditChanged
        if isinstance(event, known):
            self.reload_soon()

    def services_ready(self) -> None:
        self.read_facts()
        self._show()

    def reload(self) -> None:
        super().reload()
        in_thread(self, partial(self._read, self._track_records), self._take, "track-records")

    @cached_property
    def _track_records(self) -> TrackRecords:
        return TrackRecords(self.session.database, self.session.clock)

    def _read(self, records: TrackRecords) -> tuple[list[TrackRecord], Mapping[str, Sequence[AgentFigures]]]:
        rows = records.all()
        return rows, {row.mailbox.id: by_agent(records.decided(row.mailbox.id), self.session.audit) for row in rows}

    def _take(self, found: tuple[list[TrackRecord], Mapping[str, Sequence[AgentFigures]]]) -> None:
        self._read_once = True
        rows, self._agents = found
        self.boxes.empty_words = self._empty_words()
        self.boxes.show(rows, knows_queue=knows_queue(self.session))
        self.set_class(not rows, "-empty")
        self._show()

    def read_facts(self) -> None:
        """Reads account, usage and webhooks again."""
        if self.session.boxes is not None:
            awaited(self, self.session.boxes.facts(), self._show_facts, "facts")

    def _show_facts(self, facts: AccountFacts) -> None:
        self.facts = facts
        self._show()

    def _empty_words(self) -> tuple[str, ...]:
        if self.session.trouble:
            return ("No mailboxes loaded yet.", sentence(self.session.trouble))
        sync = self.session.sync
        if sync is not None and sync.state.error is not None:
            return ("No mailboxes loaded yet.", sentence(sync.state.error), "This is retried automatically.")
        if not knows_mailboxes(self.session):
            return NOT_YET
        words = "Press {mailboxes.create} to create one. The operator receives a code for it by email."
        return ("No mailboxes yet.", with_keys(words, self.session.settings.keys))

    def _show(self) -> None:
        if not self._read_once:
            return
        span = f"decisions in this program, last {self.boxes.window} days"
        if self.size.width < NARROW:
            span = f"last {self.boxes.window} days"
        elif self.size.width >= WIDE:
            span = f"decisions in this program, last {WINDOWS[0]} · last {WINDOWS[1]} days"
        boxes = count(len(self.boxes.keys), "mailbox", "mailboxes")
        if not knows_mailboxes(self.session):
            boxes = "mailboxes not loaded yet"
        domain = f" @{self.boxes.domain}" if self.boxes.domain else ""
        self.query_one("#heading", Static).update(Content.assemble((boxes, "bold $foreground"), f"{domain} · {span}"))
        self.query_one("#columns", Static).update(Content(f" {self.boxes.heading}"))
        lines = min(max(4, len(self.boxes.keys) + 3), max(5, self.size.height * 2 // 5))
        # An empty table has room to say why it is empty.
        self.query_one("#table").styles.height = lines if self.boxes.keys else "1fr"
        self._show_about()

    def _show_about(self) -> None:
        found = self.current
        page = Page()
        if found is not None:
            agents = self._agents.get(found.mailbox.id, ())
            now, keys = self.session.clock.now(), self.session.settings.keys
            page = mailbox_page(found, self.facts, self.pager.room, agents, now, keys, key_names(self.session.state))
        name = found.mailbox.id if found is not None else ""
        self.pager.show(page, name, keep_place=self.has_class("-reading"))
        self.update_status()

    def on_resize(self) -> None:
        self.refresh_bindings()
        self.call_after_refresh(self._show)

    def on_pager_room_changed(self) -> None:
        self._show()

    def on_virtual_list_moved(self, _message: MailboxList.Moved) -> None:
        self._show_about()

    # Reading

    def on_virtual_list_opened(self, _message: MailboxList.Opened) -> None:
        self.add_class("-reading")
        self.pager.focus()

    def go_back(self) -> bool:
        was_reading = self.has_class("-reading")
        if was_reading:
            self.remove_class("-reading")
            self.boxes.focus()
        return was_reading

    def action_back(self) -> None:
        if not self.go_back():
            self.say(NO_WAY_BACK)

    def label_here(self, action_id: str, label: str) -> str:
        return "" if action_id == "mailboxes.back" and not self.has_class("-reading") else label

    def is_last_in_footer(self, action_id: str) -> bool:
        """Where not all keys fit, the way back from an open mailbox is among those that do."""
        rare = action_id in ("mailboxes.create", "mailboxes.allowlist", "mailboxes.webhooks")
        return super().is_last_in_footer(action_id) or (rare and self.has_class("-reading"))

    def action_window(self) -> None:
        self.boxes.window = WINDOWS[(WINDOWS.index(self.boxes.window) + 1) % len(WINDOWS)]
        self.boxes.forget_rows()
        self._show()

    # Passed to the part

    action_upgrade = PartAction("forms.upgrade")
    action_redeem = PartAction("forms.redeem")
    action_move_down = PartAction("forms.move_down")
    action_create = PartAction("forms.create")
    action_allowlist = PartAction("forms.allowlist")
    action_webhooks = PartAction("forms.webhooks")
