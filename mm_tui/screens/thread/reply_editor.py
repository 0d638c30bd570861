"""The reply below a thread: it is saved while it is typed, the model writes on request, and it is submitted once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual import getters
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from mm_tui import keymap
from mm_tui.messages import Said, session_of
from mm_tui.models import Direction, OversightMode, Status
from mm_tui.screens.base import has_room
from mm_tui.screens.thread.view import ThreadView
from mm_tui.services.assistant.cards import DraftText, badge_of
from mm_tui.services.decisions.approval_gate import NO_ROOM
from mm_tui.services.fault_words import expected_faults, fault_words
from mm_tui.services.mail.unsent import state_words
from mm_tui.services.saved_texts.edits import NotSaved
from mm_tui.services.saved_texts.replies import Replies
from mm_tui.session import Session
from mm_tui.store.mail.mails import MailRow
from mm_tui.text import ManyLine, OneLine
from mm_tui.widgets.background import Later
from mm_tui.widgets.draft_area import RETRY_SECONDS, SAVE_SECONDS, DraftArea
from mm_tui.widgets.words import joined, mode_words

if TYPE_CHECKING:
    from mm_tui.services.assistant.drafts import Drafts

MAX_WARNINGS = 2
UNKNOWN = "it may have been submitted; submitting it again will not make a second reply"
GATED = frozenset({OversightMode.GATED_SEND, OversightMode.GATED_ALL})


class ReplyEditor(Vertical):
    """A heading, the text, and a line for progress and warnings."""

    BINDINGS = keymap.bindings("reply")
    DEFAULT_CSS = """
    ReplyEditor { height: 2fr; border-top: solid $mm-rule; display: none; }
    ReplyEditor.-open { display: block; }
    ReplyEditor #reply-head { height: auto; max-height: 3; padding: 0 1 0 3; color: $mm-dim; }
    ReplyEditor #reply-note { height: auto; max-height: 3; padding: 0 1 0 3; }
    ReplyEditor DraftArea { height: 1fr; padding: 0 0 0 3; background: $background; }
    """

    area = getters.query_one(DraftArea)
    """The text area of the reply."""

    def __init__(self, mailbox_id: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._mailbox_id = mailbox_id
        self.reply_to: MailRow | None = None
        """The email that is answered."""
        self._saving = Later(self, SAVE_SECONDS, self.save)
        self._saving_again = Later(self, RETRY_SECONDS, self.save)
        self._trouble = ""
        """Why saving failed last."""
        self._saved = ""
        """The text of the reply that this window last knew to be saved."""

    def compose(self) -> ComposeResult:
        yield Static(id="reply-head")
        yield DraftArea(id="reply-text")
        yield Static(id="reply-note")

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    @property
    def text(self) -> str:
        """The human's own text, even while a model writes."""
        return self.area.text_to_save

    @property
    def _own_text(self) -> str:
        """The text to save: what is written, but not a model's text that nobody has changed."""
        row = self.reply_to
        untouched = self._session.untouched_replies.get(row.email_id) if row is not None else None
        return "" if untouched is not None and self.text == untouched.text else self.text

    @property
    def _session(self) -> Session:
        return session_of(self)

    @property
    def _view(self) -> ThreadView:
        return self.screen.query_one(ThreadView)

    @property
    def _replies(self) -> Replies:
        return Replies(self._session.database, self._session.edits)

    def _say(self, text: str, severity: str = "information") -> None:
        self.app.post_message(Said(text, severity))

    # Opening

    def open(self, text: str = "") -> None:
        """Opens for the newest inbound email, with the saved text or the model's draft. If `text` is given, it is used,
        and the saved text is kept as a copy. Waiting or spam mail is answered only if there is no other inbound mail;
        otherwise it could choose the recipient."""
        if self.is_open:
            self.area.focus()
            return
        view = self._view
        items = [(at, item) for at, item in enumerate(view.items) if item.row.direction != "outbound"]
        if not items:
            self._say("this thread has no incoming email to answer")
            return
        if self._mode == OversightMode.READ_ONLY:
            self._say("this mailbox is read-only: the gateway refuses to send from it", "warning")
            return
        at, answered = next((one for one in reversed(items) if not one[1].unsent), items[-1])
        row = self.reply_to = answered.row
        if text:
            try:
                self._replies.save(row, text, self._session.clock.now(), over="", durable=True)
            except NotSaved as error:
                self._say(f"not saved: {error}", "error")
        saved = self._saved = self._replies.get(row.email_id)
        view.turn_to(at)
        self.screen.add_class("-writing")
        self.query_one("#reply-head", Static).update(self._head(row))
        self.add_class("-open")
        untouched = self._session.untouched_replies.get(row.email_id)
        self.set_text(saved or (untouched.text if untouched is not None else ""))
        self.area.read_only = False
        self.area.focus()
        if saved:
            self.note("your saved text; ^t lets the model write")
        elif untouched is not None:
            self._note_written(untouched, "edit it, then submit with ^s")
        else:
            self._write("")

    def _head(self, row: MailRow) -> Content:
        """Whom the reply goes to, and who is asked before it leaves; warns of another recipient than the sender, and of
        an answer that waits already."""
        detail = self._session.mail.detail(row.email_id)
        named = [OneLine(str(party.address)) for party in detail.answered_to] if detail is not None else [row.sender]
        other = f" · not to the sender {row.sender}: the email asks for replies to that address"
        mode = self._mode
        gate = "needs approval" if mode in GATED else f"{mode_words(mode) or 'unknown mode'}: sent at once"
        waits = any(str(item.row.status) == Status.PENDING_SEND_APPROVAL for item in self._view.items)
        return Content.assemble(
            "reply to ",
            (OneLine(", ".join(named)), "bold $foreground"),
            (OneLine(other), "$mm-risk") if named != [row.sender] else "",
            f" · {'on the allowlist: sent at once' if self._let_through() else gate}",
            (" · a draft waits", "$mm-risk") if waits else "",
        )

    @property
    def _mode(self) -> str:
        box = self._session.mail.mailbox(self._mailbox_id)
        return str(box.oversight_mode) if box is not None else ""

    def _let_through(self) -> tuple[OneLine, ...]:
        """The recipients of the reply that are on the mailbox's allowlist."""
        box = self._session.mail.mailbox(self._mailbox_id)
        if box is None or self.reply_to is None:
            return ()
        detail = self._session.mail.detail(self.reply_to.email_id)
        reached = [party.address for party in detail.answerable] if detail is not None else [self.reply_to.sender]
        return box.let_through(reached)

    # The text

    def set_text(self, text: str) -> None:
        """Replaces the text, cleaned, with the cursor at its end."""
        self.area.load_text(ManyLine(text))
        self.area.move_cursor(self.area.document.end)

    def note(self, words: str, *, model: str = "", warnings: Sequence[str] = ()) -> None:
        """Shows progress, who wrote the draft, and warnings about it."""
        by = f"by {model} · " if model else ""
        lines = [Content.styled(OneLine(by + words), "$mm-dim")]
        for at, warning in enumerate(warnings[:MAX_WARNINGS]):
            left = len(warnings) - MAX_WARNINGS if at == MAX_WARNINGS - 1 else 0
            more = (f"  and {left} more", "$mm-dim") if left > 0 else ""
            lines.append(Content.assemble((" ! ", "$warning"), OneLine(warning), more))
        self.query_one("#reply-note", Static).update(joined(lines, "\n"))

    def on_text_area_changed(self) -> None:
        self._saving.soon()

    def save(self, *, durable: bool = False) -> bool:
        """Saves the reply. Returns False if the store failed, which is shown and retried soon."""
        if self.reply_to is None or not self.is_open:
            return True
        self._saving.stop()
        text, now = self._own_text, self._session.clock.now()
        try:
            other = self._replies.save(self.reply_to, text, now, over=self._saved, durable=durable)
        except NotSaved as error:
            self._trouble = f"not saved: {error}; stay here, saving is retried"
            self._say(self._trouble, "error")
            self._saving_again.soon()
            return False
        if self._trouble:
            self.app.post_message(Said(self._trouble, taken_back=True))
            self._trouble = ""
        self._saved = text
        if other:
            # Nothing of this window's was written that could replace it: an empty text, or a model's.
            where = "beside yours" if text.strip() else "as the reply"
            words = f"another window is writing this reply too: its text is saved {where}"
            self._say(f"{words} ({{pending.kept}} in Pending)", "warning")
        return True

    def may_leave(self) -> bool:
        """Saves the reply. Returns whether the screen may be left; otherwise says why not."""
        return not self._is_submitting() and self.save(durable=True)

    def action_close(self) -> None:
        """Stops the model if it is writing; otherwise saves the text and closes the editor."""
        if self.is_model_writing:
            self._stop()
        elif self.may_leave():
            self._close()

    def _close(self) -> None:
        self._saving.stop()
        self.remove_class("-open")
        self.screen.remove_class("-writing")
        self._view.focus()

    # The model

    def action_redraft(self) -> None:
        """Asks how the model should change the text; without a text lets it write one."""
        from mm_tui.screens.dialogs.offers import ask_instruction

        if self._is_submitting():
            return
        drafts = self._session.drafts
        if self.reply_to is not None and drafts is not None and drafts.has_key and self.text.strip():
            ask_instruction(self.app, self.reply_to.email_id, self._write)
        else:
            self._write("")

    def _write(self, instruction: str) -> None:
        drafts, row = self._session.drafts, self.reply_to
        if drafts is None or row is None:
            self.note(self._session.trouble or "the assistant is not ready yet: write the reply yourself")
            return
        self.note("the model is writing · esc or typing stops it")
        self.run_worker(self._stream(drafts, row, instruction), group="draft", exclusive=True, exit_on_error=False)
        self.screen.refresh_bindings()

    async def _stream(self, drafts: Drafts, row: MailRow, instruction: str) -> None:
        text, is_of_model = self.text, not self._own_text
        note = partial(self.note, "stopped: your text is unchanged")
        try:
            if text.strip():
                if not is_of_model:
                    self._replies.save_beside(row, text, self._session.clock.now())
                pieces = drafts.redraft(row.email_id, text, instruction)
            else:
                pieces = drafts.draft_reply(row.email_id, instruction)
            written = await self.area.let_model_write(pieces)
            if written is not None:
                self._session.unused_instructions.pop(row.email_id, None)
                taken_back = "; ^z takes the change back" if text.strip() else ""
                note = partial(self._note_written, written, f"edit it, then submit with ^s{taken_back}")
                if is_of_model:
                    self._session.untouched_replies[row.email_id] = written
        except expected_faults() as error:
            note = partial(self.note, f"{fault_words(error)} · your text is unchanged; ^t tries again")
        finally:
            if self.is_attached:
                note()
                self.call_later(self.screen.refresh_bindings)

    def _note_written(self, draft: DraftText, words: str) -> None:
        self.note(words, model=badge_of(draft.model), warnings=draft.warnings)

    def _stop(self) -> None:
        self.workers.cancel_group(self, "draft")

    def on_draft_area_taken_over(self) -> None:
        self._stop()

    @property
    def is_model_writing(self) -> bool:
        return self._runs("draft")

    def _runs(self, group: str) -> bool:
        return any(worker.group == group and worker.is_running for worker in self.workers)

    # Submitting

    def _is_submitting(self) -> bool:
        """Whether the reply is being submitted: then it can be neither changed nor left. Says so."""
        if self._runs("submit"):
            self._say("the reply is being submitted: wait for the answer")
            return True
        return False

    def action_submit(self) -> None:
        """Submits the reply; asks first if it would be sent at once."""
        from mm_tui.screens.dialogs.dialog import ConfirmScreen

        if self._is_submitting():
            return
        if self.is_model_writing or not self.text.strip():
            self.note("nothing to submit yet")
            return
        through = self._let_through()
        if self._mode in GATED and not through:
            self._submit(True)
            return
        if not self._has_room():
            return
        words = "Nobody approves what this mailbox sends: the reply is sent at once and cannot be undone."
        if through:
            words = f"{through[0]} is on the mailbox's allowlist: the reply is sent at once and cannot be undone."
        question = ConfirmScreen("Send without approval?", words, yes="send", no="do not send")
        self.app.push_screen(question, lambda yes: self._submit(yes and self._has_room()))

    def _has_room(self) -> bool:
        """Whether the terminal has room for what would leave at once; says so if not."""
        if not (enough := has_room(self.app.size)):
            self._say(NO_ROOM, "warning")
        return enough

    def _submit(self, yes: bool | None) -> None:
        if not yes or self.reply_to is None:
            return
        # Who submits a model's text makes it theirs.
        self._session.untouched_replies.pop(self.reply_to.email_id, None)
        if self.save(durable=True):
            self.run_worker(self._submit_reply(), group="submit", exclusive=True, exit_on_error=False)

    async def _submit_reply(self) -> None:
        drafts, row = self._session.drafts, self.reply_to
        if drafts is None or row is None:
            self.note(self._session.trouble or "the gateway is not connected yet; your text is saved")
            return
        text, is_gated = self.text, self._mode in GATED and not self._let_through()
        self.area.read_only = True
        self.note("submitting")
        words = f"an unexpected error: {UNKNOWN}"
        try:
            receipt = await drafts.submit_reply(row.email_id, text)
            words = ""
        except asyncio.CancelledError:
            words = f"stopped before the gateway answered: {UNKNOWN}"
            raise
        except expected_faults() as error:
            in_doubt = getattr(error, "may_have_happened", False)
            words = f"{fault_words(error)} · {UNKNOWN}" if in_doubt else f"not submitted: {fault_words(error)}"
        finally:
            if words and self.is_attached:
                self.area.read_only = False
                self.note(f"{words} · your text is saved")
        if words:
            return
        status = str(receipt.status)
        state = state_words(Direction.OUTBOUND, status)
        said = f"submitted ({state})" if state else "submitted, and sent"
        if status == Status.PENDING_SEND_APPROVAL or (status == Status.PENDING_SCAN and is_gated):
            said += "; decide on it under {app.pending} Pending"
        try:
            self._replies.forget(row, still=text)
        except NotSaved as error:
            said += f"; its text is still saved here: {error}"
        self.set_text("")
        self._close()
        self._say(said)
        if self._session.sync is not None:
            self._session.sync.wake()
