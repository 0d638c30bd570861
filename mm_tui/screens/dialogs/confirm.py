"""A yes-or-no question."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mm_tui.screens.dialogs.dialog import keys_line
from mm_tui.text import OneLine


class ConfirmScreen(ModalScreen[bool]):
    """Asks before something that cannot be undone. Only `y` means yes."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("escape,n,q", "answer(False)", "no"),
    ]

    def __init__(self, title: str, words: str, *, yes: str = "yes", no: str = "no") -> None:
        super().__init__()
        self._title, self._words, self._yes, self._no = title, words, yes, no
        self.answer_keys = frozenset("ynq")
        """Keys that count only once the question has been on the screen for a moment."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(OneLine(self._title)), classes="dialog--title")
            yield Static(Content(OneLine(self._words)), classes="dialog--words")
            yield keys_line(("y", self._yes), ("esc", self._no))

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)
