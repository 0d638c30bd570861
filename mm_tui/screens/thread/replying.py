"""Replies to a thread: saves the text while it is typed, lets the model write on request, and submits it once."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from textual.content import Content

from mm_tui.models import Direction, OversightMode, Status
from mm_tui.screens.thread.reply_editor import ReplyEditor
from mm_tui.screens.thread.view import ThreadView
from mm_tui.services.assistant.cards import badge_of
from mm_tui.services.edits import NotSaved
from mm_tui.services.fault_words import expected_faults, fault_words
from mm_tui.services.replies import Replies
from mm_tui.services.unsent import state_words
from mm_tui.text import OneLine
from mm_tui.widgets.draft_area import RETRY_SECONDS, SAVE_SECONDS
from mm_tui.widgets.later import Later
from mm_tui.widgets.words import mode_words

if TYPE_CHECKING:
    from mm_tui.screens.base import BaseScreen
    from mm_tui.services.assistant.cards import DraftText
    from mm_tui.services.assistant.drafts import Drafts
    from mm_tui.store.mail.mails import MailRow

UNKNOWN = "it is not known whether it was submitted; submitting it again makes no second reply"
GATED = frozenset({OversightMode.GATED_SEND, OversightMode.GATED_ALL})


class Replying:
    """The reply on the thread screen."""

    def __init__(self, screen: BaseScreen, mailbox_id: str) -> None:
        self._screen = screen
        self._mailbox_id = mailbox_id
        self.reply_to: MailRow | None = None
        """The email that is answered."""
        self._saving = Later(screen, SAVE_SECONDS, self.save)
        self._saving_again = Later(screen, RETRY_SECONDS, self.save)
        self._saved = ""
        """The text of the reply that this window last knew to be saved."""

    @property
    def editor(self) -> ReplyEditor:
        return self._screen.query_one(ReplyEditor)

    def open(self, text: str = "") -> None:
        """Opens the editor for the newest inbound email, with the saved text or the model's draft. If `text` is given,
        it is used, and the saved text is kept as a copy. Waiting or spam mail is answered only if there is no other
        inbound mail; otherwise it could choose the recipient."""
        if self.editor.is_open:
            self.editor.area.focus()
            return
        view = self._view
        items = [(at, item) for at, item in enumerate(view.items) if item.row.direction != "outbound"]
        if not items:
            self._screen.say("this thread has no incoming email to answer")
            return
        if self._mode == OversightMode.READ_ONLY:
            self._screen.say("this mailbox is read-only: the gateway refuses to send from it", "warning")
            return
        at, answered = next((one for one in reversed(items) if not one[1].unsent), items[-1])
        row = self.reply_to = answered.row
        if text:
            try:
                self.replies.save(row, text, self._screen.session.clock.now(), over="", durable=True)
            except NotSaved as error:
                self._screen.say(f"not saved: {error}", "error")
        kept = self._saved = self.replies.get(row.email_id)
        view.turn_to(at)
        self._screen.add_class("-writing")
        untouched = self._screen.session.untouched_replies.get(row.email_id)
        self.editor.open(self._head(row), kept or (untouched.text if untouched is not None else ""))
        if kept:
            self.editor.note("your saved text; ^t lets the model write")
        elif untouched is not None:
            self._note_written(untouched, "edit it, then submit with ^s")
        else:
            self._write("")

    def _head(self, row: MailRow) -> Content:
        """Whom the reply goes to, and who is asked before it leaves; warns of another recipient than the sender, and of
        an answer that waits already."""
        detail = self._screen.session.mail.detail(row.email_id)
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
    def replies(self) -> Replies:
        """The store of unfinished replies."""
        return Replies(self._screen.session.database, self._screen.session.edits)

    @property
    def _view(self) -> ThreadView:
        return self._screen.query_one(ThreadView)

    @property
    def _mode(self) -> str:
        box = self._screen.session.mail.mailbox(self._mailbox_id)
        return str(box.oversight_mode) if box is not None else ""

    def _let_through(self) -> tuple[OneLine, ...]:
        """The recipients of the reply that are on the mailbox's allowlist."""
        box = self._screen.session.mail.mailbox(self._mailbox_id)
        if box is None or self.reply_to is None:
            return ()
        detail = self._screen.session.mail.detail(self.reply_to.email_id)
        reached = [party.address for party in detail.answerable] if detail is not None else [self.reply_to.sender]
        return box.let_through(reached)

    def _write(self, instruction: str) -> None:
        """Lets the model write or change the text."""
        drafts, row = self._screen.session.drafts, self.reply_to
        if drafts is None or row is None:
            self.editor.note(self._screen.session.trouble or "the assistant is not ready yet: write the reply yourself")
            return
        self.editor.note("the model is writing · esc or typing stops it")
        self._screen.run_worker(
            self._stream(drafts, row, instruction), group="draft", exclusive=True, exit_on_error=False
        )
        self._screen.refresh_bindings()

    async def _stream(self, drafts: Drafts, row: MailRow, instruction: str) -> None:
        text, is_of_model = self.editor.text, not self._own_text
        note = partial(self.editor.note, "stopped: your text is unchanged")
        try:
            if text.strip():
                if not is_of_model:
                    self.replies.save_beside(row, text, self._screen.session.clock.now())
                pieces = drafts.redraft(row.email_id, text, instruction)
            else:
                pieces = drafts.draft_reply(row.email_id, instruction)
            written = await self.editor.area.let_model_write(pieces)
            if written is not None:
                self._screen.session.unused_instructions.pop(row.email_id, None)
                taken_back = "; ^z takes the change back" if text.strip() else ""
                note = partial(self._note_written, written, f"edit it, then submit with ^s{taken_back}")
                if is_of_model:
                    self._screen.session.untouched_replies[row.email_id] = written
        except expected_faults() as error:
            note = partial(self.editor.note, f"{fault_words(error)} · your text is unchanged; ^t tries again")
        finally:
            if self._screen.is_attached:
                note()
                self._screen.call_later(self._screen.refresh_bindings)

    def _note_written(self, draft: DraftText, words: str) -> None:
        self.editor.note(words, model=badge_of(draft.model), warnings=draft.warnings)

    @property
    def _own_text(self) -> str:
        """The text to save: what is written, but not a model's text that nobody has changed."""
        row = self.reply_to
        untouched = self._screen.session.untouched_replies.get(row.email_id) if row is not None else None
        text = self.editor.text
        return "" if untouched is not None and text == untouched.text else text

    def stop(self) -> None:
        self._screen.workers.cancel_group(self._screen, "draft")

    @property
    def is_model_writing(self) -> bool:
        return self._runs("draft")

    def _runs(self, group: str) -> bool:
        return any(worker.group == group and worker.is_running for worker in self._screen.workers)

    def _is_submitting(self) -> bool:
        """Whether the reply is being submitted: then it can be neither changed nor left. Says so."""
        if self._runs("submit"):
            self._screen.say("the reply is being submitted: wait for the answer")
            return True
        return False

    def edited(self) -> None:
        """The text has changed."""
        self._saving.soon()

    def save(self, *, durable: bool = False) -> bool:
        """Saves the reply. Returns False if the store failed, which is shown and retried soon."""
        if self.reply_to is None or not self.editor.is_open:
            return True
        self._saving.stop()
        text, now = self._own_text, self._screen.session.clock.now()
        try:
            other = self.replies.save(self.reply_to, text, now, over=self._saved, durable=durable)
        except NotSaved as error:
            self._screen.say(f"not saved: {error}; stay here, saving is retried", "error")
            self._saving_again.soon()
            return False
        self._saved = text
        if other:
            words = (
                "another window is writing this reply too: its text is saved beside yours ({pending.kept} in Pending)"
            )
            self._screen.say(words, "warning")
        return True

    def leave(self) -> None:
        """Stops the model if it is writing; otherwise saves the text and closes the editor."""
        if self.is_model_writing:
            self.stop()
        elif self.may_leave():
            self._close_editor()

    def may_leave(self) -> bool:
        """Saves the reply. Returns whether the screen may be left; otherwise says why not."""
        return not self._is_submitting() and self.save(durable=True)

    def _close_editor(self) -> None:
        self._saving.stop()
        self.editor.close()
        self._screen.remove_class("-writing")
        self._view.focus()

    def redraft(self) -> None:
        """Asks how the model should change the text; without a text lets it write one."""
        from mm_tui.screens.dialogs.offers import ask_instruction

        if self._is_submitting():
            return
        drafts = self._screen.session.drafts
        if self.reply_to is not None and drafts is not None and drafts.has_key and self.editor.text.strip():
            ask_instruction(self._screen.app, self.reply_to.email_id, self._write)
        else:
            self._write("")

    def submit(self) -> None:
        """Submits the reply; asks first if it would be sent at once."""
        from mm_tui.screens.dialogs.confirm import ConfirmScreen

        if self._is_submitting():
            return
        if self.is_model_writing or not self.editor.text.strip():
            self.editor.note("nothing to submit yet")
            return
        through = self._let_through()
        if self._mode in GATED and not through:
            self._submit(True)
            return
        words = "Nobody approves what this mailbox sends: the reply is sent at once and cannot be undone."
        if through:
            words = f"{through[0]} is on the mailbox's allowlist: the reply is sent at once and cannot be undone."
        self._screen.app.push_screen(
            ConfirmScreen("Send without approval?", words, yes="send", no="do not send"), self._submit
        )

    def _submit(self, yes: bool | None) -> None:
        if not yes or self.reply_to is None:
            return
        # Who submits a model's text makes it theirs.
        self._screen.session.untouched_replies.pop(self.reply_to.email_id, None)
        if self.save(durable=True):
            self._screen.run_worker(self._submit_reply(), group="submit", exclusive=True, exit_on_error=False)

    async def _submit_reply(self) -> None:
        drafts, row = self._screen.session.drafts, self.reply_to
        if drafts is None or row is None:
            self.editor.note(self._screen.session.trouble or "the gateway is not connected yet; your text is saved")
            return
        text, is_gated = self.editor.text, self._mode in GATED and not self._let_through()
        self.editor.area.read_only = True
        self.editor.note("submitting")
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
            if words and self._screen.is_attached:
                self.editor.area.read_only = False
                self.editor.note(f"{words} · your text is saved")
        if words:
            return
        status = str(receipt.status)
        state = state_words(Direction.OUTBOUND, status)
        said = f"submitted ({state})" if state else "submitted, and sent"
        if status == Status.PENDING_SEND_APPROVAL or (status == Status.PENDING_SCAN and is_gated):
            said += "; decide on it under {app.pending} Pending"
        try:
            self.replies.forget(row, still=text)
        except NotSaved as error:
            said += f"; its text is still saved here: {error}"
        self.editor.set_text("")
        self._close_editor()
        self._screen.say(said)
        if self._screen.session.sync is not None:
            self._screen.session.sync.wake()
