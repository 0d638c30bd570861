"""Offers several texts, or the user's own words: arrows choose, letters and digits are always text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from mm_tui.messages import session_of
from mm_tui.screens.dialogs.confirm import keys_line
from mm_tui.text import OneLine
from mm_tui.widgets.line_input import LineInput
from mm_tui.widgets.words import joined, with_keys

if TYPE_CHECKING:
    from textual.app import ComposeResult

MAX_WORDS = 500
"""The most characters of the user's own words."""
OFFERED = 9
"""The most texts to offer: as many as there are keys."""


class OfferScreen(ModalScreen[str | None]):
    """Returns the text chosen or written; None goes back.

    Enter on an empty line chooses the highlighted text, at first the first one; otherwise it returns the typed text.

    Args:
        title: the question.
        offered: the texts, best first, always in the same order.
        what: what it is about.
        back: what escape does, in words.
        notes: remarks beside offered texts.
        over: why there is nothing to ask any more; empty as long as there is. The dialog stays, because somebody may
            be typing in it, but takes no answer.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back"),
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        *(Binding(f"f{at}", f"choose({at})", f"f{at}", show=False) for at in range(1, OFFERED + 1)),
    ]

    def __init__(
        self,
        title: str,
        offered: Sequence[str],
        *,
        what: OneLine = OneLine(""),
        back: str = "back",
        notes: Mapping[str, str] | None = None,
        over: Callable[[], str] | None = None,
    ) -> None:
        super().__init__()
        self._over = over
        self._notes = {OneLine(text): note for text, note in (notes or {}).items()}
        self._title, self._what, self._back = title, what, back
        self._offered = [OneLine(text) for text in offered][:OFFERED]
        self._at = 0
        self._is_drawn = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="dialog--title")
            if self._what:
                yield Static(Content.styled(self._what, "$mm-dim"))
            yield Static(id="offers", classes="dialog--offers")
            yield LineInput(placeholder="or type your own, then enter")
            yield Static(id="trouble")
            yield keys_line(("↑↓ enter", "choose"), (f"f1-f{len(self._offered)}", "at once"), ("esc", self._back))

    def on_mount(self) -> None:
        self._show()
        self.call_after_refresh(self._drawn)

    def on_resize(self) -> None:
        # On a small terminal the dialog scrolls: what is typed stays in sight.
        self.call_after_refresh(self.query_one(Input).scroll_visible, animate=False)

    def _drawn(self) -> None:
        self._is_drawn = True

    def _show(self) -> None:
        marks = not self.query_one(Input).value.strip()
        lines = [
            Content.assemble(
                ("▸ " if marks and at == self._at else "  ", "bold $accent"),
                (f"f{at + 1}  ", "$mm-dim"),
                (text, "bold" if marks and at == self._at else ""),
                (f"  {self._notes[text]}" if text in self._notes else "", "$mm-dim"),
            )
            for at, text in enumerate(self._offered)
        ]
        self.query_one("#offers", Static).update(joined(lines, "\n"))

    def on_input_changed(self) -> None:
        self._show()
        if not self.look_again():
            self.query_one("#trouble", Static).update("")

    def look_again(self) -> bool:
        """Says so when there is nothing to ask any more. Returns whether that is so."""
        why = self._over() if self._over is not None else ""
        if why:
            words = with_keys(why, session_of(self).settings.keys)
            self.query_one("#trouble", Static).update(Content.assemble(("▲ ", "$warning"), OneLine(words)))
        return bool(why)

    def action_move(self, by: int) -> None:
        if self._offered:
            self._at = (self._at + by) % len(self._offered)
            self._show()

    def action_choose(self, number: int) -> None:
        # A text that has not been on the screen cannot have been chosen.
        if self._is_drawn and number <= len(self._offered) and not self.look_again():
            self.dismiss(str(self._offered[number - 1]))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        words = OneLine(event.value.strip())
        if self.look_again():
            return
        if not words:
            self.action_choose(self._at + 1)
        elif len(words) > MAX_WORDS:
            trouble = f"{len(words)} characters; the limit is {MAX_WORDS}"
            self.query_one("#trouble", Static).update(Content.assemble(("▲ ", "$warning"), trouble))
        else:
            self.dismiss(str(words))

    def action_back(self) -> None:
        self.dismiss(None)
