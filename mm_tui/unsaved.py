"""What is being written when the program ends: saved by its screen, or put into a file of its own (R4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mm_tui.screens.base import BaseScreen


class UnsavedWork:
    """Keeps texts that the store does not take.

    Args:
        store: the store's file, beside which they are put; None for one in memory.
    """

    def __init__(self, store: Path | None) -> None:
        self._store = store
        self._said: dict[str, str] = {}
        """What was said of each text that lies in a file of its own."""

    def keep(self, screens: Iterable[BaseScreen]) -> list[str]:
        """Saves what is being written on each screen; returns what to say of texts that went elsewhere."""
        return [words for screen in screens if (words := self._keep(screen))]

    def _keep(self, screen: BaseScreen) -> str:
        if screen.save_work() or not (text := screen.written_text()):
            return ""
        if text not in self._said:
            from mm_tui.store.loose_texts import keep_text

            try:
                kept = keep_text(text, self._store)
            except OSError as error:
                return f"What you wrote cannot be saved anywhere ({error}). If you leave, it is lost."
            self._said[text] = f"What you wrote could not be saved in the local store; it is in {kept}."
        return self._said[text]
