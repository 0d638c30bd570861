"""The thread screen: messages, the assistant's card, and the reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from textual import getters
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from mm_tui import keymap
from mm_tui.messages import DecisionWanted, Said
from mm_tui.models import Direction, EmailDetail, Status
from mm_tui.review.findings import Finding
from mm_tui.screens.base import BaseScreen, PartAction
from mm_tui.screens.dialogs.mail_actions import ask_cancel, ask_label, ask_spam, say_why_not
from mm_tui.screens.thread.assist_card import AssistCard
from mm_tui.screens.thread.lines import MessageItem
from mm_tui.screens.thread.looking import LookingCloser
from mm_tui.screens.thread.reply_editor import ReplyEditor
from mm_tui.screens.thread.view import ThreadView
from mm_tui.services.events import AssistChanged, MailChanged, ServiceEvent
from mm_tui.services.fault_words import expected_faults, fault_words
from mm_tui.services.mail.inspection import QUICK_CHARACTERS, is_quick
from mm_tui.services.mail.unsent import is_scheduled, is_settled, state_words, unsent_words
from mm_tui.store.mail.mails import MailRow
from mm_tui.text import OneLine, subject_words
from mm_tui.widgets.background import in_thread
from mm_tui.widgets.words import count, with_keys

WAITING = frozenset({str(Status.PENDING_SEND_APPROVAL), str(Status.PENDING_INBOUND_APPROVAL)})
"""The states of an email to decide about."""


class ThreadScreen(BaseScreen):
    """A thread, opened at one of its emails. This marks the email as read at the gateway, because a human opened it.
    `thread_id` is None for an email without one. `reply_with`: the initial text of the reply editor; empty leaves it
    closed. `for_thread`: the email stands for its thread, so if we wrote it, the oldest unread one received is opened
    instead."""

    MODE = "inbox"
    TITLE_WORD = "thread"
    CSS_PATH = "thread.tcss"
    BINDINGS = keymap.bindings("thread")

    thread_view = getters.query_one(ThreadView)
    """The widget that shows the thread's messages."""

    def __init__(
        self,
        mailbox_id: str,
        thread_id: str | None,
        email_id: str,
        *,
        reply_with: str = "",
        for_thread: bool = False,
    ) -> None:
        super().__init__()
        self._for_thread = for_thread
        self._reply_with = reply_with
        self.mailbox_id = mailbox_id
        self.thread_id = thread_id
        self._opened_id = email_id
        self.reply = ReplyEditor(mailbox_id, id="reply")
        self.looking = LookingCloser(self)

    def compose_body(self) -> ComposeResult:
        yield Static(id="thread-heading")
        yield AssistCard(id="assist")
        now_ms, is_test = int(self.session.clock.now().timestamp() * 1000), not self.session.settings.profile.is_live
        yield ThreadView(now_ms=now_ms, is_test=is_test, id="thread")
        yield self.reply

    def on_mount(self) -> None:
        rows = self._rows()
        items = [self._item(row) for row in rows]
        at = self._start(rows)
        self._heading(rows)
        self.thread_view.show(items, at)
        self.thread_view.focus()
        if items:
            self._open(items[at])
        self._show_card()
        if self._reply_with:
            self.call_after_refresh(self.reply.open, self._reply_with)
        in_thread(self, self.session.inspection.refresh, lambda _: self._inspect_all(), "contacts")

    def _start(self, rows: list[MailRow]) -> int:
        """The place of the email to open."""
        at = next((at for at, row in enumerate(rows) if row.email_id == self._opened_id), len(rows) - 1)
        if self._for_thread and rows and str(rows[at].direction) == Direction.OUTBOUND:
            received = (at for at, row in enumerate(rows) if str(row.direction) == Direction.INBOUND)
            return next((at for at in received if str(rows[at].status) == Status.UNREAD), at)
        return at

    def status_mailbox(self) -> str | None:
        return self.mailbox_id

    def _rows(self) -> list[MailRow]:
        mail = self.session.mail
        if self.thread_id is not None and (rows := mail.thread_rows(self.mailbox_id, self.thread_id)):
            return rows
        row = mail.row(self._opened_id)
        return [row] if row is not None else []

    def _item(self, row: MailRow) -> MessageItem:
        return MessageItem(row, unsent=self._unsent(row))

    def _unsent(self, row: MailRow) -> str:
        """The state of an email that is not part of the conversation; empty for one that is."""
        if is_settled(row.direction, row.status):
            return state_words(row.direction, row.status)
        mail = self.session.mail.detail(row.email_id) or self.session.mail.summary(row.email_id)
        return unsent_words(mail) if mail is not None else state_words(row.direction, row.status)

    def _heading(self, rows: list[MailRow]) -> None:
        subject = rows[0].subject if rows else OneLine("")
        number = f"  {count(len(rows), 'email', 'emails')}"
        heading = Content.assemble((subject_words(subject), "bold"), (number, "$mm-dim"))
        self.query_one("#thread-heading", Static).update(heading)

    # Opening messages

    def _open(self, item: MessageItem) -> None:
        """Unfolds a message; fetches its body unless it is stored and read at the gateway."""
        item.open = True
        email_id = item.row.email_id
        self._relate(item)
        if item.detail is None and self.session.mail.detail_size(email_id) <= QUICK_CHARACTERS:
            item.detail = self.session.mail.detail(email_id)
        if item.detail is not None:
            self._inspect(item.detail)
        if item.detail is None or item.row.status == "unread":
            item.words = "" if item.detail is not None else "opening…"
            self.run_worker(self._fetch(email_id), group=f"open-{email_id}", exclusive=True, exit_on_error=False)
        self.thread_view.changed(item)
        self.thread_view.turn(0)

    def _relate(self, item: MessageItem) -> None:
        """Links an edited text and its original in words."""
        if item.row.direction != "outbound":
            return
        from mm_tui.services.audit.history import family_of
        from mm_tui.store.decisions.records import DecisionStore

        email_id = item.row.email_id
        family = family_of(email_id, DecisionStore(self.session.database).family(email_id))
        others = ", ".join(f"{relation} is {other}" for other, relation in family.items())
        item.relation = f"this is {email_id}, {others}" if others else ""

    async def _fetch(self, email_id: str) -> None:
        sync = self.session.sync
        try:
            if (stored := await asyncio.to_thread(self.session.mail.detail, email_id)) is not None:
                self.call_later(self._opened, email_id, stored)
                if stored.status != "unread":
                    return
            if sync is not None:
                self.call_later(self._opened, email_id, await sync.fetch_detail(self.mailbox_id, email_id))
                return
            words: str = self.session.trouble or "not opened on this machine yet, and the gateway is not connected"
        except expected_faults() as error:
            words = f"cannot be opened: {fault_words(error).rstrip('.')}"
        again = with_keys("Press {thread.fold} twice to try again.", self.session.settings.keys)
        self.call_later(self._opened, email_id, None, f"{words}. {again}")

    def _opened(self, email_id: str, detail: EmailDetail | None, words: str = "") -> None:
        """Shows an email's body, or in words why it could not be opened."""
        for item in self.thread_view.items:
            if item.row.email_id == email_id:
                item.detail = detail or item.detail
                item.words = words if item.detail is None else ""
                if item.detail is not None:
                    self._inspect(item.detail)
                    item.row = self.session.mail.row(email_id) or item.row
                    item.unsent = self._unsent(item.row)
                elif not item.open:
                    continue
                self.thread_view.changed(item)
        self.refresh_bindings()
        if words:
            self.say(words, "warning")

    def on_thread_view_toggled(self, message: ThreadView.Toggled) -> None:
        self._open(message.item)

    def on_thread_view_turned(self) -> None:
        self.refresh_bindings()

    def _inspect_all(self) -> None:
        for item in self.thread_view.items:
            if item.detail is not None:
                self._inspect(item.detail)

    def _inspect(self, detail: EmailDetail) -> None:
        """Shows the findings about an email, at once or, if this takes long, after checking in a thread."""
        find, show = partial(self.session.inspection.findings, detail), partial(self._show_findings, detail.id)
        if is_quick(detail):
            show(find())
        else:
            in_thread(self, find, show, f"inspect-{detail.id}")

    def _show_findings(self, email_id: str, findings: tuple[Finding, ...]) -> None:
        for item in self.thread_view.items:
            if item.row.email_id == email_id and item.findings != findings:
                item.findings = findings
                self.thread_view.changed(item)

    # Events

    def handle_event(self, event: ServiceEvent) -> None:
        if isinstance(event, MailChanged):
            self._reread()
        elif isinstance(event, AssistChanged):
            self._show_card()

    def services_ready(self) -> None:
        self._show_card()

    def _reread(self) -> None:
        """Adds messages, of which older ones may come later, and updates rows; the text being read stays in place."""
        rows = self._rows()
        by_id = {item.row.email_id: item for item in self.thread_view.items}
        # Messages that the store does not keep any more are the oldest.
        gone = len(by_id.keys() - {row.email_id for row in rows})
        for at, row in enumerate(rows, start=gone):
            item = by_id.get(row.email_id)
            if item is None:
                self.thread_view.add(self._item(row), at)
                if row.direction != "outbound" and row is rows[-1]:
                    self.post_message(Said(f"new in this thread: {row.sender}", "warning"))
            elif item.row != row:
                item.row, item.unsent = row, self._unsent(row)
                self.thread_view.changed(item)
                self.refresh_bindings()
        if len(rows) != len(by_id):
            self._heading(rows)
            self.refresh_bindings()
            self._show_card()

    def _show_card(self) -> None:
        triage, items = self.session.triage, self.thread_view.items
        if items:
            state = triage.card(items[-1].row.email_id) if triage is not None else None
            self.query_one(AssistCard).show(state, items[-1].row.email_id)

    def save_work(self) -> bool:
        return self.reply.save(durable=True)

    def written_text(self) -> str:
        return self.reply.text

    # Moving

    action_line_down = PartAction("thread_view.line_down")
    action_line_up = PartAction("thread_view.line_up")
    action_page = PartAction("thread_view.page")
    action_turn = PartAction("thread_view.turn")

    def action_turn_to(self, index: int) -> None:
        self.thread_view.turn_to(index if index >= 0 else len(self.thread_view.items) - 1)

    def action_toggle_message(self) -> None:
        if (item := self.thread_view.current) is not None:
            self.thread_view.unfold(item, not item.open)
            self.refresh_bindings()

    def action_toggle_all(self) -> None:
        """Unfolds every message with a stored body; if all are open, folds all but the current one."""
        # In a thread: a thousand messages take seconds.
        unread = [one.row.email_id for one in self.thread_view.items if one.detail is None]
        in_thread(self, partial(self._stored, unread), self._unfold, "unfold")

    def _stored(self, email_ids: list[str]) -> dict[str, tuple[EmailDetail, tuple[Finding, ...]]]:
        """Those of these emails that were opened on this machine, with what was found in them, by their ids."""
        details, look = map(self.session.mail.detail, email_ids), self.session.inspection.findings
        return {one.id: (one, look(one)) for one in details if one is not None}

    def _unfold(self, stored: dict[str, tuple[EmailDetail, tuple[Finding, ...]]]) -> None:
        view = self.thread_view
        for item in view.items:
            if item.detail is None and item.row.email_id in stored:
                item.detail, item.findings = stored[item.row.email_id]
                self._relate(item)
        here = [item for item in view.items if item.detail is not None]
        unfolded = any(not item.open for item in here)
        for item in view.items:
            item.open = (item in here) if unfolded else item is view.current
        view.show(view.items, view.items.index(view.current) if view.current else 0)
        if missing := len(view.items) - len(here):
            self.say(f"{missing} not opened on this machine stay folded: unfolding marks them read")

    def action_toggle_source(self) -> None:
        # A plain text looks the same either way.
        is_source = self.thread_view.toggle_source()
        self.say("shown as Markdown" if is_source else "shown as a recipient reads it")

    def action_back(self) -> None:
        if self.reply.may_leave():
            self.dismiss()

    # Keys

    def action_summarise(self) -> None:
        triage, items = self.session.triage, self.thread_view.items
        if triage is None:
            say_why_not(self)
        elif items:
            self.say("Asking the model again about the newest email received.")
            work = triage.examine(items[-1].row.email_id, again=True)
            self.run_worker(work, group="examine", exclusive=True, exit_on_error=False)

    def label_here(self, action_id: str, label: str) -> str:
        """Offers only what there is: an email that waits or is scheduled, another email, attachments, links. Says what
        escape does to the reply."""
        if action_id == "reply.close" and self.reply.is_model_writing:
            return "stop"
        items = self.thread_view.items if self.is_mounted else []
        offered = {
            "thread.decide": lambda: self._waiting is not None,
            "thread.cancel": lambda: self._scheduled is not None,
            "thread.next_message": lambda: bool(items) and self.thread_view.current is not items[-1],
            "thread.previous_message": lambda: bool(items) and self.thread_view.current is not items[0],
            "thread.links": lambda: self.is_mounted and self.looking.has_links,
            "thread.files": lambda: any(
                item.row.has_attachments or (item.detail and item.detail.attachments) for item in items
            ),
        }.get(action_id)
        return label if offered is None or offered() else ""

    @property
    def _waiting(self) -> MailRow | None:
        return self._foremost(lambda row: str(row.status) in WAITING)

    @property
    def _scheduled(self) -> MailRow | None:
        return self._foremost(lambda row: is_scheduled(row.direction, row.status))

    def _foremost(self, fits: Callable[[MailRow], bool]) -> MailRow | None:
        """The current email if it fits, or else the newest that does."""
        if not self.is_mounted:
            return None
        current = self.thread_view.current
        rows = [item.row for item in self.thread_view.items if fits(item.row)]
        if current is not None and current.row in rows:
            return current.row
        return rows[-1] if rows else None

    def action_cancel(self) -> None:
        if (row := self._scheduled) is not None:
            ask_cancel(self, row)
        else:
            self.say("no email of this thread is scheduled")

    def action_decide(self) -> None:
        if (waiting := self._waiting) is not None:
            self.post_message(DecisionWanted(waiting.email_id))
        elif any(str(item.row.status) == Status.PENDING_SCAN for item in self.thread_view.items):
            self.say("the gateway is still scanning the reply: it waits for a decision after that")
        else:
            self.say("no email of this thread waits for a decision")

    def action_label(self) -> None:
        if (item := self.thread_view.current) is not None:
            ask_label(self, item.row.email_id, item.row.label)

    def action_spam(self) -> None:
        if (item := self.thread_view.current) is not None:
            ask_spam(self, item.row)

    # Passed to the parts

    action_reply = PartAction("reply.open")
    action_raw = PartAction("looking.raw")
    action_copy = PartAction("looking.copy")
    action_details = PartAction("looking.details")
    action_links = PartAction("looking.links")
    action_files = PartAction("looking.files")
