"""What dialogs share: their styles, the line of keys, closing without an answer; a yes-or-no question, and lists to
choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from textual.app import App, ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mm_tui.text import OneLine
from mm_tui.widgets.hanging import unbroken

Result = TypeVar("Result")


def keys_line(*pairs: tuple[str, str]) -> Static:
    """The line of keys at the bottom of a dialog."""
    return DialogKeys(keys_words(*pairs), classes="dialog--keys")


class DialogKeys(Static):
    """The keys of a dialog, on as many lines as they need."""

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self._laid(width).get_height({}, max(1, width))

    def render(self) -> Content:
        return self._laid(self.size.width)

    def _laid(self, width: int) -> Content:
        return unbroken(self.content, width) if isinstance(self.content, Content) else Content("")


def keys_words(*pairs: tuple[str, str]) -> Content:
    """Keys and what they do in a dialog."""
    pieces: list[str | tuple[str, str]] = []
    for key, label in pairs:
        pieces += [(key, "$foreground"), f" {label}   "]
    return Content.assemble(*pieces).rstrip()


class Dialog(ModalScreen[Result | None], Generic[Result]):
    """A dialog. Escape closes it without an answer."""

    # Absolute, because Textual looks for it beside the module of each subclass.
    CSS_PATH = Path(__file__).with_name("dialogs.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close")]

    _answered: tuple[Result | None] | None = None
    """The answer given while another screen was in front."""

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Closes the dialog, or waits until it is in front: Textual would close the screen in front of it."""
        if self.is_active:
            return super().dismiss(result)
        self._answered = (result,)
        return AwaitComplete()

    def on_screen_resume(self) -> None:
        if self._answered is not None:
            self.dismiss(*self._answered)

    def action_close(self) -> None:
        self.dismiss(None)

    def show_trouble(self, words: str) -> None:
        """Shows a warning in the dialog's line `#trouble`; clears it if there are no words."""
        trouble = Content.assemble(("▲ ", "$warning"), OneLine(words)) if words else Content("")
        # A dialog that is being closed has no such line any more.
        for line in self.query("#trouble").results(Static):
            line.update(trouble)


def ask(app: App[Any], dialog: Dialog[Result], then: Callable[[Result], object]) -> None:
    """Shows a dialog, and calls `then` with its answer unless it was closed without one."""

    def closed(answer: Result | None) -> None:
        if answer is not None:
            then(answer)

    app.push_screen(dialog, closed)


class ConfirmScreen(ModalScreen[bool]):
    """Asks before something that cannot be undone. Only `y` means yes."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("escape,n,q", "answer(False)", "no"),
    ]

    def __init__(self, title: str, words: str, *, yes: str = "yes", no: str = "no") -> None:
        super().__init__()
        self._title, self._words, self._yes, self._no = title, words, yes, no
        self.answer_keys = frozenset("ynq")
        """Keys that count only once the question has been on the screen for a moment."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(OneLine(self._title)), classes="dialog--title")
            yield Static(Content(OneLine(self._words)), classes="dialog--words")
            yield keys_line(("y", self._yes), ("esc", self._no))

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)


class ChoiceList(OptionList):
    """A list of options in which `j` and `k` move like the arrows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "down", show=False),
        Binding("k", "cursor_up", "up", show=False),
    ]


class Line(NamedTuple, Generic[Result]):
    """One line to choose."""

    row_content: Content
    answer: Result | None = None
    """What the dialog returns for it; None for a heading, which cannot be chosen."""


def heading(words: str) -> Line[Any]:
    return Line(Content.styled(words, "$mm-dim"))


class ListDialog(Dialog[Result]):
    """A list to choose from. `choose`: what enter does, if anything. `at`: the line highlighted first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "close", "close")]

    def __init__(
        self,
        title: str,
        lines: Sequence[Line[Result]],
        *,
        choose: str,
        close: str = "close",
        at: int | None = None,
        note: Content = Content(""),  # noqa: B008 - it cannot change
        kind: str = "",
    ) -> None:
        super().__init__()
        self._title, self._lines, self._choose, self._close = title, lines, choose, close
        self._at, self._note, self._kind = at, note, kind

    def compose(self) -> ComposeResult:
        with Vertical(classes=f"dialog {self._kind}"):
            yield Static(Content(self._title), classes="dialog--title")
            if self._lines:
                yield ChoiceList(*[Option(line.row_content, disabled=line.answer is None) for line in self._lines])
            if self._note:
                yield Static(self._note)
            yield keys_line(*([("enter", self._choose)] if self._choose else []), ("esc", self._close))

    def on_mount(self) -> None:
        if self._at is not None:
            self.query_one(OptionList).highlighted = self._at

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(self._lines[message.option_index].answer)
