"""Why a draft is rejected: templates, the last used first, or own words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from mm_tui.text import OneLine
from mm_tui.widgets.words import joined
from mm_tui.widgets.words_input import WordsInput

if TYPE_CHECKING:
    from textual.app import ComposeResult

MAX_REASON = 500
"""Characters of a reason."""


class ReasonScreen(ModalScreen[str | None]):
    """Asks for a reason; None goes back without deciding.

    Args:
        title: what is about to be done.
        what: the mail it is done to.
        reasons: templates, at most nine are offered, each on its number.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back"),
        *(Binding(str(number), f"choose({number})", str(number), show=False, priority=True) for number in range(1, 10)),
    ]

    def __init__(self, title: str, what: OneLine, reasons: Sequence[str]) -> None:
        super().__init__()
        self._words = WordsInput(placeholder="or your own words, then enter", max_length=MAX_REASON)
        self._title = title
        self._what = what
        self._reasons = [OneLine(reason) for reason in reasons][:9]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="dialog--title")
            yield Static(Content.styled(self._what, "$mm-dim"))
            lines = [
                Content.assemble((f"{at}  ", "bold $accent"), reason)
                for at, reason in enumerate(self._reasons, start=1)
            ]
            yield Static(joined([Content(""), *lines, Content("")], "\n"))
            yield self._words
            yield Static(
                Content.assemble(("1-9", "$foreground"), " choose   ", ("enter", "$foreground"), " with these words   ",
                                 ("esc", "$foreground"), " back, nothing is decided"),
                classes="dialog--keys",
            )  # fmt: skip

    def action_choose(self, number: int) -> None:
        if number <= len(self._reasons):
            self.dismiss(str(self._reasons[number - 1]))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        words = OneLine(event.value.strip())
        if words:
            self.dismiss(str(words))

    def action_back(self) -> None:
        self.dismiss(None)
