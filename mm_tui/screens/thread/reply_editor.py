"""The reply editor below the thread: the model's draft streams in, the human edits and submits it."""

from __future__ import annotations

from collections.abc import Sequence

from textual import getters
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from mm_tui import keymap
from mm_tui.text import ManyLine, OneLine
from mm_tui.widgets.draft_area import DraftArea
from mm_tui.widgets.words import joined

MAX_WARNINGS = 2


class ReplyEditor(Vertical):
    """A heading, the text, and a line for progress and warnings."""

    BINDINGS = keymap.bindings("reply")
    DEFAULT_CSS = """
    ReplyEditor { height: 2fr; border-top: solid $mm-rule; display: none; }
    ReplyEditor.-open { display: block; }
    ReplyEditor #reply-head { height: auto; max-height: 3; padding: 0 1 0 3; color: $mm-dim; }
    ReplyEditor #reply-note { height: auto; max-height: 3; padding: 0 1 0 3; }
    ReplyEditor DraftArea { height: 1fr; padding: 0 0 0 3; background: $background; }
    """

    class Submitted(Message):
        """The human submits the text."""

    class RedraftAsked(Message):
        """The human asks the model to write or change the text."""

    class Closed(Message):
        """The human leaves the editor, or stops the model while it writes."""

    class Edited(Message):
        """Posted when the text of the reply has changed."""

    area = getters.query_one(DraftArea)
    """The text area of the reply."""

    def compose(self) -> ComposeResult:
        yield Static(id="reply-head")
        yield DraftArea(id="reply-text")
        yield Static(id="reply-note")

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    @property
    def text(self) -> str:
        """The human's text."""
        return self.area.kept_text

    def open(self, head: Content, text: str) -> None:
        self.query_one("#reply-head", Static).update(head)
        self.add_class("-open")
        self.set_text(text)
        self.note("")
        self.area.read_only = False
        self.area.focus()

    def close(self) -> None:
        self.remove_class("-open")

    def set_text(self, text: str) -> None:
        """Replaces the text, cleaned, with the cursor at its end."""
        self.area.load_text(ManyLine(text))
        self.area.move_cursor(self.area.document.end)

    def note(self, words: str, *, model: str = "", warnings: Sequence[str] = ()) -> None:
        """Shows progress, who wrote the draft, and warnings about it."""
        by = f"by {model} · " if model else ""
        lines = [Content.styled(OneLine(by + words), "$mm-dim")] if words or model else []
        for at, warning in enumerate(warnings[:MAX_WARNINGS]):
            left = len(warnings) - MAX_WARNINGS if at == MAX_WARNINGS - 1 else 0
            more = (f"  and {left} more", "$mm-dim") if left > 0 else ""
            lines.append(Content.assemble((" ! ", "$warning"), OneLine(warning), more))
        self.query_one("#reply-note", Static).update(joined(lines, "\n"))

    def on_text_area_changed(self) -> None:
        self.post_message(self.Edited())

    def action_submit(self) -> None:
        self.post_message(self.Submitted())

    def action_redraft(self) -> None:
        self.post_message(self.RedraftAsked())

    def action_close(self) -> None:
        self.post_message(self.Closed())
