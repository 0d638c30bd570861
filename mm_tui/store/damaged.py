"""Records in the store that cannot be read, although the file is whole. Each costs only itself: what is read instead
says so, and nothing can be decided with it."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from mm_tui.store.seal import is_garbled
from mm_tui.text import OneLine

T = TypeVar("T")

UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)
"""What reading a stored text as a model raises if the text is damaged."""
READ_AGAIN = "the next sync reads it again from the gateway"
OPEN_IT = "open it to read it again from the gateway"

log = logging.getLogger("mm_tui.store")


class DamagedRecords:
    """Reports each damaged record once. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[OneLine, None] = {}
        self._listener: Callable[[OneLine], object] = lambda _: None
        self.in_audit_log = False
        """Whether an entry of the gateway's log was found since they were looked for."""

    def report_to(self, listener: Callable[[OneLine], object]) -> None:
        """Reports what will be found, in words, to this listener, which is called from any thread."""
        self._listener = listener

    def found(self, what: str, cure: str) -> None:
        """Reports a record, named in words, and how it is replaced."""
        words = OneLine(f"{what} is damaged in the store on this machine: {cure}")
        with self._lock:
            if words in self._found:
                return
            self._found[words] = None
            listener, others = self._listener, len(self._found) - 1
        log.warning("%s", words)
        # One message may take the place of the last.
        listener(OneLine(f"{words} (and {others} more)") if others else words)


def fetched(cursor: sqlite3.Cursor, sql: str, values: Sequence[object] = ()) -> list[Any]:
    """The rows of a query. A text that is no UTF-8 makes only its own record unreadable."""
    return tolerating(cursor, lambda: cursor.execute(sql, values).fetchall())


def tolerating(cursor: sqlite3.Cursor, read: Callable[[], T]) -> T:
    """The same for what reads rows one by one with this cursor. It is called again if it meets a damaged text."""
    try:
        return read()
    except sqlite3.OperationalError as error:
        if not is_garbled(error):
            raise
    connection = cursor.connection
    connection.text_factory = _marked
    try:
        return read()
    finally:
        connection.text_factory = str


def _marked(raw: bytes) -> str:
    """The text; damaged bytes become a character that no JSON may contain."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace").replace("\ufffd", "\0")


def field_of(column: str, path: str) -> str:
    """The SQL of a field in a stored text; NULL if the text is damaged, which would otherwise fail the whole query."""
    return f"CASE WHEN json_valid({column}) THEN json_extract({column}, '$.{path}') END"
