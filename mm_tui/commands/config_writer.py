"""Writing `config.toml`: comments and order kept, whole or not at all, readable by its owner only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from mm_tui.private_files import replace_private
from mm_tui.settings import file as config_file
from mm_tui.settings.sections import FORMAT, ConfigError

_HEADER = "Settings of mm-tui: see docs/configuration.md. It may contain keys: keep it private."

_CURE = "Check space and permissions, or name another file with --config."


def has_profile(path: Path, name: str) -> bool:
    """Whether the file has a profile of this name.

    Raises:
        ConfigError: the file cannot be read or understood.
    """
    return name in config_file.parse(config_file.read(path, must_exist=False), path).get("profiles", {})


def check_writable(path: Path) -> None:
    """Finds out, before anything is asked, whether the file could be written.

    Raises:
        ConfigError: it could not.
    """
    folder = path.resolve().parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(str(path), f"cannot be written: {folder} does not allow it", _CURE)


def write_profile(path: Path, name: str, fields: Mapping[str, str | bool], *, default: bool) -> None:
    """Writes a profile into the file, in place of one of the same name; everything else in it stays.

    Args:
        path: the file; its folder is made (mode 0700) when missing.
        name: the profile's name.
        fields: its settings; nothing else of an older profile of that name is kept.
        default: make it the profile that is used when none is named.

    Raises:
        ConfigError: the file cannot be read or written. Then it is as it was.
    """
    text = config_file.read(path, must_exist=False)
    config_file.parse(text, path)
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError(str(path), f"is not TOML: {error}", "Fix that line.") from None
    if not text:
        document.add(tomlkit.comment(_HEADER))
        document.add("version", tomlkit.item(FORMAT))
    if default or "default_profile" not in document:
        document["default_profile"] = name
    profiles = document.setdefault("profiles", tomlkit.table(is_super_table=True))
    table = tomlkit.table()
    for field, value in fields.items():
        table.add(field, value)
    profiles[name] = table
    _replace(path, tomlkit.dumps(document))


def _replace(path: Path, text: str) -> None:
    """Puts the text in the file's place in one step: a reader sees the old file or the new one."""
    target = path.resolve()
    try:
        if not target.parent.exists():
            target.parent.mkdir(mode=0o700, parents=True)
        replace_private(target, text)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written: {error.strerror}", _CURE) from None
