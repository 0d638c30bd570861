"""Offers several texts, or the user's own words: arrows choose, letters and digits are always text."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from mm_tui.messages import session_of
from mm_tui.screens.dialogs.dialog import Dialog, ask, keys_line
from mm_tui.text import ManyLine, OneLine
from mm_tui.widgets.hanging import HangingText
from mm_tui.widgets.line_input import LineInput
from mm_tui.widgets.words import is_typed, joined, used_keys, with_keys

MAX_WORDS = 500
"""The most characters of the user's own words."""
OFFERED = 9
"""The most texts to offer."""
KEYS = tuple(f"f{number}" for number in range(2, 13))
"""The keys that may choose an offered text at once; those that mean something elsewhere do not."""
OFFER = re.compile(r"[▸ ] (?:f\d\d?|  )  ?")
"""What stands before an offered text."""


def choosing_keys(keys: Sequence[str]) -> list[tuple[str, str]]:
    """The keys that choose one of the offered texts, and what they do. `keys`: those of the texts."""
    if len(keys) > 1:
        return [("↑↓ enter", "choose"), (f"{keys[0]}-{keys[-1]}", "at once")]
    return [(" ".join(["enter", *keys]), "choose")]


class OfferScreen(Dialog[str]):
    """Returns the text chosen or written; None goes back.

    Enter on an empty line chooses the highlighted text, at first the first one; otherwise it returns the typed text.

    Args:
        offered: the texts, best first, always in the same order.
        typed: the user's own words from before, which were not used: they are in the line, selected.
        back: what escape does, in words.
        more: further keys, and what they do.
        over: why there is nothing to ask any more; empty as long as there is. The dialog stays, because somebody may
            be typing in it, but takes no answer.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        *(Binding(key, f"press({key!r})", key, show=False) for key in KEYS),
        Binding("question_mark,f1", "app.help", "help", id="app.help"),
    ]
    TITLE_WORD = "choosing a text"
    HELP_MORE_TITLE = "In this dialog"

    def __init__(
        self,
        title: str,
        offered: Sequence[str],
        *,
        what: OneLine | ManyLine = OneLine(""),
        back: str = "back",
        notes: Mapping[str, str] | None = None,
        more: Sequence[tuple[str, str]] = (),
        over: Callable[[], str] | None = None,
        typed: str = "",
    ) -> None:
        super().__init__()
        self.typed = typed
        """The user's own words that are the answer; empty if a text was chosen."""
        self._over = over
        self._notes = {OneLine(text): note for text, note in (notes or {}).items()}
        self._title, self._what, self._back, self._more = title, what, back, more
        self._offered = [OneLine(text) for text in offered][:OFFERED]
        self._keys: list[str] = []
        """The keys of the first texts, in their order."""
        self._at = 0
        self._is_drawn = False

    @property
    def HELP_MORE(self) -> tuple[tuple[str, str], ...]:
        at_once = ((" ".join(self._keys), "Choose that text at once."),) if self._keys else ()
        return (
            ("↑ ↓", "Highlight another text."),
            ("enter", "Choose the highlighted text, or what you have typed."),
            *at_once,
            *((key, f"{words.capitalize()}.") for key, words in (*self._more, ("esc", self._back))),
        )

    def compose(self) -> ComposeResult:
        taken = used_keys(session_of(self).settings.keys)
        self._keys = [key for key in KEYS if key not in taken][: len(self._offered)]
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="dialog--title")
            if self._what:
                yield Static(Content.styled(self._what, "$mm-dim"))
            yield HangingText(start=OFFER, classes="dialog--offers")
            yield LineInput(self.typed, placeholder="or type your own, then enter", proposes=bool(self.typed))
            yield Static(id="trouble")
            helps = with_keys("{app.help}", session_of(self).settings.keys, typing=True)
            helping = [] if is_typed(helps) else [(helps, "help")]
            yield keys_line(*choosing_keys(self._keys), *self._more, *helping, ("esc", self._back))

    def on_mount(self) -> None:
        self._show()
        self.call_after_refresh(setattr, self, "_is_drawn", True)

    def on_resize(self) -> None:
        # On a small terminal the dialog scrolls: what is typed stays in sight.
        self.call_after_refresh(self.query_one(Input).scroll_visible, animate=False)

    def _show(self) -> None:
        marks = not self.query_one(Input).value.strip()
        lines = [
            Content.assemble(
                ("▸ " if marks and at == self._at else "  ", "bold $accent"),
                (f"{self._keys[at] if at < len(self._keys) else '':<4}", "$mm-dim"),
                (text, "bold" if marks and at == self._at else ""),
                (f"  {self._notes[text]}" if text in self._notes else "", "$mm-dim"),
            )
            for at, text in enumerate(self._offered)
        ]
        self.query_one(HangingText).put(joined(lines, "\n"))

    def on_input_changed(self) -> None:
        self._show()
        if not self.look_again():
            self.show_trouble("")

    def look_again(self) -> bool:
        """Says so when there is nothing to ask any more. Returns whether that is so."""
        why = self._over() if self._over is not None else ""
        if why:
            self.show_trouble(with_keys(why, session_of(self).settings.keys))
        return bool(why)

    def action_move(self, by: int) -> None:
        if self._offered:
            self._at = (self._at + by) % len(self._offered)
            self._show()

    def action_press(self, key: str) -> None:
        if key in self._keys:
            self._choose(self._keys.index(key))

    def _choose(self, at: int) -> None:
        # A text that has not been on the screen cannot have been chosen.
        if self._is_drawn and at < len(self._offered) and not self.look_again():
            self.typed = ""
            self.dismiss(str(self._offered[at]))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        words = OneLine(event.value.strip())
        # Words from before are offered, too; what is typed now needs no look at the screen.
        if self.look_again() or (words == self.typed and not self._is_drawn):
            return
        if not words:
            self._choose(self._at)
        elif len(words) > MAX_WORDS:
            self.show_trouble(f"{len(words)} characters; the limit is {MAX_WORDS}")
        else:
            self.typed = str(words)
            self.dismiss(self.typed)


