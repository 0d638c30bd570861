"""Exports lines of the two logs to a file: completely or not at all, readable only by its owner, never overwriting."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING

from mm_tui.system.private_files import private
from mm_tui.text import OneLine, system_words

if TYPE_CHECKING:
    from mm_tui.services.audit.line import AuditLine, AuditLines
    from mm_tui.store.audit.timeline import LineFilter

FIELDS = ("at", "source", "action", "who", "about", "details", "id", "hash")
"""The fields of a line, in the order of the CSV's columns. `hash` is that of the journal's chain."""
_FORMULA = re.compile(r"((?:^|;)\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a spreadsheet could take a cell for a formula. Some use semicolons to separate cells, or full-width signs."""
AT_ONCE = 500
"""Lines between two progress reports."""


class ExportError(Exception):
    """Nothing was written, or nothing can be under that name; the message says why."""


class NotWritten(ExportError):
    """The file could not be written."""


def target_of(typed: str, folder: Path) -> Path:
    """The file that was asked for. `~` is the home folder, a relative path starts at `folder`. Raises ExportError if it
    names an existing file, or one that cannot be created."""
    words = typed.strip()
    if not words or "\0" in words:
        raise ExportError("give the name of a file")
    path = folder / Path(words).expanduser()
    if path.suffix not in (".jsonl", ".csv"):
        raise ExportError("the name must end in .jsonl or .csv, which sets the format")
    if not path.parent.is_dir():
        raise ExportError(f"there is no folder {path.parent}")
    if os.path.lexists(path):
        raise ExportError(f"{path} already exists and is not overwritten")
    return path


def export(
    lines: AuditLines,
    wanted: LineFilter,
    path: Path,
    *,
    progress: Callable[[int, int], object] = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> int | None:
    """Writes the chosen lines, oldest first, to a path from `target_of`; returns how many, or None if it was stopped.
    It takes a second for some ten thousand lines: call it in a thread. `progress` is called with (lines written, lines
    in total), `stop` between pages: True leaves no file behind. Raises NotWritten if the file could not be written;
    there is none."""
    lines.learn()
    keys = [key for chunk in lines.keys(wanted, stop=stop) for key in chunk][::-1]
    try:
        descriptor, name = mkstemp(prefix=".mm-tui-export-", dir=path.parent)  # 0600
    except OSError as error:
        raise NotWritten(f"{path.parent} cannot be written to: {system_words(error)}") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            write = _csv_rows if path.suffix == ".csv" else _json_rows
            if path.suffix == ".csv":
                stream.write(_csv_line(FIELDS))
            for start in range(0, len(keys), AT_ONCE):
                if stop():
                    return None
                stream.write(write(lines.lines(keys[start : start + AT_ONCE])))
                progress(min(len(keys), start + AT_ONCE), len(keys))
            stream.flush()
            os.fsync(stream.fileno())
        if stop():
            return None
        _name_it(Path(name), path)
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {system_words(error)}") from error
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()
    return len(keys)


def _name_it(written: Path, path: Path) -> None:
    """Renames the complete file atomically. Raises FileExistsError if the name was taken in the meantime."""
    try:
        os.link(written, path)
    except FileExistsError:
        raise
    except OSError:
        # On a file system without links, the name is reserved first and then replaced by the complete file.
        open(path, "xb", opener=private).close()
        written.replace(path)


def record(shown: AuditLine) -> dict[str, object]:
    line = shown.line
    return {
        "at": line.at.isoformat(timespec="milliseconds") if line.at is not None else "",
        "source": str(line.source),
        "action": line.action,
        "who": shown.who if shown.made_here else line.actor,
        "about": line.about,
        "details": dict(line.details),
        "id": line.entry_id,
        "hash": line.hash,
    }


def _json_rows(shown: Sequence[AuditLine]) -> str:
    return "".join(json.dumps(record(one), ensure_ascii=False) + "\n" for one in shown)


def _csv_rows(shown: Sequence[AuditLine]) -> str:
    return "".join(_csv_line([_cell(value) for value in record(one).values()]) for one in shown)


def _csv_line(cells: Sequence[str]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


def _cell(value: object) -> str:
    """A value for a spreadsheet: one clean line that is never taken for a formula."""
    text = OneLine(
        " ".join(f"{key}={inner}" for key, inner in value.items()) if isinstance(value, dict) else str(value)
    )
    return _FORMULA.sub(r"\1'", text)
