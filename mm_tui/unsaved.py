"""Saves unfinished texts when the program ends, to the store or to separate files (R4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mm_tui.screens.base import BaseScreen


class UnsavedWork:
    """Saves texts that cannot be saved to the store.

    Args:
        store: the store's file, beside which they are written; None for a store in memory.
    """

    def __init__(self, store: Path | None) -> None:
        self._store = store
        self._said: dict[str, str] = {}
        """The message about each text in a separate file."""

    def keep(self, screens: Iterable[BaseScreen]) -> list[str]:
        """Saves the unfinished text of each screen; returns messages about texts saved elsewhere."""
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
