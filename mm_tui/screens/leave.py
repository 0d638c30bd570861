"""Leaving while decisions are held."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from mm_tui.messages import Services


def held_ids(services: Services) -> list[str]:
    """Ids of the mails whose decision is held and can still be undone."""
    if services.releases is None:
        return []
    return [view.email_id for view in services.releases.states() if view.can_undo]


class LeaveScreen(ModalScreen[bool]):
    """Asks whether to leave. True: leave; what is held falls back to undecided.

    Args:
        held: how many decisions are held.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,enter", "answer(True)", "leave"),
        Binding("escape,n", "answer(False)", "stay"),
    ]

    def __init__(self, held: int) -> None:
        super().__init__()
        self._held = held

    def compose(self) -> ComposeResult:
        what = "One decision is" if self._held == 1 else f"{self._held} decisions are"
        with Vertical(classes="dialog"):
            yield Static(Content(f"{what} still held"), classes="dialog--title")
            yield Static(Content("If you leave now, nothing is sent: held decisions fall back to undecided."))
            yield Static(
                Content.assemble(("q", "$foreground"), " leave   ", ("esc", "$foreground"), " stay"),
                classes="dialog--keys",
            )

    def action_answer(self, leave: bool) -> None:
        self.dismiss(leave)
