"""Attachments: fetches the chosen one, makes names safe, and saves without overwriting or leaving the folder."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from mm_tui.system.private_files import private
from mm_tui.text import OneLine

MAX_BYTES = 160
"""The longest file name in bytes, leaving room for a number."""
_UNSAFE = re.compile(r"[/\\:*?\"<>|\x00-\x1f\x7f]+")
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")


class WrongFile(Exception):
    """The gateway returned a different file of the same name. Nothing may be saved."""


async def chosen(
    files: Sequence[tuple[str, int, str]], index: int, fetch: Callable[[str], Awaitable[bytes]]
) -> tuple[bytes, OneLine]:
    """Fetches the chosen file of an email. The gateway identifies files only by name: if several share a name, it
    returns one of them, and only the size can tell which.

    Args:
        files: (name, size in bytes, content type) of each, as listed by the gateway.
        fetch: fetches a file by name.

    Returns:
        The bytes, and a warning for the reader; empty if they are certainly those of the chosen file.

    Raises:
        WrongFile: they belong to another file of that name.
        IndexError: there is no such file.
    """
    name, wanted, _ = files[index]
    others = [size for at, (other, size, _) in enumerate(files) if other == name and at != index]
    content = await fetch(name)
    if not others:
        return content, OneLine("")
    several = f"{len(others) + 1} files are named {name} and the gateway returns only one of them"
    if len(content) != wanted:
        raise WrongFile(OneLine(f"{several}, the one of {len(content)} bytes; this one has {wanted}"))
    if wanted in others:
        return content, OneLine(f"{several}: two have {wanted} bytes, so this may be the other one")
    return content, OneLine("")


def safe_name(name: str) -> str:
    """A file name that stays in its folder, is not hidden, and has no invisible characters. Never empty."""
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
    """Writes a new file, readable only by its owner and never executable. A missing folder is created; if the name is
    taken, a number is added. Raises OSError if it cannot be written; then there is no file."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = Path(safe_name(name))
    for number in range(1000):
        path = folder / (wanted.name if number == 0 else f"{wanted.stem} ({number}){wanted.suffix}")
        try:
            file = open(path, "xb", opener=private)  # noqa: SIM115 - closed below
        except FileExistsError:
            continue
        try:
            with file:
                file.write(content)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path
    raise FileExistsError(f"{folder} has a thousand files of that name")
