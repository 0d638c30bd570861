"""The text area for a draft or a reply, which a human writes and a model may change on request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

from rich.containers import Lines
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from mm_tui.text import ManyLine
from mm_tui.textual_private import is_wrapped, mend_text_areas

SAVE_SECONDS = 0.5
"""The most seconds for which a change is not saved."""
RETRY_SECONDS = 2.0
"""Seconds before saving is tried again after it failed."""


class Written(Protocol):
    """A text of a model so far, and whether it is complete."""

    @property
    def text(self) -> str: ...
    @property
    def done(self) -> bool: ...


mend_text_areas()
W = TypeVar("W", bound=Written)


class _Plain(NamedTuple):
    """The text of a drawn line, without its styles."""

    plain: str = ""


class _LazyLines(Lines):
    """The drawn lines of a line of text. Textual draws one of them, the first that it takes, and counts the tabs of
    those before it."""

    def __init__(self, line: _LongLine, offsets: Iterable[int]) -> None:
        super().__init__()
        self._line = line
        self._edges = [0, *offsets, len(line)]
        self._is_drawn = False

    def __getitem__(self, index: Any) -> Any:
        start, end = self._edges[index], self._edges[index + 1]
        if not self._is_drawn:
            self._is_drawn = True
            return Text.divide(self._line, (start, end))[1]
        return _Plain(self._line.plain[start:end]) if self._line.has_tabs else _NO_TABS


_NO_TABS = _Plain()


class _LongLine(Text):
    """A line of text that makes only the drawn lines that are needed. Textual makes all of them for each one that it
    draws, which takes a second for a draft in one line."""

    has_tabs = False

    def divide(self, offsets: Iterable[int]) -> Lines:
        self.has_tabs = "\t" in self.plain
        return _LazyLines(self, offsets)


class DraftArea(TextArea):
    """While a model writes, its text so far is shown. Only a complete text replaces the human's, and ctrl+z undoes
    that; if it fails or is stopped, the human's text is restored. Typing stops the model.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+home", "cursor_text_start", show=False),
        Binding("ctrl+end", "cursor_text_end", show=False),
        Binding("ctrl+shift+home", "cursor_text_start(True)", show=False),
        Binding("ctrl+shift+end", "cursor_text_end(True)", show=False),
    ]

    class TakenOver(Message):
        """The human typed while the model was writing, so the model must stop. The human's text is already restored."""

    def __init__(self, text: str = "", *, id: str | None = None) -> None:
        super().__init__(
            ManyLine(text), id=id, soft_wrap=True, tab_behavior="focus", show_line_numbers=False,
            highlight_cursor_line=False,
        )  # fmt: skip
        self._run = 0
        """Changes whenever a model starts or ends."""
        self._before: str | None = None
        """The human's text while a model writes."""
        self._selected, self._history = self.selection, self.history

    def _rewrap_and_refresh_virtual_size(self) -> None:
        if is_wrapped(self):
            self._line_cache.clear()
            self._refresh_size()
        else:
            super()._rewrap_and_refresh_virtual_size()
            # Lines may have been drawn for the old width, and as many lines as before are not drawn again.
            self.refresh()

    def get_line(self, line_index: int) -> Text:
        return _LongLine(self.document.get_line(line_index), end="", no_wrap=True)

    def action_cursor_text_start(self, select: bool = False) -> None:
        self.move_cursor((0, 0), select=select)

    def action_cursor_text_end(self, select: bool = False) -> None:
        self.move_cursor(self.document.end, select=select)

    def go_to(self, at: int) -> None:
        """Puts the cursor at this position of the text, in the middle of what is shown."""
        before = self.text[:at]
        self.move_cursor((before.count("\n"), len(before) - before.rfind("\n") - 1))
        self.call_after_refresh(self.scroll_cursor_visible, center=True)

    @property
    def is_model_writing(self) -> bool:
        """Whether an incomplete text of a model is shown."""
        return self._before is not None

    @property
    def text_to_save(self) -> str:
        """The text to save: the human's, even while a model writes."""
        return self.text if self._before is None else self._before

    async def let_model_write(self, pieces: AsyncIterator[W]) -> W | None:
        """Shows a model's text as it is written; `pieces` are the whole text so far, each time. Returns the complete
        text, which is now the content; None if the model was stopped or ended early. Raises whatever `pieces` raises;
        the human's text is restored then too."""
        run = self._begin()
        whole = None
        try:
            async for piece in pieces:
                if run != self._run:
                    break
                self.load_text(ManyLine(piece.text))
                self.move_cursor(self.document.end)
                whole = piece if piece.done else None
        finally:
            if run == self._run:
                self._end(whole.text if whole is not None else None)
        return whole

    def _begin(self) -> int:
        self._end(None)
        self._run += 1
        self._before, self._selected, self._history = self.text, self.selection, self.history
        # What is shown meanwhile is no edit of the human's for ctrl+z to return to.
        self.history = type(self.history)(
            self.history.max_checkpoints, self.history.checkpoint_timer, self.history.checkpoint_max_characters
        )
        self.read_only = True
        return self._run

    def _end(self, text: str | None) -> None:
        if self._before is None or not self.is_attached:
            return
        before, self._before = self._before, None
        self._run += 1
        self.load_text(before)
        self.history, self.selection, self.read_only = self._history, self._selected, False
        if text is not None:
            self.change_to(text)

    def change_to(self, text: str) -> None:
        """Replaces the whole text by another, as one change that ctrl+z takes back."""
        self.history.checkpoint()
        self.replace(ManyLine(text), (0, 0), self.document.end, maintain_selection_offset=False)

    def on_key(self, event: events.Key) -> None:
        if event.is_printable or event.key in ("enter", "backspace"):
            self.take_over()

    def on_paste(self) -> None:
        self.take_over()

    def take_over(self) -> None:
        """Stops a model that is writing, and restores the human's text."""
        if self._before is not None:
            self._end(None)
            self.post_message(self.TakenOver())
