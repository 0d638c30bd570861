"""Asking the model to change a text: shorter, friendlier, or in own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from mm_tui.widgets.words import joined
from mm_tui.widgets.words_input import WordsInput

if TYPE_CHECKING:
    from textual.app import ComposeResult

READY = ("shorter", "friendlier", "more formal")


class InstructScreen(ModalScreen[str | None]):
    """Gives the instruction, or None."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back"),
        *(Binding(str(at), f"choose({at})", word, show=False, priority=True) for at, word in enumerate(READY, start=1)),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._words = WordsInput(placeholder="or say it in your own words, then enter", max_length=500)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content("How should the model change the text?"), classes="dialog--title")
            lines = [Content.assemble((f"{at}  ", "bold $accent"), word) for at, word in enumerate(READY, start=1)]
            yield Static(joined([*lines, Content("")], "\n"))
            yield self._words
            yield Static(Content.assemble(("esc", "$foreground"), " back"), classes="dialog--keys")

    def action_choose(self, number: int) -> None:
        self.dismiss(READY[number - 1])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if words := event.value.strip():
            self.dismiss(words)

    def action_back(self) -> None:
        self.dismiss(None)
