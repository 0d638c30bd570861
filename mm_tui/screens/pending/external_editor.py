"""The reader's own editor on the text of a draft. Wherever it is when something fails, it is found again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from mm_tui.models import EditedDraft
from mm_tui.screens.base import BaseScreen
from mm_tui.screens.pending.editor_process import EditorError, EditorReturned, run_editor
from mm_tui.services.edits import NotSaved
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.store.decisions.editor_files import EditorFile, editing_folder
from mm_tui.store.decisions.edits import SavedEdit
from mm_tui.text import ManyLine, OneLine
from mm_tui.widgets.draft_area import DraftArea

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.timer import Timer

    from mm_tui.screens.pending.editor_process import Editor

KEPT = "({pending.kept} in the queue)"
"""Where a text is found that was not released."""
LOOK_SECONDS = 1.0
"""How often the file of an editor that may still be open is looked at."""


class ExternalEditing(BaseScreen):
    """Mixed into the editor's screen."""

    editor: ClassVar[Editor] = staticmethod(run_editor)
    _given = ""
    """What the editor's file held when it was last looked at."""
    _watching: Sequence[Timer] = ()

    if TYPE_CHECKING:
        _entry: QueueEntry

        @property
        def area(self) -> DraftArea: ...
        @property
        def draft(self) -> EditedDraft: ...
        def save_text(self, *, durable: bool = False, anyway: bool = False) -> bool: ...

    def as_edit(self, draft: EditedDraft) -> SavedEdit:
        """This text as an edit of the draft that is open."""
        item, now = self._entry.item, self.services.clock.now()
        return SavedEdit(item.id, item.mailbox_id, self._entry.digest, item.raw, draft, now)

    def keep_beside(self, draft: EditedDraft) -> None:
        """Keeps a text that another is about to replace, or that could not be taken in."""
        self.services.edits.save_beside(self.as_edit(draft))

    def action_external(self) -> None:
        """Hands the text to the editor; takes in what it wrote, or keeps that beside when the editor failed."""
        area = self.area
        if area.is_model_writing:
            self.say("the model is writing: {edit.stop} stops it", "warning")
            return
        self.save_text(durable=True)
        try:
            folder = editing_folder(self.services.settings.profile.name)
            file = EditorFile(folder, self.as_edit(replace(self.draft, body=str(ManyLine(area.text)))))
        except OSError as error:
            self.say(f"cannot write a file for the editor: {OneLine(str(error))}", "warning")
            return
        said, edited, left, may_be_open = "", None, None, False
        with self.app.suspend():
            # Nothing may escape from here: the app would never come back.
            try:
                edited = type(self).editor(file)
            except EditorError as error:
                said, left, may_be_open = str(error), error.left, isinstance(error, EditorReturned)
            except OSError as error:
                said = f"the editor's file cannot be used: {error}"
        if may_be_open:
            self._watch(file)
        elif self._take_in(area, edited, left):
            file.remove()
        if left is not None:
            said += f"; what it left is kept beside {KEPT}"
        if said:
            self.say(said, "warning")

    def _watch(self, file: EditorFile) -> None:
        """Looks for what an editor saves that did not let us wait for it, as long as this screen is open.

        The file stays: what is saved later is taken up at the next start of the program.
        """
        self._given = self.area.text
        for timer in self._watching:
            timer.stop()
        self._watching = [self.set_interval(LOOK_SECONDS, partial(self._look_at, file))]

    def _look_at(self, file: EditorFile) -> None:
        try:
            saved = ManyLine(file.read())
        except OSError:
            return
        if saved in (self._given, ""):
            return
        area, before = self.area, self._given
        self._given = saved
        if area.is_model_writing or area.text != before:
            taken = self._take_in(area, None, saved)
            self.say(f"your editor saved its text; it was changed here too, so it is kept beside {KEPT}")
        else:
            taken = self._take_in(area, saved, None)
            self.say("the text from your editor was loaded")
        if taken:
            with suppress(OSError):
                file.was_taken(str(saved))

    def _take_in(self, area: DraftArea, edited: ManyLine | None, left: ManyLine | None) -> bool:
        """Whether the text is safe now; else its file is taken up at the next start."""
        try:
            if left is not None:
                self.keep_beside(replace(self.draft, body=str(left)))
            if edited is not None and edited != area.text:
                area.load_text(edited)
                return self.save_text(durable=True)
        except NotSaved:
            self.say(
                "the local store cannot be written now; the editor's text will be loaded at the next start", "error"
            )
            return False
        return True
