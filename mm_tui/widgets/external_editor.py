"""The reader's own `$EDITOR` on a text: a private file, run in the foreground, removed afterwards."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from mm_tui.text import ManyLine

Editor = Callable[[ManyLine], ManyLine]
"""Takes a text, gives the edited one; raises EditorError."""


class EditorError(Exception):
    """The editor could not be run or its text not be read; the words say why. The text is as it was."""


def run_editor(text: ManyLine, environ: Mapping[str, str] = os.environ) -> ManyLine:
    """Opens `$VISUAL`, else `$EDITOR`, on the text and waits. Call it while the app is suspended.

    Returns:
        The text as saved, cleaned.

    Raises:
        EditorError: no editor is set, it cannot be started, it failed, or left something that is not text.
    """
    command = environ.get("VISUAL") or environ.get("EDITOR")
    if not command:
        raise EditorError("neither VISUAL nor EDITOR is set")
    with tempfile.TemporaryDirectory(prefix="mm-tui-") as folder:
        path = Path(folder) / "draft.md"
        path.touch(mode=0o600)
        path.write_text(text, "utf-8")
        try:
            done = subprocess.run([*shlex.split(command), str(path)], check=False)  # noqa: S603 - the reader's own choice
        except (OSError, ValueError) as error:
            raise EditorError(f"{command.split()[0]} cannot be started: {error}") from error
        if done.returncode != 0:
            raise EditorError(f"the editor ended with status {done.returncode}; the text is as it was")
        try:
            return ManyLine(path.read_text("utf-8").removesuffix("\n"))
        except (OSError, UnicodeDecodeError) as error:
            raise EditorError(f"the edited text cannot be read: {error}") from error
