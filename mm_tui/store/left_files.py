"""Deletes hidden files that programs which were killed have left beside a store, and names that no start looks for."""

from __future__ import annotations

import glob
import os
import re
import stat
import time
from contextlib import suppress
from pathlib import Path

from mm_tui.store.decisions.locks import Process, token_of

LEFT_SECONDS = 24 * 3600
"""Seconds since a file was last written. The program that writes it may be on another machine."""
_BUILT = re.compile(r"(?P<pid>\d+)(?:\.[^.]*\.(?P<aside>.+))?\.new(?:\.reading|(?P<old>\.old))?(?P<ending>-\w+)?")
"""What followed a store's name in those of the files that a rebuild made in earlier versions: the program that made it,
and the name to set the old store aside by. Today's names and their end are in `recovery`."""
_WRITTEN = re.compile(r"head\.(?P<pid>\d+)-\d+")
"""What follows it in the name of a file that was to take the place of the one about the journal's last entry."""


def clear_left(path: Path | None, now: float | None = None) -> None:
    """Deletes what programs have left that were killed, and files that they were about to set aside get their name.
    Leaves a file whose program may still be running, or that was written within a day. `now`: seconds since 1970."""
    if path is None:
        return
    ended = (time.time() if now is None else now) - LEFT_SECONDS
    for one in path.parent.glob(f".{glob.escape(path.name)}.*"):
        name = one.name.removeprefix(f".{path.name}.")
        found = _BUILT.fullmatch(name) or _WRITTEN.fullmatch(name)
        with suppress(OSError):
            if found is None or not _is_left(one, int(found["pid"]), ended):
                continue
            parts = found.groupdict()
            if not parts.get("old"):
                one.unlink(missing_ok=True)
            elif re.fullmatch(rf"{re.escape(path.stem)}\.damaged-[\d-]+{re.escape(path.suffix)}", parts["aside"] or ""):
                # The old store, which may be the only one with its texts.
                one.rename(_free(path.with_name(f"{parts['aside']}{parts['ending'] or ''}")))


def _is_left(path: Path, pid: int, ended: float) -> bool:
    about = path.lstat()
    is_ours = stat.S_ISREG(about.st_mode) and about.st_uid == os.getuid()
    return is_ours and about.st_mtime < ended and not Process(pid, token_of(pid)).is_alive()


def _free(path: Path) -> Path:
    """The path; raises FileExistsError if something is there."""
    if os.path.lexists(path):
        raise FileExistsError(path)
    return path
