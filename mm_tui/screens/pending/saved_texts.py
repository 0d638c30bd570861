"""Saved texts that were not sent: to read, use, copy or discard."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from mm_tui.messages import session_of
from mm_tui.screens.dialogs.choice import ChoiceScreen, DialogChoice
from mm_tui.screens.dialogs.dialog import Dialog, DialogKeys, ask
from mm_tui.services.saved_texts.edits import NotSaved
from mm_tui.store.decisions.edits import SavedEdit
from mm_tui.text import ManyLine, OneLine
from mm_tui.widgets.pager import Pager, PageWriter
from mm_tui.widgets.words import count, exact, joined

NO_TEXTS = "No saved texts. Text that you write but do not send is saved here."


class SavedTextsScreen(Dialog[SavedEdit]):
    """Shows them one by one, newest first. Returns the one to use."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "close", "close"),
        Binding("n", "step(1)", "next"),
        Binding("p", "step(-1)", "previous"),
        Binding("e", "use", "use"),
        Binding("c", "copy", "copy"),
        Binding("D", "discard", "discard"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._edits: list[SavedEdit] = []
        self._at = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog dialog--reading"):
            yield Static(id="saved-title", classes="dialog--title")
            yield Pager(id="saved-text")
            yield DialogKeys(id="saved-keys", classes="dialog--keys")

    def on_mount(self) -> None:
        self._read()
        self.query_one(Pager).focus()

    def _read(self) -> None:
        self._edits = session_of(self).edits.left_over()
        self._at = max(0, min(self._at, len(self._edits) - 1))
        writer = PageWriter()
        title = "No other saved texts." if (waiting := session_of(self).edits.of_waiting()) else NO_TEXTS
        if waiting:
            edits = count(waiting, "edit of a waiting draft is", "edits of waiting drafts are")
            title = f"{title} {edits} saved with the draft: is:edited finds {'it' if waiting == 1 else 'them'}."
        if self._edits:
            edit = self._edits[self._at]
            title = f"Saved text {self._at + 1} of {len(self._edits)}, written {exact(edit.saved_at)}"
            writer.line(f"to {OneLine(', '.join(edit.text.to))}", "dim")
            writer.line(OneLine(edit.text.subject), "strong")
            writer.line()
            writer.write(ManyLine(edit.text.body))
        self.query_one("#saved-title", Static).update(Content(title))
        pager = self.query_one(Pager)
        pager.show(writer.page(), "")
        pager.display = bool(self._edits)
        self.query_one(".dialog").set_class(bool(self._edits), "dialog--reading")
        steps = [("n p", "next, previous")] if len(self._edits) > 1 else []
        acts = [("e", "edit and use"), ("c", "copy"), ("D", "discard")] if self._edits else []
        keys = [*steps, *acts, ("esc", "close")]
        pieces = [Content.assemble((key, "bold $mm-accent"), f" {words}") for key, words in keys]
        self.query_one("#saved-keys", Static).update(joined(pieces, "   "))

    def action_step(self, step: int) -> None:
        if self._edits:
            self._at = (self._at + step) % len(self._edits)
            self._read()

    def action_use(self) -> None:
        if self._edits:
            self.dismiss(self._edits[self._at])

    def action_copy(self) -> None:
        if self._edits:
            self.app.copy_to_clipboard(ManyLine(self._edits[self._at].text.body))
            self.query_one("#saved-title", Static).update(Content("Copied to the terminal's clipboard"))

    def action_discard(self) -> None:
        if self._edits:
            ask(
                self.app,
                ChoiceScreen(
                    "Discard this text?",
                    Content("It cannot be recovered."),
                    [DialogChoice("D", "discard it", self._edits[self._at])],
                    stay="keep it",
                ),
                self._discard,
            )

    def _discard(self, edit: SavedEdit) -> None:
        try:
            # A text that another window has changed since stays, and is shown.
            session_of(self).edits.discard(edit.item_id, still=edit.text)
        except NotSaved as error:
            self.query_one("#saved-title", Static).update(Content(f"Not discarded: {error}"))
        else:
            self._read()
