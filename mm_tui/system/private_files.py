"""Files that only their owner can read, written completely or not at all, never through a link."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def private(path: str, flags: int) -> int:
    """An opener for `open`: new files have mode 0600, and a link in the file's place is refused. Raises OSError if the
    file cannot be opened, or is a link."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def replace_private(path: Path, text: str, *, durable: bool = True, errors: str = "strict") -> None:
    """Replaces a file in one step: a reader sees either the old or the new content. A link there is replaced, not
    followed. `durable`: make sure that it is on the disk when this returns. `errors`: how to handle characters that
    UTF-8 cannot encode, as for `open`. Raises OSError if it cannot be written; the old file is then unchanged."""
    # Two programs or threads may write it at the same moment.
    fresh = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    with suppress(FileNotFoundError):
        fresh.unlink()
    try:
        with open(fresh, "x", encoding="utf-8", errors=errors, opener=private) as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise
