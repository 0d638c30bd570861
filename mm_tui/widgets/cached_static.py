"""Text that is only drawn anew when it is another one."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class CachedStatic(Static):
    """A `Static` that may be told the same thing often: each real update lays out the whole screen."""

    _said: Content | None = None

    def put(self, text: Content, *, layout: bool = True) -> None:
        """Shows `text` if it is not shown already; `layout` False where its size is given by the styles."""
        if self._said is None or not self._said.is_same(text):
            self._said = text
            self.update(text, layout=layout)
