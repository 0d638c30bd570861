"""All output of the commands. Only clean text is printed, enforced by types and a run-time check."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.system.environment import escape_others_in
from mm_tui.text import CleanText, ManyLine, OneLine, system_words

VERDICT_INDENT = 8
"""Cells for ok, warning or problem before a verdict."""
_COLOURS = {"ok": "32", "warning": "33", "problem": "31"}


def prepare() -> None:
    """Makes the standard streams accept any text, whatever the locale."""
    for stream in (sys.stdout, sys.stderr):
        escape_others_in(stream)


def line(text: CleanText) -> None:
    """Prints a text and a line break to stdout."""
    _write(sys.stdout, text)


def finish() -> None:
    """Writes out what is still buffered. Raises CommandError if it cannot, BrokenPipeError if the reader has gone."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritable(error) from None


def _unwritable(error: OSError) -> CommandError:
    # The interpreter flushes once more at exit; it must find a stream that takes it.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    what = f"the output cannot be written: {system_words(error)}"
    return CommandError(Exit.OUTPUT, what, "Check the space and the place where the output goes.")


def line_at_once(text: CleanText) -> None:
    """The same, flushed at once for readers of a running program."""
    line(text)
    finish()


def error(what: str, cure: str = "") -> None:
    """Prints what went wrong and what to do on standard error, one line each."""
    _write(sys.stderr, OneLine(f"mm-tui: {what}"))
    if cure:
        _write(sys.stderr, OneLine(f"        {cure}"))


def note(text: CleanText) -> None:
    """Prints a remark on standard error."""
    _write(sys.stderr, text)


def warning(words: str) -> None:
    """Prints a warning on standard error."""
    note(OneLine(f"mm-tui: warning: {words}"))


def wrapped_note(text: str) -> None:
    """Prints a remark on standard error; on a terminal its lines break between words."""
    for part in _wrapped(OneLine(text), _columns(sys.stderr)):
        note(part)


def _wrapped(text: OneLine, width: int) -> list[OneLine]:
    import textwrap

    return [OneLine(part) for part in textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)]


def _columns(stream: TextIO) -> int:
    """The width to wrap at: the terminal's, and no limit elsewhere."""
    import shutil

    return max(20, shutil.get_terminal_size().columns) if stream.isatty() else sys.maxsize


def table(rows: Sequence[Sequence[str]]) -> None:
    """Prints rows in columns, two spaces apart; the last column is not padded or cut."""
    cells = [[OneLine(cell) for cell in row] for row in rows]
    widths = [max(map(cell_width, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = [cell + " " * (width - cell_width(cell)) for cell, width in zip(row, widths, strict=True)]
        line(OneLine("  ".join(padded).rstrip()))


def data(value: object) -> None:
    """Prints a value as JSON with clean texts: mappings, sequences, texts, numbers, booleans and None."""
    encodable = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    _write(sys.stdout, ManyLine(json.dumps(_clean(value), ensure_ascii=not encodable, indent=2)))


def result(fields: Mapping[str, object], words: CleanText, *, as_json: bool) -> None:
    """Prints what a command did: its fields as JSON, or one line of text."""
    if as_json:
        data(fields)
    else:
        line(words)


def coloured(word: str) -> str:
    """The word padded to 7 cells, coloured on a terminal unless plain text is requested."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    padded = f"{word:<7}"
    return padded if plain or word not in _COLOURS else f"\x1b[{_COLOURS[word]}m{padded}\x1b[0m"


def verdict(word: str, text: OneLine) -> None:
    """Prints a line that begins with ok, warning or problem; on a terminal it breaks between words. The colour only
    repeats the word."""
    before = coloured(word) + " "
    for part in _wrapped(text, _columns(sys.stdout) - VERDICT_INDENT):
        _write(sys.stdout, part, before=before)
        before = " " * VERDICT_INDENT


def cell_width(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _clean(value: object) -> object:
    if isinstance(value, str):
        return str(ManyLine(value))
    if isinstance(value, Mapping):
        return {str(OneLine(str(key))): _clean(inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_clean(inner) for inner in value]
    return value


def _checked(text: CleanText) -> str:
    if not isinstance(text, CleanText):
        raise TypeError("only clean text is printed")
    return str(text)


def _write(stream: TextIO, text: CleanText, before: str = "") -> None:
    try:
        stream.write(before + _checked(text) + "\n")
    except BrokenPipeError:
        raise
    except OSError as error:
        # Standard error is gone, so nothing can be reported.
        if stream is sys.stdout:
            raise _unwritable(error) from None
