"""What the keys of the thread screen do: moving, looking closer, the assistant, the reply."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import platformdirs
from textual.content import Content
from textual.css.query import NoMatches

from mm_tui.messages import Said
from mm_tui.screens.base import BaseScreen
from mm_tui.screens.thread.reply_editor import ReplyEditor
from mm_tui.screens.thread.view import ThreadView
from mm_tui.services import attachments
from mm_tui.services.assistant.cards import STAND_IN_MODEL
from mm_tui.services.edits import NotSaved
from mm_tui.services.replies import Replies
from mm_tui.store.sort_keys import from_ms
from mm_tui.text import OneLine
from mm_tui.widgets.words import exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.timer import Timer

    from mm_tui.models import EmailDetail
    from mm_tui.review.links import Link
    from mm_tui.review.lookalike import Known
    from mm_tui.screens.thread.view import MessageItem
    from mm_tui.services.assistant.drafts import Drafts
    from mm_tui.store.mail.mails import MailRow

SAVE_SECONDS = 0.7
RETRY_SECONDS = 2.0
"""A reply being written is kept on disk this soon after the last key."""
GATED = frozenset({"gated_send", "gated_all"})


def badge(model: str) -> str:
    """A model's id as it is shown: the sandbox's rules are never taken for Jamba."""
    return f"{model} (local stand-in, not Jamba)" if model.startswith(STAND_IN_MODEL) else model


class ThreadActs(BaseScreen):
    """The acts of the thread screen."""

    mailbox_id: str
    reply_to: MailRow | None
    session: str
    _save_timer: Timer | None = None
    _saved_reply = ""
    """What this window last knew to be saved of the reply."""

    @property
    def thread_view(self) -> ThreadView:
        """The messages."""
        return self.query_one(ThreadView)

    @property
    def reply(self) -> ReplyEditor:
        """The editor."""
        return self.query_one(ReplyEditor)

    def known_to(self, mail: EmailDetail) -> Known:
        """Whom a mail of the thread finds known."""
        raise NotImplementedError

    # Moving

    def action_line_down(self) -> None:
        self.thread_view.line_down()

    def action_line_up(self) -> None:
        self.thread_view.line_up()

    def action_page(self, by: int) -> None:
        self.thread_view.page(by)

    def action_turn_to(self, index: int) -> None:
        self.thread_view.turn_to(index if index >= 0 else len(self.thread_view.leaves) - 1)

    def action_next_message(self) -> None:
        self.thread_view.turn(1)

    def action_previous_message(self) -> None:
        self.thread_view.turn(-1)

    def action_toggle_message(self) -> None:
        if (leaf := self.thread_view.current) is not None:
            self.thread_view.unfold(leaf, not leaf.open)

    def action_toggle_all(self) -> None:
        """Unfolds every message whose body is here; when all are open, folds all but the current one."""
        view = self.thread_view
        here = [leaf for leaf in view.leaves if leaf.detail is not None or self._stored(leaf)]
        unfolded = any(not leaf.open for leaf in here)
        for leaf in view.leaves:
            leaf.open = (leaf in here) if unfolded else leaf is view.current
        view.show(view.leaves, view.leaves.index(view.current) if view.current else 0)
        if missing := len(view.leaves) - len(here):
            self.post_message(Said(f"{missing} not opened on this machine stay folded: opening marks them read"))

    def _stored(self, leaf: MessageItem) -> bool:
        leaf.detail = self.services.mail.detail(leaf.row.email_id)
        return leaf.detail is not None

    def action_back(self) -> None:
        if self.keep_reply(durable=True):
            self.dismiss()

    # Looking closer

    def _current_detail(self) -> EmailDetail | None:
        leaf = self.thread_view.current
        if leaf is None or leaf.detail is None:
            self.post_message(Said("open the message first: enter"))
            return None
        return leaf.detail

    def action_toggle_source(self) -> None:
        """Shows the mails as a recipient reads them, or as Markdown."""
        self.thread_view.toggle_source()

    def action_raw(self) -> None:
        from mm_tui.screens.dialogs.mail import PageScreen, raw_page

        if (detail := self._current_detail()) is not None:
            self.app.push_screen(PageScreen("As it came, escaped", raw_page(detail)))

    def action_copy(self) -> None:
        """Copies the text of the current message by the terminal (OSC 52), which also works over SSH."""
        if (detail := self._current_detail()) is not None:
            self.app.copy_to_clipboard(detail.body)
            self.post_message(Said("the text was sent to the terminal's clipboard"))

    def action_details(self) -> None:
        from mm_tui.screens.dialogs.mail import PageScreen, sender_page
        from mm_tui.store.mail.contacts import ContactStore

        leaf = self.thread_view.current
        if leaf is not None and (detail := self._current_detail()) is not None:
            contacts = ContactStore(self.services.database)
            seen = contacts.first_seen(detail.sender.address, before=detail.received_at)
            page = sender_page(detail, leaf.findings, f"since {exact(seen)}" if seen else "first time here")
            self.app.push_screen(PageScreen("Sender", page))

    def action_links(self) -> None:
        from mm_tui.screens.dialogs.mail import LinksScreen

        if (detail := self._current_detail()) is not None:
            self.app.push_screen(LinksScreen(detail.body, self.known_to(detail)), self._link_chosen)

    def _link_chosen(self, link: Link | None) -> None:
        from mm_tui.screens.dialogs.confirm import ConfirmScreen
        from mm_tui.screens.dialogs.mail import over_ssh

        if link is None:
            return
        if over_ssh() or not link.opens:
            self.app.copy_to_clipboard(link.target)
            self.post_message(Said("the link was sent to the terminal's clipboard"))
            return
        question = ConfirmScreen(f"Open {link.host} in the browser?", link.target, yes="open", no="do not open")
        self.app.push_screen(question, partial(self._open_link, link))

    def _open_link(self, link: Link, yes: bool | None) -> None:
        if yes:
            self.app.open_url(link.target)

    def action_files(self) -> None:
        from mm_tui.screens.dialogs.mail import FilesScreen

        if (detail := self._current_detail()) is not None:
            folder = platformdirs.user_downloads_path()
            self.app.push_screen(FilesScreen(detail.attachments, str(folder)), partial(self._file_chosen, detail))

    def _file_chosen(self, detail: EmailDetail, index: int | None) -> None:
        if index is not None:
            self.run_worker(self._save_file(detail, index), group="file", exit_on_error=False)

    async def _save_file(self, detail: EmailDetail, index: int) -> None:
        files = detail.raw.attachments
        if index >= len(files):
            return
        name = files[index][0]
        self.post_message(Said(f"fetching {OneLine(name)}"))
        fetch = partial(self.services.attachment, self.mailbox_id, detail.id)
        try:
            content, doubt = await attachments.chosen(files, index, fetch)
            path = await asyncio.to_thread(attachments.save, platformdirs.user_downloads_path(), name, content)
        except OSError as error:
            self.post_message(Said(f"not saved: {error.strerror or error}", "error"))
        except attachments.WrongFile as wrong:
            self.post_message(Said(f"not saved: {wrong}", "error"))
        except Exception as error:
            words = self.services.fault_words(error)
            if words is None:
                raise
            self.post_message(Said(f"not saved: {words}", "error"))
        else:
            more = f"; {doubt}" if doubt else ""
            self.post_message(Said(f"saved as {path}{more}", "warning" if doubt else "information"))

    # The assistant

    def action_summarise(self) -> None:
        triage, leaves = self.services.triage, self.thread_view.leaves
        if triage is None:
            self.post_message(Said(self.services.trouble or "the assistant is not there yet"))
        elif leaves:
            self.run_worker(
                triage.examine(leaves[-1].row.email_id, again=True),
                group="examine",
                exclusive=True,
                exit_on_error=False,
            )

    def action_label(self) -> None:
        """Asks for a label for the current message."""
        from mm_tui.screens.dialogs.labels import LabelScreen

        leaf = self.thread_view.current
        if leaf is None or self.services.triage is None:
            self.post_message(Said(self.services.trouble or "the assistant is not there yet"))
            return
        labels = self.services.settings.assist.labels
        self.app.push_screen(LabelScreen(labels, leaf.row.label), partial(self._label_chosen, leaf.row.email_id))

    def _label_chosen(self, email_id: str, label: str | None) -> None:
        triage = self.services.triage
        if label is not None and triage is not None:
            self.run_worker(triage.set_label(email_id, label), group="label", exit_on_error=False)

    # The reply

    def action_reply(self) -> None:
        """Opens the editor on the newest mail that arrived, with what was written before or the model's draft.

        What waits or is spam is answered only where nothing else came in: else it would choose the recipient.
        """
        if self.reply.is_open:
            self.reply.area.focus()
            return
        leaves = [leaf for leaf in self.thread_view.leaves if leaf.row.direction != "outbound"]
        inbound = [leaf.row for leaf in leaves if not leaf.unsent] or [leaf.row for leaf in leaves]
        if not inbound:
            self.post_message(Said("nothing has come in here that could be answered"))
            return
        mode = self._mode()
        if mode == "read_only":
            self.post_message(Said("this mailbox is read-only: the gateway refuses every send", "warning"))
            return
        self.reply_to = inbound[-1]
        self.session = uuid4().hex
        kept = self._saved_reply = self.replies.get(self.reply_to.email_id)
        gate = "waits at the gate" if mode in GATED else f"{OneLine(mode) or 'unknown mode'}: it leaves at once"
        if self._let_through():
            gate = "on the allowlist: it leaves at once"
        when = exact(from_ms(inbound[-1].received_at))
        head = Content.assemble(*self._answered(inbound[-1]), f" · {gate} · mail of {when}")
        view = self.thread_view
        view.turn_to(next(at for at, leaf in enumerate(view.leaves) if leaf.row is inbound[-1]))
        self.add_class("-writing")
        self.reply.open(head, kept)
        if kept:
            self.reply.note("your text from before; ^t lets the model write")
        else:
            self._write("")

    def _answered(self, row: MailRow) -> list[tuple[str, str] | str]:
        """Whom the reply will reach, and that it is not the sender where the mail asks for another address."""
        detail = self.services.mail.detail(row.email_id)
        named = [OneLine(str(party.address)) for party in detail.answered_to] if detail is not None else [row.sender]
        pieces: list[tuple[str, str] | str] = ["reply to ", (OneLine(", ".join(named)), "bold $foreground")]
        if named != [row.sender]:
            pieces.append((OneLine(f" · not to the sender {row.sender}: the mail asks for that address"), "$warning"))
        return pieces

    @property
    def replies(self) -> Replies:
        """Where replies being written are kept."""
        return Replies(self.services.database, self.services.edits)

    def _mode(self) -> str:
        boxes = {box.mailbox_id: box.oversight_mode for box in self.services.mail.mailbox_rows()}
        return boxes.get(self.mailbox_id, "")

    def _let_through(self) -> tuple[OneLine, ...]:
        """Whom of those that the reply goes to the mailbox's allowlist names."""
        box = next((box for box in self.services.mail.mailboxes() if box.id == self.mailbox_id), None)
        if box is None or self.reply_to is None:
            return ()
        return box.let_through([self.reply_to.sender])

    def _write(self, instruction: str) -> None:
        """Lets the model write or change the text."""
        drafts, row = self.services.drafts, self.reply_to
        if drafts is None or row is None:
            self.reply.note(self.services.trouble or "the assistant is not there yet: write it yourself")
            return
        self.reply.note("the model is writing · esc stops it, and so does typing")
        self.run_worker(self._stream(drafts, row, instruction), group="draft", exclusive=True, exit_on_error=False)

    async def _stream(self, drafts: Drafts, row: MailRow, instruction: str) -> None:
        text = self.reply.text
        if text.strip():
            self.replies.save_beside(row, text, self.services.clock.now())
            pieces = drafts.redraft(row.email_id, text, instruction)
        else:
            pieces = drafts.draft_reply(row.email_id, instruction)
        words, model = "stopped: your text is as it was", ""
        warnings: Sequence[str] = ()
        try:
            written = await self.reply.area.let_model_write(pieces)
            if written is not None:
                taken_back = "; ^z takes it back" if text.strip() else ""
                words, model, warnings = f"edit it, then ^s submits{taken_back}", badge(written.model), written.warnings
        except Exception as error:
            fault = self.services.fault_words(error)
            if fault is None:
                raise
            words = f"{fault} · your text is as it was: ^t tries again"
        finally:
            if self.is_attached:
                self.reply.note(words, model=model, warnings=warnings)

    def on_draft_area_taken_over(self) -> None:
        self.workers.cancel_group(self, "draft")

    def _drafting(self) -> bool:
        return any(worker.group == "draft" and worker.is_running for worker in self.workers)

    def on_reply_editor_edited(self) -> None:
        if self._save_timer is not None:
            self._save_timer.stop()
        self._save_timer = self.set_timer(SAVE_SECONDS, self.keep_reply)

    def keep_reply(self, *, durable: bool = False) -> bool:
        """Keeps the reply being written. False when the store did not take it: that is said, and tried again soon."""
        try:
            editor = self.reply
        except NoMatches:
            return True
        if editor.is_open and self.reply_to is not None:
            text, now = editor.text, self.services.clock.now()
            try:
                other = self.replies.save(self.reply_to, text, now, over=self._saved_reply, durable=durable)
            except NotSaved as error:
                self.post_message(Said(f"not saved: {error}; stay here, it is tried again", "error"))
                self._save_timer = self.set_timer(RETRY_SECONDS, self.keep_reply)
                return False
            self._saved_reply = text
            if other:
                words = (
                    "another window writes this reply too: its text is kept beside yours ({pending.kept} under Pending)"
                )
                self.post_message(Said(words, "warning"))
        return True

    def on_reply_editor_closed(self) -> None:
        if self._drafting():
            self.workers.cancel_group(self, "draft")
            return
        if self.keep_reply(durable=True):
            self._close_editor()

    def _close_editor(self) -> None:
        if self._save_timer is not None:
            self._save_timer.stop()
        self.reply.close()
        self.remove_class("-writing")
        self.thread_view.focus()

    def on_reply_editor_redraft_asked(self) -> None:
        from mm_tui.screens.dialogs.instruct import InstructScreen

        if self.reply.text.strip():
            self.app.push_screen(InstructScreen(), self._redraft)
        else:
            self._write("")

    def _redraft(self, instruction: str | None) -> None:
        if instruction is not None:
            self._write(instruction)

    def on_reply_editor_submitted(self) -> None:
        from mm_tui.screens.dialogs.confirm import ConfirmScreen

        if self._drafting() or not self.reply.text.strip():
            self.reply.note("nothing to submit yet")
            return
        through = self._let_through()
        if self._mode() in GATED and not through:
            self._submit(True)
            return
        words = "This mailbox has no gate for sending: the reply leaves at once and cannot be taken back."
        if through:
            words = f"{through[0]} is on the mailbox's allowlist: the reply leaves at once and cannot be taken back."
        self.app.push_screen(ConfirmScreen("Send without a gate?", words, yes="send", no="do not send"), self._submit)

    def _submit(self, yes: bool | None) -> None:
        if yes:
            self.keep_reply(durable=True)
            self.run_worker(self._submit_reply(), group="submit", exclusive=True, exit_on_error=False)

    async def _submit_reply(self) -> None:
        drafts, row = self.services.drafts, self.reply_to
        if drafts is None or row is None:
            self.reply.note(self.services.trouble or "the gateway is not connected yet; the text is kept")
            return
        self.reply.area.read_only = True
        self.reply.note("submitting")
        try:
            receipt = await drafts.submit_reply(row.email_id, self.reply.text, session=self.session)
        except Exception as error:
            words = self.services.fault_words(error)
            if self.is_attached:
                self.reply.area.read_only = False
                self.reply.note(f"not submitted: {words or 'an unexpected error'} · the text is kept")
            if words is None:
                raise
            return
        status = receipt.status.replace("_", " ")
        said = f"submitted ({status}); it is decided on under 2 Pending"
        try:
            self.replies.forget(row.email_id, still=self.reply.text)
        except NotSaved as error:
            said += f"; its text is still here: {error}"
        self.reply.set_text("")
        self._close_editor()
        self.post_message(Said(said))
        if self.services.sync is not None:
            self.services.sync.wake()
