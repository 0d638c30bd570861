"""Writes `config.toml`, keeping comments and order: completely or not at all, readable only by its owner."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from mm_tui.settings import file as config_file
from mm_tui.settings.sections import FORMAT, ConfigError
from mm_tui.system.private_files import replace_private
from mm_tui.text import system_words

_HEADER = "Settings of mm-tui: see `mm-tui docs configuration`. It may contain keys: keep it private."

_CURE = "Check space and permissions, or name another file with --config."


def has_profile(path: Path, name: str) -> bool:
    """Whether the file has a profile of this name. Raises ConfigError if the file cannot be read or parsed."""
    return name in config_file.parse(config_file.read(path, must_exist=False), path).get("profiles", {})


def check_writable(path: Path) -> None:
    """Checks, before any question is asked, that the file can be written. Raises ConfigError if it could not."""
    folder = path.resolve().parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(str(path), f"cannot be written: {folder} does not allow it", _CURE)


def write_profile(path: Path, name: str, fields: Mapping[str, str | bool], *, default: bool) -> None:
    """Writes a profile to the file, replacing one of the same name completely; everything else stays. A missing folder
    is created (mode 0700). `default` makes it the default profile. Raises ConfigError if the file cannot be read or
    written, and is unchanged."""
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
    """Replaces the file atomically: a reader sees the old or the new one."""
    target = path.resolve()
    try:
        if not target.parent.exists():
            target.parent.mkdir(mode=0o700, parents=True)
        replace_private(target, text)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written: {system_words(error)}", _CURE) from None
