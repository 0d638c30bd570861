"""Crash reports, and environments in which the program refuses to start.

A normal traceback would print local variables, including keys and mail, into the terminal's scrollback. Here the
terminal gets one line, and a file that only its owner can read gets the places in the code, without values, exception
messages (which may quote data) or environment.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from mm_tui import __version__
from mm_tui.system.private_files import private
from mm_tui.terminal import hangup
from mm_tui.text import OneLine, system_words

KEPT_REPORTS = 20
"""The number of reports to keep; older ones are removed."""
MAX_CHAIN = 8
MAX_FRAMES = 200


class UnsafeEnvironment(Exception):
    """The program must not run in this environment. The message says why and what to do."""


def refuse_unsafe_environment(environ: Mapping[str, str]) -> None:
    """Raises UnsafeEnvironment if the screen must not be started with these environment variables."""
    if environ.get("TERM", "").lower() in ("dumb", "unknown"):
        raise UnsafeEnvironment(
            f"TERM={OneLine(environ['TERM'])}: this terminal cannot show the app. "
            "Use the plain commands, such as mm-tui pending list, or another terminal."
        )
    refused = {
        "TEXTUAL_PRESS": "it would press keys that nobody pressed",
        "TEXTUAL_DRIVER": "it would replace the part that reads the keyboard and draws the screen",
        "TEXTUAL_LOG": "it would write mail to a log",
        "TEXTUAL_SCREENSHOT": "it would write a screenshot with mail in it and exit",
    }
    for variable, why in refused.items():
        if environ.get(variable):
            raise UnsafeEnvironment(f"{variable} is set: {why}. Unset it and start again.")
    if "devtools" in environ.get("TEXTUAL", "").lower():
        raise UnsafeEnvironment("TEXTUAL names devtools: mail would be sent to another program. Unset it.")


def _chain(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """The exception and its causes, each with the relation."""
    seen: set[int] = set()
    how = "raised"
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(seen) < MAX_CHAIN:
        seen.add(id(current))
        yield how, current
        if current.__cause__ is not None:
            how, current = "caused by", current.__cause__
        elif current.__suppress_context__:
            current = None
        else:
            how, current = "while handling", current.__context__


def _kind(error: BaseException) -> str:
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}" if kind.__module__ != "builtins" else kind.__qualname__
    if isinstance(error, OSError) and error.errno is not None:
        return f"{name}, errno {error.errno}"
    return name


def describe(error: BaseException, now: datetime) -> str:
    """The report on `error`: kinds of exceptions and places in the code, without data."""
    lines = [
        "mm-tui crash report. It contains no mail, no keys and no values: only kinds of errors and places in the code.",
        f"time      {now.astimezone(UTC).isoformat(timespec='seconds')}",
        f"version   mm-tui {__version__}, Python {platform.python_version()}, {platform.system()}",
        f"terminal  {os.environ.get('TERM', '')}",
    ]
    for how, link in _chain(error):
        lines += ["", f"{how} {_kind(link)}"]
        places = traceback.StackSummary.extract(
            traceback.walk_tb(link.__traceback__), limit=MAX_FRAMES, lookup_lines=False, capture_locals=False
        )
        lines += [f"  {place.filename}:{place.lineno} in {place.name}" for place in places]
        if isinstance(link, BaseExceptionGroup):
            lines += [f"  part: {_kind(part)}" for part in link.exceptions[:MAX_CHAIN]]
    return "\n".join(OneLine(line) for line in lines) + "\n"


def write_report(error: BaseException, folder: Path, *, now: datetime | None = None) -> Path:
    """Writes the report on `error` into a new file of mode 0600, in a folder that is made with mode 0700 when it is
    missing. Raises OSError if the file cannot be written."""
    now = now or datetime.now(UTC)
    import secrets

    # One after the other: parents that are made on the way do not get the mode.
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"crash-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}.txt"
    with open(path, "x", encoding="utf-8", opener=private) as file:
        file.write(describe(error, now))
    for old in sorted(folder.glob("crash-*.txt"))[:-KEPT_REPORTS]:
        with contextlib.suppress(OSError):
            old.unlink()
    return path


def report_words(error: BaseException, folder: Path) -> str:
    """Writes the report and says where it is, or why there is none. Never raises."""
    try:
        return f"A report without mail or keys: {write_report(error, folder)}"
    except OSError as failure:
        return f"No report could be written: {system_words(failure)}"


def report(error: BaseException, folder: Path) -> OneLine:
    """Writes a report and returns the line to show instead of a traceback. Never raises."""
    kind = type(error).__qualname__
    return OneLine(f"mm-tui stopped because of an internal error ({kind}). {report_words(error, folder)}")


def install_hooks(folder: Path) -> None:
    """Turns every uncaught exception of this process, its threads and finalisers into a report in this folder."""

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not isinstance(error, KeyboardInterrupt):
            line = report(error, folder)
            with contextlib.suppress(OSError, ValueError):
                print(line, file=sys.__stderr__, flush=True)

    # The program continues and may be drawing: a line on the terminal would spoil the screen.
    def in_thread(args: threading.ExceptHookArgs) -> None:
        is_failure = not hangup.outlives(args) and not isinstance(args.exc_value, SystemExit)
        if is_failure and args.exc_value is not None:
            report_words(args.exc_value, folder)

    def unraisable(args: sys.UnraisableHookArgs) -> None:
        if args.exc_value is not None:
            report_words(args.exc_value, folder)

    sys.excepthook = uncaught
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable
