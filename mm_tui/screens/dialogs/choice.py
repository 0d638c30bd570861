"""A question with a few answers, each with its own key. Used wherever the program asks before it acts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, NamedTuple

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from mm_tui.messages import Said
from mm_tui.screens.dialogs.dialog import Dialog, Result
from mm_tui.widgets.hanging import HangingText
from mm_tui.widgets.words import joined

CHOICE_KEYS = "123456789abcdefghijklmnopqrstuvwxyz"
"""Keys for choices without their own, in this order."""

MOST_BELOW = 6
"""The most answers that stay below a long text; more of them scroll with it."""


class DialogChoice(NamedTuple, Generic[Result]):
    """One possible answer, with its key, its label and the value that it returns."""

    key: str
    """Its key, one character as sent by a terminal."""
    words: str
    """What it does."""
    value: Result


class ChoiceScreen(Dialog[Result]):
    """Asks a question. It ignores all keys except those of the answers and for scrolling; escape returns None.

    Args:
        body: the details, with text from outside already cleaned.
        choices: the answers, safest last.
        stay: what escape does, in words.
        over: why there is nothing to ask any more; empty as long as there is. Then the question closes itself.
        at_once: accept an answer as soon as the question is on the screen, for questions that only change the view;
            otherwise it must have been visible for a moment.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,pagedown", "scroll(1)", "down", show=False),
        Binding("up,pageup", "scroll(-1)", "up", show=False),
    ]

    def __init__(
        self,
        title: str,
        body: Content,
        choices: Sequence[DialogChoice[Result]],
        *,
        stay: str = "back",
        at_once: bool = False,
        over: Callable[[], str] | None = None,
    ) -> None:
        super().__init__()
        self._over = over
        self._title = title
        self._body = body
        self._choices = {choice.key: choice for choice in choices}
        self._stay = stay
        self.answer_keys = frozenset() if at_once else frozenset(self._choices)
        """Keys that count only once the question has been on the screen for a moment."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="dialog--title")
            if self._body:
                yield HangingText(self._body)
            if self._is_list:
                yield Static(self._answers())
            yield Static(self._keys(), classes="dialog--keys")

    def _answers(self) -> Content:
        lines = [
            Content.assemble((f"{choice.key}  ", "bold $mm-accent"), (choice.words, "$foreground"))
            for choice in self._choices.values()
        ]
        return joined(lines, "\n")

    @property
    def _is_list(self) -> bool:
        """Whether the answers scroll with the text."""
        return not self._body or len(self._choices) > MOST_BELOW

    def _keys(self, *, scrolls: bool = False) -> Content:
        last = Content.assemble(("esc", "bold $mm-accent"), f" {self._stay}")
        if scrolls:
            last = Content.assemble(("↑↓", "bold $mm-accent"), " scroll   ", last)
        return last if self._is_list or not self._choices else Content.assemble(self._answers(), "\n", last)

    def on_mount(self) -> None:
        self.watch(self.query_one(".dialog"), "show_vertical_scrollbar", self._scrolling_changed)

    def on_resize(self) -> None:
        # The screen below learns its new size with this one.
        self.call_after_refresh(self.look_again)

    def _scrolling_changed(self, scrolls: bool) -> None:
        self.query_one(".dialog--keys", Static).update(self._keys(scrolls=scrolls))

    def on_key(self, event: events.Key) -> None:
        pressed = event.character or ""
        choice = self._choices.get(pressed)
        if choice is not None:
            event.stop()
            self.dismiss(choice.value)
        elif self._choices and (event.is_printable or event.key == "enter"):
            keys = list(self._choices)
            named = f"one of {keys[0]} to {keys[-1]}" if len(keys) > MOST_BELOW else " or ".join(keys)
            named = f"a capital {pressed.upper()}" if pressed.upper() in keys else named
            self.app.post_message(Said(f"to answer, press {named}; esc goes back"))

    def look_again(self) -> None:
        """The world changed: a question that has lost its reason goes, and says why."""
        if self._over is not None and (why := self._over()):
            self.dismiss(None)
            self.app.post_message(Said(why, "warning"))

    def action_scroll(self, lines: int) -> None:
        self.query_one(".dialog").scroll_relative(y=lines, animate=False)


def show_page(app: App[object], title: str, page: Content) -> None:
    """Shows a page that asks nothing."""
    app.push_screen(ChoiceScreen[bool](title, page, []))
