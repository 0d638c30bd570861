"""A dialog with a few fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from mm_tui.screens.dialogs.dialog import Dialog, keys_line
from mm_tui.text import OneLine
from mm_tui.widgets.line_input import LineInput

LONGEST_LINE = 200
"""The width in cells of the text."""


class Field(NamedTuple):
    label: str
    placeholder: str
    value: str = ""
    proposed: bool = False
    """Whether the value is only proposed: it is selected, so that typing replaces it."""


class FormScreen(Dialog[tuple[str, ...]]):
    """Asks for some values; None if it is cancelled. Enter moves to the next field, and submits on the last one.
    `words` say what there is to know first, `lines` more of it, each on a line of its own."""

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        *,
        words: str,
        yes: str,
        lines: Sequence[OneLine] = (),
        start: int = 0,
        trouble: str = "",
    ) -> None:
        super().__init__()
        self._title, self._fields, self._words, self._yes = title, fields, words, yes
        self._start, self._trouble, self._lines = start, trouble, lines

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog dialog--form"):
            yield Static(Content(OneLine(self._title)), classes="dialog--title")
            yield Static(Content.styled(OneLine(self._words), "$mm-dim"))
            for line in self._lines:
                yield Static(Content(line).truncate(LONGEST_LINE, ellipsis=True))
            for at, field in enumerate(self._fields):
                yield Static(Content(field.label), classes="form--label")
                yield LineInput(
                    value=field.value, placeholder=OneLine(field.placeholder), proposes=field.proposed, id=f"field-{at}"
                )
            if self._trouble:
                yield Static(Content.assemble(("▲ ", "$warning"), OneLine(self._trouble)), classes="form--label")
            enter = f"next field, then {self._yes}" if len(self._fields) > 1 else self._yes
            yield keys_line(("enter", enter), ("esc", "close"))

    def on_mount(self) -> None:
        self.query_one(f"#field-{self._start}", Input).focus()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        inputs = list(self.query(Input))
        at = inputs.index(message.input)
        if at + 1 < len(inputs):
            inputs[at + 1].focus()
        else:
            self.dismiss(tuple(one.value for one in inputs))
