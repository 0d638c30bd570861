"""A line to type on, whose size the styles give."""

from __future__ import annotations

from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Input


class LineInput(Input):
    """An `Input` that does not have the whole screen laid out anew for each letter typed."""

    virtual_size = Reactive(Size(0, 0))
