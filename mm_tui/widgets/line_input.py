"""A one-line text input."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Input

from mm_tui import keymap


class LineInput(Input):
    """An `Input` that does not make Textual lay out the whole screen for each letter. Focusing it selects nothing, so
    that typing replaces nothing, unless it only proposes its value. A pasted text keeps all its lines."""

    virtual_size = Reactive(Size(0, 0))

    def __init__(self, value: str | None = None, placeholder: str = "", *, proposes: bool = False, **more: Any) -> None:
        super().__init__(value, placeholder, select_on_focus=proposes, **more)

    def on_paste(self, event: events.Paste) -> None:
        # Textual takes the first line and drops the others.
        event.prevent_default()
        event.stop()
        self.replace(" ".join(event.text.split()) if "\n" in event.text.strip() else event.text.strip("\r\n"),
                     *self.selection)  # fmt: skip


class SearchInput(LineInput):
    """The search line above a list."""

    BINDINGS = keymap.bindings("search")
