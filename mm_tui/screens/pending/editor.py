"""Edits a waiting draft beside its thread. Every change is in the store within a second."""

from __future__ import annotations

import asyncio
from functools import partial

from msgspec.structs import replace
from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from mm_tui import keymap
from mm_tui.models import EditedDraft
from mm_tui.review.draft import changes_recipients, changes_subject, typed_draft
from mm_tui.review.render_pass import RenderPass
from mm_tui.review.risk.engine import REMINDERS
from mm_tui.review.risk.model import Assessment
from mm_tui.screens.base import BaseScreen, PartAction
from mm_tui.screens.dialogs.choice import CHOICE_KEYS, ChoiceScreen, DialogChoice
from mm_tui.screens.dialogs.dialog import ask
from mm_tui.screens.dialogs.mail_actions import say_why_not
from mm_tui.screens.dialogs.offers import ask_instruction
from mm_tui.screens.pending.diff_pages import three_way_page
from mm_tui.screens.pending.external_editor import WHERE_SAVED, ExternalEditing
from mm_tui.screens.pending.findings import finding_lines
from mm_tui.screens.pending.pages import thread_page
from mm_tui.screens.pending.words import ONLY_SENT_BACK, TEXT_KEYS, edit_head
from mm_tui.screens.rendering import render_later
from mm_tui.services.events import PendingChanged, ServiceEvent
from mm_tui.services.fault_words import expected_faults, fault_words
from mm_tui.services.queue.assessing import edited_draft
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.services.saved_texts.edits import NotSaved
from mm_tui.store.decisions.edits import SavedEdit
from mm_tui.text import ManyLine, OneLine
from mm_tui.widgets.background import Later, in_thread
from mm_tui.widgets.cached_static import CachedStatic
from mm_tui.widgets.draft_area import RETRY_SECONDS, SAVE_SECONDS, DraftArea
from mm_tui.widgets.line_input import LineInput
from mm_tui.widgets.pager import Pager
from mm_tui.widgets.words import joined

THREE_WAY = "three-way"
ROOM = 4
"""Lines for warnings and findings. They have their own place, so that the text does not move when they come and go.
There is one on a low terminal, where the text comes first."""
LOW = 16
"""A terminal with fewer lines is low."""
LONGEST_SNIPPET = 60
"""The most characters of a snippet shown in the choice."""


