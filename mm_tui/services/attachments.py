"""Attachments on this machine: names made safe, and saving without overwriting or leaving the folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mm_tui.text import OneLine

MAX_BYTES = 160
"""Length of a file name in bytes, with room for a number."""
_UNSAFE = re.compile(r"[/\\:*?\"<>|\x00-\x1f\x7f]+")
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")


def safe_name(name: str) -> str:
    """A file name that stays in its folder, is not hidden, and holds nothing invisible. Never empty."""
    clean = _UNSAFE.sub("_", OneLine(name)).strip(" .")
    if _DEVICES.fullmatch(clean):
        clean = f"_{clean}"
    stem, dot, end = clean.rpartition(".")
    if not dot or len(end.encode()) > 16:
        stem, end = clean, ""
    room = MAX_BYTES - len(end.encode()) - 1
    stem = stem.encode()[:room].decode("utf-8", "ignore").strip(" .")
    return f"{stem or 'attachment'}{'.' + end if end else ''}"


def save(folder: Path, name: str, content: bytes) -> Path:
    """Writes a new file, readable by its owner alone and never executable; a taken name gets a number.

    Args:
        folder: where; made when it is missing.
        name: as the mail gave it.
        content: the bytes.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = Path(safe_name(name))
    for number in range(1000):
        path = folder / (wanted.name if number == 0 else f"{wanted.stem} ({number}){wanted.suffix}")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        return path
    raise FileExistsError(f"{folder} holds a thousand files of that name")
