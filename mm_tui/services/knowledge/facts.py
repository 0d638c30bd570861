"""House facts: what the company says about itself, from text files named in the settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mm_tui.settings.paths import config_path
from mm_tui.settings.sections import Settings
from mm_tui.text import ManyLine, OneLine, system_words

LARGEST_FILE = 64 * 1024
"""The largest file in bytes; a larger one is skipped with a message."""
LARGEST_IN_ALL = 96 * 1024
"""The most bytes of all files for one mailbox."""


class FactFile(NamedTuple):
    """One file of house facts."""

    name: OneLine
    """Its file name, used for citing it."""
    text: ManyLine


class Facts(NamedTuple):
    """The house facts for one mailbox."""

    files: tuple[FactFile, ...] = ()
    problems: tuple[OneLine, ...] = ()
    """One sentence for each file that was not read, with the reason."""


class HouseFacts:
    """Reads the files on demand, and again after they change."""

    def __init__(self, settings: Settings) -> None:
        self._assist = settings.assist
        chosen = settings.profile.facts
        self._named = settings.assist.facts if chosen is None else chosen
        self._read: dict[tuple[str, ...], tuple[object, Facts]] = {}

    @property
    def named(self) -> bool:
        """Whether the settings name any files."""
        return bool(self._named or self._assist.mailbox_facts)

    def of(self, address: str) -> Facts:
        by_address = {name.lower(): files for name, files in self._assist.mailbox_facts.items()}
        named = tuple(by_address.get(address.lower(), self._named))
        if not named:
            return Facts()
        paths = [_path(name) for name in named]
        state = tuple(map(_state, paths))
        kept = self._read.get(named)
        if kept is None or kept[0] != state:
            kept = state, _read(paths)
            self._read[named] = kept
        return kept[1]


def _path(name: str) -> Path:
    return config_path().parent / Path(name).expanduser()


def _state(path: Path) -> object:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(paths: Sequence[Path]) -> Facts:
    files: list[FactFile] = []
    problems: list[OneLine] = []
    left = LARGEST_IN_ALL
    for path in paths:
        held = _content(path)
        if isinstance(held, bytes) and len(held) > left:
            held = f"was not read: together they would exceed {LARGEST_IN_ALL // 1024} KiB"
        if isinstance(held, bytes):
            left -= len(held)
            files.append(FactFile(OneLine(path.name), ManyLine(held.decode())))
        else:
            problems.append(OneLine(f"house facts: {OneLine(path.name)} {held}"))
    return Facts(tuple(files), tuple(problems))


def _content(path: Path) -> bytes | str:
    """The UTF-8 text of a file, or why it is not read."""
    try:
        if not path.is_file():
            return "cannot be read: there is no such file"
        with path.open("rb") as file:
            held = file.read(LARGEST_FILE + 1)
        if len(held) > LARGEST_FILE:
            return f"is larger than {LARGEST_FILE // 1024} KiB and was not read"
        held.decode()
    except UnicodeDecodeError:
        return "is not UTF-8 text and was not read"
    except (OSError, ValueError) as error:
        return f"cannot be read: {system_words(error)}"
    return held
