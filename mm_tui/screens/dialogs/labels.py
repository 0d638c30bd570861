"""Corrects a label. No model overwrites a human's label."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mm_tui.screens.dialogs.confirm import keys_line
from mm_tui.text import OneLine
from mm_tui.widgets.choice_list import ChoiceList

if TYPE_CHECKING:
    from textual.app import ComposeResult


class LabelScreen(ModalScreen[str | None]):
    """Returns the chosen label, or None.

    Args:
        labels: the configured ones.
        current: the email's current label; "" for none.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close"),
    ]

    def __init__(self, labels: tuple[str, ...], current: str) -> None:
        super().__init__()
        self._labels, self._current = labels, current

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content("Label"), classes="dialog--title")
            yield ChoiceList(*[self._option(label) for label in self._labels])
            yield keys_line(("enter", "label it"), ("esc", "close"))

    def _option(self, label: str) -> Option:
        return Option(Content.assemble(("• " if label == self._current else "  ", "$accent"), OneLine(label)))

    def on_mount(self) -> None:
        if self._current in self._labels:
            self.query_one(OptionList).highlighted = self._labels.index(self._current)

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(self._labels[message.option_index])

    def action_close(self) -> None:
        self.dismiss(None)
