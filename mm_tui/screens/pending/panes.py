"""How the list, the open email and its thread share the pending screen, and whether the search line is shown."""

from __future__ import annotations

from textual.screen import Screen

from mm_tui.screens.pending.column import QueueColumn
from mm_tui.screens.pending.pane import ItemPane

COLUMNS = {"-split": 100, "-three": 180}
"""The number of columns from which the draft is beside the list, and its thread beside both."""


class Panes:
    """Sets the style classes of the pending screen, which decide what is on it."""

    def __init__(self, screen: Screen[None]) -> None:
        self._screen = screen

    @property
    def is_reading(self) -> bool:
        """Whether an email uses the full width."""
        return self._screen.has_class("-reading")

    @property
    def is_searching(self) -> bool:
        """Whether the search line is shown."""
        return self._screen.has_class("-searching")

    @property
    def shows_email(self) -> bool:
        """Whether the email under the cursor is on the screen, not only its row."""
        return self.is_reading or self._screen.has_class("-split")

    @staticmethod
    def classes(width: int) -> tuple[str, ...]:
        """The style classes of a screen with this number of columns."""
        return tuple(name for name, least in COLUMNS.items() if width >= least)

    def resize(self, width: int) -> bool:
        """Lays the screen out for this number of columns. Returns whether the email came on the screen."""
        was_shown = self.shows_email
        for name in COLUMNS:
            self._screen.set_class(name in self.classes(width), name)
        self._place_thread()
        return self.shows_email and not was_shown

    def read(self) -> None:
        """Gives the email the full width, with its thread beside it if there is room."""
        self._screen.add_class("-reading")
        self._place_thread()

    def close(self) -> None:
        self._screen.remove_class("-reading")
        self._place_thread()

    def _place_thread(self) -> None:
        """Shows the thread beside the draft if there is room for both, and for the list if it is shown too."""
        beside = self._screen.has_class("-wide" if self.is_reading else "-three")
        self._screen.query_one(ItemPane).set_beside(beside)
        self._screen.refresh_bindings()

    def open_search(self) -> None:
        """Opens the search line above the list."""
        if self.is_reading:
            self.close()
        self._screen.add_class("-searching")
        self._screen.query_one(QueueColumn).search.focus()
        self._screen.refresh_bindings()

    def end_search(self) -> None:
        """Goes back to the list; the search line stays while it holds a query."""
        column = self._screen.query_one(QueueColumn)
        column.queue_list.focus()
        self._screen.set_class(bool(column.search.value.strip()), "-searching")
        self._screen.refresh_bindings()
