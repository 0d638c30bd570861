"""A static text that is redrawn only when it changes."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class CachedStatic(Static):
    """A `Static` that can be given the same text often. Each real update makes Textual lay out the whole screen."""

    _said: Content | None = None

    def put(self, text: Content, *, layout: bool = True) -> None:
        """Shows `text` unless it is shown already. Pass `layout=False` if the styles fix the size."""
        if self._said is None or not self._said.is_same(text):
            self._said = text
            self.update(text, layout=layout)
