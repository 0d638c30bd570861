"""The log file: one JSON object per line, rotated, mode 0600, without bodies, addresses or keys. A record has an event
name and those of its fields that are in `FIELDS`."""

from __future__ import annotations

import json
import logging
import logging.handlers
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from mm_tui.settings import paths
from mm_tui.system.private_files import private
from mm_tui.text import OneLine, system_words

FIELDS = ("call", "status", "ms", "fault", "asked", "size", "tries", "count", "phase", "email_id", "model")
"""The allowed `extra` fields of a record. All others are left out."""
MAX_BYTES = 1_000_000
"""The size in bytes at which the file is rotated."""
KEPT_FILES = 3
"""Older files kept."""

_KEY = re.compile(r"(?:mm_(?:live|test)_|Bearer\s+|whsec_)[^\s\"',;]+", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@<>\"'()]+@[^\s@<>\"'()]+")


def masked(text: str) -> OneLine:
    """The text cleaned, without keys and email addresses."""
    return OneLine(_ADDRESS.sub("[address]", _KEY.sub("[key]", text)))


class JsonLines(logging.Formatter):
    """A record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "event": masked(record.getMessage())[:500],
        }
        for field in FIELDS:
            value = record.__dict__.get(field)
            if value is not None:
                entry[field] = masked(value) if isinstance(value, str) else value
        if record.exc_info and record.exc_info[0] is not None:
            # The exception's message may quote mail.
            entry["error"] = record.exc_info[0].__qualname__
        return json.dumps(entry, ensure_ascii=True, default=lambda value: type(value).__name__)


class PrivateRotatingFile(logging.handlers.RotatingFileHandler):
    """A rotating file that only its owner can read."""

    def _open(self):  # type: ignore[no-untyped-def]  # the base class names its stream type privately
        return open(self.baseFilename, "a", encoding="utf-8", opener=private)

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk only loses log lines."""


def log_path() -> Path:
    return paths.data_dir() / "logs" / "mm-tui.log"


def set_up(*, debug: bool = False, on_stderr: bool = False) -> None:
    """Sends the program's log to the file; if it cannot be written, nothing is logged, and one line says so. `debug`
    also logs each request, with everything private masked. `on_stderr` writes it to standard error too; not while a
    screen is drawn."""
    root = logging.getLogger("mm_tui")
    root.propagate = False
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    path = log_path()
    try:
        # One after the other: parents that are made on the way do not get the mode.
        paths.data_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        handler: logging.Handler = PrivateRotatingFile(path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES)
    except OSError as error:
        handler = logging.NullHandler()
        sys.stderr.write(f"mm-tui: no log is written: {OneLine(str(path))}: {system_words(error)}\n")
    shown = [logging.StreamHandler(sys.stderr)] if on_stderr else []
    for one in (handler, *shown):
        one.setFormatter(JsonLines())
        root.addHandler(one)
