"""Runs the user's `$EDITOR` on a text, in the foreground."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING

from mm_tui.hangup import interrupts_left_to_others
from mm_tui.services.fault_words import system_words
from mm_tui.text import ManyLine

if TYPE_CHECKING:
    from mm_tui.store.decisions.editor_files import EditorFile

Editor = Callable[["EditorFile"], ManyLine]
"""Lets the user edit a file and returns its text; raises EditorError. The file stays until its text is stored."""


class EditorError(Exception):
    """The editor could not be run, or its text could not be read; the message says why. The text is unchanged.

    Attributes:
        left: the text that the editor left in the file, cleaned, if it differs from the original.
    """

    def __init__(self, words: str, left: ManyLine | None = None) -> None:
        super().__init__(words)
        self.left = left


class EditorReturned(EditorError):
    """The editor saved nothing: it may have passed the file to a window that is still open."""


RETURNED_SECONDS = 3.0
"""Seconds: an editor that exits sooner without saving has probably not waited for its window."""


LONGEST = 3_000_000
"""The most characters that are taken from an editor. More is no email, and would hold up the screen for seconds."""


FALLBACKS = ("editor", "nano", "vi")
"""The editors to look for if none is set, in this order."""


def _found(path: str | None) -> str | None:
    """The first of the usual editors that is installed."""
    return next((shlex.quote(found) for name in FALLBACKS if (found := shutil.which(name, path=path or ""))), None)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def run_editor(file: EditorFile, environ: Mapping[str, str] = os.environ) -> ManyLine:
    """Opens `$VISUAL` or `$EDITOR`, else a usual editor, on the file and waits. Returns the text as saved, cleaned.
    Call it while the app is suspended.

    Raises EditorReturned if it exited with the file unchanged or empty: the file must stay. Raises EditorError if none
    is set or installed, or it cannot be started, failed, or left something that is not text.
    """
    wanted = environ.get("VISUAL", "").strip() or environ.get("EDITOR", "").strip()
    command = wanted or _found(environ.get("PATH"))
    if not command:
        raise EditorError("no editor was found: set VISUAL or EDITOR")
    try:
        given = file.read_bytes()
        began = monotonic()
        with (
            interrupts_left_to_others(),
            subprocess.Popen([*shlex.split(command), str(file.path)]) as running,  # noqa: S603 - the reader's choice
        ):
            file.started(running.pid)
            status = running.wait()
    except (OSError, ValueError) as error:
        name = command.split()[0]
        if isinstance(error, FileNotFoundError) and error.filename != str(file.path):
            raise EditorError(f"{name} is not installed: set VISUAL or EDITOR to another editor") from error
        raise EditorError(f"{name} cannot be started: {system_words(error)}") from error
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise EditorError(f"the edited text cannot be read: {system_words(error)}") from error
    left = ManyLine(raw.decode("utf-8", errors="replace").removesuffix("\n"))
    if status != 0:
        ended = f"exited with status {status}" if status > 0 else f"was ended by {_signal_name(-status)}"
        raise EditorError(f"the editor {ended}; your text is unchanged", left if raw != given else None)
    if not left.strip() and given.strip():
        # Also what a full disk leaves, or a window that is still writing. Whoever wants no text can delete it here.
        raise EditorReturned("the editor left an empty file; your text is unchanged")
    if len(left) > LONGEST:
        raise EditorError(
            f"the editor left {len(raw) // 1_000_000} MB, too much for an email; yours is unchanged", left
        )
    if raw == given:
        at_once = monotonic() - began < RETURNED_SECONDS
        better = "Better: an EDITOR that waits (code --wait). " if at_once else ""
        raise EditorReturned(
            f"{shlex.split(command)[0]} {'exited at once and ' if at_once else ''}saved nothing. "
            f"If its window is still open, save there: the text is loaded. {better}File: {file.path}"
        )
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EditorError("the editor saved something that is not UTF-8 text", left) from error
    return left
