"""The floor: a Textual app that shows one line and changes it on a key."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.widgets import Footer, Header, Static

MARK = "READY-MARK"


class EmptyApp(App[None]):
    """One line."""

    BINDINGS: ClassVar = [("j", "count", "count"), ("k", "count", "count")]
    pressed = 0

    def compose(self) -> ComposeResult:
        yield Header()
        yield Static(f"{MARK} 0")
        yield Footer()

    def action_count(self) -> None:
        self.pressed += 1
        self.query_one(Static).update(f"{MARK} {self.pressed}")


if __name__ == "__main__":
    EmptyApp().run()
