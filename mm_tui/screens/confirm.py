"""Small questions: yes or no, and one line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from mm_tui.text import OneLine

if TYPE_CHECKING:
    from textual.app import ComposeResult


def keys_line(*pairs: tuple[str, str]) -> Static:
    """The line of keys at a dialog's foot."""
    pieces: list[str | tuple[str, str]] = []
    for key, label in pairs:
        pieces += [(key, "$foreground"), f" {label}   "]
    return Static(Content.assemble(*pieces), classes="dialog--keys")


class ConfirmScreen(ModalScreen[bool]):
    """Asks before something that cannot be taken back. Only `y` says yes.

    Args:
        title: what would happen, as a question or a statement.
        words: what it means.
        yes: the label of yes.
        no: the label of no.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("escape,n,q", "answer(False)", "no"),
    ]

    def __init__(self, title: str, words: str, *, yes: str = "yes", no: str = "no") -> None:
        super().__init__()
        self._title, self._words, self._yes, self._no = title, words, yes, no

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(OneLine(self._title)), classes="dialog--title")
            yield Static(Content(OneLine(self._words)))
            yield keys_line(("y", self._yes), ("esc", self._no))

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)


class LineScreen(ModalScreen[str | None]):
    """Asks for one line of text; None when it is given up.

    Args:
        title: what is asked for.
        placeholder: an example.
        yes: the label of enter.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close")]

    def __init__(self, title: str, placeholder: str, *, yes: str = "go") -> None:
        super().__init__()
        self._title, self._placeholder, self._yes = title, placeholder, yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(OneLine(self._title)), classes="dialog--title")
            yield Input(placeholder=OneLine(self._placeholder))
            yield keys_line(("enter", self._yes), ("esc", "close"))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        self.dismiss(message.value)

    def action_close(self) -> None:
        self.dismiss(None)
