"""Attachments: fetching the one that was chosen, names made safe, saving without overwriting or leaving the folder."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from mm_tui.private_files import private
from mm_tui.text import OneLine

MAX_BYTES = 160
"""Length of a file name in bytes, with room for a number."""
_UNSAFE = re.compile(r"[/\\:*?\"<>|\x00-\x1f\x7f]+")
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")


class WrongFile(Exception):
    """The gateway handed out another file of the same name than the one that was chosen. Nothing is to be saved."""


async def chosen(
    files: Sequence[tuple[str, int, str]], index: int, fetch: Callable[[str], Awaitable[bytes]]
) -> tuple[bytes, OneLine]:
    """Fetches the chosen one of an email's files. The gateway knows them by name alone: of several with one name it
    hands out one, and only its size can tell which.

    Args:
        files: (name, size in bytes, content type) of each, as the gateway lists them.
        index: the chosen one.
        fetch: asks the gateway for the file of a name.

    Returns:
        The bytes, and what the reader must know of them; empty when they are surely those of the chosen file.

    Raises:
        WrongFile: they are those of another file of that name.
        IndexError: there is no such file.
    """
    name, wanted, _ = files[index]
    others = [size for at, (other, size, _) in enumerate(files) if other == name and at != index]
    content = await fetch(name)
    if not others:
        return content, OneLine("")
    several = f"{len(others) + 1} files are named {name} and the gateway gives out only one of them"
    if len(content) != wanted:
        raise WrongFile(OneLine(f"{several}, the one of {len(content)} bytes; this one has {wanted}"))
    if wanted in others:
        return content, OneLine(f"{several}: of two with {wanted} bytes it may be the other")
    return content, OneLine("")


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
        name: as the email gave it.
        content: the bytes.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = Path(safe_name(name))
    for number in range(1000):
        path = folder / (wanted.name if number == 0 else f"{wanted.stem} ({number}){wanted.suffix}")
        try:
            with open(path, "xb", opener=private) as file:
                file.write(content)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"{folder} holds a thousand files of that name")
