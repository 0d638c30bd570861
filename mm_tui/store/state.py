"""Small values that outlive a run, such as cursors and times of the last success."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from mm_tui.store.database import Database
from mm_tui.store.seal import STORE_FAULTS

T = TypeVar("T")

log = logging.getLogger("mm_tui.store")


class StateStore:
    """A table of named text values. `kept`: on disk in memory mode, too: the gateway could not send them again."""

    def __init__(self, database: Database, *, kept: bool = False) -> None:
        self._database = database
        self._table = "remembered" if kept else "state"

    def get(self, name: str, default: str | None = None) -> str | None:
        rows = self._database.rows(f"SELECT value FROM {self._table} WHERE name = ?", (name,))
        return rows[0][0] if rows else default

    def read(self, name: str, decode: Callable[[str], T], otherwise: T) -> T:
        """A value in another form; `otherwise` if there is none, or if it cannot be read."""
        text = self.get(name)
        if text is None:
            return otherwise
        try:
            return decode(text)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("%s cannot be read from the store: %s", name, type(error).__name__)
            return otherwise

    def set(self, name: str, value: str | None) -> None:
        """Sets a value; None removes it."""
        with self._database.write() as connection:
            if value is None:
                connection.execute(f"DELETE FROM {self._table} WHERE name = ?", (name,))
            else:
                connection.execute(f"INSERT OR REPLACE INTO {self._table} (name, value) VALUES (?, ?)", (name, value))

    def note(self, name: str, value: str) -> None:
        """Sets a value that may be lost: a store that cannot be written is only logged, and ends no program."""
        try:
            self.set(name, value)
        except STORE_FAULTS as error:
            log.warning("%s is not remembered: %s", name, type(error).__name__)
