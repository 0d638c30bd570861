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
    """The editor could not be run or its text not be read; the words say why. The text is as it was.

    Attributes:
        left: what the editor left in the file, cleaned, where that is another text than it was given.
    """

    def __init__(self, words: str, left: ManyLine | None = None) -> None:
        super().__init__(words)
        self.left = left


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
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise EditorError(f"the edited text cannot be read: {error}") from error
        left = ManyLine(raw.decode("utf-8", errors="replace").removesuffix("\n"))
        if done.returncode != 0:
            words = f"the editor ended with status {done.returncode}; the text is as it was"
            raise EditorError(words, left if left != text else None)
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise EditorError("the editor left something that is not UTF-8 text", left) from error
        return left