class EditScreen(BaseScreen):
    """The editor. Leaving it keeps the text; approving the email in the queue sends it. The edit is based on the
    content of `entry`. `at`: where in its body the cursor is at first."""

    MODE = "pending"
    TITLE_WORD = "edit a draft"
    CSS_PATH = "editor.tcss"
    BINDINGS = [*keymap.bindings("edit"), *keymap.bindings("quoted")]  # noqa: RUF012 - Textual declares it
    AUTO_FOCUS = "#body"
    HELP_MORE = TEXT_KEYS
    HELP_MORE_TITLE = "In the text"

    area = getters.query_one("#body", DraftArea)
    """The text area with the body of the draft."""

    def __init__(self, entry: QueueEntry, at: int = 0) -> None:
        super().__init__()
        self.external = ExternalEditing(self)
        self._entry, self._at = entry, at
        self._thread = entry.thread
        self._saving = Later(self, SAVE_SECONDS, self.save_text)
        self._saving_again = Later(self, RETRY_SECONDS, self.save_text)
        self._trouble = ""
        """Why saving failed last."""
        self._saved: EditedDraft | None = None
        self._is_durable = True
        """Whether what this window saved survives a power cut."""
        self._left_from: Widget | None = None
        self._writes = False
        """Whether a text of this window was saved."""
        self._knows_the_change = False
        """Whether the changes in an outdated edit's draft have been read to the end."""
        self._assessment = entry.assessment
        self._start, own = entry.text, replace(entry, edit=None).text
        self._unedited = typed_draft(", ".join(own.to), own.subject, own.body)
        self._stored = entry.edit.text if entry.edit is not None else None
        """The text that this window last knew to be in the store."""

    def status_mailbox(self) -> str | None:
        return self._entry.item.mailbox_id

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield CachedStatic(id="edit-head")
                with Horizontal(classes="field"):
                    yield Static(Content("to   "), classes="field--name")
                    yield LineInput(OneLine(", ".join(self._start.to)), id="to")
                with Horizontal(classes="field"):
                    yield Static(Content("subj "), classes="field--name")
                    yield LineInput(OneLine(self._start.subject), id="subject")
                yield DraftArea(self._start.body, id="body")
                yield Static(id="words")
            with Vertical(id="right"):
                yield Static(id="right-words")
                yield Pager(id="thread")

    def on_mount(self) -> None:
        self._saved = self.draft
        self.area.go_to(self._at)
        self._show_head()
        self._show_side()
        self._show_words(self._entry.assessment)
        if self._entry.edit is not None:
            self._assess(self._start)
        self.external.watch()
        if self.session.settings.profile.send_key is None:
            self.say(ONLY_SENT_BACK, "warning")

    @property
    def item_id(self) -> str:
        """The id of the open draft."""
        return self._entry.item.id

    @property
    def _is_outdated(self) -> bool:
        """Whether the draft changed since editing began."""
        return self._entry.edit is not None and not self._entry.edit_is_current

    def _show_side(self) -> None:
        bodies = RenderPass()
        page = three_way_page(self._entry) if self._is_outdated else thread_page(self._thread, bodies)
        self.query_one("#thread", Pager).show(page, THREE_WAY if self._is_outdated else "")
        self._show_side_words()
        render_later(self, bodies)

    def on_bodies_rendered(self) -> None:
        self._show_side()

    def on_pager_end_seen(self, _message: Pager.EndSeen) -> None:
        self._knows_the_change = True

    def _show_side_words(self) -> None:
        words = "The draft changed after you started editing" if self._is_outdated else "Thread, newest first"
        if self.has_class("-thread"):
            words = f"{words} · esc returns to the text"
        self.query_one("#right-words", Static).update(Content.styled(words, "$mm-dim"))

    # The text

    @property
    def draft(self) -> EditedDraft:
        """The current edit, cleaned: what a reader cannot see is not sent either."""
        to, subject = self.query_one("#to", Input).value, self.query_one("#subject", Input).value
        return typed_draft(to, subject, self.area.text_to_save)

    def on_input_changed(self) -> None:
        self._changed()

    def on_text_area_changed(self) -> None:
        self._changed()

    def _show_head(self, trouble: str = "") -> None:
        """Shows what is edited, and whether the current text is saved."""
        saved = None if self.draft != self._saved else self._stored is not None
        head = self.query_one("#edit-head", CachedStatic)
        head.put(edit_head(self._entry, saved, trouble, head.size.width or self.size.width - 2), layout=False)

    def on_resize(self) -> None:
        self.set_class(self.size.height < LOW, "-low")
        self.call_after_refresh(self._show_head)
        self.call_after_refresh(lambda: self._show_words(self._assessment))

    def _changed(self) -> None:
        self._show_head()
        if self.draft != self._saved:
            self._saving.soon()

    def save_text(self, *, durable: bool = False, anyway: bool = False) -> bool:
        """Saves changes. Returns False if the store failed, which is shown and retried soon."""
        self._saving.stop()
        draft = self.draft
        if draft == self._saved and not anyway and (self._is_durable or not durable):
            return True
        try:
            self._put(draft, durable=durable)
        except NotSaved as error:
            self._show_head("not saved")
            self._trouble = f"not saved: {error}; stay here, saving is retried"
            self.say(self._trouble, "error")
            self._saving_again.soon()
            return False
        if self._trouble:
            self.unsay(self._trouble)
            self._trouble = ""
        self._saved, self._is_durable = draft, durable
        self._writes = True
        self._show_head()
        self._assess(draft)
        return True

    def _put(self, draft: EditedDraft, *, durable: bool) -> None:
        edit, old = self.as_edit(draft), self._entry.edit
        if old is not None and self._is_outdated and not self._knows_the_change:
            edit = replace(edit, base_digest=old.base_digest, base=old.base)
        # Taken back to the draft, it is no edit any more: nothing is to be released in the draft's place.
        is_edit = draft != self._unedited or edit.base_digest != self._entry.digest
        clashes = self.session.edits.save(edit, over=self._stored, durable=durable, is_edit=is_edit)
        self._stored = draft if is_edit else None
        if clashes:
            self.say(
                f"another window is editing this draft too: its text is saved beside yours {WHERE_SAVED}", "warning"
            )

    def as_edit(self, draft: EditedDraft) -> SavedEdit:
        """This text as an edit of the open draft."""
        item, now = self._entry.item, self.session.clock.now()
        return SavedEdit(item.id, item.mailbox_id, self._entry.digest, item.raw, draft, now)

    def keep_beside(self, draft: EditedDraft) -> None:
        """Keeps a copy of a text that is about to be replaced, or could not be loaded."""
        self.session.edits.save_beside(self.as_edit(draft))

    def handle_event(self, event: ServiceEvent) -> None:
        if isinstance(event, PendingChanged) and self.session.pending.get(self._entry.item.id) is None:
            self.save_text(durable=True)
            self.say(
                f"this email is no longer waiting: it was decided elsewhere. Your text is saved {WHERE_SAVED}",
                "warning",
            )

    def save_work(self) -> bool:
        return self.save_text(durable=True)

    def written_text(self) -> str:
        return self.draft.as_mail

    def on_screen_suspend(self) -> None:
        self.save_text(durable=True)

    # Findings

    def _assess(self, draft: EditedDraft) -> None:
        written = edited_draft(self._entry.item, draft)
        in_thread(self, partial(self.session.queue.assess_edit, self._entry, written), self._show_words, "assess")

    def _show_words(self, assessment: Assessment) -> None:
        self._assessment = assessment
        raw, draft = self._entry.item.raw, self.draft
        lines = [_warn(self._entry.presence.words)] if self._entry.presence is not None else []
        if changes_recipients(raw, draft):
            lines.append(_warn("the recipient changed: this will be sent as a new email, outside the thread"))
        elif changes_subject(raw, draft):
            lines.append(_warn("the subject changed: this will be sent as a new email, outside the thread"))
        if not draft.to:
            lines.append(_warn("no recipient"))
        # Reminders come first: everything else is shown again before approval.
        findings = sorted(assessment.findings, key=lambda finding: finding.code not in REMINDERS)
        room = max(1, ROOM - len(lines))
        shown = 0 if self.has_class("-low") else room if len(findings) <= room else max(1, room - 1)
        lines += finding_lines(findings, shown, hint=": shown again before you approve")
        lines = lines or [Content.styled(f" · {assessment.nothing}", "$mm-dim")]
        self.query_one("#words", Static).update(joined(lines, "\n"))

    # Actions

    action_external = PartAction("external.run")

    def action_done(self) -> None:
        if not self.draft.to:
            self.say("the draft needs a recipient", "warning")
            return
        if self._is_outdated and not self._knows_the_change:
            self.save_text(durable=True)
            self.say("the draft changed after you started editing: first read what changed, to the end", "warning")
            if not self.query_one("#thread", Pager).has_focus:
                self.action_thread()
            return
        # Rebases an edit of an older draft on the new one: the changes have been read.
        self._leave(anyway=self._is_outdated)

    def action_back(self) -> None:
        if self.query_one("#thread", Pager).has_focus:
            self.action_thread()
        else:
            self._leave()

    def _leave(self, *, anyway: bool = False) -> None:
        # The queue shows what was written here, even if another window has saved or discarded a text since.
        if self.save_text(durable=True, anyway=anyway or self._writes):
            self.dismiss(None)

    def action_thread(self) -> None:
        """Switches between the thread and the text; below 120 columns the thread replaces the text."""
        thread = self.query_one("#thread", Pager)
        if self.has_class("-thread"):
            self.remove_class("-thread")
            (self._left_from or self.area).focus()
        else:
            self._left_from = self.focused
            self.add_class("-thread")
            thread.focus()
        self._show_side_words()

    def action_open_thread(self) -> None:
        """Opens the thread's emails on request, which marks them as read."""
        unopened = [(mail.summary.mailbox_id, mail.summary.id) for mail in self._thread if mail.detail is None]
        if unopened and self.session.sync is not None:
            self.run_worker(self._open_mails(unopened), exclusive=True, group="open", exit_on_error=False)

    async def _open_mails(self, mails: list[tuple[str, str]]) -> None:
        from mm_tui.services.sync.opening import open_mails

        assert self.session.sync is not None
        if words := await open_mails(self.session.sync, mails):
            self.say(words, "warning")
        fresh = await asyncio.to_thread(self.session.queue.entry, self._entry.item.id)
        if fresh is not None:
            self._thread = fresh.thread
            self._show_side()

    def action_snippets(self) -> None:
        snippets = self.session.settings.snippets
        if not snippets:
            self.say('no snippets yet: add lines like name = "text" under [snippets] in config.toml')
            return
        choices = [
            DialogChoice(key, f"{OneLine(name)}: {OneLine(ManyLine(text))[:LONGEST_SNIPPET]}", str(ManyLine(text)))
            for key, (name, text) in zip(CHOICE_KEYS, snippets.items(), strict=False)
        ]
        ask(self.app, ChoiceScreen("Insert which snippet?", Content(""), choices, at_once=True), self._insert)

    def _insert(self, text: str) -> None:
        area = self.area
        area.take_over()
        area.replace(text, area.selection.start, area.selection.end, maintain_selection_offset=False)

    def action_redraft(self) -> None:
        from mm_tui.services.assistant.triage import NO_MODEL

        drafts = self.session.drafts
        if drafts is None:
            say_why_not(self)
        elif not drafts.has_key:
            self.say(NO_MODEL, "warning")
        else:
            ask_instruction(self.app, self._entry.item.id, self._redraft)

    def _redraft(self, instruction: str) -> None:
        self.run_worker(self._stream(instruction), exclusive=True, group="redraft", exit_on_error=False)

    async def _stream(self, instruction: str) -> None:
        area = self.area
        assert self.session.drafts is not None
        try:
            if ManyLine(area.text) != self._entry.item.body:
                self.keep_beside(self.draft)
            self.save_text(durable=True)
            self.say("the model is writing; {edit.stop} or typing stops it")
            pieces = self.session.drafts.redraft(self._entry.item.id, area.text, instruction)
            written = await area.let_model_write(pieces)
        except expected_faults() as error:
            self.say(f"{fault_words(error)} · your text is unchanged", "warning")
        else:
            if written is not None:
                self.session.unused_instructions.pop(self._entry.item.id, None)
                self.say(f"written by {written.model}: read all of it; ^z takes the change back")
        finally:
            if self.is_attached:
                self.save_text()
                self.refresh_bindings()

    def on_draft_area_taken_over(self) -> None:
        self.action_stop()
        self.say("the model was stopped: your text is unchanged")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a model that writes, the key to stop it cuts text. Letters are keys only in the thread."""
        if action == "open_thread":
            return isinstance(self.focused, Pager)
        return self.area.is_model_writing if action == "stop" else True

    def action_stop(self) -> None:
        self.workers.cancel_group(self, "redraft")


def _warn(words: str) -> Content:
    return Content.assemble(("▲ ", "$warning"), words)