class ReasonScreen(OfferScreen):
    """Asks for the reason of a rejection; None goes back without deciding. `asking`: those that ask the agent for
    another draft; None if it cannot be asked. `over` and `typed` are as for `OfferScreen`."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+t", "ask_redraft", "redraft", show=False)]
    asks_redraft: bool | None = None
    """Whether another draft was asked for; None leaves it to the reason."""

    def __init__(
        self,
        title: str,
        what: OneLine | ManyLine,
        reasons: Sequence[str],
        asking: Collection[str] | None = None,
        *,
        over: Callable[[], str] | None = None,
        typed: str = "",
    ) -> None:
        self._may_ask = asking is not None
        super().__init__(
            title,
            reasons,
            what=what,
            back="back" if self._may_ask else "go back without deciding",
            notes=dict.fromkeys(asking or (), "↻ redraft"),
            more=[("^t", "choose and redraft")] if self._may_ask else [],
            over=over,
            typed=typed,
        )

    async def action_ask_redraft(self) -> None:
        """Answers as enter does, and asks the agent for another draft."""
        if self._may_ask:
            self.asks_redraft = True
            await self.query_one(Input).action_submit()

    def on_input_changed(self) -> None:
        self.asks_redraft = None


class InstructScreen(OfferScreen):
    """Asks how the model should change a text; None leaves it as it is. `typed` is as for `OfferScreen`."""

    def __init__(self, typed: str = "") -> None:
        super().__init__("How should the model change the text?", ("shorter", "friendlier", "more formal"), typed=typed)


def ask_instruction(app: App[object], email_id: str, then: Callable[[str], object]) -> None:
    """Asks how the model should change the text for this email. Typed words that it has not followed are offered."""
    unused = session_of(app.screen).unused_instructions
    dialog = InstructScreen(unused.get(email_id, ""))

    def given(instruction: str) -> None:
        unused[email_id] = dialog.typed
        then(instruction)

    ask(app, dialog, given)
